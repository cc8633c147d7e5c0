/**
 * A disk as its user sees it, whatever is behind: bytes by offset, any alignment, buffers of the caller that may lie
 * in shared memory and are not kept. Synchronous; one thread at a time.
 *
 * Every method throws `VolumeError` for what file or image did wrong. After that the volume goes on: what was not
 * written can be written again, what was flushed stays.
 */

/** An open disk. Ranges lie within 0 to `sizeBytes`; that is the caller's to check, and asserted. */
export interface Volume {
  readonly format: VolumeFormat
  readonly sizeBytes: number
  /** Fills the buffers in turn with the bytes from `offset` on. */
  read(into: readonly Uint8Array[], offset: number): void
  /** Writes the buffers in turn from `offset` on. Seen by `read` at once, on the disk after `flush`. */
  write(from: readonly Uint8Array[], offset: number): void
  /** Says that nobody needs these bytes any more. What lies in whole clusters reads as zeros then, the rest as before. */
  discard(offset: number, bytes: number): void
  /** Makes these bytes zero; with `keep` their space stays theirs, with `free` it may be given back. */
  writeZeroes(offset: number, bytes: number, space: 'keep' | 'free'): void
  /** Returns when all that was written before survives a loss of power. */
  flush(): void
  /** Another size, flushed. Smaller loses what lies behind it, and is done only with `shrink`. */
  resize(sizeBytes: number, allow?: 'grow' | 'shrink'): void
  /**
   * What is known of the bytes from `offset` on without reading them: `bytes` of them, at most `bytesMax`, are alike.
   * `zero` reads as zeros; `data` may be anything.
   */
  extent(offset: number, bytesMax: number): Extent
  /** Flushes what is open for writing, and closes the file and those behind it. Last call. */
  close(): void
}

/** A piece of a disk. */
export interface Extent {
  readonly kind: 'data' | 'zero'
  readonly bytes: number
}

/** How a disk is kept in its file. */
export type VolumeFormat = (typeof volumeFormats)[number]

/** The formats that there are. */
export const volumeFormats = ['qcow2', 'raw'] as const

/** Disks are counted in sectors of so many bytes, and their sizes are multiples of it. */
export const sectorBytes = 512

/** Offsets are JavaScript numbers; beyond this they would no longer be exact. */
export const volumeBytesMax = 2 ** 53 - 2 ** 21

/** `bytes` of a disk, rounded up to whole sectors. */
export function wholeSectors(bytes: number): number {
  return Math.ceil(bytes / sectorBytes) * sectorBytes
}
