/**
 * A table of an image in memory: the L1 table, an L2 table, the refcount table, or a block of reference counts; and
 * where it is, and is going to be, in the file.
 *
 * A table that the file refers to is never written over. It moves instead, with the next commit, between two places
 * that take turns:
 *
 * ```
 *            place()                   settle()
 *  home: A ───────────▶ next: B ───────────────────▶ home: B, spare: A        what the file refers to is `home`
 *  spare: –                   written, then          the next time it moves back to A, and only what changed
 *                             the header             in the last two commits is written there
 * ```
 */

import { entryBytes } from './geometry.ts'

/** Bytes from `from` up to `to`; empty when they are equal. */
interface Range {
  from: number
  to: number
}

/** Writes begin and end at multiples of so many bytes, a page of most systems. */
const writeGranularity = 4096

/** A table, or a part of one, of whole clusters. */
export class Table {
  /** which of its kind: an L2 table's entry in the L1 table, a block's in the refcount table */
  readonly index: number
  readonly bytes: Uint8Array
  readonly view: DataView
  /** offset in the file of what the header leads to; 0 when that is nothing */
  home: number
  /** where it is to be after the commit that is being made; 0 outside of one */
  next = 0
  /** where it was before, which is held for it; 0 when there is none */
  spare = 0
  /** whether nothing of it is at `next` yet, so that all of it has to be written there */
  #isWhole = false
  readonly #changed: Range = { from: 0, to: 0 }
  readonly #changedBefore: Range = { from: 0, to: 0 }

  constructor(index: number, bytes: Uint8Array, home: number) {
    this.index = index
    this.bytes = bytes
    this.view = new DataView(bytes.buffer, bytes.byteOffset, bytes.byteLength)
    this.home = home
  }

  /** Whether it differs from what the file has. */
  get isChanged(): boolean {
    return this.#changed.to > 0 || this.next !== 0
  }

  /** Upper half of an entry. */
  high(entry: number): number {
    return this.view.getUint32(entry * entryBytes)
  }

  /** Lower half of an entry. */
  low(entry: number): number {
    return this.view.getUint32(entry * entryBytes + 4)
  }

  /** Changes an entry. The caller notes the table as changed. */
  set(entry: number, high: number, low: number): void {
    this.view.setUint32(entry * entryBytes, high)
    this.view.setUint32(entry * entryBytes + 4, low)
    this.touch(entry * entryBytes, entryBytes)
  }

  /** Says that `bytes` from `at` on were changed. */
  touch(at: number, bytes: number): void {
    widen(this.#changed, at, at + bytes)
  }

  /** Says that it goes to `next`, the spare or a place that has none of it yet. */
  place(next: number, content: 'spare' | 'nothing'): void {
    this.next = next
    this.#isWhole = content === 'nothing'
  }

  /** What has to be written at `next`, and where in the table it begins. */
  pending(): { bytes: Uint8Array; at: number } {
    if (this.#isWhole) return { bytes: this.bytes, at: 0 }
    const range = { ...this.#changed }
    widen(range, this.#changedBefore.from, this.#changedBefore.to)
    const from = Math.floor(range.from / writeGranularity) * writeGranularity
    const to = Math.ceil(range.to / writeGranularity) * writeGranularity
    return { bytes: this.bytes.subarray(from, to), at: from }
  }

  /** Says that the file refers to `next` now. */
  settle(): void {
    this.spare = this.home
    this.home = this.next
    this.next = 0
    this.#changedBefore.from = this.#changed.from
    this.#changedBefore.to = this.#changed.to
    this.#changed.from = 0
    this.#changed.to = 0
  }
}

function widen(range: Range, from: number, to: number): void {
  if (from === to) return
  if (range.from === range.to) {
    range.from = from
    range.to = to
  } else {
    range.from = Math.min(range.from, from)
    range.to = Math.max(range.to, to)
  }
}
