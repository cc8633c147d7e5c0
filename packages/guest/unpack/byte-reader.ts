/** Streams of bytes that come in pieces of any length: exact numbers of bytes from one, or all of it. */

import { MalformedPackage } from './malformed-package.ts'

/** Owns `source`: nobody else may read it. A stream that ends too early throws `MalformedPackage`. */
export class ByteReader {
  readonly #pieces: AsyncIterator<Uint8Array>
  #rest: Uint8Array = new Uint8Array(0)

  constructor(source: AsyncIterable<Uint8Array>) {
    this.#pieces = source[Symbol.asyncIterator]()
  }

  /** True when no byte is left. */
  async atEnd(): Promise<boolean> {
    while (this.#rest.length === 0) {
      const next = await this.#pieces.next()
      if (next.done === true) return true
      this.#rest = next.value
    }
    return false
  }

  /** The next `bytes` bytes as one piece. */
  async take(bytes: number): Promise<Uint8Array> {
    const taken = new Uint8Array(bytes)
    let filled = 0
    for await (const piece of this.passOn(bytes)) {
      taken.set(piece, filled)
      filled += piece.length
    }
    return taken
  }

  /** The next `bytes` bytes in the pieces they come in; iterating again goes on where the last one stopped. */
  passOn(bytes: number): AsyncIterable<Uint8Array> {
    const reader = this
    let left = bytes
    return {
      async *[Symbol.asyncIterator]() {
        while (left > 0) {
          if (await reader.atEnd()) throw new MalformedPackage('it ends too early')
          const piece = reader.#rest.subarray(0, left)
          reader.#rest = reader.#rest.subarray(piece.length)
          left -= piece.length
          yield piece
        }
      },
    }
  }
}

/** All bytes of `pieces` as one. */
export async function collect(pieces: AsyncIterable<Uint8Array>): Promise<Uint8Array> {
  const held: Uint8Array[] = []
  for await (const piece of pieces) held.push(piece)
  const whole = new Uint8Array(held.reduce((sum, piece) => sum + piece.length, 0))
  let offset = 0
  for (const piece of held) {
    whole.set(piece, offset)
    offset += piece.length
  }
  return whole
}
