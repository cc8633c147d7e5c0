/**
 * What is asked of the platform: a file of bytes, synchronous, since a disk is served by a thread that has nothing
 * else to do. Buffers are the caller's, may lie in shared memory, and are not kept.
 *
 * Order: a write that returned is seen by every later read, also by another process, also if this one is killed. Only
 * `flush` says that it survives a loss of power; what was written since may be there or not, sector by sector.
 */

/** An open file. Every method throws `VolumeError` when the system fails it. */
export interface BlockFile {
  /** how messages call it */
  readonly name: string
  /** length in bytes, now */
  size(): number
  /** Fills the buffers in turn from `offset` on; what lies beyond the end of the file reads as zeros. */
  read(into: readonly Uint8Array[], offset: number): void
  /** Writes the buffers in turn from `offset` on, all of them; a gap behind the old end reads as zeros. */
  write(from: readonly Uint8Array[], offset: number): void
  /** Cuts the file off, or lengthens it with zeros. */
  resize(bytes: number): void
  /** Returns when all that was written, and the length, is on the disk. */
  flush(): void
  /** Last call. */
  close(): void
}

/** Whether a file, or a volume, is only read. */
export type Access = 'read' | 'write'

/** A file that was opened by its path. */
export interface OpenedFile {
  readonly file: BlockFile
  /** Where it is; paths that it holds start from there. */
  readonly path: string
  /** The same for two paths of one file, so that a chain that bites its tail is seen. */
  readonly identity: string
}

/**
 * Opens `path`, which starts at the folder of the file `from` unless it is absolute. Throws `VolumeError`. What an
 * image names as its backing file comes here as it is: whoever opens images of others says here what may be opened.
 */
export type OpenFile = (request: { path: string; from?: string; access: Access }) => OpenedFile
