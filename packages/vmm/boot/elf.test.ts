/** The ELF reader: files that are not ours, damaged files, and what a good one says. */

import { describe, expect, it } from 'vitest'
import { messageOf } from '../testing.ts'
import { parseElf } from './elf.ts'
import { buildElf } from './elf-fixture.ts'

const code = new Uint8Array([0x13, 0, 0, 0, 0x6f, 0, 0, 0])

describe('an ELF file that is not ours', () => {
  const truncatedSegment = buildElf({ segments: [{ physical: 0x8000_0000, bytes: code }] })
  new DataView(truncatedSegment.buffer).setBigUint64(64 + 32, 0x10_0000n, true)
  new DataView(truncatedSegment.buffer).setBigUint64(64 + 40, 0x10_0000n, true)
  const hugeHeaders = buildElf()
  new DataView(hugeHeaders.buffer).setBigUint64(32, 2n ** 63n, true)

  it.each([
    ['text', new TextEncoder().encode('hello'), 'prog is not an ELF file'],
    ['nothing', new Uint8Array(0), 'prog is not an ELF file'],
    ['its first 20 bytes', buildElf().subarray(0, 20), 'prog is a truncated ELF file'],
    [
      '32-bit',
      buildElf({ fileClass: 1 }),
      'prog is a 32-bit ELF file; this machine is 64-bit (build for rv64)',
    ],
    ['big-endian', buildElf({ data: 2 }), 'prog is a big-endian ELF file; RISC-V machines are little-endian'],
    ['x86-64', buildElf({ machine: 62 }), 'prog is an ELF file for x86-64; this machine is RISC-V'],
    ['AArch64', buildElf({ machine: 183 }), 'prog is an ELF file for AArch64; this machine is RISC-V'],
    [
      'something rare',
      buildElf({ machine: 9999 }),
      'prog is an ELF file for machine 9999; this machine is RISC-V',
    ],
    [
      'an object file',
      buildElf({ type: 1 }),
      'prog is an ELF file that is not linked; link it into a program first',
    ],
    ['without segments', buildElf({ segments: [] }), 'prog is an ELF file with nothing to load'],
    ['cut off', buildElf().subarray(0, 100), 'prog is a truncated ELF file: its program headers are missing'],
    [
      'of a lying segment',
      truncatedSegment,
      'prog is a truncated ELF file: segment 0 ends beyond the end of the file',
    ],
    ['of lying headers', hugeHeaders, 'prog is a truncated ELF file: its program headers are missing'],
  ])('is refused: %s', (_what, bytes, message) => {
    expect(messageOf(parseElf(bytes, 'prog'))).toBe(message)
  })

  it('never throws, whatever byte is damaged', () => {
    const whole = buildElf({
      segments: [{ physical: 0x8000_0000, bytes: code }],
      symbols: { tohost: 0x8000_1000 },
    })
    for (let i = 4; i < whole.length; i++) {
      for (const value of [0, 0xff, 0x80]) {
        const damaged = whole.slice()
        damaged[i] = value
        const parsed = parseElf(damaged, 'prog')
        if (parsed.ok) parsed.value.symbol('tohost')
        else expect(parsed.error.message).toMatch(/^prog /)
      }
    }
  })
})

describe('an ELF program', () => {
  it('tells its entry, segments and symbols', () => {
    const file = buildElf({
      entry: 0xffff_0000,
      segments: [
        { physical: 0x8020_0000, virtual: 0xffff_0000, bytes: code, memoryBytes: 4096 },
        { physical: 0x8030_0000, bytes: code },
      ],
      symbols: { _start: 0x8020_0000, tohost: 0x8030_1000, fromhost: 0x8030_1040 },
    })
    const parsed = parseElf(file, 'prog')
    if (!parsed.ok) throw new Error(parsed.error.message)
    const program = parsed.value
    expect(program.entry).toBe(0xffff_0000)
    expect(
      program.segments.map(({ physical, virtual, memoryBytes }) => [physical, virtual, memoryBytes]),
    ).toEqual([
      [0x8020_0000, 0xffff_0000, 4096],
      [0x8030_0000, 0x8030_0000, 8],
    ])
    expect(program.segments[0]?.bytes).toEqual(code)
    expect(program.symbol('tohost')).toBe(0x8030_1000)
    expect(program.symbol('fromhost')).toBe(0x8030_1040)
    expect(program.symbol('tohos')).toBeUndefined()
    expect(program.symbol('host')).toBeUndefined()
  })
})
