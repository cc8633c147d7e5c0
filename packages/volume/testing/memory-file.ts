/** Files in memory, which tell what was done to them, so that every moment of their life can be looked at again. */

import type { Access, BlockFile, OpenedFile, OpenFile } from '../block-file.ts'
import { byteCount } from '../buffers.ts'
import { VolumeError } from '../volume-error.ts'

/** Something that changed a file, or made it last. */
export type FileEvent =
  | { readonly kind: 'write'; readonly offset: number; readonly bytes: Uint8Array }
  | { readonly kind: 'resize'; readonly bytes: number }
  | { readonly kind: 'flush' }

/** Files do not become larger than this, whatever an image makes somebody write. */
const fileBytesMax = 2 ** 28

/** A file in memory. */
export class MemoryFile implements BlockFile {
  readonly name: string
  /** if set, every write from that on fails as on a full disk */
  isFull = false
  /** hears what is done, before it is done; may throw */
  listen: (event: FileEvent) => void = () => undefined
  #bytes: Uint8Array
  #size: number

  constructor(name = 'disk', content: Uint8Array = new Uint8Array(0)) {
    this.name = name
    this.#bytes = content.slice()
    this.#size = content.length
  }

  /** A copy of all of it. */
  content(): Uint8Array {
    return this.#bytes.slice(0, this.#size)
  }

  size(): number {
    return this.#size
  }

  read(into: readonly Uint8Array[], offset: number): void {
    let at = offset
    for (const buffer of into) {
      const there = this.#bytes.subarray(Math.min(at, this.#size), Math.min(at + buffer.length, this.#size))
      buffer.set(there)
      buffer.fill(0, there.length)
      at += buffer.length
    }
  }

  write(from: readonly Uint8Array[], offset: number): void {
    if (this.isFull) throw new VolumeError(`cannot write ${this.name}: the disk is full; free some space`)
    const bytes = new Uint8Array(byteCount(from))
    let at = 0
    for (const buffer of from) {
      bytes.set(buffer, at)
      at += buffer.length
    }
    this.listen({ kind: 'write', offset, bytes })
    this.#reserve(offset + bytes.length)
    this.#bytes.set(bytes, offset)
    this.#size = Math.max(this.#size, offset + bytes.length)
  }

  resize(bytes: number): void {
    this.listen({ kind: 'resize', bytes })
    this.#reserve(bytes)
    this.#bytes.fill(0, Math.min(bytes, this.#size))
    this.#size = bytes
  }

  flush(): void {
    this.listen({ kind: 'flush' })
  }

  close(): void {
    this.listen = () => undefined
  }

  /** Does what somebody heard of. */
  apply(event: FileEvent): void {
    if (event.kind === 'write') this.write([event.bytes], event.offset)
    else if (event.kind === 'resize') this.resize(event.bytes)
  }

  #reserve(bytes: number): void {
    if (bytes > fileBytesMax)
      throw new VolumeError(`cannot write ${this.name}: the disk is full; free some space`)
    if (bytes <= this.#bytes.length) return
    const larger = new Uint8Array(Math.max(bytes, 2 * this.#bytes.length))
    larger.set(this.#bytes.subarray(0, this.#size))
    this.#bytes = larger
  }
}

/** Files by name, in one folder. */
export class MemoryFolder {
  readonly files = new Map<string, MemoryFile>()

  /** Puts a file there. */
  add(name: string, content?: Uint8Array): MemoryFile {
    const file = new MemoryFile(name, content)
    this.files.set(name, file)
    return file
  }

  readonly openFile: OpenFile = ({ path }: { path: string; access: Access }): OpenedFile => {
    const file = this.files.get(path)
    if (file === undefined)
      throw new VolumeError(`there is no file ${path}; check the path`, { fault: 'user' })
    return { file, path, identity: path }
  }

  readonly createFile = (path: string): OpenedFile => ({ file: this.add(path), path, identity: path })
}
