/** Makes new volumes: empty ones, overlays over a backing file, and copies of another volume. */

import { ok, type Result } from '@virga/base'
import type { OpenedFile, OpenFile } from './block-file.ts'
import { closingOnFailure, type OpenOptions, openChain, refuseAddress } from './chain.ts'
import type { Inflate } from './qcow2/decompress.ts'
import { planNewImage, writeNewImage } from './qcow2/new-image.ts'
import { type Volume, type VolumeFormat, wholeSectors } from './volume.ts'
import { attempt, VolumeError } from './volume-error.ts'

/** What to make, and where. */
export interface CreateOptions {
  readonly path: string
  readonly format: VolumeFormat
  /** may be left out with a backing file, whose size it is then */
  readonly sizeBytes?: number | undefined
  /** of qcow2; a power of two */
  readonly clusterBytes?: number | undefined
  /** of qcow2; its path starts from the new file's folder */
  readonly backing?: { readonly path: string; readonly format: VolumeFormat } | undefined
  readonly openFile: OpenFile
  /** Makes the new file, empty, open for writing. */
  readonly createFile: (path: string) => OpenedFile
  readonly inflate: Inflate
}

/** Makes a volume of zeros, or of what its backing file has. Returns its size. */
export function createVolume(options: CreateOptions): Result<{ sizeBytes: number }> {
  return attempt(() => create(options))
}

function create(options: CreateOptions): { sizeBytes: number } {
  const { path, format, backing } = options
  const userError = (message: string): VolumeError => new VolumeError(message, { fault: 'user' })
  if (format === 'raw' && backing !== undefined) {
    throw userError('a raw volume has no backing file; make a qcow2 one')
  }
  if (format === 'raw' && options.clusterBytes !== undefined) throw userError('a raw volume has no clusters')
  const behind = backingSize(options)
  const sizeBytes = options.sizeBytes ?? behind
  if (sizeBytes === undefined) throw userError(`say how large ${path} is to be, with --size`)
  const plan = format === 'raw' ? undefined : planNewImage({ ...options, sizeBytes })
  // All that can be a mistake is before this, so that a mistake leaves no file behind.
  const opened = options.createFile(path)
  closingOnFailure(opened, () => {
    const { file } = opened
    if (plan !== undefined) return writeNewImage(file, plan)
    file.resize(wholeSectors(sizeBytes))
    file.flush()
  })
  opened.file.close()
  return { sizeBytes: wholeSectors(sizeBytes) }
}

/** The size of the backing file, whose chain is opened for it; undefined when there is none. */
function backingSize({ path, backing, openFile, inflate }: CreateOptions): number | undefined {
  if (backing === undefined) return undefined
  refuseAddress(backing.path, path)
  const fromHere: OpenFile = (request) => openFile({ from: path, ...request })
  const volume = openChain({ ...backing, access: 'read', openFile: fromHere, inflate })
  const { sizeBytes } = volume
  volume.close()
  return sizeBytes
}

/** How far a copy is. */
export interface CopyProgress {
  readonly doneBytes: number
  readonly totalBytes: number
}

/** One read and write of a copy. */
const copyBytesMax = 2 ** 20
/** Zeros are looked for in pieces of so many bytes, a block of most file systems. */
const pieceBytes = 4096

/**
 * Copies all that is not zero from one volume, with all behind it, to a new one of the same size, which reads as
 * zeros. A generator, so that its user can do other things between pieces; it returns the bytes that were written.
 */
export function* copyVolume(
  from: OpenOptions,
  to: Omit<CreateOptions, 'sizeBytes' | 'backing'>,
): Generator<CopyProgress, Result<{ sizeBytes: number; writtenBytes: number }>> {
  const source = attempt(() => openChain(from))
  if (!source.ok) return source
  try {
    const { sizeBytes } = source.value
    const made = createVolume({ ...to, sizeBytes })
    if (!made.ok) return made
    const target = attempt(() => openChain({ ...to, access: 'write' }))
    if (!target.ok) return target
    const copied = yield* copyBytes(source.value, target.value)
    const closed = attempt(() => target.value.close())
    if (!copied.ok) return copied
    return closed.ok ? ok({ sizeBytes, writtenBytes: copied.value }) : closed
  } finally {
    source.value.close()
  }
}

function* copyBytes(source: Volume, target: Volume): Generator<CopyProgress, Result<number>> {
  const totalBytes = source.sizeBytes
  const buffer = new Uint8Array(copyBytesMax)
  let writtenBytes = 0
  for (let at = 0; at < totalBytes; ) {
    const step = attempt(() => {
      const { kind, bytes } = source.extent(at, Math.min(totalBytes - at, kindBytesMax))
      if (kind === 'zero') return bytes
      const piece = buffer.subarray(0, Math.min(bytes, copyBytesMax))
      source.read([piece], at)
      writtenBytes += writeNonZero(piece, (run, offset) => target.write([run], at + offset))
      return piece.length
    })
    if (!step.ok) return step
    at += step.value
    yield { doneBytes: at, totalBytes }
  }
  return ok(writtenBytes)
}

/** Holes are passed over in steps of so many bytes. */
const kindBytesMax = 2 ** 40

/** Writes the runs of pieces that are not zero, and returns how many bytes they have. */
function writeNonZero(bytes: Uint8Array, write: (bytes: Uint8Array, offset: number) => void): number {
  let written = 0
  let runStart = 0
  for (let at = 0; at < bytes.length; at += pieceBytes) {
    const end = Math.min(bytes.length, at + pieceBytes)
    if (!isZero(bytes, at, end)) {
      if (end < bytes.length) continue
      write(bytes.subarray(runStart), runStart)
      written += bytes.length - runStart
    } else {
      if (at > runStart) write(bytes.subarray(runStart, at), runStart)
      written += at - runStart
      runStart = end
    }
  }
  return written
}

/** Looks four bytes at a time; `bytes` is aligned, and whole sectors. */
function isZero(bytes: Uint8Array, from: number, to: number): boolean {
  const words = new Int32Array(bytes.buffer, bytes.byteOffset + from, (to - from) / 4)
  for (const word of words) if (word !== 0) return false
  return true
}
