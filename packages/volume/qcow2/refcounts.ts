/**
 * Reference counts: the refcount table, and blocks of counts that are read as they are needed. Changes are in memory
 * until the image commits them.
 *
 * @spec qcow2 "Host cluster management"
 */

import { assert } from '@virga/base'
import type { BlockFile } from '../block-file.ts'
import { VolumeError } from '../volume-error.ts'
import { entryOffset, hasReservedBits } from './entries.ts'
import { FreeSpace } from './free-space.ts'
import { clustersFor, entryBytes, type Geometry, tableBytesMax } from './geometry.ts'
import { damaged } from './header.ts'
import { type RefcountWidth, refcountWidth } from './refcount-width.ts'
import { Table } from './table.ts'
import { TableCache } from './table-cache.ts'

/** The reference counts of an image that is open for writing. */
export class Refcounts {
  readonly free: FreeSpace
  readonly blocks: TableCache
  table: Table
  #isTrusted = true
  readonly #file: BlockFile
  readonly #geometry: Geometry
  readonly #width: RefcountWidth

  /** `table` is the refcount table, whole; up to `blocksMax` blocks are kept in memory. */
  constructor(file: BlockFile, geometry: Geometry, table: Table, blocksMax: number) {
    this.#file = file
    this.#geometry = geometry
    this.#width = refcountWidth(geometry.refcountBits)
    this.table = table
    this.free = new FreeSpace(Math.ceil(file.size() / geometry.clusterBytes), (cluster) => this.get(cluster))
    this.blocks = new TableCache(blocksMax, (block) => this.releaseSpare(block))
  }

  /** For a repair: no count is believed, and what is free is only what is behind the file's end. */
  distrust(): void {
    this.#isTrusted = false
    this.free.onlyAppend()
  }

  /** The count of a cluster. */
  get(cluster: number): number {
    const { refcountsInBlock } = this.#geometry
    const index = Math.floor(cluster / refcountsInBlock)
    const block = this.#block(index)
    return block === undefined ? 0 : this.#width.get(block.view, cluster - index * refcountsInBlock)
  }

  /** Changes the count of a cluster; makes the block, if there is none. */
  set(cluster: number, count: number): void {
    assert(count >= 0, 'a count is not negative')
    if (count > this.#width.max) {
      throw new VolumeError(
        `${this.#file.name} counts references to a cluster up to ${this.#width.max}, and needs ${count}; ` +
          'convert it to a new image',
      )
    }
    const { refcountsInBlock, refcountBits } = this.#geometry
    const index = Math.floor(cluster / refcountsInBlock)
    const block = this.#block(index) ?? this.#newBlock(index)
    const at = cluster - index * refcountsInBlock
    this.#width.set(block.view, at, count)
    const bytes = Math.ceil(refcountBits / 8)
    block.touch(Math.floor((at * refcountBits) / 8), bytes)
    this.blocks.noteChanged(block)
  }

  /** Takes up to `max` clusters in a row, at least one; `isNew` says that they read as zeros. */
  takeRun(max: number): { first: number; count: number; isNew: boolean } {
    const end = this.free.fileClusters
    const { first, count } = this.free.find(max)
    // Not partly new: what is behind the end is found by the next call.
    const inOne = first < end ? Math.min(count, end - first) : count
    for (let cluster = first + inOne; cluster < first + count; cluster++) this.free.untaken(cluster)
    this.free.fileClusters = Math.max(end, first + inOne)
    for (let cluster = first; cluster < first + inOne; cluster++) this.set(cluster, 1)
    return { first, count: inOne, isNew: first >= end }
  }

  /** Takes exactly `count` clusters in a row. */
  takeArea(count: number): number {
    const first = this.free.findAll(count)
    for (let cluster = first; cluster < first + count; cluster++) this.set(cluster, 1)
    return first
  }

  /** One reference less to a cluster that the file refers to. */
  drop(cluster: number): void {
    const count = this.get(cluster)
    if (count === 0 && this.#isTrusted) {
      throw damaged(this.#file.name, `cluster ${cluster} is used, but not counted`)
    }
    if (count > 0) this.set(cluster, count - 1)
    if (count <= 1) this.free.freed(cluster)
  }

  /** A place for `table` in the commit that is being made: its spare one, or a new one. Its home is dropped. */
  place(table: Table): void {
    const clusters = this.#clustersOf(table)
    if (table.spare === 0) {
      table.place(this.takeArea(clusters) * this.#geometry.clusterBytes, 'nothing')
    } else {
      const { spare } = table
      this.releaseSpare(table)
      this.#each(spare, clusters, (cluster) => this.set(cluster, 1))
      table.place(spare, 'spare')
    }
    if (table.home !== 0) this.#each(table.home, clusters, (cluster) => this.drop(cluster))
  }

  /** The commit is made: the table's old home is its spare place. */
  settle(table: Table): void {
    table.settle()
    if (table.spare !== 0)
      this.#each(table.spare, this.#clustersOf(table), (cluster) => this.free.hold(cluster))
  }

  /** Gives back all places of a table that is not to be in the file any more. */
  abandon(table: Table): void {
    const clusters = this.#clustersOf(table)
    this.releaseSpare(table)
    if (table.next !== 0) this.#each(table.next, clusters, (cluster) => this.#untake(cluster))
    // One that has a next place has dropped its home.
    else if (table.home !== 0) this.#each(table.home, clusters, (cluster) => this.drop(cluster))
  }

  /** Gives back clusters that were taken after the last commit and are referred to by nothing. */
  untakeRun(first: number, count: number): void {
    for (let cluster = first; cluster < first + count; cluster++) this.#untake(cluster)
  }

  /** Lets go of a table's spare place. */
  releaseSpare(table: Table): void {
    if (table.spare === 0) return
    this.#each(table.spare, this.#clustersOf(table), (cluster) => this.free.release(cluster))
    table.spare = 0
  }

  #untake(cluster: number): void {
    this.set(cluster, 0)
    this.free.untaken(cluster)
  }

  #clustersOf(table: Table): number {
    return clustersFor(table.bytes.length, this.#geometry)
  }

  #each(offset: number, clusters: number, act: (cluster: number) => void): void {
    const first = offset / this.#geometry.clusterBytes
    for (let cluster = first; cluster < first + clusters; cluster++) act(cluster)
  }

  #block(index: number): Table | undefined {
    const cached = this.blocks.get(index)
    if (cached !== undefined) return cached
    if (index * entryBytes >= this.table.bytes.length) return undefined
    const [high, low] = [this.table.high(index), this.table.low(index)]
    const offset = entryOffset(high, low)
    if (offset === 0) return undefined
    const { clusterBytes } = this.#geometry
    const end = this.free.fileClusters * clusterBytes
    const isSound = offset % clusterBytes === 0 && offset < end && !hasReservedBits('refcount', 3, high, low)
    if (!isSound) throw damaged(this.#file.name, `a block of reference counts is said to be at ${offset}`)
    const block = new Table(index, new Uint8Array(clusterBytes), offset)
    this.#file.read([block.bytes], offset)
    this.blocks.add(block)
    return block
  }

  #newBlock(index: number): Table {
    if ((index + 1) * entryBytes > this.table.bytes.length) this.#growTable(index + 1)
    const block = new Table(index, new Uint8Array(this.#geometry.clusterBytes), 0)
    this.blocks.add(block)
    block.touch(0, block.bytes.length)
    this.blocks.noteChanged(block)
    return block
  }

  /** Another table in place of this one, at least twice as long. */
  #growTable(entries: number): void {
    const { clusterBytes } = this.#geometry
    const old = this.table
    const bytesMin = Math.max(entries * entryBytes, 2 * old.bytes.length)
    const bytes = Math.ceil(bytesMin / clusterBytes) * clusterBytes
    if (bytes > tableBytesMax.refcount) {
      throw new VolumeError(`${this.#file.name} is as large as its clusters allow; convert it to larger ones`)
    }
    this.table = new Table(0, new Uint8Array(bytes), 0)
    this.table.bytes.set(old.bytes)
    this.table.touch(0, bytes)
    this.abandon(old)
  }
}
