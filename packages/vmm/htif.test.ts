/** HTIF commands, written to memory as a guest writes them. */

import { describe, expect, it } from 'vitest'
import { buildElf } from './boot/elf-fixture.ts'
import { pollHtif } from './htif.ts'
import { flatKernel, testMachine } from './testing.ts'

const ram = 0x8000_0000
const [tohost, fromhost] = [ram + 0x1000, ram + 0x1040]

function make() {
  const program = buildElf({
    segments: [{ physical: ram, bytes: flatKernel() }],
    symbols: { tohost, fromhost },
  })
  const { machine } = testMachine({ boot: { kind: 'bare', program } })
  const word = (gpa: number) => {
    const bytes = new Uint8Array(8)
    machine.memory.read(gpa, bytes)
    return new DataView(bytes.buffer).getBigUint64(0, true)
  }
  const put = (gpa: number, ...values: bigint[]) => {
    machine.memory.write(gpa, new Uint8Array(BigUint64Array.from(values).buffer))
  }
  const command = (value: bigint) => {
    put(tohost, value)
    pollHtif(machine)
    expect(word(tohost)).toBe(0n)
  }
  const output = () => new TextDecoder().decode(machine.platform.console.output())
  return { machine, word, put, command, output }
}

describe('HTIF', () => {
  it('is silent while nothing is written', () => {
    const { machine, word } = make()
    pollHtif(machine)
    expect(machine.outcome()).toBeNull()
    expect(word(fromhost)).toBe(0n)
  })

  it.each([
    ['a pass', 1n, 0],
    ['test 5 failed', (5n << 1n) | 1n, 5],
    ['test 127 failed', (127n << 1n) | 1n, 127],
    ['a number beyond exit statuses', (1337n << 1n) | 1n, 255],
  ])('ends the machine: %s', (_what, value, status) => {
    const { machine, command } = make()
    command(value)
    expect(machine.outcome()).toEqual({ kind: 'power-off', status })
  })

  it('puts characters', () => {
    const { command, output, word, machine } = make()
    for (const character of 'ok\n') command((1n << 56n) | (1n << 48n) | BigInt(character.charCodeAt(0)))
    expect(output()).toBe('ok\n')
    expect(word(fromhost)).toBe(0n)
    expect(machine.outcome()).toBeNull()
  })

  it('writes at most 16 KiB a call, and gives up on a full console only when the machine ends', () => {
    const { machine, put, command, word } = make()
    const block = ram + 0x2000
    const write = () => {
      put(block, 64n, 1n, BigInt(ram + 0x10_0000), 60_000n)
      command(BigInt(block))
      return word(block)
    }
    expect([write(), write(), write()]).toEqual([16384n, 16384n, 16384n])
    // The ring has 64 KiB and keeps 16 bytes free: the next call does not fit, and nobody empties it.
    machine.stop()
    expect(write()).toBe(0n)
    expect(machine.platform.console.output().length).toBeGreaterThan(65_000)
  })

  it('answers a read once a character was typed and the answer has room', () => {
    const { machine, command, word, put } = make()
    command(1n << 56n)
    pollHtif(machine)
    expect(word(fromhost)).toBe(0n)
    machine.platform.console.input(Uint8Array.of(0x71, 0x72))
    put(fromhost, 1n)
    pollHtif(machine)
    expect(word(fromhost)).toBe(1n)
    put(fromhost, 0n)
    pollHtif(machine)
    expect(word(fromhost)).toBe((1n << 56n) | 0x171n)
    put(fromhost, 0n)
    pollHtif(machine)
    expect(word(fromhost)).toBe(0n)
  })

  it('serves the system call write', () => {
    const { machine, put, command, output, word } = make()
    const block = ram + 0x2000
    machine.memory.write(ram + 0x3000, new TextEncoder().encode('benchmark\n'))
    put(block, 64n, 1n, BigInt(ram + 0x3000), 10n)
    command(BigInt(block))
    expect(output()).toBe('benchmark\n')
    expect(word(block)).toBe(10n)
    expect(word(fromhost)).toBe(1n)
  })

  it.each([
    ['another call', [93n, 0n, 0n, 0n], (1n << 64n) - 38n],
    ['a buffer outside memory', [64n, 1n, 0x1000n, 10n], 0n],
    ['a huge count', [64n, 1n, BigInt(ram), (1n << 64n) - 1n], undefined],
    ['a huge address', [64n, 1n, (1n << 64n) - 8n, 8n], 0n],
  ])('survives %s', (_what, values, result) => {
    const { put, command, word, machine } = make()
    put(ram + 0x2000, ...values)
    command(BigInt(ram + 0x2000))
    if (result !== undefined) expect(word(ram + 0x2000)).toBe(result)
    expect(machine.outcome()).toBeNull()
  })

  it.each([
    ['a call block outside memory', 0x1000n],
    ['an unknown device', 9n << 56n],
    ['an unknown command', (1n << 56n) | (7n << 48n)],
  ])('ignores %s', (_what, value) => {
    const { machine, command } = make()
    command(value)
    expect(machine.outcome()).toBeNull()
  })
})
