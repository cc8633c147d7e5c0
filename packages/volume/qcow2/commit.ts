/**
 * From one state of an image to the next, with nothing in between: the changed tables are written where nothing is,
 * and then one write of the header makes them the image's.
 *
 * ```
 *   place        every changed table gets a place; the tables above it change by that, and the counts, until none does
 *   write        the tables, there; the file gets its length
 *   flush        ─── from here on it may be referred to
 *   header       L1 table, refcount table, size: 104 bytes, of one sector and one page, so all or nothing
 *   flush        ─── from here on what the old header led to may be written over
 *   settle       the old places become the tables' spare ones
 * ```
 *
 * Why: at every moment the file is a sound image without a leak, as `qemu-img check` sees it: whichever write was the
 * last that a killed process did, and whichever sectors a disk kept when it lost power. Setting a count and then the
 * entry that it counts leaves a leak between the two; the other way round leaves damage. The dirty bit would leave
 * both, to be repaired by whoever opens the image next, and not by `qemu-img check`. The price of a commit is a page of
 * each changed table, of its counts and of the tables above both, and a second flush; a flush after writes in place
 * commits nothing.
 *
 * A commit that fails before the header changes nothing, and the next one does all of it again.
 */

import { VolumeError } from '../volume-error.ts'
import { copiedHigh, offsetHigh, offsetLow } from './entries.ts'
import { knownFeatures } from './features.ts'
import { clustersFor, entryBytes } from './geometry.ts'
import type { Qcow2Image } from './image.ts'
import type { Table } from './table.ts'

/** Makes what is in memory the file's. Does nothing, and returns false, when nothing has changed. */
export function commit(image: Qcow2Image): boolean {
  if (!hasChanges(image)) return false
  const { file, counts, geometry } = image
  refuseUnknownHead(image)
  place(image)
  for (const table of changedTables(image)) {
    const { bytes, at } = table.pending()
    file.write([bytes], table.next + at)
  }
  const fileBytes = counts.free.fileClusters * geometry.clusterBytes
  if (file.size() < fileBytes) file.resize(fileBytes)
  file.flush()
  writeHead(image)
  for (const table of changedTables(image)) counts.settle(table)
  image.l2.settled()
  counts.blocks.settled()
  counts.free.settled()
  return true
}

/** Moves the tables that are in memory to the lowest places that are free, so that the end of the file is. */
export function moveTablesDown(image: Qcow2Image): void {
  const { l1, l2, counts } = image
  for (const cache of [l2, counts.blocks]) for (const table of cache.all) cache.noteChanged(table)
  const tables = [...l2.changed, ...counts.blocks.changed, l1, counts.table]
  for (const table of tables) {
    counts.releaseSpare(table)
    table.touch(0, table.bytes.length)
  }
  commit(image)
  for (const table of tables) counts.releaseSpare(table)
}

/** After a failure here nobody knows which of the two headers the disk has, so that neither's tables may be changed. */
function writeHead(image: Qcow2Image): void {
  const { file } = image
  const head = nextHead(image)
  image.isHeadUnknown = true
  file.write([head], 0)
  file.flush()
  image.isHeadUnknown = false
  image.head.set(head)
}

function refuseUnknownHead({ isHeadUnknown, name }: Qcow2Image): void {
  if (!isHeadUnknown) return
  throw new VolumeError(`the header of ${name} could not be written before; open the image again`)
}

/** Whether so much is changed in memory that a commit is due. */
export function isCommitDue({ l2, counts }: Qcow2Image): boolean {
  return l2.isBusy || counts.blocks.isBusy || counts.free.freedCount >= freedMax
}

/** Clusters that are held until the next commit: some megabytes of memory. */
const freedMax = 2 ** 16

function hasChanges(image: Qcow2Image): boolean {
  const { l1, l2, counts } = image
  if (l2.changed.size > 0 || counts.blocks.changed.size > 0 || l1.isChanged || counts.table.isChanged)
    return true
  return nextHead(image).some((byte, at) => byte !== image.head[at])
}

function place({ l1, l2, counts }: Qcow2Image): void {
  for (const table of l2.changed) {
    if (table.next !== 0) continue
    counts.place(table)
    l1.set(table.index, copiedHigh(table.next), offsetLow(table.next))
  }
  if (l1.isChanged && l1.next === 0) counts.place(l1)
  // Each place changes counts, so blocks, so the refcount table. A table is placed once, so this ends.
  for (let isSettled = false; !isSettled; ) {
    isSettled = true
    for (const block of counts.blocks.changed) {
      if (block.next !== 0) continue
      counts.place(block)
      counts.table.set(block.index, offsetHigh(block.next), offsetLow(block.next))
    }
    if (counts.table.isChanged && counts.table.next === 0) {
      counts.place(counts.table)
      isSettled = false
    }
  }
}

/** All tables that have a next place. */
function* changedTables({ l1, l2, counts }: Qcow2Image): Generator<Table> {
  yield* l2.changed
  yield* counts.blocks.changed
  if (l1.isChanged) yield l1
  if (counts.table.isChanged) yield counts.table
}

/** The header's fixed part as it is to be. What this package does not keep up to date loses its autoclear bit. */
function nextHead({ head, header, sizeBytes, l1, counts, geometry }: Qcow2Image): Uint8Array {
  const next = head.slice()
  const view = new DataView(next.buffer)
  const setUint64 = (at: number, value: number): void => {
    view.setUint32(at, offsetHigh(value))
    view.setUint32(at + 4, offsetLow(value))
  }
  const place = (table: Table): number => (table.next === 0 ? table.home : table.next)
  setUint64(24, sizeBytes)
  view.setUint32(36, l1.bytes.length / entryBytes)
  // One without entries is nowhere, but readers want it to be somewhere.
  if (place(l1) !== 0) setUint64(40, place(l1))
  setUint64(48, place(counts.table))
  view.setUint32(56, clustersFor(counts.table.bytes.length, geometry))
  if (header.version === 3) {
    const { dirty } = knownFeatures
    view.setUint32(76, view.getUint32(76) & ~(1 << dirty.bit))
    setUint64(88, 0)
  }
  return next
}
