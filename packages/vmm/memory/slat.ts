/**
 * The SLAT: a machine's guest-physical memory as a real Sv48x4 G-stage table in machine frames.
 * @spec riscv-priv "Guest Physical Address Translation"
 *
 * ```
 *  gpa  49──39 root (16 KiB, 2048 entries)   38──30   29──21 (leaf: 2 MiB)   20──12 (leaf: 4 KiB)
 * ```
 * Why a real table: the runtime walks it in WebAssembly on a TLB miss, and later a guest's hypervisor uses the
 * same format. An arena address has at most 32 bits, so an entry's upper word is always 0 and its lower word is
 * changed by 32-bit compare-and-exchange.
 * Invariants: an entry only goes from 0 to something by exchange, so two threads that fault on one page agree and
 * the loser gives its frame back; whoever removes a leaf flushes every hart before the frame is used again.
 */

import { assert } from '@virga/base'
import { machineWord } from '../machine-block.ts'
import { type Arena, frameBytes, largeFrameBytes } from './arena.ts'
import type { FramePool } from './frames.ts'

/** Leaf bits: valid, readable, writable, executable, user, accessed, dirty. */
const leafBits = 0b1101_1111
const tableBits = 1
const leafTest = 0b1110
const rootFrames = 4
const levels = [
  { unit: 2 ** 12, mask: 511 },
  { unit: 2 ** 21, mask: 511 },
  { unit: 2 ** 30, mask: 511 },
  { unit: 2 ** 39, mask: 2047 },
] as const
const gpaEnd = 2 ** 50

const entryOf = (frame: number, bits: number) => ((frame >>> 2) | bits) >>> 0
const frameOf = (entry: number) => ((entry >>> 10) << 12) >>> 0

/** Takes the root table from a pool that nothing was taken from yet. Returns its arena address, 16 KiB aligned. */
export function takeSlatRoot(frames: FramePool): number {
  const root = frames.take()
  for (let i = 1; i < rootFrames; i++) {
    const next = frames.take()
    assert(next === root + i * frameBytes, 'the SLAT root is the first that is taken from a pool')
  }
  assert(root !== 0 && root % (rootFrames * frameBytes) === 0, 'the SLAT root is aligned')
  return root
}

/** The table of one machine, as seen by this thread. Addresses given to it are below 2 ** 50. */
export class Slat {
  readonly root: number
  readonly #arena: Arena
  readonly #frames: FramePool

  constructor(arena: Arena, frames: FramePool, root: number) {
    this.root = root
    this.#arena = arena
    this.#frames = frames
  }

  /** Arena address of the byte at `gpa`; 0 when nothing is mapped there. */
  lookup(gpa: number): number {
    const { i32 } = this.#arena
    let table = this.root
    for (let level = 3; level >= 0; level--) {
      const entry = Atomics.load(i32, this.#slot(table, gpa, level)) >>> 0
      if ((entry & 1) === 0) return 0
      if ((entry & leafTest) !== 0)
        return frameOf(entry) + (gpa % (level === 0 ? frameBytes : largeFrameBytes))
      table = frameOf(entry)
    }
    return 0
  }

  /** Arena address of the byte at `gpa`, mapping a zeroed 4 KiB frame there if nothing is. 0: out of frames. */
  touch(gpa: number): number {
    const found = this.lookup(gpa)
    if (found !== 0) return found
    const frame = this.#frames.take()
    if (frame === 0) return 0
    const mapped = this.map(gpa, frame)
    if (!mapped) this.#frames.give(frame)
    // The other thread's mapping counts as ours; 0 when there was no frame for a table.
    return this.lookup(gpa)
  }

  /** Maps a 4 KiB frame at the page of `gpa`. False: something is mapped there, or there is no frame for a table. */
  map(gpa: number, frame: number): boolean {
    const slot = this.#descend(gpa, 0)
    if (slot < 0 || Atomics.compareExchange(this.#arena.i32, slot, 0, entryOf(frame, leafBits)) !== 0)
      return false
    this.#count(machineWord.slatSmallLeaves, 1)
    return true
  }

  /** Maps a 2 MiB run at `gpa` (2 MiB aligned). False: something is mapped in that range, or no frame for a table. */
  mapLarge(gpa: number, run: number): boolean {
    assert(gpa % largeFrameBytes === 0 && run % largeFrameBytes === 0, 'a large leaf is 2 MiB aligned')
    const slot = this.#descend(gpa, 1)
    if (slot < 0 || Atomics.compareExchange(this.#arena.i32, slot, 0, entryOf(run, leafBits)) !== 0)
      return false
    this.#count(machineWord.slatLargeLeaves, 1)
    return true
  }

  /**
   * Removes the 4 KiB page of `gpa`; a large leaf around it is split first. Returns the frame, which now belongs
   * to the caller (flush every hart, then give it back), or 0 when nothing was mapped or a split found no frame.
   */
  unmap(gpa: number): number {
    const { i32 } = this.#arena
    const large = this.#find(gpa, 1)
    if (large < 0) return 0
    const entry = Atomics.load(i32, large) >>> 0
    if ((entry & leafTest) !== 0 && !this.#split(large, entry)) return 0
    const slot = this.#find(gpa, 0)
    if (slot < 0) return 0
    const leaf = Atomics.exchange(i32, slot, 0) >>> 0
    if (leaf === 0) return 0
    this.#count(machineWord.slatSmallLeaves, -1)
    return frameOf(leaf)
  }

  /**
   * Removes the large leaf at `gpa` (2 MiB aligned) whole. Returns its run of 512 frames, which now belongs to the caller as
   * after `unmap`; 0 when there is no such leaf.
   */
  unmapLarge(gpa: number): number {
    const { i32 } = this.#arena
    const slot = this.#find(gpa, 1)
    if (slot < 0) return 0
    const entry = Atomics.load(i32, slot)
    if ((entry & 1) === 0 || (entry & leafTest) === 0) return 0
    if (Atomics.compareExchange(i32, slot, entry, 0) !== entry) return 0
    this.#count(machineWord.slatLargeLeaves, -1)
    return frameOf(entry >>> 0)
  }

  #split(slot: number, leaf: number): boolean {
    const { i32 } = this.#arena
    const table = this.#frames.take()
    if (table === 0) return false
    const bits = leaf & 0x3ff
    for (let i = 0; i < 512; i++) i32[(table >>> 2) + i * 2] = entryOf(frameOf(leaf) + i * frameBytes, bits)
    if (Atomics.compareExchange(i32, slot, leaf | 0, entryOf(table, tableBits) | 0) !== (leaf | 0)) {
      this.#frames.give(table)
      return true
    }
    this.#count(machineWord.slatLargeLeaves, -1)
    this.#count(machineWord.slatSmallLeaves, 512)
    return true
  }

  /** Index of the entry's lower word. */
  #slot(table: number, gpa: number, level: number): number {
    assert(gpa >= 0 && gpa < gpaEnd, 'a guest-physical address is below 2 ** 50')
    const { unit, mask } = levels[level] ?? levels[0]
    return (table + (Math.floor(gpa / unit) & mask) * 8) >>> 2
  }

  /** Slot of `gpa` at `level` if the tables above exist, else -1. */
  #find(gpa: number, level: number): number {
    let table = this.root
    for (let at = 3; at > level; at--) {
      const entry = Atomics.load(this.#arena.i32, this.#slot(table, gpa, at)) >>> 0
      if ((entry & 1) === 0 || (entry & leafTest) !== 0) return -1
      table = frameOf(entry)
    }
    return this.#slot(table, gpa, level)
  }

  /** Slot of `gpa` at `level`, making tables on the way. -1: a leaf is in the way, or no frame for a table. */
  #descend(gpa: number, level: number): number {
    const { i32 } = this.#arena
    let table = this.root
    for (let at = 3; at > level; at--) {
      const slot = this.#slot(table, gpa, at)
      let entry = Atomics.load(i32, slot) >>> 0
      if (entry === 0) {
        const fresh = this.#frames.take()
        if (fresh === 0) return -1
        const made = entryOf(fresh, tableBits)
        const seen = Atomics.compareExchange(i32, slot, 0, made) >>> 0
        if (seen !== 0) this.#frames.give(fresh)
        entry = seen === 0 ? made : seen
      }
      if ((entry & leafTest) !== 0) return -1
      table = frameOf(entry)
    }
    return this.#slot(table, gpa, level)
  }

  #count(word: number, change: number): void {
    Atomics.add(this.#arena.i32, (this.#arena.plan.machineBlock + word) >>> 2, change)
  }
}
