/** Names for guest addresses: of an ELF, of a kernel image wherever KASLR put it, and of nothing. */

import { describe, expect, it } from 'vitest'
import { buildElf } from './elf-fixture.ts'
import { buildKallsyms } from './kallsyms-fixture.ts'
import { readGuestSymbols, symbolAt } from './symbols.ts'

const base = 0xffff_ffff_8000_0000n
const trapEntry = base + 0x2100n

/** A kernel image: the header, and the tables behind it. */
function kernelImage(): Uint8Array {
  const before = new Uint8Array(64)
  before.set(new TextEncoder().encode('RISCV\0\0\0RSC\x05'), 48)
  return buildKallsyms({
    base,
    before,
    symbols: [
      [0, 'T', '_start'],
      [0x2000, 'W', 'memset'],
      [0x2000, 'T', '__memset'],
      [0x2100, 'T', 'handle_exception'],
      [0x3000, 'd', 'data'],
      [0x8000, 'B', '_end'],
    ],
  }).bytes
}

describe('the symbols of a kernel image', () => {
  const symbols = readGuestSymbols({ kind: 'direct', kernel: kernelImage(), commandLine: '' })
  const slide = 0x1a20_0000n

  it.each([
    ['where it was linked', base + 0x2010n, trapEntry, { name: 'memset', offset: 0x10 }],
    ['where KASLR put it', base + slide + 0x2010n, trapEntry + slide, { name: 'memset', offset: 0x10 }],
    ['at its physical address', 0x8020_2104n, 0x8020_2100n, { name: 'handle_exception', offset: 4 }],
    ['before its vector is set', base + 0x2010n, 0n, { name: 'memset', offset: 0x10 }],
    ['with a vector that is no slide', base + 0x2010n, trapEntry + 0x1000n, { name: 'memset', offset: 0x10 }],
    ['below it', base - 2n, trapEntry, undefined],
    ['behind it', base + 0x8000n, trapEntry, undefined],
    ['in a user program', 0x1_0000n, trapEntry, undefined],
  ])('name code %s', (_, address, trapVector, expected) => {
    expect(symbolAt(symbols, address, trapVector)).toEqual(expected)
  })
})

describe('the symbols of an ELF', () => {
  const program = buildElf({
    segments: [{ physical: 0x8000_0000, bytes: new Uint8Array(64) }],
    symbols: { $x: 0x8000_0000, _start: 0x8000_0000, '.L1': 0x8000_0004, 'two words': 0x8000_0010 },
  })
  const symbols = readGuestSymbols({ kind: 'bare', program })

  it.each([
    [0x8000_0000n, { name: '_start', offset: 0 }],
    [0x8000_0008n, { name: '_start', offset: 8 }],
    [0x8000_003en, { name: 'two?words', offset: 0x2e }],
    [0x7fff_fffen, undefined],
    [0x8000_0040n, undefined],
  ])('name %i', (address, expected) => expect(symbolAt(symbols, address, 0n)).toEqual(expected))
})

describe('there are no symbols', () => {
  it.each([
    ['in a flat program', { kind: 'bare', program: new Uint8Array(64).fill(0x13) }],
    [
      'in a kernel image without tables',
      { kind: 'direct', kernel: kernelImage().subarray(0, 128), commandLine: '' },
    ],
    ['in a stripped ELF', { kind: 'bare', program: buildElf() }],
    ['in a damaged ELF', { kind: 'bare', program: buildElf().subarray(0, 40) }],
  ] as const)('%s', (_, boot) => {
    const symbols = readGuestSymbols(boot)
    expect(symbols.names).toEqual([])
    expect(symbolAt(symbols, 0x8000_0000n, 0n)).toBeUndefined()
  })
})
