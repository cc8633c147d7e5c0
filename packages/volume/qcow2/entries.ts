/**
 * Entries of the L1 table, of L2 tables and of the refcount table: eight bytes, read as two halves, since numbers of
 * JavaScript hold no more than 53 bits exactly.
 *
 * ```
 *         63     62         61 … 56  55 … 9        8 … 1     0
 *  L1     copied reserved …          offset        reserved
 *  L2     copied 0          reserved offset        reserved  reads as zeros
 *  L2     0      compressed          sectors less 1, offset
 * ```
 *
 * `copied` says that the count of what the entry refers to is exactly one.
 *
 * @spec qcow2 "L1 table entry" @spec qcow2 "L2 table entry" @spec qcow2 "Compressed Clusters Descriptor"
 */

import { sectorBytes } from '../volume.ts'
import type { Geometry } from './geometry.ts'

/** In the upper half. */
const copied = 0x8000_0000
/** In the upper half of an L2 entry. */
const compressed = 0x4000_0000
/** In the lower half of an L2 entry, of version 3. */
const zero = 1

const offsetMask = { high: 0x00ff_ffff, low: 0xffff_fe00 } as const

/** What an L2 entry says of its cluster. `reserved` is a zero, too, whose data cluster is kept. */
export type ClusterKind = 'absent' | 'data' | 'zero' | 'reserved' | 'compressed'

/** Offset in the file that an entry of any table refers to; inexact beyond 2^53, where no file is. */
export function entryOffset(high: number, low: number): number {
  return (high & offsetMask.high) * 2 ** 32 + ((low & offsetMask.low) >>> 0)
}

/** The kind of an L2 entry. */
export function entryKind(high: number, low: number): ClusterKind {
  if ((high & compressed) !== 0) return 'compressed'
  const hasCluster = (high & offsetMask.high) !== 0 || (low & offsetMask.low) !== 0
  if ((low & zero) !== 0) return hasCluster ? 'reserved' : 'zero'
  return hasCluster ? 'data' : 'absent'
}

/** Whether an entry says that its count is one. */
export function isCopied(high: number): boolean {
  return (high & copied) !== 0
}

/** Upper half that says that the count is one. */
export function withCopied(high: number): number {
  return (high | copied) >>> 0
}

/** Whether bits are set that have no meaning. Compressed entries have none. */
export function hasReservedBits(
  table: 'l1' | 'l2' | 'refcount',
  version: 2 | 3,
  high: number,
  low: number,
): boolean {
  if (table === 'refcount') return (low & 0x1ff) !== 0
  if (table === 'l1') return (high & 0x7f00_0000) !== 0 || (low & 0x1ff) !== 0
  if ((high & compressed) !== 0) return false
  return (high & 0x3f00_0000) !== 0 || (low & (version === 2 ? 0x1ff : 0x1fe)) !== 0
}

/** Upper half of an entry for what is at `offset`. */
export function offsetHigh(offset: number): number {
  return Math.floor(offset / 2 ** 32)
}

/** Upper half of an entry for a cluster at `offset` that nothing else refers to. */
export function copiedHigh(offset: number): number {
  return (copied | offsetHigh(offset)) >>> 0
}

/** Lower half of an entry for a cluster at `offset`. */
export function offsetLow(offset: number): number {
  return offset % 2 ** 32
}

/** The bit of the lower half that makes a cluster read as zeros. */
export const zeroBit = zero

/** Where the bytes of a compressed cluster are. They begin anywhere and end with a sector. */
export function compressedRange(
  high: number,
  low: number,
  { clusterBytes }: Geometry,
): { offset: number; bytes: number } {
  // The offset has 62 - (cluster_bits - 8) bits, which is 49 to 61, so that its upper end is in the upper half.
  const offsetBitsHigh = 62 - (Math.log2(clusterBytes) - 8) - 32
  const offset = (high & (2 ** offsetBitsHigh - 1)) * 2 ** 32 + low
  const sectorsMore = (high & 0x3fff_ffff) >>> offsetBitsHigh
  const end = (Math.floor(offset / sectorBytes) + sectorsMore + 1) * sectorBytes
  return { offset, bytes: end - offset }
}
