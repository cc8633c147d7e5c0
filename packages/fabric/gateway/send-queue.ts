/** Bytes that were written and not yet acknowledged, as references to what the writer gave. */
export class SendQueue {
  byteLength = 0
  private readonly chunks: Uint8Array[] = []
  /** bytes of the first chunk that are acknowledged */
  private skip = 0

  push(bytes: Uint8Array): void {
    if (bytes.length === 0) return
    this.chunks.push(bytes)
    this.byteLength += bytes.length
  }

  /** Forgets the first `count` bytes; at most what there is. */
  drop(count: number): void {
    let left = Math.min(count, this.byteLength)
    this.byteLength -= left
    for (
      let chunk = this.chunks[0];
      chunk !== undefined && left >= chunk.length - this.skip;
      chunk = this.chunks[0]
    ) {
      left -= chunk.length - this.skip
      this.skip = 0
      this.chunks.shift()
    }
    this.skip += left
  }

  /** Copies `length` bytes from the one at `from` on; they are there. */
  copy(from: number, length: number, into: Uint8Array, at: number): void {
    let skip = from + this.skip
    let [to, left] = [at, length]
    for (const chunk of this.chunks) {
      if (left === 0) return
      if (skip >= chunk.length) {
        skip -= chunk.length
        continue
      }
      const part = chunk.subarray(skip, skip + left)
      into.set(part, to)
      to += part.length
      left -= part.length
      skip = 0
    }
  }
}
