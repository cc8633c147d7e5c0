/**
 * A ring of bytes in shared words: two counters and a power-of-two run of bytes.
 * Invariants: used under the lock of its device; `head` and `tail` count bytes for ever, modulo 2^32, and
 * `tail - head` is never more than the capacity. It never overwrites: what does not fit is refused.
 */

import { assert } from '@virga/base'

export class ByteRing {
  readonly capacity: number
  private readonly words: Int32Array
  private readonly head: number
  private readonly tail: number
  private readonly bytes: Uint8Array

  /** Words a ring of `capacity` bytes takes. */
  static words(capacity: number): number {
    return 2 + capacity / 4
  }

  /** A ring of `capacity` bytes (a power of two, at least 4) over `words[at, at + ByteRing.words(capacity))`. */
  constructor(words: Int32Array, at: number, capacity: number) {
    assert(capacity >= 4 && (capacity & (capacity - 1)) === 0, 'a ring holds a power of two of bytes')
    this.capacity = capacity
    this.words = words
    this.head = at
    this.tail = at + 1
    this.bytes = new Uint8Array(words.buffer, words.byteOffset + (at + 2) * 4, capacity)
  }

  /** Bytes in the ring. */
  get length(): number {
    return ((this.words[this.tail] as number) - (this.words[this.head] as number)) >>> 0
  }

  /** Bytes that still fit. */
  get room(): number {
    return this.capacity - this.length
  }

  /** Appends one byte; false when it is full. */
  push(byte: number): boolean {
    if (this.room === 0) return false
    const tail = this.words[this.tail] as number
    this.bytes[tail & (this.capacity - 1)] = byte
    this.words[this.tail] = tail + 1
    return true
  }

  /** Takes the oldest byte, or undefined when it is empty. */
  shift(): number | undefined {
    if (this.length === 0) return undefined
    const head = this.words[this.head] as number
    this.words[this.head] = head + 1
    return this.bytes[head & (this.capacity - 1)]
  }

  /** Appends as many of `source`'s first bytes as fit and returns how many that was. */
  write(source: Uint8Array): number {
    const count = Math.min(source.length, this.room)
    for (let i = 0; i < count; i++) this.push(source[i] as number)
    return count
  }

  /** Takes everything, as a copy that the caller owns. */
  drain(): Uint8Array<ArrayBuffer> {
    const out = new Uint8Array(this.length)
    const head = (this.words[this.head] as number) & (this.capacity - 1)
    const first = Math.min(out.length, this.capacity - head)
    out.set(this.bytes.subarray(head, head + first))
    out.set(this.bytes.subarray(0, out.length - first), first)
    this.clear()
    return out
  }

  /** Forgets everything. */
  clear(): void {
    this.words[this.head] = this.words[this.tail] as number
  }
}
