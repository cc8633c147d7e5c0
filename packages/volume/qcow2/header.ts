/**
 * The header of a qcow2 image: the first cluster, from which all else is found.
 *
 * ```
 *  0     8              20            32    36       48        60         72          96      104
 *  │magic│backing file  │cluster_bits │crypt│l1 table│refcount │snapshots │feature    │order, │compression │ extensions … │ backing
 *  │vers.│offset, length│size         │     │        │table    │          │bits (v3)  │length │type        │ type, length │ file name
 * ```
 *
 * Reading it trusts nothing: every number has its bounds, and what is out of them is told in one line. It does not
 * decide what may be done with the image; `support.ts` does.
 *
 * @spec qcow2 "Header" @spec qcow2 "Header extensions"
 */

import { volumeBytesMax } from '../volume.ts'
import { VolumeError } from '../volume-error.ts'
import { type Feature, type FeatureBits, parseFeatureNames } from './features.ts'
import {
  clusterBits,
  entryBytes,
  type Geometry,
  geometryOf,
  l1EntriesFor,
  tableBytesMax,
} from './geometry.ts'

/** What the header says. Offsets and sizes in bytes. */
export interface Header {
  readonly version: 2 | 3
  readonly geometry: Geometry
  readonly sizeBytes: number
  readonly l1Entries: number
  readonly l1Offset: number
  readonly refcountTableOffset: number
  readonly refcountTableClusters: number
  readonly incompatible: FeatureBits
  readonly compatible: FeatureBits
  readonly autoclear: FeatureBits
  /** 0 is zlib, 1 is zstd */
  readonly compressionType: number
  readonly encryption: number
  readonly snapshotCount: number
  readonly hasBitmaps: boolean
  readonly featureNames: readonly Feature[]
  /** the backing file, as the image calls it */
  readonly backing: Backing | undefined
}

/** What lies behind an image where it has nothing itself. */
export interface Backing {
  readonly path: string
  /** as the image says; undefined when it does not say */
  readonly format: string | undefined
}

/** First bytes of every qcow2 file. */
export const magic = 0x5146_49fb
/** Bytes of a header of version 2, of a version 3 at the least, and of one that we write. */
export const headerBytes = { v2: 72, v3: 104, ours: 112 } as const
/** Types of header extensions. */
export const extensionTypes = {
  end: 0,
  backingFormat: 0xe279_2aca,
  featureNames: 0x6803_f857,
  bitmaps: 0x2385_2875,
} as const
/** Longest path of a backing file. */
export const backingPathBytesMax = 1023
/** As much of the file holds every header: the largest cluster. */
export const headerClusterBytesMax = 2 ** clusterBits.max

/** Whether a file that begins with `bytes` is a qcow2 image. */
export function isQcow2(bytes: Uint8Array): boolean {
  return bytes.length >= 4 && viewOf(bytes).getUint32(0) === magic
}

/** Reads the header out of the first bytes of a file of `fileBytes`. Throws `VolumeError`; `name` is for messages. */
export function parseHeader(bytes: Uint8Array, name: string, fileBytes: number): Header {
  if (!isQcow2(bytes)) throw new VolumeError(`${name} is not a qcow2 image; name one, or say --format raw`)
  if (bytes.length < headerBytes.v2) throw damaged(name, 'its header is cut off')
  const view = viewOf(bytes)
  const version = view.getUint32(4)
  if (version !== 2 && version !== 3) {
    throw new VolumeError(`${name} is a qcow2 image of version ${version}; convert it to 3 with qemu-img`)
  }
  const bits = view.getUint32(20)
  if (bits < clusterBits.min || bits > clusterBits.max)
    throw damaged(name, `its clusters have 2^${bits} bytes`)
  const isOld = version === 2
  if (!isOld && bytes.length < headerBytes.v3) throw damaged(name, 'its header is cut off')
  const refcountOrder = isOld ? 4 : view.getUint32(96)
  if (refcountOrder > 6) throw damaged(name, `its reference counts have 2^${refcountOrder} bits`)
  const length = isOld ? headerBytes.v2 : view.getUint32(100)
  const geometry = geometryOf(bits, refcountOrder)
  const headBytes = Math.min(bytes.length, geometry.clusterBytes)
  if (length < (isOld ? headerBytes.v2 : headerBytes.v3) || length > headBytes || length % 8 !== 0) {
    throw damaged(name, `its header has ${length} bytes`)
  }
  const none: FeatureBits = { high: 0, low: 0 }
  const features = (at: number): FeatureBits =>
    isOld ? none : { high: view.getUint32(at), low: view.getUint32(at + 4) }
  const extensions = parseExtensions(bytes.subarray(0, headBytes), length, name)
  const header: Header = {
    version,
    geometry,
    sizeBytes: uint64(view, 24),
    encryption: view.getUint32(32),
    l1Entries: view.getUint32(36),
    l1Offset: uint64(view, 40),
    refcountTableOffset: uint64(view, 48),
    refcountTableClusters: view.getUint32(56),
    snapshotCount: view.getUint32(60),
    incompatible: features(72),
    compatible: features(80),
    autoclear: features(88),
    compressionType: length > headerBytes.v3 ? view.getUint8(104) : 0,
    hasBitmaps: extensions.hasBitmaps,
    featureNames: extensions.featureNames,
    backing: parseBacking(bytes.subarray(0, headBytes), extensions.backingFormat, name),
  }
  checkTables(header, name, fileBytes)
  return header
}

/** L1 table and refcount table: inside the file, aligned, of a size that makes sense. */
function checkTables(header: Header, name: string, fileBytes: number): void {
  const { geometry, sizeBytes, l1Entries, l1Offset, refcountTableOffset, refcountTableClusters } = header
  const { clusterBytes } = geometry
  if (sizeBytes > volumeBytesMax) throw damaged(name, `it says that the disk has ${sizeBytes} bytes`)
  if (l1Entries * entryBytes > tableBytesMax.l1) throw damaged(name, `its L1 table has ${l1Entries} entries`)
  if (sizeBytes > 0 && l1Entries < l1EntriesFor(sizeBytes, geometry)) {
    throw damaged(name, `its L1 table of ${l1Entries} entries is too small for the disk`)
  }
  const refcountTableBytes = refcountTableClusters * clusterBytes
  if (refcountTableBytes === 0 || refcountTableBytes > tableBytesMax.refcount) {
    throw damaged(name, `its refcount table has ${refcountTableClusters} clusters`)
  }
  const areas = [
    ['L1 table', l1Offset, l1Entries * entryBytes],
    ['refcount table', refcountTableOffset, refcountTableBytes],
  ] as const
  for (const [what, offset, bytes] of areas) {
    if (bytes === 0) continue
    const isInside = offset >= clusterBytes && offset + bytes - fileBytes < clusterBytes
    if (!isInside || offset % clusterBytes !== 0)
      throw damaged(name, `its ${what} is said to be at ${offset}`)
  }
}

interface Extensions {
  readonly backingFormat: string | undefined
  readonly featureNames: readonly Feature[]
  readonly hasBitmaps: boolean
}

/** Walks the extensions, which end with one of type 0, or with the backing file's path, or with the cluster. */
function parseExtensions(cluster: Uint8Array, headerLength: number, name: string): Extensions {
  const view = viewOf(cluster)
  const end = Math.min(cluster.length, uint64(view, 8) || cluster.length)
  let backingFormat: string | undefined
  let featureNames: readonly Feature[] = []
  let hasBitmaps = false
  for (let at = headerLength; at + 8 <= end; ) {
    const type = view.getUint32(at)
    const bytes = view.getUint32(at + 4)
    if (type === extensionTypes.end) break
    at += 8
    if (bytes > end - at) throw damaged(name, `a header extension has ${bytes} bytes`)
    const content = cluster.subarray(at, at + bytes)
    if (type === extensionTypes.backingFormat) backingFormat = new TextDecoder().decode(content)
    if (type === extensionTypes.featureNames) featureNames = parseFeatureNames(content)
    if (type === extensionTypes.bitmaps) hasBitmaps = true
    at += Math.ceil(bytes / 8) * 8
  }
  return { backingFormat, featureNames, hasBitmaps }
}

function parseBacking(cluster: Uint8Array, format: string | undefined, name: string): Backing | undefined {
  const view = viewOf(cluster)
  const offset = uint64(view, 8)
  const bytes = view.getUint32(16)
  if (offset === 0) return undefined
  if (bytes === 0 || bytes > backingPathBytesMax || offset + bytes > cluster.length) {
    throw damaged(name, `its backing file's name has ${bytes} bytes at ${offset}`)
  }
  const path = new TextDecoder().decode(cluster.subarray(offset, offset + bytes))
  // A control character would end a path early, or a message.
  if (/\p{Cc}/u.test(path)) throw damaged(name, "its backing file's name is no text")
  return { path, format }
}

/** For an image that cannot be what it says. */
export function damaged(name: string, what: string): VolumeError {
  return new VolumeError(`${name} is damaged: ${what}; take another copy of it`)
}

function viewOf(bytes: Uint8Array): DataView {
  return new DataView(bytes.buffer, bytes.byteOffset, bytes.byteLength)
}

/** A number of 64 bits, inexact beyond 2^53, where every bound refuses it. */
function uint64(view: DataView, at: number): number {
  return view.getUint32(at) * 2 ** 32 + view.getUint32(at + 4)
}
