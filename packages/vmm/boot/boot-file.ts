/**
 * A file to boot from: its bytes, or one that will write them to guest memory by itself. Why the second: a kernel and an
 * initrd are some 45 MiB, and memory that is touched for the first time is what costs; so they are written once, from
 * where they lie to where the guest has them.
 */

/** A file whose bytes come later. */
export interface LateFile {
  /** bytes in all */
  readonly length: number
  /** its first bytes: all of them, or at least `lateHeadBytes` */
  readonly head: Uint8Array
  /**
   * Begins to write the file into `pieces`, one behind the other: views of guest memory, of `length` bytes in all. Whoever
   * made the file knows when it is done; the machine must not run before.
   */
  fill(pieces: readonly Uint8Array[]): void
}

export type BootFile = Uint8Array | LateFile

/** Enough of a kernel to know what it is and how much of it there must be. */
export const lateHeadBytes = 0x1_0000

/** The first bytes of a file. */
export function headOf(file: BootFile): Uint8Array {
  return file instanceof Uint8Array ? file : file.head
}
