/** Reads an open file into guest memory, by the background threads that Node reads files with, several pieces at a time. */

import type { FileHandle } from 'node:fs/promises'
import type { LateFile } from '@virga/vmm'

/** Of one read: as large as to be worth a thread, as small as to be shared out among them. */
const readBytes = 8 * 2 ** 20
/** Pieces of one read: systems take at least 1024. */
const readPieces = 512

/** What is known of a file that is open. */
export interface KnownFile {
  readonly file: FileHandle
  readonly sizeBytes: number
  /** its first bytes */
  readonly head: Uint8Array
  /** laid behind its bytes */
  readonly tail: Uint8Array
}

/** A file for a boot. `filling` gets a promise for each time that it is asked to fill memory. */
export function lateFile({ file, sizeBytes, head, tail }: KnownFile, filling: Promise<unknown>[]): LateFile {
  return {
    length: sizeBytes + tail.length,
    head,
    fill: (pieces) => {
      let at = 0
      for (const piece of pieces) {
        const behind = Math.max(0, sizeBytes - at)
        if (at + piece.length > sizeBytes) {
          const from = Math.max(0, at - sizeBytes)
          piece.set(tail.subarray(from, from + piece.length - behind), behind)
        }
        at += piece.length
      }
      for (const read of cut(pieces, sizeBytes)) filling.push(readAll(file, read))
    },
  }
}

/** A part of a file, and where it goes. */
interface Read {
  readonly position: number
  readonly pieces: Uint8Array[]
}

/** Cuts the first `byteCount` bytes of the pieces into reads. */
function cut(pieces: readonly Uint8Array[], byteCount: number): Read[] {
  const reads: Read[] = []
  let current: Read = { position: 0, pieces: [] }
  let held = 0
  let at = 0
  for (const piece of pieces) {
    for (let from = 0; from < piece.length && at < byteCount; ) {
      if (held === readBytes || current.pieces.length === readPieces || reads.length === 0) {
        current = { position: at, pieces: [] }
        held = 0
        reads.push(current)
      }
      const length = Math.min(piece.length - from, readBytes - held, byteCount - at)
      current.pieces.push(piece.subarray(from, from + length))
      from += length
      held += length
      at += length
    }
  }
  return reads
}

/** Reads until the pieces are full or the file ends. */
async function readAll(file: FileHandle, { position, pieces }: Read): Promise<void> {
  let left = pieces
  for (let at = position; left.length > 0; ) {
    const { bytesRead } = await file.readv(left, at)
    if (bytesRead === 0) return
    at += bytesRead
    left = without(left, bytesRead)
  }
}

/** The pieces less their first `byteCount` bytes. */
function without(pieces: readonly Uint8Array[], byteCount: number): Uint8Array[] {
  let gone = byteCount
  return pieces.flatMap((piece) => {
    const rest = piece.subarray(Math.min(gone, piece.length))
    gone -= piece.length - rest.length
    return rest.length > 0 ? [rest] : []
  })
}
