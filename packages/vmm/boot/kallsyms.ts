/**
 * The symbols that a Linux kernel carries in itself for its own stack traces: `kallsyms`, of a kernel `Image`.
 *
 * ```
 *  num_syms u32 │ names: {length, tokens…} each │ markers u32[]: offset of each 256th name
 *  token_table: 256 texts │ token_index u16[256]: their offsets │ offsets u32[]: of each symbol │ relative_base u64
 * ```
 * Why searched for: an Image has no section headers. The token table is recognised by the digits, which stand for
 * themselves in it, and believed when the index behind it agrees; the names are believed when all markers do.
 * Each table begins on a multiple of 8 bytes. @spec linux-kallsyms "write_src"
 * Errors: none; a kernel without the tables, or with others, has no symbols.
 */

/** A symbol: its address as linked, the letter that `nm` has for its kind, and its name. */
export interface KernelSymbol {
  readonly address: bigint
  readonly kind: string
  readonly name: string
}

const tokenCount = 256
/** Names from one marker to the next. */
const markerStep = 256
/** Bytes that the names behind the last marker take at most: 256 of 512 characters, and their lengths. */
const tailBytesMax = markerStep * 514
const digits = [...'0123456789'].flatMap((digit) => [digit.charCodeAt(0), 0])

/** All symbols in the order of their addresses; none when there are no tables. */
export function readKallsyms(image: Uint8Array): readonly KernelSymbol[] {
  const bytes = new ImageReader(image)
  for (let at = bytes.find(digits, 0); at >= 0; at = bytes.find(digits, at + 1)) {
    const tokens = readTokens(bytes, at)
    const names = tokens && findNames(bytes, tokens)
    if (tokens !== undefined && names !== undefined) return readSymbols(bytes, tokens, names)
  }
  return []
}

/** Reads that know where the file ends: zero beyond it. */
class ImageReader {
  readonly bytes: Uint8Array
  readonly #view: DataView

  constructor(bytes: Uint8Array) {
    this.bytes = bytes
    this.#view = new DataView(bytes.buffer, bytes.byteOffset, bytes.byteLength)
  }

  u8(at: number): number {
    return this.bytes[at] ?? 0
  }

  u16(at: number): number {
    return this.u8(at) | (this.u8(at + 1) << 8)
  }

  u32(at: number): number {
    return at >= 0 && at + 4 <= this.bytes.length ? this.#view.getUint32(at, true) : 0
  }

  u64(at: number): bigint {
    return BigInt(this.u32(at)) | (BigInt(this.u32(at + 4)) << 32n)
  }

  find(wanted: readonly number[], from: number): number {
    const first = wanted[0] ?? 0
    for (let at = this.bytes.indexOf(first, from); at >= 0; at = this.bytes.indexOf(first, at + 1)) {
      if (wanted.every((byte, index) => this.bytes[at + index] === byte)) return at
    }
    return -1
  }
}

interface Tokens {
  readonly texts: readonly string[]
  /** of the table */
  readonly start: number
  /** behind the index */
  readonly end: number
}

/** The token table that has its digits at `digitsAt`, or undefined when there is none. */
function readTokens(bytes: ImageReader, digitsAt: number): Tokens | undefined {
  let start = digitsAt
  for (let token = '0'.charCodeAt(0); token > 0; token--) start = bytes.bytes.lastIndexOf(0, start - 2) + 1
  if (start <= 0) return undefined
  const offsets: number[] = []
  const texts: string[] = []
  let at = start
  for (let token = 0; token < tokenCount; token++) {
    const end = bytes.bytes.indexOf(0, at)
    if (end < 0) return undefined
    offsets.push(at - start)
    texts.push(String.fromCharCode(...bytes.bytes.subarray(at, end)))
    at = end + 1
  }
  const index = align(at)
  if (offsets.some((offset, token) => bytes.u16(index + token * 2) !== offset)) return undefined
  return { texts, start, end: index + tokenCount * 2 }
}

interface Names {
  readonly count: number
  readonly start: number
}

/** Where the names begin and how many there are: the one place from which all markers are right. */
function findNames(bytes: ImageReader, { start }: Tokens): Names | undefined {
  let last = start - 4
  if (bytes.u32(last) === 0) last -= 4
  let first = last
  while (first > 0 && bytes.u32(first) !== 0 && bytes.u32(first - 4) < bytes.u32(first)) first -= 4
  if (bytes.u32(first) !== 0) return undefined
  const markers = (last - first) / 4 + 1
  const latest = first - bytes.u32(last)
  for (let at = align(latest - 15); at > 0 && at > latest - tailBytesMax; at -= 8) {
    const count = bytes.u32(at)
    if (Math.ceil(count / markerStep) !== markers) continue
    const names = { count, start: at + 8 }
    if (marksAgree(bytes, names, first)) return names
  }
  return undefined
}

function marksAgree(bytes: ImageReader, { count, start }: Names, markers: number): boolean {
  let at = start
  for (let i = 0; i < count; i++) {
    if (i % markerStep === 0 && at - start !== bytes.u32(markers + (i / markerStep) * 4)) return false
    const { length, from } = nameAt(bytes, at)
    at = from + length
  }
  return align(at) <= align(markers)
}

/** A name's tokens: a length of 7 bits, or of 15 in two bytes. */
function nameAt(bytes: ImageReader, at: number): { length: number; from: number } {
  const low = bytes.u8(at)
  return low < 128
    ? { length: low, from: at + 1 }
    : { length: (low & 127) | (bytes.u8(at + 1) << 7), from: at + 2 }
}

function readSymbols(bytes: ImageReader, { texts, end }: Tokens, { count, start }: Names): KernelSymbol[] {
  const base = bytes.u64(align(end + count * 4))
  const symbols: KernelSymbol[] = []
  let at = start
  for (let i = 0; i < count; i++) {
    const { length, from } = nameAt(bytes, at)
    at = from + length
    let text = ''
    for (let token = from; token < at; token++) text += texts[bytes.u8(token)] ?? ''
    const address = BigInt.asUintN(64, base + BigInt(bytes.u32(end + i * 4)))
    symbols.push({ address, kind: text.slice(0, 1), name: text.slice(1) })
  }
  return symbols
}

function align(at: number): number {
  return Math.ceil(at / 8) * 8
}
