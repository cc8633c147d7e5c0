/**
 * Block device: what it says of itself. @spec virtio-1.2 "Block Device"
 */

import { assert } from '@virga/base'
import type { VirtioModel } from '../model.ts'

/** Bytes of a sector: the unit of offsets and lengths, whatever the disk's blocks are. */
export const sectorBytes = 512

/** A disk as its driver sees it. Structured-clone safe. */
export interface BlkDisk {
  readonly sectors: number
  readonly access: 'read-only' | 'read-write'
  /** what get-id answers, at most 20 ASCII characters */
  readonly id: string
}

export const blkIdBytes = 20
const queueSize = 256
/** A request's data is in so many buffers at most: with header and status they fill the queue. */
const segmentsMax = queueSize - 2
/** Sectors of a range, and ranges of a request. Zeros may have to be written, so those of a request are but 64 MiB. */
export const rangeLimits = {
  discard: { sectorsMax: 2 ** 21, rangesMax: 16 },
  writeZeroes: { sectorsMax: 2 ** 17, rangesMax: 1 },
} as const
/** 4 KiB blocks are what file systems use, so nothing is read in order to write. */
const physicalBlockExponent = 3

/** Feature bits. */
export const blkFeature = {
  segmentsMax: 2,
  geometry: 4,
  readOnly: 5,
  blockSize: 6,
  flush: 9,
  topology: 10,
  discard: 13,
  writeZeroes: 14,
} as const

/** The block device called `name`. */
export function blkModel(name: string, disk: BlkDisk): VirtioModel {
  assert(disk.id.length <= blkIdBytes, `a disk's id has at most ${blkIdBytes} characters`)
  const { segmentsMax, geometry, blockSize, flush, topology, readOnly, discard, writeZeroes } = blkFeature
  const writing = disk.access === 'read-only' ? [readOnly] : [discard, writeZeroes]
  return {
    name,
    kind: 'virtio-blk',
    type: 2,
    classCode: 0x010000,
    features: [segmentsMax, geometry, blockSize, flush, topology, ...writing],
    queueSizes: [queueSize],
    config: blkConfig(disk),
  }
}

/** @spec virtio-1.2 "Device configuration layout" */
function blkConfig({ sectors }: BlkDisk): Uint8Array {
  const config = new Uint8Array(60)
  const view = new DataView(config.buffer)
  view.setUint32(0, sectors % 2 ** 32, true)
  view.setUint32(4, Math.floor(sectors / 2 ** 32), true)
  view.setUint32(12, segmentsMax, true)
  const [heads, perTrack] = [16, 63]
  view.setUint16(16, Math.min(0xffff, Math.floor(sectors / (heads * perTrack))), true)
  view.setUint8(18, heads)
  view.setUint8(19, perTrack)
  view.setUint32(20, sectorBytes, true)
  view.setUint8(24, physicalBlockExponent)
  view.setUint16(26, 1 << physicalBlockExponent, true)
  view.setUint32(28, 0, true)
  view.setUint16(34, 1, true)
  view.setUint32(36, rangeLimits.discard.sectorsMax, true)
  view.setUint32(40, rangeLimits.discard.rangesMax, true)
  view.setUint32(44, 1 << physicalBlockExponent, true)
  view.setUint32(48, rangeLimits.writeZeroes.sectorsMax, true)
  view.setUint32(52, rangeLimits.writeZeroes.rangesMax, true)
  view.setUint8(56, 1)
  return config
}
