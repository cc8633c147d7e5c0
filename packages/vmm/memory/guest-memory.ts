/**
 * Guest-physical memory as bytes, for boot loaders, SBI calls and devices of this thread.
 * Why: nobody but the SLAT knows where a guest page is, and each access by the VMM must be checked against RAM.
 * Invariants: an access outside RAM is refused whole; a page that was never touched reads as zeros and is mapped
 * by a write.
 */

import type { BootFile } from '../boot/boot-file.ts'
import { memoryMap } from '../platform/memory-map.ts'
import { type Arena, frameBytes, largeFrameBytes } from './arena.ts'
import type { FramePool } from './frames.ts'
import type { Slat } from './slat.ts'

/** Guest-physical address of the first byte of RAM. */
export const ramBase = memoryMap.ram.base

/** What became of an access: done, not all in RAM, or no frame left to hold it. */
export type AccessOutcome = 'done' | 'outside' | 'out-of-frames'

/** RAM of one machine. */
export class GuestMemory {
  readonly ramBytes: number
  /** memory of another machine that gets what is written here, too */
  mirror: GuestMemory | null = null
  readonly #arena: Arena
  readonly #frames: FramePool
  readonly #slat: Slat

  constructor(parts: { arena: Arena; frames: FramePool; slat: Slat; ramBytes: number }) {
    this.ramBytes = parts.ramBytes
    this.#arena = parts.arena
    this.#frames = parts.frames
    this.#slat = parts.slat
  }

  /** True when the `byteCount` bytes from `gpa` are all RAM. */
  contains(gpa: number, byteCount: number): boolean {
    return gpa >= ramBase && byteCount >= 0 && gpa + byteCount <= ramBase + this.ramBytes
  }

  /** Copies guest bytes from `gpa` into `target`. */
  read(gpa: number, target: Uint8Array): AccessOutcome {
    if (!this.contains(gpa, target.length)) return 'outside'
    return this.#pages(gpa, target.length, (page, from, to) => {
      const at = this.#slat.lookup(page)
      if (at === 0) target.fill(0, from, to)
      else target.set(this.#arena.u8.subarray(at, at + to - from), from)
      return true
    })
  }

  /** Copies `source` to guest memory at `gpa`. On out-of-frames the first part may have been written. */
  write(gpa: number, source: Uint8Array): AccessOutcome {
    if (!this.contains(gpa, source.length)) return 'outside'
    this.mirror?.write(gpa, source)
    return this.#pages(gpa, source.length, (page, from, to) => {
      const at = this.#slat.touch(page)
      if (at !== 0) this.#arena.u8.set(source.subarray(from, to), at)
      return at !== 0
    })
  }

  /** As `write`, for boot images: parts that fill a whole untouched 2 MiB are given a large leaf. A late file is begun. */
  place(gpa: number, source: BootFile): AccessOutcome {
    if (!this.contains(gpa, source.length)) return 'outside'
    const end = gpa + source.length
    for (
      let at = Math.ceil(gpa / largeFrameBytes) * largeFrameBytes;
      at + largeFrameBytes <= end;
      at += largeFrameBytes
    ) {
      if (this.#slat.lookup(at) !== 0) continue
      const run = this.#frames.takeRun()
      if (run === 0) break
      // Lost only when some 4 KiB page is mapped there: give the run back frame by frame.
      if (!this.#slat.mapLarge(at, run)) {
        for (let i = 0; i < largeFrameBytes; i += frameBytes) this.#frames.give(run + i)
      }
    }
    if (source instanceof Uint8Array) return this.write(gpa, source)
    const pieces = this.#pieces(gpa, source.length)
    if (pieces === undefined) return 'out-of-frames'
    source.fill(pieces)
    return 'done'
  }

  /** Guest memory as the arena has it, in as few pieces as it lies in; undefined when frames ran out. */
  #pieces(gpa: number, byteCount: number): Uint8Array[] | undefined {
    const pieces: { at: number; end: number }[] = []
    const outcome = this.#pages(gpa, byteCount, (page, from, to) => {
      const at = this.#slat.touch(page)
      const last = pieces.at(-1)
      if (last?.end === at) last.end += to - from
      else pieces.push({ at, end: at + to - from })
      return at !== 0
    })
    return outcome === 'done' ? pieces.map(({ at, end }) => this.#arena.u8.subarray(at, end)) : undefined
  }

  #pages(
    gpa: number,
    byteCount: number,
    each: (gpa: number, from: number, to: number) => boolean,
  ): AccessOutcome {
    for (let from = 0; from < byteCount; ) {
      const to = Math.min(byteCount, from + frameBytes - ((gpa + from) % frameBytes))
      if (!each(gpa + from, from, to)) return 'out-of-frames'
      from = to
    }
    return 'done'
  }
}
