/** A list of buffers as one run of bytes. */

/** Sum of the lengths. */
export function byteCount(buffers: readonly Uint8Array[]): number {
  let bytes = 0
  for (const buffer of buffers) bytes += buffer.length
  return bytes
}

/** Takes views off a list of buffers, from the front. */
export class BufferCursor {
  readonly #buffers: readonly Uint8Array[]
  #index = 0
  #offset = 0

  constructor(buffers: readonly Uint8Array[]) {
    this.#buffers = buffers
  }

  /** Views of the next `bytes`, which must be there. */
  take(bytes: number): Uint8Array[] {
    const taken: Uint8Array[] = []
    let left = bytes
    while (left > 0) {
      const buffer = this.#buffers[this.#index]
      if (buffer === undefined) throw new RangeError(`${left} bytes more than the buffers have`)
      const end = Math.min(buffer.length, this.#offset + left)
      taken.push(this.#offset === 0 && end === buffer.length ? buffer : buffer.subarray(this.#offset, end))
      left -= end - this.#offset
      this.#offset = end
      if (end === buffer.length) {
        this.#index += 1
        this.#offset = 0
      }
    }
    return taken
  }

  /** Fills the next `bytes` with zeros. */
  zero(bytes: number): void {
    for (const view of this.take(bytes)) view.fill(0)
  }

  /** Copies all of `bytes` into what comes next. */
  copyIn(bytes: Uint8Array): void {
    let at = 0
    for (const view of this.take(bytes.length)) {
      view.set(bytes.subarray(at, at + view.length))
      at += view.length
    }
  }
}
