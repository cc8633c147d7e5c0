/**
 * A qcow2 disk: reads, writes and all else that is asked of a `Volume`, over an image and what is behind it.
 *
 * Data goes to the file at once, in place where the cluster is the image's already, and else to a free cluster; that
 * the disk now has it there is in memory until the next commit, which `flush` makes, or too many changes.
 */

import { assert } from '@virga/base'
import type { BlockFile } from '../block-file.ts'
import { BufferCursor, byteCount } from '../buffers.ts'
import { smallerSize } from '../raw/raw-volume.ts'
import { type Extent, type Volume, volumeBytesMax, wholeSectors } from '../volume.ts'
import { VolumeError } from '../volume-error.ts'
import { ClusterChanges } from './cluster-changes.ts'
import { commit, isCommitDue, moveTablesDown } from './commit.ts'
import { CompressedClusters, type Inflate } from './decompress.ts'
import type { Qcow2Image } from './image.ts'
import { findRun, newRun } from './mapping.ts'

/** One write of zeros. */
const zeroBytesMax = 2 ** 20

/** What a qcow2 volume is made of. It closes all of it. */
export interface Qcow2Parts {
  readonly file: BlockFile
  readonly image: Qcow2Image
  /** read where the image has nothing; undefined when there is none */
  readonly backing: Volume | undefined
  readonly inflate: Inflate
}

/** A qcow2 volume. Writing one whose image is open for reading is a mistake of the caller. */
export class Qcow2Volume implements Volume {
  readonly format = 'qcow2'
  readonly #image: Qcow2Image
  readonly #file: BlockFile
  readonly #backing: Volume | undefined
  readonly #compressed: CompressedClusters
  readonly #changes: ClusterChanges
  readonly #run = newRun()
  /** what is written before and behind what is given, to fill a cluster; made when first needed */
  #rests: readonly [Uint8Array, Uint8Array] | undefined

  constructor({ file, image, backing, inflate }: Qcow2Parts) {
    this.#image = image
    this.#file = file
    this.#backing = backing
    this.#compressed = new CompressedClusters(file, inflate)
    this.#changes = new ClusterChanges(image)
  }

  get sizeBytes(): number {
    return this.#image.sizeBytes
  }

  /** The image, for whoever looks into it. */
  get image(): Qcow2Image {
    return this.#image
  }

  read(into: readonly Uint8Array[], offset: number): void {
    const bytes = byteCount(into)
    this.#within(offset, bytes)
    const cursor = new BufferCursor(into)
    for (let done = 0; done < bytes; done += this.#readRun(cursor, offset + done, bytes - done));
  }

  write(from: readonly Uint8Array[], offset: number): void {
    const bytes = byteCount(from)
    this.#within(offset, bytes)
    const cursor = new BufferCursor(from)
    for (let done = 0; done < bytes; ) {
      this.#commitIfDue()
      findRun(this.#image, offset + done, bytes - done, this.#run)
      const run = this.#run
      if (run.kind === 'data') {
        this.#file.write(cursor.take(run.bytes), run.hostOffset)
        done += run.bytes
      } else done += this.#writeToOwn(cursor, offset + done, run.bytes)
    }
  }

  discard(offset: number, bytes: number): void {
    this.#within(offset, bytes)
    const { clusterBytes } = this.#image.geometry
    const from = Math.ceil(offset / clusterBytes) * clusterBytes
    // The disk's last cluster may be a part of one.
    const isToEnd = offset + bytes === this.sizeBytes
    const to = isToEnd ? offset + bytes : Math.floor((offset + bytes) / clusterBytes) * clusterBytes
    if (to > from && this.#canBeZero()) this.#zeroClusters(from, to, 'free')
  }

  writeZeroes(offset: number, bytes: number, space: 'keep' | 'free'): void {
    this.#within(offset, bytes)
    const { clusterBytes } = this.#image.geometry
    const end = offset + bytes
    const from = Math.min(end, Math.ceil(offset / clusterBytes) * clusterBytes)
    const to = end === this.sizeBytes ? end : Math.max(from, Math.floor(end / clusterBytes) * clusterBytes)
    if (!this.#canBeZero()) return this.#writeZeroBytes(offset, end)
    this.#writeZeroBytes(offset, from)
    this.#zeroClusters(from, to, space)
    this.#writeZeroBytes(to, end)
  }

  flush(): void {
    if (this.#image.refcounts === undefined) return
    // A commit flushes the data, too, before the header.
    if (!commit(this.#image)) this.#file.flush()
  }

  resize(sizeBytes: number, allow: 'grow' | 'shrink' = 'grow'): void {
    const to = wholeSectors(sizeBytes)
    const from = this.sizeBytes
    if (to > volumeBytesMax) throw new VolumeError(`no disk can have ${sizeBytes} bytes`, { fault: 'user' })
    if (to < from) {
      if (allow !== 'shrink') throw smallerSize(this.#file.name, from)
      this.#changes.removeFrom(to, () => this.#commitIfDue())
    }
    this.#image.setSize(to)
    if (to > from) this.#zeroBehind(from, to)
    commit(this.#image)
    if (to < from) this.#cutFile()
  }

  extent(offset: number, bytesMax: number): Extent {
    this.#within(offset, bytesMax)
    findRun(this.#image, offset, bytesMax, this.#run)
    const { kind, bytes } = this.#run
    if (kind === 'zero' || kind === 'reserved') return { kind: 'zero', bytes }
    if (kind !== 'absent') return { kind: 'data', bytes }
    const behind = (this.#backing?.sizeBytes ?? 0) - offset
    if (this.#backing === undefined || behind <= 0) return { kind: 'zero', bytes }
    return this.#backing.extent(offset, Math.min(bytes, behind))
  }

  close(): void {
    try {
      this.flush()
    } finally {
      this.#backing?.close()
      this.#file.close()
    }
  }

  /** Reads some of what comes next and returns how much. */
  #readRun(cursor: BufferCursor, offset: number, bytesMax: number): number {
    const run = this.#run
    findRun(this.#image, offset, bytesMax, run)
    const { kind, bytes } = run
    if (kind === 'data') this.#file.read(cursor.take(bytes), run.hostOffset)
    else if (kind === 'zero' || kind === 'reserved') cursor.zero(bytes)
    else if (kind === 'absent') this.#readBehind(cursor, offset, bytes)
    else {
      const { clusterBytes } = this.#image.geometry
      const cluster = this.#compressed.read(run.hostOffset, run.hostBytes, clusterBytes)
      const inCluster = offset % clusterBytes
      cursor.copyIn(cluster.subarray(inCluster, inCluster + bytes))
    }
    return bytes
  }

  #readBehind(cursor: BufferCursor, offset: number, bytes: number): void {
    const there = Math.max(0, Math.min(bytes, (this.#backing?.sizeBytes ?? 0) - offset))
    if (there > 0) this.#backing?.read(cursor.take(there), offset)
    if (there < bytes) cursor.zero(bytes - there)
  }

  /** Writes some of `bytesMax`, which no data cluster has yet, to clusters of its own; returns how much. */
  #writeToOwn(cursor: BufferCursor, offset: number, bytesMax: number): number {
    const { clusterBytes } = this.#image.geometry
    const start = Math.floor(offset / clusterBytes) * clusterBytes
    const place = this.#changes.take(
      start,
      Math.ceil((offset + bytesMax) / clusterBytes) * clusterBytes - start,
      this.#run,
    )
    const end = Math.min(offset + bytesMax, start + place.bytes)
    const isZero = this.#run.kind !== 'compressed' && (this.#run.kind !== 'absent' || !this.#isBacked(start))
    const isReady = isZero && place.isNew
    try {
      const before = isReady ? [] : this.#oldBytes(start, offset, 0)
      const after = isReady ? [] : this.#oldBytes(end, Math.ceil(end / clusterBytes) * clusterBytes, 1)
      const from = isReady ? offset - start : 0
      this.#file.write([...before, ...cursor.take(end - offset), ...after], place.hostOffset + from)
    } catch (error) {
      this.#changes.giveBack(place)
      throw error
    }
    this.#changes.map(start, place)
    return end - offset
  }

  /** What is at `from` up to `to` of the disk, within one cluster, in one of two buffers. */
  #oldBytes(from: number, to: number, buffer: 0 | 1): Uint8Array[] {
    if (from === to) return []
    const { clusterBytes } = this.#image.geometry
    this.#rests ??= [new Uint8Array(clusterBytes), new Uint8Array(clusterBytes)]
    const bytes = this.#rests[buffer].subarray(0, to - from)
    const cursor = new BufferCursor([bytes])
    const there = Math.min(bytes.length, Math.max(0, this.sizeBytes - from))
    for (let done = 0; done < there; done += this.#readRun(cursor, from + done, there - done));
    cursor.zero(bytes.length - there)
    return [bytes]
  }

  #isBacked(offset: number): boolean {
    return offset < (this.#backing?.sizeBytes ?? 0)
  }

  /** Version 2 has no clusters that read as zeros over a backing file that does not. */
  #canBeZero(): boolean {
    return this.#image.header.version === 3 || this.#backing === undefined
  }

  #zeroClusters(from: number, to: number, space: 'keep' | 'free'): void {
    for (let at = from; at < to; ) {
      this.#commitIfDue()
      findRun(this.#image, at, to - at, this.#run)
      const isZeroEntry = this.#isBacked(at)
      this.#changes.zero(at, this.#run, { isZeroEntry, space })
      at += this.#run.bytes
    }
  }

  #writeZeroBytes(from: number, to: number): void {
    const zeros = new Uint8Array(Math.min(zeroBytesMax, to - from))
    for (let at = from; at < to; ) {
      const { kind, bytes } = this.extent(at, Math.min(zeros.length, to - at))
      if (kind === 'data') this.write([zeros.subarray(0, bytes)], at)
      at += bytes
    }
  }

  /** After growing: what was behind the old end, in its last cluster and in the backing file, is not to appear. */
  #zeroBehind(from: number, to: number): void {
    const { clusterBytes } = this.#image.geometry
    const clusterEnd = Math.ceil(from / clusterBytes) * clusterBytes
    const end = Math.min(to, Math.max(clusterEnd, this.#backing?.sizeBytes ?? 0))
    if (end > from) this.writeZeroes(from, end - from, 'free')
  }

  /** Gives the end of the file back to the system, where nothing is any more. */
  #cutFile(): void {
    const { counts, geometry } = this.#image
    moveTablesDown(this.#image)
    const clusters = counts.free.usedClusters()
    if (clusters * geometry.clusterBytes >= this.#file.size()) return
    this.#file.resize(clusters * geometry.clusterBytes)
    counts.free.fileClusters = clusters
  }

  #commitIfDue(): void {
    if (isCommitDue(this.#image)) commit(this.#image)
  }

  #within(offset: number, bytes: number): void {
    assert(offset >= 0 && bytes >= 0 && offset + bytes <= this.sizeBytes, 'the range is in the volume')
  }
}
