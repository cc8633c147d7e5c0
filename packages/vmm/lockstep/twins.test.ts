/** Twins: equal at the start, equal after the VMM writes, and only one of them hears of interrupts. */

import { defined } from '@virga/base'
import { describe, expect, it } from 'vitest'
import { interrupt } from '../hart-block.ts'
import { attachMachine } from '../machine.ts'
import { messageOf, testConfig } from '../testing.ts'
import { MemoryTwins } from './memory-twins.ts'
import { createTwins } from './twins.ts'

const context = { now: () => 0, wallClock: () => 0 }
const ram = 0x8000_0000

function make() {
  let next = 0
  const random = (count: number) => Uint8Array.from({ length: count }, () => (next += 7))
  const made = createTwins(testConfig({ random }))
  if (!made.ok) throw new Error(messageOf(made))
  const { machine } = made.value.owner
  const twin = attachMachine(made.value.twin, context)
  return { machine, twin, memory: new MemoryTwins(machine, twin) }
}

describe('twins', () => {
  it('begin with the same memory, seeds included', () => {
    const { machine, twin, memory } = make()
    expect(memory.findAnywhere()).toBeUndefined()
    const trees = [machine, twin].map((each) => {
      const bytes = new Uint8Array(4096)
      each.memory.read(ram + each.memory.ramBytes - bytes.length, bytes)
      return bytes
    })
    expect(trees[0]?.some((byte) => byte !== 0)).toBe(true)
    expect(trees[0]).toEqual(trees[1])
  })

  it('differ where one was written to, and not where both were', () => {
    const { machine, twin, memory } = make()
    twin.memory.write(ram + 0x5008, Uint8Array.of(7))
    expect(memory.findAnywhere()).toEqual({ gpa: ram + 0x5008, first: 0n, second: 7n })
    machine.memory.write(ram + 0x5008, Uint8Array.of(7))
    expect(memory.findAnywhere()).toBeUndefined()
    machine.memory.mirror = twin.memory
    machine.memory.write(ram + 0x6fff, Uint8Array.of(1, 2))
    expect(memory.findAnywhere()).toBeUndefined()
  })

  it('show interrupt lines to guest code when they are published', () => {
    const { machine } = make()
    const hart = defined(machine.hart(0), 'hart')
    hart.write64('mie', BigInt(interrupt.seip))
    hart.setLines(interrupt.seip, true)
    expect(hart.read32('lines')).toBe(0)
    expect(hart.interruptPending(0)).toBe(true)
    expect(hart.publishLines()).toBe(interrupt.seip)
    expect(hart.read32('lines')).toBe(interrupt.seip)
  })

  it('are of one hart', () => {
    expect(() => createTwins(testConfig({ cpus: 2, pcpus: 1 }))).toThrow('lockstep runs one hart')
  })
})
