/**
 * Changes to what the clusters of a disk are: taking ones of the file for them, zeroing, removing. All in memory, and
 * the image's with the next commit.
 */

import { copiedHigh, offsetLow, zeroBit } from './entries.ts'
import type { Qcow2Image } from './image.ts'
import { findRun, newRun, type Run } from './mapping.ts'

/** Clusters in a row of the file, for data. */
export interface Place {
  readonly hostOffset: number
  readonly bytes: number
  /** whether they read as zeros and nothing else has ever been there */
  readonly isNew: boolean
  /** whether they were the disk's already, reading as zeros */
  readonly isReserved: boolean
  /** what was there before, if it has to be dropped */
  readonly replaces: { readonly hostOffset: number; readonly hostBytes: number } | undefined
}

/** Clusters of an image. Offsets of the disk are those of clusters. */
export class ClusterChanges {
  readonly #image: Qcow2Image

  constructor(image: Qcow2Image) {
    this.#image = image
  }

  /** A place for up to `bytesMax`, whole clusters, of what `run` says is at the disk's `start`. */
  take(start: number, bytesMax: number, run: Run): Place {
    const { counts, geometry } = this.#image
    const { clusterBytes } = geometry
    if (run.kind === 'reserved') {
      const hostOffset = Math.floor(run.hostOffset / clusterBytes) * clusterBytes
      return { hostOffset, bytes: bytesMax, isNew: false, isReserved: true, replaces: undefined }
    }
    const inTable = geometry.l2CoversBytes - (start % geometry.l2CoversBytes)
    const { first, count, isNew } = counts.takeRun(Math.min(bytesMax, inTable) / clusterBytes)
    const { hostOffset, hostBytes } = run
    return {
      hostOffset: first * clusterBytes,
      bytes: count * clusterBytes,
      isNew,
      isReserved: false,
      replaces: run.kind === 'compressed' ? { hostOffset, hostBytes } : undefined,
    }
  }

  /** Gives back a place that could not be written. */
  giveBack({ hostOffset, bytes, isReserved }: Place): void {
    const { counts, geometry } = this.#image
    if (!isReserved) counts.untakeRun(hostOffset / geometry.clusterBytes, bytes / geometry.clusterBytes)
  }

  /** The disk has its bytes from `start` on at `place`. */
  map(start: number, { hostOffset, bytes, replaces }: Place): void {
    const { clusterBytes } = this.#image.geometry
    this.#setEntries(start, bytes / clusterBytes, (index) => hostOffset + index * clusterBytes, 0)
    if (replaces !== undefined) this.#dropCompressed(replaces.hostOffset, replaces.hostBytes)
  }

  /**
   * The clusters of `run`, which begins at `start`, read as zeros: by an entry that says so if there is something
   * behind them, and else by none; `keep` keeps the clusters of the file.
   */
  zero(
    start: number,
    run: Run,
    { isZeroEntry, space }: { isZeroEntry: boolean; space: 'keep' | 'free' },
  ): void {
    const { version } = this.#image.header
    const { clusterBytes } = this.#image.geometry
    const { kind, hostOffset, hostBytes } = run
    const clusters = Math.ceil(run.bytes / clusterBytes)
    const isKept = space === 'keep' && version === 3
    if (kind === 'absent' && !isZeroEntry) return
    if (kind === 'zero') return
    if (kind === 'reserved' && isKept) return
    if (kind === 'data' && isKept) {
      this.#setEntries(start, clusters, (index) => hostOffset + index * clusterBytes, zeroBit)
      return
    }
    this.#setEntries(start, clusters, () => 0, isZeroEntry ? zeroBit : 0)
    if (kind === 'compressed') this.#dropCompressed(hostOffset, hostBytes)
    if (kind === 'data' || kind === 'reserved') {
      const first = hostOffset / clusterBytes
      for (let cluster = first; cluster < first + clusters; cluster++) this.#image.counts.drop(cluster)
    }
  }

  /** Removes all behind `sizeBytes`: clusters and L2 tables. `between` is called often, and may commit. */
  removeFrom(sizeBytes: number, between: () => void): void {
    const { geometry, l1, l2, counts } = this.#image
    const { clusterBytes, l2CoversBytes } = geometry
    const end = (l1.bytes.length / 8) * l2CoversBytes
    const run = newRun()
    for (let at = Math.ceil(sizeBytes / clusterBytes) * clusterBytes; at < end; at += run.bytes) {
      between()
      findRun(this.#image, at, end - at, run)
      this.zero(at, run, { isZeroEntry: false, space: 'free' })
    }
    for (let index = Math.ceil(sizeBytes / l2CoversBytes); index < end / l2CoversBytes; index++) {
      between()
      const table = this.#image.l2Table(index)
      if (table === undefined) continue
      l2.drop(table)
      counts.abandon(table)
      this.#image.l1.set(index, 0, 0)
    }
  }

  #setEntries(start: number, clusters: number, hostOffset: (index: number) => number, flags: number): void {
    const { clusterBytes, l2CoversBytes } = this.#image.geometry
    const l1Index = Math.floor(start / l2CoversBytes)
    const table = this.#image.l2TableToChange(l1Index)
    const first = (start - l1Index * l2CoversBytes) / clusterBytes
    for (let index = 0; index < clusters; index++) {
      const offset = hostOffset(index)
      table.set(first + index, offset === 0 ? 0 : copiedHigh(offset), (offsetLow(offset) | flags) >>> 0)
    }
  }

  /** A compressed cluster has a reference to each cluster of the file that it touches. */
  #dropCompressed(offset: number, bytes: number): void {
    const { counts, geometry } = this.#image
    const last = Math.floor((offset + bytes - 1) / geometry.clusterBytes)
    for (let cluster = Math.floor(offset / geometry.clusterBytes); cluster <= last; cluster++)
      counts.drop(cluster)
  }
}
