/**
 * A growing byte buffer with the number encodings of the WebAssembly binary format.
 * Why: the JIT emits tens of thousands of instructions a second, so a value is written straight into one typed
 * array, without arrays or objects between.
 * Invariants: `bytes[0, length)` is written and final; the rest is scratch. `bytes` is replaced when it grows, so
 * nobody may hold on to it. `capacity` is `bytes.length`, kept apart because reading it there costs a quarter more.
 * @spec wasm-core "Values (Binary Format)"
 */

import { assert } from '@virga/base'

const scratch = new DataView(new ArrayBuffer(8))
const utf8 = new TextEncoder()

export class ByteWriter {
  length = 0
  private capacity: number
  private bytes: Uint8Array<ArrayBuffer>

  /** `capacityBytes` (at least 1) is allocated at once and doubles when it is full. */
  constructor(capacityBytes = 1024) {
    assert(capacityBytes >= 1, 'a writer has room for at least one byte')
    this.bytes = new Uint8Array(capacityBytes)
    this.capacity = capacityBytes
  }

  /** Appends the low 8 bits of `value`. */
  byte(value: number): void {
    const at = this.length
    if (at === this.capacity) this.grow(1)
    this.bytes[at] = value
    this.length = at + 1
  }

  /** Appends an instruction's code: one byte, or a prefix byte (not 0) and a LEB128 number behind it. */
  opcode(prefix: number, code: number): void {
    if (prefix === 0) this.byte(code)
    else {
      this.byte(prefix)
      this.u32(code)
    }
  }

  /** Appends an unsigned LEB128 number, 0 to 2^32 - 1. */
  u32(value: number): void {
    if ((value & 0x7f) === value) this.byte(value)
    else this.longU32(value)
  }

  /** Appends a signed LEB128 number, -2^31 to 2^31 - 1. */
  s32(value: number): void {
    assert((value | 0) === value, 'value is a signed 32-bit integer')
    let rest = value
    while (rest < -64 || rest > 63) {
      this.byte((rest & 0x7f) | 0x80)
      rest >>= 7
    }
    this.byte(rest & 0x7f)
  }

  /** Appends a signed LEB128 number, any safe integer. */
  s53(value: number): void {
    if ((value | 0) === value) this.s32(value)
    else this.longS53(value)
  }

  /** Appends a signed LEB128 number; takes -2^63 to 2^64 - 1, the upper half standing for its two's complement. */
  s64(value: bigint): void {
    const signed = BigInt.asIntN(64, value)
    assert(signed === value || BigInt.asUintN(64, value) === value, 'value is a 64-bit integer')
    let rest = signed
    while (rest < -64n || rest > 63n) {
      this.byte(Number(rest & 0x7fn) | 0x80)
      rest >>= 7n
    }
    this.byte(Number(rest & 0x7fn))
  }

  /** Appends an IEEE 754 single, little-endian, rounded from `value`. */
  f32(value: number): void {
    scratch.setFloat32(0, value, true)
    for (let i = 0; i < 4; i++) this.byte(scratch.getUint8(i))
  }

  /** Appends an IEEE 754 double, little-endian. */
  f64(value: number): void {
    scratch.setFloat64(0, value, true)
    for (let i = 0; i < 8; i++) this.byte(scratch.getUint8(i))
  }

  /** Appends `content` as it is. */
  raw(content: Uint8Array): void {
    if (this.bytes.length - this.length < content.length) this.grow(content.length)
    this.bytes.set(content, this.length)
    this.length += content.length
  }

  /** Appends everything that `other` holds. */
  append(other: ByteWriter): void {
    this.raw(other.view())
  }

  /** Appends a name: its UTF-8 length, then its UTF-8 bytes. */
  name(text: string): void {
    const encoded = utf8.encode(text)
    this.u32(encoded.length)
    this.raw(encoded)
  }

  /** The bytes so far, not copied: valid until the next write. */
  view(): Uint8Array<ArrayBuffer> {
    return this.bytes.subarray(0, this.length)
  }

  /** A copy of the bytes so far. */
  toBytes(): Uint8Array<ArrayBuffer> {
    return this.bytes.slice(0, this.length)
  }

  private longS53(value: number): void {
    assert(Number.isSafeInteger(value), 'value is a safe integer')
    let rest = value
    while (rest < -64 || rest > 63) {
      const low = rest & 0x7f
      this.byte(low | 0x80)
      // Exact for safe integers; a shift would cut the value to 32 bits.
      rest = (rest - low) / 128
    }
    this.byte(rest & 0x7f)
  }

  private longU32(value: number): void {
    assert(value >>> 0 === value, 'value is an unsigned 32-bit integer')
    let rest = value
    while (rest > 0x7f) {
      this.byte((rest & 0x7f) | 0x80)
      rest >>>= 7
    }
    this.byte(rest)
  }

  private grow(more: number): void {
    const larger = new Uint8Array(Math.max(this.bytes.length * 2, this.length + more))
    larger.set(this.bytes)
    this.bytes = larger
    this.capacity = larger.length
  }
}
