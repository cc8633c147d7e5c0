/**
 * The sizes that follow from two numbers of the header, the cluster's and the reference count's.
 *
 * ```
 *  guest offset = │ L1 index │ L2 index │ offset in cluster │        an L2 table is one cluster of 8-byte entries
 *  host cluster = │ refcount table index │ refcount index │           a refcount block is one cluster of counts
 * ```
 *
 * @spec qcow2 "Cluster mapping" @spec qcow2 "Host cluster management"
 */

/** What follows from the header's `cluster_bits` and `refcount_order`. */
export interface Geometry {
  readonly clusterBytes: number
  /** entries of an L2 table */
  readonly l2Entries: number
  /** bytes of the disk that one L2 table maps */
  readonly l2CoversBytes: number
  /** width of a reference count: 1, 2, 4, 8, 16, 32 or 64 */
  readonly refcountBits: number
  /** counts of a refcount block */
  readonly refcountsInBlock: number
}

/** Bytes of an entry of the L1 table, an L2 table or the refcount table. */
export const entryBytes = 8

/** Clusters are 512 bytes to 2 MiB; larger ones QEMU does not read either. */
export const clusterBits = { min: 9, max: 21 } as const

/** As much of L1 table and refcount table is held in memory, whatever an image says; QEMU's bounds, too. */
export const tableBytesMax = { l1: 32 * 2 ** 20, refcount: 8 * 2 ** 20 } as const

/** The geometry of clusters of `2 ** bits` bytes and counts of `2 ** refcountOrder` bits. */
export function geometryOf(bits: number, refcountOrder: number): Geometry {
  const clusterBytes = 2 ** bits
  const l2Entries = clusterBytes / entryBytes
  const refcountBits = 2 ** refcountOrder
  return {
    clusterBytes,
    l2Entries,
    l2CoversBytes: l2Entries * clusterBytes,
    refcountBits,
    refcountsInBlock: (clusterBytes * 8) / refcountBits,
  }
}

/** Entries of an L1 table for a disk of `sizeBytes`; one at the least, so that the table is somewhere. */
export function l1EntriesFor(sizeBytes: number, { l2CoversBytes }: Geometry): number {
  return Math.max(1, Math.ceil(sizeBytes / l2CoversBytes))
}

/** Clusters that `bytes` take. */
export function clustersFor(bytes: number, { clusterBytes }: Geometry): number {
  return Math.ceil(bytes / clusterBytes)
}
