/**
 * An open qcow2 file: its header and tables in memory, read as they are needed and changed in memory only, until a
 * commit makes them the file's (`commit.ts`).
 */

import { assert } from '@virga/base'
import type { Access, BlockFile } from '../block-file.ts'
import { VolumeError } from '../volume-error.ts'
import { entryOffset, hasReservedBits } from './entries.ts'
import { entryBytes, type Geometry, l1EntriesFor, tableBytesMax } from './geometry.ts'
import { damaged, type Header, headerBytes, headerClusterBytesMax, parseHeader } from './header.ts'
import { Refcounts } from './refcounts.ts'
import { refuseUnsupported } from './support.ts'
import { Table } from './table.ts'
import { TableCache } from './table-cache.ts'

/** Memory for the tables of one image. Twice as much when all of it is changed, which a commit ends. */
export interface TableMemory {
  readonly l2Bytes: number
  readonly refcountBytes: number
}

/** L2 tables for 32 GiB of a disk of 64 KiB clusters, and counts for as much. */
export const tableMemoryDefault: TableMemory = { l2Bytes: 4 * 2 ** 20, refcountBytes: 2 ** 20 }
/** Fewer tables would make a commit of every write. */
const tablesMin = 8

/** One image, for reading or for both. */
export class Qcow2Image {
  readonly file: BlockFile
  readonly header: Header
  readonly geometry: Geometry
  /** of the disk, as it will be after the next commit */
  sizeBytes: number
  l1: Table
  readonly l2: TableCache
  /** only of an image that is open for writing */
  readonly refcounts: Refcounts | undefined
  /** what the file has of the header's fixed part */
  readonly head: Uint8Array
  /** a write to the header failed */
  isHeadUnknown = false

  private constructor(file: BlockFile, header: Header, memory: TableMemory, access: Access) {
    this.file = file
    this.header = header
    this.geometry = header.geometry
    this.sizeBytes = header.sizeBytes
    const { clusterBytes } = header.geometry
    const read = (offset: number, bytes: number): Uint8Array => {
      const into = new Uint8Array(bytes)
      file.read([into], offset)
      return into
    }
    this.head = read(0, header.version === 2 ? headerBytes.v2 : headerBytes.v3)
    this.l1 = new Table(0, read(header.l1Offset, header.l1Entries * entryBytes), header.l1Offset)
    // An empty table is nowhere, whatever the header says.
    if (header.l1Entries === 0) this.l1.home = 0
    const tables = (bytes: number) => Math.max(tablesMin, Math.floor(bytes / clusterBytes))
    this.l2 = new TableCache(tables(memory.l2Bytes), (table) => this.refcounts?.releaseSpare(table))
    if (access === 'read') return
    const { refcountTableOffset, refcountTableClusters } = header
    const table = new Table(
      0,
      read(refcountTableOffset, refcountTableClusters * clusterBytes),
      refcountTableOffset,
    )
    this.refcounts = new Refcounts(file, header.geometry, table, tables(memory.refcountBytes))
  }

  /** Opens the image in `file`. Throws `VolumeError` for what is damaged or not supported. */
  static open(file: BlockFile, access: Access, memory: TableMemory = tableMemoryDefault): Qcow2Image {
    const fileBytes = file.size()
    const first = new Uint8Array(Math.min(fileBytes, headerClusterBytesMax))
    file.read([first], 0)
    const header = parseHeader(first, file.name, fileBytes)
    refuseUnsupported(header, access, file.name)
    return new Qcow2Image(file, header, memory, access)
  }

  get name(): string {
    return this.file.name
  }

  /** The reference counts of an image that is open for writing. */
  get counts(): Refcounts {
    assert(this.refcounts !== undefined, 'the image is open for writing')
    return this.refcounts
  }

  /** Clusters that the file has, the last one perhaps not whole. */
  get fileClusters(): number {
    return this.refcounts?.free.fileClusters ?? Math.ceil(this.file.size() / this.geometry.clusterBytes)
  }

  /** The L2 table of an entry of the L1 table, or undefined where there is none. */
  l2Table(index: number): Table | undefined {
    const cached = this.l2.get(index)
    if (cached !== undefined) return cached
    if ((index + 1) * entryBytes > this.l1.bytes.length) return undefined
    const [high, low] = [this.l1.high(index), this.l1.low(index)]
    if (hasReservedBits('l1', this.header.version, high, low)) {
      throw damaged(this.name, `entry ${index} of its L1 table has bits without meaning`)
    }
    const offset = entryOffset(high, low)
    if (offset === 0) return undefined
    this.checkCluster(offset, 'an L2 table')
    const table = new Table(index, new Uint8Array(this.geometry.clusterBytes), offset)
    this.file.read([table.bytes], offset)
    this.l2.add(table)
    return table
  }

  /** The L2 table of an entry of the L1 table, made if there is none. */
  l2TableToChange(index: number): Table {
    const there = this.l2Table(index)
    const table = there ?? new Table(index, new Uint8Array(this.geometry.clusterBytes), 0)
    if (there === undefined) {
      table.touch(0, table.bytes.length)
      this.l2.add(table)
    }
    this.l2.noteChanged(table)
    return table
  }

  /** Throws when no cluster of the file is at `offset`. */
  checkCluster(offset: number, what: string): void {
    const { clusterBytes } = this.geometry
    if (offset % clusterBytes === 0 && offset >= clusterBytes && offset / clusterBytes < this.fileClusters)
      return
    throw damaged(this.name, `${what} is said to be at ${offset}`)
  }

  /** Changes size and L1 table in memory. L2 tables beyond must be gone. */
  setSize(sizeBytes: number): void {
    const bytes = l1EntriesFor(sizeBytes, this.geometry) * entryBytes
    if (bytes > tableBytesMax.l1) {
      throw new VolumeError(
        `${this.name} cannot have ${sizeBytes} bytes: that is too much for its clusters of ` +
          `${this.geometry.clusterBytes} bytes; convert it to larger ones`,
        { fault: 'user' },
      )
    }
    const isShorter = sizeBytes < this.sizeBytes && bytes < this.l1.bytes.length
    if (bytes > this.l1.bytes.length || isShorter) {
      const old = this.l1
      this.l1 = new Table(0, new Uint8Array(bytes), 0)
      this.l1.bytes.set(old.bytes.subarray(0, bytes))
      this.l1.touch(0, bytes)
      this.counts.abandon(old)
    }
    this.sizeBytes = sizeBytes
  }
}
