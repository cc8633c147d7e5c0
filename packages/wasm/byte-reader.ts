/**
 * Reads the number encodings of the WebAssembly binary format, the other way round from `byte-writer.ts`.
 * Why: only the text printer reads modules, so plainness comes before speed here.
 * Errors: reading past the end throws; what is read was written by this package, so that is our own mistake.
 * @spec wasm-core "Values (Binary Format)"
 */

import { assert } from '@virga/base'

const utf8 = new TextDecoder('utf-8', { fatal: true })

export class ByteReader {
  private readonly data: DataView
  private position = 0

  constructor(bytes: Uint8Array) {
    this.data = new DataView(bytes.buffer, bytes.byteOffset, bytes.byteLength)
  }

  get atEnd(): boolean {
    return this.position === this.data.byteLength
  }

  byte(): number {
    return this.data.getUint8(this.skip(1))
  }

  /** An unsigned LEB128 number, 0 to 2^32 - 1. */
  u32(): number {
    return Number(BigInt.asUintN(32, this.leb(false)))
  }

  /** A signed LEB128 number, -2^31 to 2^31 - 1. */
  s32(): number {
    return Number(BigInt.asIntN(32, this.leb(true)))
  }

  /** A signed LEB128 number, -2^63 to 2^63 - 1. */
  s64(): bigint {
    return BigInt.asIntN(64, this.leb(true))
  }

  /** Four little-endian bytes as an unsigned number. */
  bits32(): number {
    return this.data.getUint32(this.skip(4), true)
  }

  /** Eight little-endian bytes as an unsigned number. */
  bits64(): bigint {
    return this.data.getBigUint64(this.skip(8), true)
  }

  /** The next `length` bytes, not copied. */
  raw(length: number): Uint8Array {
    return new Uint8Array(this.data.buffer, this.data.byteOffset + this.skip(length), length)
  }

  /** All that is left, not copied. */
  rest(): Uint8Array {
    return this.raw(this.data.byteLength - this.position)
  }

  /** A length, and that many bytes, as a reader of their own. */
  sized(): ByteReader {
    return new ByteReader(this.raw(this.u32()))
  }

  /** A name: its UTF-8 length, then its UTF-8 bytes. */
  name(): string {
    return utf8.decode(this.raw(this.u32()))
  }

  /** A count, and that many items. */
  list<T>(item: (reader: this) => T): T[] {
    return Array.from({ length: this.u32() }, () => item(this))
  }

  private leb(signed: boolean): bigint {
    let value = 0n
    let shift = 0n
    for (;;) {
      const byte = this.byte()
      value |= BigInt(byte & 0x7f) << shift
      shift += 7n
      if (byte < 0x80) return signed && (byte & 0x40) !== 0 ? value - (1n << shift) : value
    }
  }

  /** Moves on and returns the position before. */
  private skip(length: number): number {
    const before = this.position
    assert(before + length <= this.data.byteLength, 'the module goes on')
    this.position = before + length
    return before
  }
}
