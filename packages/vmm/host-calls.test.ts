/** What the engine calls back for, called as the engine does. */

import { defined } from '@virga/base'
import { describe, expect, it } from 'vitest'
import { hostCalls } from './host-calls.ts'
import { runState } from './machine-block.ts'
import { memoryMap } from './platform/memory-map.ts'
import { TestClock, testMachine } from './testing.ts'

const ram = memoryMap.ram.base
const mib = 2 ** 20

function make(changes = {}) {
  const clock = new TestClock()
  const owner = testMachine({ now: clock.now, ...changes })
  const hart = defined(owner.machine.hart(0), 'hart')
  return { owner, machine: owner.machine, clock, hart, host: hostCalls(owner.machine) }
}

describe('a SLAT fault', () => {
  it.each([
    ['below memory', ram - 1],
    ['at its end', ram + 8 * mib],
    ['at 0', 0],
    ['far above', 2 ** 49],
    ['where Sv48x4 ends', 2 ** 50],
  ])('is no memory %s', (_what, gpa) => {
    const { host, hart, machine } = make()
    expect(host.slatFault(hart.address, gpa, 1)).toBe(1)
    expect(machine.outcome()).toBeNull()
  })

  it('maps the page that was touched', () => {
    const { host, hart, machine } = make()
    const gpa = ram + 8 * mib - 1 - 64 * 4096
    expect(machine.slat.lookup(gpa)).toBe(0)
    expect(host.slatFault(hart.address, gpa, 0)).toBe(0)
    expect(machine.slat.lookup(gpa)).not.toBe(0)
  })

  it('ends the machine in one clear line when host memory is used up', () => {
    const { host, hart, machine } = make({ poolBytes: 2 * mib })
    let page = 0
    while (host.slatFault(hart.address, ram + page * 4096, 1) === 0) page += 1
    expect(page).toBeGreaterThan(400)
    expect(machine.outcome()).toEqual({
      kind: 'failed',
      message:
        'the machine stopped: its host memory is used up; start it with a smaller --memory or more host memory',
    })
    expect(machine.runState).toBe(runState.stopped)
    expect(hart.read32('attention')).toBe(1)
  })
})

describe('a device access', () => {
  const uart = memoryMap.uart.base

  it.each([
    ['a hole', 0x2000_0000, 2],
    ['the end of a window', uart + memoryMap.uart.bytes, 0],
    ['misaligned', memoryMap.plic.base + 1, 2],
    ['a huge address', 2 ** 52, 3],
  ])('faults at %s', (_what, gpa, log2) => {
    const { host, hart } = make()
    expect(host.mmio(hart.address, gpa, log2, 0)).toBe(1)
    expect(host.mmio(hart.address, gpa, log2, 1)).toBe(1)
  })

  it('carries data through the hart block', () => {
    const { host, hart, machine } = make()
    hart.write64('mmioValue', 0xffff_ff00_1234_5641n)
    expect(host.mmio(hart.address, uart, 0, 1)).toBe(0)
    expect(new TextDecoder().decode(machine.platform.console.output())).toBe('A')
    expect(host.mmio(hart.address, uart + 5, 0, 0)).toBe(0)
    expect(hart.read64('mmioValue') & 0x60n).toBe(0x60n)
    expect(hart.read64('mmioValue') >> 8n).toBe(0n)
  })

  it.each([
    ['a power off', 0x5555n, { kind: 'power-off', status: 0 }],
    ['a failure', 0x0007_3333n, { kind: 'power-off', status: 7 }],
    ['a failure without a code', 0x3333n, { kind: 'power-off', status: 1 }],
    ['a failure whose code is no exit status', 0xff00_3333n, { kind: 'power-off', status: 1 }],
    ['a reset', 0x7777n, { kind: 'reboot' }],
  ])('to the finisher ends the machine: %s', (_what, value, outcome) => {
    const { host, hart, machine } = make()
    hart.write64('mmioValue', value)
    expect(host.mmio(hart.address, memoryMap.finisher.base, 2, 1)).toBe(0)
    expect(machine.outcome()).toEqual(outcome)
  })
})

describe('the clock', () => {
  it('ticks at 10 MHz from the start, in whole ticks', () => {
    const { host, clock, owner } = make()
    owner.resume()
    clock.ms = 1.23456
    expect(host.clock()).toBe(12345)
  })

  it('ends the slice of a hart whose timer falls due, once', () => {
    const { host, clock, owner, hart, machine } = make()
    owner.resume()
    hart.write32('attention', 0)
    machine.alarm = { hart, due: 50_000 }
    clock.ms = 4.9999
    host.clock()
    expect(hart.read32('attention')).toBe(0)
    clock.ms = 5
    host.clock()
    expect(hart.read32('attention')).toBe(1)
    hart.write32('attention', 0)
    host.clock()
    expect(hart.read32('attention')).toBe(0)
  })

  it('stands while the machine is paused', () => {
    const { host, clock, owner } = make()
    clock.ms = 1000
    owner.resume()
    expect(host.clock()).toBe(0)
  })
})
