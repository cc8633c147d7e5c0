/** What a block device keeps its sectors in. */

/** Whether the backend did it; why not is its own affair, and the driver hears of an I/O error. */
export type BlkOutcome = 'done' | 'failed'

/** Offsets and lengths in bytes, whole sectors, within the disk. Buffers may lie in shared memory and are not kept. */
export interface BlkBackend {
  /** Fills the buffers in turn with the bytes from `offset` on. */
  read(into: readonly Uint8Array[], offset: number): BlkOutcome
  /** Writes the buffers in turn from `offset` on. */
  write(from: readonly Uint8Array[], offset: number): BlkOutcome
  /** Says that nobody needs these bytes any more. */
  discard(offset: number, bytes: number): BlkOutcome
  /** Makes these bytes zero; with `free` their space may be given back. */
  writeZeroes(offset: number, bytes: number, space: 'keep' | 'free'): BlkOutcome
  /** Returns when all that was written survives a loss of power. */
  flush(): BlkOutcome
}
