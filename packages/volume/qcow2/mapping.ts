/**
 * From an offset of the disk to what is there: one L2 entry, or a run of them that can be read or written at once.
 * Why a run: what was written in one go lies in one go in the file, and one call for a megabyte is worth sixteen.
 */

import {
  type ClusterKind,
  compressedRange,
  entryKind,
  entryOffset,
  hasReservedBits,
  isCopied,
} from './entries.ts'
import { damaged } from './header.ts'
import type { Qcow2Image } from './image.ts'
import type { Table } from './table.ts'

/** A run of clusters of one kind. One object is used again and again, so that reading allocates nothing for it. */
export interface Run {
  kind: ClusterKind
  /** bytes of the disk, up to as many as were asked for */
  bytes: number
  /** where in the file they are, of `data` and `reserved`; where the cluster begins, of `compressed` */
  hostOffset: number
  /** of `compressed`, bytes in the file */
  hostBytes: number
}

/** A run to look things up with. */
export function newRun(): Run {
  return { kind: 'absent', bytes: 0, hostOffset: 0, hostBytes: 0 }
}

/** Finds what is at `offset`: sets `run` to the run that begins there, of at most `bytesMax` and within one L2 table. */
export function findRun(image: Qcow2Image, offset: number, bytesMax: number, run: Run): void {
  const { clusterBytes, l2CoversBytes } = image.geometry
  const l1Index = Math.floor(offset / l2CoversBytes)
  const inTable = offset - l1Index * l2CoversBytes
  const table = image.l2Table(l1Index)
  const bytesHere = Math.min(bytesMax, l2CoversBytes - inTable)
  if (table === undefined) {
    run.kind = 'absent'
    run.bytes = bytesHere
    return
  }
  const first = Math.floor(inTable / clusterBytes)
  const inCluster = inTable - first * clusterBytes
  setFromEntry(image, table, first, run)
  run.bytes = clusterBytes - inCluster
  if (run.kind === 'compressed') {
    run.bytes = Math.min(run.bytes, bytesHere)
    return
  }
  const firstHost = run.hostOffset
  const isPlaced = run.kind === 'data' || run.kind === 'reserved'
  const { kind } = run
  for (let entry = first + 1; run.bytes < bytesHere; entry++) {
    const [high, low] = [table.high(entry), table.low(entry)]
    if (entryKind(high, low) !== kind) break
    if (isPlaced && entryOffset(high, low) !== firstHost + (entry - first) * clusterBytes) break
    checkEntry(image, table, entry)
    run.bytes += clusterBytes
  }
  run.bytes = Math.min(run.bytes, bytesHere)
  if (isPlaced) run.hostOffset = firstHost + inCluster
}

function setFromEntry(image: Qcow2Image, table: Table, entry: number, run: Run): void {
  const [high, low] = [table.high(entry), table.low(entry)]
  checkEntry(image, table, entry)
  run.kind = entryKind(high, low)
  if (run.kind === 'compressed') {
    const { offset, bytes } = compressedRange(high, low, image.geometry)
    run.hostOffset = offset
    run.hostBytes = bytes
  } else run.hostOffset = entryOffset(high, low)
}

/** What is in the file is not to be trusted: bits, alignment, and that it is inside the file. */
function checkEntry(image: Qcow2Image, table: Table, entry: number): void {
  const [high, low] = [table.high(entry), table.low(entry)]
  if (hasReservedBits('l2', image.header.version, high, low)) {
    throw damaged(image.name, `entry ${entry} of L2 table ${table.index} has bits without meaning`)
  }
  const kind = entryKind(high, low)
  if (kind === 'compressed') {
    const { offset } = compressedRange(high, low, image.geometry)
    const isInside =
      offset >= image.geometry.clusterBytes && offset < image.fileClusters * image.geometry.clusterBytes
    if (!isInside || isCopied(high))
      throw damaged(image.name, `a compressed cluster is said to be at ${offset}`)
  } else if (kind === 'data' || kind === 'reserved') {
    image.checkCluster(entryOffset(high, low), 'a cluster')
  }
}
