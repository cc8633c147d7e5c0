/**
 * The writing end of a ring whose writer may not wait. What finds no room is kept and sent in order when there is some;
 * flow control of each connection bounds how much that is. Datagrams are not kept: the network may lose them.
 */

import type { ByteRing } from './byte-ring.ts'

interface Kept {
  readonly kind: number
  readonly id: number
  readonly parts: readonly Uint8Array[]
}

export class Outbox {
  readonly #ring: ByteRing
  readonly #wake: () => void
  #kept: Kept[] = []
  #hasWritten = false

  /** `wake` is called by `flush` when there is something new to read. */
  constructor(ring: ByteRing, wake: () => void) {
    this.#ring = ring
    this.#wake = wake
  }

  /** Sends a message, now or later. `parts` are the outbox's. */
  send(kind: number, id: number, ...parts: Uint8Array[]): void {
    if (this.#kept.length > 0 || !this.#ring.write(kind, id, parts)) this.#kept.push({ kind, id, parts })
    else this.#hasWritten = true
  }

  /** Sends bytes in as many messages as they take. */
  sendBytes(kind: number, id: number, bytes: Uint8Array): void {
    const max = this.#ring.bodyBytesMax
    for (let at = 0; at < bytes.length; at += max) this.send(kind, id, bytes.subarray(at, at + max))
  }

  /** Sends a message if there is room now. */
  sendOrLose(kind: number, id: number, ...parts: Uint8Array[]): void {
    if (this.#kept.length === 0 && this.#ring.write(kind, id, parts)) this.#hasWritten = true
  }

  /** Sends what was kept, as far as there is room, and wakes the reader if it has something new. */
  flush(): void {
    let sent = 0
    for (const { kind, id, parts } of this.#kept) {
      if (!this.#ring.write(kind, id, parts)) break
      sent++
    }
    if (sent > 0) this.#kept = this.#kept.slice(sent)
    if (sent > 0 || this.#hasWritten) this.#wake()
    this.#hasWritten = false
  }
}
