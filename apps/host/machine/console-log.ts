/**
 * What a machine has printed of late, and who reads along. A reader that comes later begins with what is kept.
 * A reader may make the machine wait, so it has to give up by itself when nobody reads.
 */

/** Bytes that are kept of each machine. */
const keptBytesMax = 256 << 10

/** Takes output; resolves when it may have more. */
export type ConsoleReader = (bytes: Uint8Array) => void | Promise<void>

export class ConsoleLog {
  #kept: Uint8Array[] = []
  #keptBytes = 0
  readonly #readers = new Set<ConsoleReader>()

  /** What is kept, oldest first. */
  bytes(): Uint8Array {
    return Buffer.concat(this.#kept)
  }

  /** Keeps what the guest printed and hands it to the readers; resolves when all may have more. */
  async write(bytes: Uint8Array): Promise<void> {
    this.#kept.push(bytes)
    this.#keptBytes += bytes.length
    while (this.#keptBytes - (this.#kept[0]?.length ?? 0) >= keptBytesMax)
      this.#keptBytes -= this.#kept.shift()?.length ?? 0
    await Promise.all([...this.#readers].map((reader) => reader(bytes)))
  }

  /** Attaches a reader, which gets what is kept at once. Returns what detaches it. */
  read(reader: ConsoleReader): () => void {
    const kept = this.bytes()
    if (kept.length > 0) void reader(kept)
    this.#readers.add(reader)
    return () => this.#readers.delete(reader)
  }
}
