/**
 * Messages from one thread to one other, in shared memory: how frames' bytes leave the thread that blocks, without a
 * `postMessage`. One writes, one reads; nobody waits in here.
 *
 * ```
 *   words: written │ read │ wanted │ bell      then bytes, a power of two of them
 *   message: length of body │ kind │ id │ body, padded to 4; it may wrap anywhere
 * ```
 * `written` and `read` count bytes and wrap at 2^32. A message is copied in before `written` moves, and out before `read`
 * does. A writer that finds no room sets `wanted`, looks again, and is woken by the reader who makes room.
 */

import { assert } from '@virga/base'
import { Doorbell } from '@virga/device'

const word = { written: 0, read: 1, wanted: 2, bell: 3 } as const
const headBytes = 32
const messageHeadBytes = 12

/** What was sent. The body is the reader's. */
export interface RingMessage {
  readonly kind: number
  readonly id: number
  readonly body: Uint8Array
}

/** Shared memory for a ring of `capacity` bytes, a power of two. */
export function ringMemory(capacity: number): SharedArrayBuffer {
  assert(capacity >= 64 && (capacity & (capacity - 1)) === 0, 'a ring’s capacity is a power of two')
  return new SharedArrayBuffer(headBytes + capacity)
}

export class ByteRing {
  /** longest body that may be sent */
  readonly bodyBytesMax: number
  /** of the reader: rung when it is to look. A thread with an event loop that only waits for it needs something to live for. */
  readonly bell: Doorbell
  readonly #words: Int32Array
  readonly #bytes: Uint8Array
  readonly #head = new Uint32Array(3)
  readonly #headBytes = new Uint8Array(this.#head.buffer)

  /** One side of the ring in `memory`. */
  constructor(memory: SharedArrayBuffer) {
    this.#words = new Int32Array(memory, 0, headBytes / 4)
    this.#bytes = new Uint8Array(memory, headBytes)
    this.bell = new Doorbell(this.#words, word.bell)
    // So that whoever waits for room gets it before the ring is empty.
    this.bodyBytesMax = this.#bytes.length / 4 - messageHeadBytes
  }

  /** Writes a message whose body is `parts`, one behind the other. False: there is no room, and `wakeWriter` will tell. */
  write(kind: number, id: number, parts: readonly Uint8Array[]): boolean {
    const length = parts.reduce((sum, part) => sum + part.length, 0)
    assert(length <= this.bodyBytesMax, 'a message fits its ring')
    const needed = messageHeadBytes + ((length + 3) & ~3)
    if (this.#room() < needed) {
      Atomics.store(this.#words, word.wanted, 1)
      // The reader may have made room before it could see that.
      if (this.#room() < needed) return false
    }
    let at = Atomics.load(this.#words, word.written)
    const end = (at + needed) | 0
    this.#head.set([length, kind, id])
    at = this.#copyIn(this.#headBytes, at)
    for (const part of parts) at = this.#copyIn(part, at)
    Atomics.store(this.#words, word.written, end)
    return true
  }

  #room(): number {
    const used = (Atomics.load(this.#words, word.written) - Atomics.load(this.#words, word.read)) >>> 0
    return this.#bytes.length - used
  }

  #copyIn(part: Uint8Array, counter: number): number {
    const at = counter & (this.#bytes.length - 1)
    const first = Math.min(part.length, this.#bytes.length - at)
    this.#bytes.set(first === part.length ? part : part.subarray(0, first), at)
    if (first < part.length) this.#bytes.set(part.subarray(first), 0)
    return (counter + part.length) | 0
  }

  /** The next message, or undefined when there is none. */
  read(): RingMessage | undefined {
    const at = Atomics.load(this.#words, word.read)
    if (Atomics.load(this.#words, word.written) === at) return undefined
    this.#copyOut(this.#headBytes, at)
    const [length = 0, kind = 0, id = 0] = this.#head
    const body = new Uint8Array(length)
    this.#copyOut(body, at + messageHeadBytes)
    Atomics.store(this.#words, word.read, (at + messageHeadBytes + ((length + 3) & ~3)) | 0)
    return { kind, id, body }
  }

  #copyOut(into: Uint8Array, counter: number): void {
    const at = counter & (this.#bytes.length - 1)
    const first = Math.min(into.length, this.#bytes.length - at)
    into.set(this.#bytes.subarray(at, at + first))
    if (first < into.length) into.set(this.#bytes.subarray(0, into.length - first), first)
  }

  /** Whether the writer waits for room; asked by the reader when it has made some, who is to wake the writer then. */
  takeWanted(): boolean {
    return Atomics.exchange(this.#words, word.wanted, 0) === 1
  }
}
