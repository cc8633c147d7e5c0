/**
 * Who refers to which cluster of an image: a walk over its header, tables and entries, that counts.
 *
 * Bounds: it counts a window of clusters at a time, in 8 MiB of memory, and walks again for the next window. It reads
 * an L2 table once in a walk, however many entries lead to it, so that a walk reads no more than the file has.
 */

import type { BlockFile } from '../../block-file.ts'
import { compressedRange, entryKind, entryOffset, hasReservedBits, isCopied } from '../entries.ts'
import { clustersFor, entryBytes, type Geometry } from '../geometry.ts'
import { Table } from '../table.ts'

/** An image as it is in its file. */
export interface ImageTables {
  readonly file: BlockFile
  readonly version: 2 | 3
  readonly geometry: Geometry
  readonly l1: Table
  readonly refcountTable: Table
}

/** What refers to clusters: a part of the image that there is one of, or one of many, by its number. */
export type Referrer =
  | 'the header'
  | 'the L1 table'
  | 'the refcount table'
  | 'block of counts'
  | 'L2 table'
  | 'cluster'

/** What walks an image's tables. Arguments are numbers and constants, since there is a call for every cluster. */
export interface Walker {
  /** `clusters` of the file from `first` on are referred to; `isWhole`: as wholes, not as parts of them */
  refers(first: number, clusters: number, isWhole: boolean, by: Referrer, index: number): void
  /** entry `l2` of L2 table `l1` leads to one cluster, and does not say that its count is one; `l2` is -1 for the L1's */
  deniesOne(cluster: number, l1: number, l2: number, by: Referrer, index: number): void
  /** something that cannot be; what it leads to is left out */
  wrong(what: string): void
}

/** A referrer as messages call it. */
export function referrerText(by: Referrer, index: number): string {
  if (by === 'cluster') return `cluster ${index} of the disk`
  return by.startsWith('the ') ? by : `${by} ${index}`
}

/** Clusters that are counted at a time. */
export const windowClusters = 2 ** 22

/** Walks over all that is in the file. */
export function walk(tables: ImageTables, walker: Walker): void {
  const { file, geometry, l1, refcountTable } = tables
  const { clusterBytes } = geometry
  walker.refers(0, 1, true, 'the header', 0)
  for (const [table, what] of [
    [l1, 'the L1 table'],
    [refcountTable, 'the refcount table'],
  ] as const) {
    const clusters = clustersFor(table.bytes.length, geometry)
    if (clusters > 0) walker.refers(table.home / clusterBytes, clusters, true, what, 0)
  }
  const fileClusters = Math.ceil(file.size() / clusterBytes)
  walkRefcountTable(tables, fileClusters, walker)
  walkL1(tables, fileClusters, walker)
}

/** Whether a whole cluster of the file is at `offset`. */
function isCluster(offset: number, fileClusters: number, { clusterBytes }: Geometry): boolean {
  return offset % clusterBytes === 0 && offset >= clusterBytes && offset / clusterBytes < fileClusters
}

function walkRefcountTable(
  { geometry, refcountTable, version }: ImageTables,
  fileClusters: number,
  walker: Walker,
): void {
  for (let index = 0; index < refcountTable.bytes.length / entryBytes; index++) {
    const [high, low] = [refcountTable.high(index), refcountTable.low(index)]
    if (high === 0 && low === 0) continue
    const offset = entryOffset(high, low)
    if (hasReservedBits('refcount', version, high, low) || !isCluster(offset, fileClusters, geometry)) {
      walker.wrong(`${referrerText('block of counts', index)} is said to be at ${offset}`)
    } else walker.refers(offset / geometry.clusterBytes, 1, true, 'block of counts', index)
  }
}

function walkL1(tables: ImageTables, fileClusters: number, walker: Walker): void {
  const { file, geometry, l1, version } = tables
  const seen = new Set<number>()
  const table = new Table(0, new Uint8Array(geometry.clusterBytes), 0)
  for (let index = 0; index < l1.bytes.length / entryBytes; index++) {
    const [high, low] = [l1.high(index), l1.low(index)]
    if (high === 0 && low === 0) continue
    const offset = entryOffset(high, low)
    if (hasReservedBits('l1', version, high, low) || !isCluster(offset, fileClusters, geometry)) {
      walker.wrong(`${referrerText('L2 table', index)} is said to be at ${offset}`)
      continue
    }
    const cluster = offset / geometry.clusterBytes
    walker.refers(cluster, 1, true, 'L2 table', index)
    if (!isCopied(high)) walker.deniesOne(cluster, index, -1, 'L2 table', index)
    if (seen.has(offset)) continue
    seen.add(offset)
    file.read([table.bytes], offset)
    walkL2(tables, table, index, fileClusters, walker)
  }
}

function walkL2(
  { geometry, version }: ImageTables,
  table: Table,
  l1: number,
  fileClusters: number,
  walker: Walker,
): void {
  const { clusterBytes, l2Entries } = geometry
  for (let entry = 0; entry < l2Entries; entry++) {
    const [high, low] = [table.high(entry), table.low(entry)]
    if (high === 0 && low === 0) continue
    const index = l1 * l2Entries + entry
    const wrong = (what: string) => walker.wrong(`${referrerText('cluster', index)} ${what}`)
    const kind = entryKind(high, low)
    if (kind === 'compressed') {
      const { offset, bytes } = compressedRange(high, low, geometry)
      const first = Math.floor(offset / clusterBytes)
      const last = Math.floor((offset + bytes - 1) / clusterBytes)
      // What is behind the last sector of the file need not be there.
      const isInside = first > 0 && last < fileClusters
      if (!isInside || isCopied(high)) wrong(`is said to be compressed at ${offset}`)
      else walker.refers(first, last - first + 1, false, 'cluster', index)
      continue
    }
    const offset = entryOffset(high, low)
    if (hasReservedBits('l2', version, high, low)) wrong('has bits without meaning')
    else if (kind === 'absent' || kind === 'zero') {
      if (isCopied(high)) wrong('is said to be counted, and is nowhere')
    } else if (!isCluster(offset, fileClusters, geometry)) wrong(`is said to be at ${offset}`)
    else {
      walker.refers(offset / clusterBytes, 1, true, 'cluster', index)
      if (!isCopied(high)) walker.deniesOne(offset / clusterBytes, l1, entry, 'cluster', index)
    }
  }
}
