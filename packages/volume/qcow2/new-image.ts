/**
 * The bytes of a new, empty image.
 *
 * ```
 *  cluster 0        1                 …                        …
 *  │ header         │ refcount table  │ blocks of counts       │ L1 table, all zeros │
 *  │ extensions     │                 │ for all four of these  │                     │
 *  │ backing path   │
 * ```
 *
 * @spec qcow2 "General" @spec qcow2 "Header extensions"
 */

import type { BlockFile } from '../block-file.ts'
import { volumeBytesMax, wholeSectors } from '../volume.ts'
import { VolumeError } from '../volume-error.ts'
import { offsetHigh, offsetLow } from './entries.ts'
import { encodeFeatureNames } from './features.ts'
import {
  clusterBits,
  clustersFor,
  entryBytes,
  type Geometry,
  geometryOf,
  l1EntriesFor,
  tableBytesMax,
} from './geometry.ts'
import { backingPathBytesMax, extensionTypes, headerBytes, magic } from './header.ts'

/** What to make. */
export interface NewImage {
  readonly sizeBytes: number
  readonly clusterBytes?: number | undefined
  readonly backing?: { readonly path: string; readonly format: string } | undefined
}

/** As QEMU's. Each change of a table writes a page of it, and each new cluster of data all of it. */
export const clusterBytesDefault = 65_536

/** Counts of 16 bits. */
const refcountOrder = 4

/** A new image that can be. */
export interface NewImagePlan {
  readonly geometry: Geometry
  readonly layout: Layout
  readonly header: Uint8Array
}

/** Plans a new image. Throws `VolumeError` for what no image can be. */
export function planNewImage(options: NewImage): NewImagePlan {
  const { clusterBytes = clusterBytesDefault } = options
  const bits = Math.log2(clusterBytes)
  if (!Number.isInteger(bits) || bits < clusterBits.min || bits > clusterBits.max) {
    throw userError(`clusters have a power of two from 512 bytes to 2 MiB, not ${clusterBytes}`)
  }
  const geometry = geometryOf(bits, refcountOrder)
  const sizeBytes = wholeSectors(options.sizeBytes)
  const l1Entries = l1EntriesFor(sizeBytes, geometry)
  if (sizeBytes > volumeBytesMax || l1Entries * entryBytes > tableBytesMax.l1) {
    const most = (tableBytesMax.l1 / entryBytes) * geometry.l2CoversBytes
    const isHuge = sizeBytes > volumeBytesMax
    const advice = isHuge ? 'make it smaller' : `make it no larger than ${most}, or choose larger ones`
    throw userError(`no disk of ${sizeBytes} bytes can be made of clusters of ${clusterBytes}; ${advice}`)
  }
  const layout = layOut(geometry, clustersFor(l1Entries * entryBytes, geometry))
  const header = encodeHeader({ ...options, sizeBytes }, bits, l1Entries, layout, clusterBytes)
  return { geometry, layout, header }
}

/** Writes a new image into an empty file, and flushes it. */
export function writeNewImage(file: BlockFile, { geometry, layout, header }: NewImagePlan): void {
  file.resize(layout.clusters * geometry.clusterBytes)
  writeCounts(file, geometry, layout)
  file.flush()
  file.write([header], 0)
  file.flush()
}

function userError(message: string): VolumeError {
  return new VolumeError(message, { fault: 'user' })
}

interface Layout {
  /** clusters of each part, and of all */
  readonly table: number
  readonly blocks: number
  readonly clusters: number
  /** where the L1 table begins */
  readonly l1Cluster: number
}

/** Counts count the clusters that they are in, too, so that their number is found by trying. */
function layOut(geometry: Geometry, l1Clusters: number): Layout {
  let [table, blocks] = [1, 1]
  for (;;) {
    const clusters = 1 + table + blocks + l1Clusters
    const blocksNeeded = Math.ceil(clusters / geometry.refcountsInBlock)
    const tableNeeded = clustersFor(blocksNeeded * entryBytes, geometry)
    if (blocksNeeded <= blocks && tableNeeded <= table) {
      return { table, blocks, clusters, l1Cluster: 1 + table + blocks }
    }
    blocks = blocksNeeded
    table = tableNeeded
  }
}

function writeCounts(file: BlockFile, { clusterBytes, refcountsInBlock }: Geometry, layout: Layout): void {
  const table = new DataView(new ArrayBuffer(layout.blocks * entryBytes))
  for (let block = 0; block < layout.blocks; block++) {
    const offset = (1 + layout.table + block) * clusterBytes
    table.setUint32(block * entryBytes, offsetHigh(offset))
    table.setUint32(block * entryBytes + 4, offsetLow(offset))
    const counts = new DataView(new ArrayBuffer(clusterBytes))
    const first = block * refcountsInBlock
    const end = Math.min(layout.clusters - first, refcountsInBlock)
    for (let index = 0; index < end; index++) counts.setUint16(index * 2, 1)
    file.write([new Uint8Array(counts.buffer)], offset)
  }
  file.write([new Uint8Array(table.buffer)], clusterBytes)
}

function encodeHeader(
  { sizeBytes, backing }: NewImage,
  bits: number,
  l1Entries: number,
  layout: Layout,
  clusterBytes: number,
): Uint8Array {
  const bytes = new Uint8Array(clusterBytes)
  const view = new DataView(bytes.buffer)
  const setUint64 = (at: number, value: number): void => {
    view.setUint32(at, offsetHigh(value))
    view.setUint32(at + 4, offsetLow(value))
  }
  view.setUint32(0, magic)
  view.setUint32(4, 3)
  view.setUint32(20, bits)
  setUint64(24, sizeBytes)
  view.setUint32(36, l1Entries)
  setUint64(40, layout.l1Cluster * clusterBytes)
  setUint64(48, clusterBytes)
  view.setUint32(56, layout.table)
  view.setUint32(96, refcountOrder)
  view.setUint32(100, headerBytes.ours)
  const path = new TextEncoder().encode(backing?.path ?? '')
  const end = writeExtensions(bytes, backing?.format, path.length)
  if (path.length > 0) {
    if (path.length > backingPathBytesMax || end + path.length > clusterBytes) {
      throw new VolumeError(
        'the path of the backing file is too long; move the file, or use larger clusters',
        {
          fault: 'user',
        },
      )
    }
    setUint64(8, end)
    view.setUint32(16, path.length)
    bytes.set(path, end)
  }
  return bytes
}

/** Writes the extensions, and returns where they end. Names of features are left out where there is no room. */
function writeExtensions(bytes: Uint8Array, backingFormat: string | undefined, pathBytes: number): number {
  const view = new DataView(bytes.buffer)
  let at: number = headerBytes.ours
  const write = (type: number, content: Uint8Array): void => {
    view.setUint32(at, type)
    view.setUint32(at + 4, content.length)
    bytes.set(content, at + 8)
    at += 8 + Math.ceil(content.length / 8) * 8
  }
  if (backingFormat !== undefined)
    write(extensionTypes.backingFormat, new TextEncoder().encode(backingFormat))
  const names = encodeFeatureNames()
  if (at + 16 + names.length + pathBytes <= bytes.length) write(extensionTypes.featureNames, names)
  write(extensionTypes.end, new Uint8Array(0))
  return at
}
