/**
 * ELF64 files for RISC-V: what is loaded where, where execution begins, and a few symbols. @spec elf "ELF Header"
 * Why: kernels and test programs come as ELF; nothing more of the format is needed to run them.
 * Errors: each is one line that names the file's fault; no offset of the file is trusted.
 */

import { ok, type Result, userError } from '@virga/base'

/** A part of the file that is loaded. `bytes` is a view of the file; what `memoryBytes` has beyond it is zero. */
export interface ElfSegment {
  readonly physical: number
  readonly virtual: number
  readonly bytes: Uint8Array
  readonly memoryBytes: number
  /** true for a segment that begins with the file's own header: nothing in it before the code is missed */
  readonly withHeader: boolean
}

/** A parsed program. */
export interface ElfProgram {
  /** as written in the file: a virtual address where the two differ */
  readonly entry: number
  readonly segments: readonly ElfSegment[]
  /** address of a symbol of the symbol table, if there is one of that name */
  symbol(name: string): number | undefined
  /** names of code with their virtual addresses, as far as the file has them */
  codeSymbols(): readonly ElfSymbol[]
  /** first virtual address behind everything that is loaded */
  readonly end: bigint
}

/** A name for an address. */
export interface ElfSymbol {
  readonly name: string
  readonly address: bigint
}

const headerBytes = 64
const programHeaderBytes = 56
const sectionHeaderBytes = 64
const symbolBytes = 24
const machineRiscv = 243
const loadSegment = 1
const symbolTable = 2
const undefinedSection = 0
/** Longer names are cut: they are for people. */
const nameBytesMax = 200
/** Kinds of symbols that code has: assembly often says none. */
const codeKinds: ReadonlySet<number> = new Set([0, 2])
/** What assemblers put in for themselves. */
const assemblerName = /^$|^\$|^\.L/
/** Machines that people mix up, by e_machine. */
const machineNames: Readonly<Record<number, string>> = {
  3: 'x86',
  8: 'MIPS',
  20: 'PowerPC',
  21: 'PowerPC64',
  22: 'S/390',
  40: 'ARM',
  62: 'x86-64',
  183: 'AArch64',
  258: 'LoongArch',
}

/** True when the bytes begin as an ELF file does. */
export function isElf(bytes: Uint8Array): boolean {
  return bytes[0] === 0x7f && bytes[1] === 0x45 && bytes[2] === 0x4c && bytes[3] === 0x46
}

class Reader {
  readonly #view: DataView
  readonly byteCount: number

  constructor(bytes: Uint8Array) {
    this.#view = new DataView(bytes.buffer, bytes.byteOffset, bytes.byteLength)
    this.byteCount = bytes.byteLength
  }

  has(offset: number, byteCount: number): boolean {
    return offset >= 0 && byteCount >= 0 && offset + byteCount <= this.byteCount
  }

  u16(offset: number): number {
    return this.#view.getUint16(offset, true)
  }

  u32(offset: number): number {
    return this.#view.getUint32(offset, true)
  }

  address(offset: number): bigint {
    return this.#view.getBigUint64(offset, true)
  }

  /** Addresses and sizes beyond 2 ** 53 lose bits and then fit nowhere, which is what matters. */
  u64(offset: number): number {
    return Number(this.#view.getBigUint64(offset, true))
  }
}

function headerFault(bytes: Uint8Array, reader: Reader): string | null {
  if (!isElf(bytes)) return 'is not an ELF file'
  if (!reader.has(0, headerBytes)) return 'is a truncated ELF file'
  if (bytes[4] !== 2) return 'is a 32-bit ELF file; this machine is 64-bit (build for rv64)'
  if (bytes[5] !== 1) return 'is a big-endian ELF file; RISC-V machines are little-endian'
  const machine = reader.u16(18)
  if (machine !== machineRiscv) {
    return `is an ELF file for ${machineNames[machine] ?? `machine ${machine}`}; this machine is RISC-V`
  }
  const kind = reader.u16(16)
  if (kind !== 2 && kind !== 3) return 'is an ELF file that is not linked; link it into a program first'
  return null
}

/** Parses a program. `name` is how errors call the file. */
export function parseElf(bytes: Uint8Array, name: string): Result<ElfProgram> {
  const reader = new Reader(bytes)
  const fault = headerFault(bytes, reader)
  if (fault !== null) return userError(`${name} ${fault}`)
  const table = reader.u64(32)
  const count = reader.u16(56)
  if (
    count > 0 &&
    (reader.u16(54) !== programHeaderBytes || !reader.has(table, count * programHeaderBytes))
  ) {
    return userError(`${name} is a truncated ELF file: its program headers are missing`)
  }
  const segments: ElfSegment[] = []
  let end = 0n
  for (let i = 0; i < count; i++) {
    const at = table + i * programHeaderBytes
    if (reader.u32(at) !== loadSegment) continue
    const [offset, fileBytes, memoryBytes] = [reader.u64(at + 8), reader.u64(at + 32), reader.u64(at + 40)]
    if (memoryBytes === 0) continue
    if (!reader.has(offset, fileBytes) || fileBytes > memoryBytes) {
      return userError(`${name} is a truncated ELF file: segment ${i} ends beyond the end of the file`)
    }
    const behind = reader.address(at + 16) + reader.address(at + 40)
    if (behind > end) end = behind
    segments.push({
      virtual: reader.u64(at + 16),
      physical: reader.u64(at + 24),
      bytes: bytes.subarray(offset, offset + fileBytes),
      memoryBytes,
      withHeader: offset === 0,
    })
  }
  if (segments.length === 0) return userError(`${name} is an ELF file with nothing to load`)
  return ok({
    entry: reader.u64(24),
    segments,
    symbol: (symbol) => findSymbol(bytes, reader, symbol),
    codeSymbols: () => findCodeSymbols(bytes, reader),
    end,
  })
}

function findSymbol(bytes: Uint8Array, reader: Reader, wanted: string): number | undefined {
  for (const { symbol, name } of symbolsOf(reader)) {
    if (nameIs(bytes, name, wanted)) return reader.u64(symbol + 8)
  }
  return undefined
}

function findCodeSymbols(bytes: Uint8Array, reader: Reader): ElfSymbol[] {
  const found: ElfSymbol[] = []
  for (const { symbol, name } of symbolsOf(reader)) {
    const kind = (bytes[symbol + 4] ?? 0) & 15
    if (!codeKinds.has(kind) || reader.u16(symbol + 6) === undefinedSection) continue
    const text = textAt(bytes, name)
    if (!assemblerName.test(text)) found.push({ name: text, address: reader.address(symbol + 8) })
  }
  return found
}

/**
 * File offsets of each symbol and of its name. A missing or damaged symbol table means no symbols: a stripped program
 * runs too.
 */
function* symbolsOf(reader: Reader): Generator<{ readonly symbol: number; readonly name: number }> {
  const table = reader.u64(40)
  const count = reader.u16(60)
  if (reader.u16(58) !== sectionHeaderBytes || !reader.has(table, count * sectionHeaderBytes)) return
  for (let i = 0; i < count; i++) {
    const at = table + i * sectionHeaderBytes
    if (reader.u32(at + 4) !== symbolTable) continue
    const [offset, size, link] = [reader.u64(at + 24), reader.u64(at + 32), reader.u32(at + 40)]
    if (link >= count || !reader.has(offset, size)) continue
    const names = reader.u64(table + link * sectionHeaderBytes + 24)
    for (let symbol = offset; symbol + symbolBytes <= offset + size; symbol += symbolBytes) {
      yield { symbol, name: names + reader.u32(symbol) }
    }
  }
}

function textAt(bytes: Uint8Array, at: number): string {
  const end = bytes.indexOf(0, at)
  return end < 0 ? '' : String.fromCharCode(...bytes.subarray(at, Math.min(end, at + nameBytesMax)))
}

function nameIs(bytes: Uint8Array, at: number, wanted: string): boolean {
  for (let i = 0; i < wanted.length; i++) if (bytes[at + i] !== wanted.charCodeAt(i)) return false
  return bytes[at + wanted.length] === 0
}
