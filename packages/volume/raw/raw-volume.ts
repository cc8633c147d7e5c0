/** A raw disk: its bytes are the file's. What is not there, or was discarded, is a hole where the system has holes. */

import { assert } from '@virga/base'
import type { BlockFile } from '../block-file.ts'
import { byteCount } from '../buffers.ts'
import { type Extent, type Volume, wholeSectors } from '../volume.ts'
import { VolumeError } from '../volume-error.ts'

/** One write of zeros. */
const zeroBytesMax = 2 ** 20

/** A raw volume in `file`. Its size is that of the file, in whole sectors; what the last one lacks reads as zeros. */
export class RawVolume implements Volume {
  readonly format = 'raw'
  readonly #file: BlockFile
  #sizeBytes: number

  constructor(file: BlockFile) {
    this.#file = file
    this.#sizeBytes = wholeSectors(file.size())
  }

  get sizeBytes(): number {
    return this.#sizeBytes
  }

  read(into: readonly Uint8Array[], offset: number): void {
    this.#within(offset, byteCount(into))
    this.#file.read(into, offset)
  }

  write(from: readonly Uint8Array[], offset: number): void {
    this.#within(offset, byteCount(from))
    this.#file.write(from, offset)
  }

  /** Nothing: a hole cannot be made in the middle of a file with what Node offers. */
  discard(offset: number, bytes: number): void {
    this.#within(offset, bytes)
  }

  writeZeroes(offset: number, bytes: number): void {
    this.#within(offset, bytes)
    const zeros = new Uint8Array(Math.min(bytes, zeroBytesMax))
    for (let done = 0; done < bytes; done += zeros.length) {
      this.#file.write([zeros.subarray(0, Math.min(zeros.length, bytes - done))], offset + done)
    }
  }

  flush(): void {
    this.#file.flush()
  }

  resize(sizeBytes: number, allow: 'grow' | 'shrink' = 'grow'): void {
    const bytes = wholeSectors(sizeBytes)
    if (bytes < this.#sizeBytes && allow !== 'shrink') throw smallerSize(this.#file.name, this.#sizeBytes)
    this.#file.resize(bytes)
    this.#file.flush()
    this.#sizeBytes = bytes
  }

  extent(offset: number, bytesMax: number): Extent {
    this.#within(offset, bytesMax)
    return { kind: 'data', bytes: bytesMax }
  }

  close(): void {
    this.#file.close()
  }

  #within(offset: number, bytes: number): void {
    assert(offset >= 0 && bytes >= 0 && offset + bytes <= this.#sizeBytes, 'the range is in the volume')
  }
}

/** For a size that would lose data without leave. */
export function smallerSize(name: string, sizeBytes: number): VolumeError {
  return new VolumeError(
    `${name} has ${sizeBytes} bytes, and a smaller size loses what lies behind it; allow it with --shrink`,
    { fault: 'user' },
  )
}
