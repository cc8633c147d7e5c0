/**
 * Guest memory as devices reach it: every address goes through the SLAT, in views of the frames that are there.
 * Invariants: those of `DmaMemory`. A page that was never touched reads as zeros, and is backed by a write; when there is
 * no frame for that, the write fails and the owner of this is told.
 */

import type { DmaAccess, DmaMemory, PieceSink } from '@virga/device'
import { type Arena, frameBytes } from './arena.ts'
import type { GuestMemory } from './guest-memory.ts'
import type { Slat } from './slat.ts'

/** What a page without a frame reads as. */
const zeros = new Uint8Array(frameBytes)

export class GuestDma implements DmaMemory {
  readonly #arena: Arena
  readonly #memory: GuestMemory
  readonly #slat: Slat
  readonly #halves: Uint16Array
  readonly #onExhausted: () => void

  /** `onExhausted` hears when a page could not be backed. */
  constructor(parts: { arena: Arena; memory: GuestMemory; slat: Slat; onExhausted: () => void }) {
    this.#arena = parts.arena
    this.#memory = parts.memory
    this.#slat = parts.slat
    this.#halves = new Uint16Array(parts.arena.u8.buffer)
    this.#onExhausted = parts.onExhausted
  }

  get memory(): Uint8Array {
    return this.#arena.u8
  }

  contains(gpa: number, bytes: number): boolean {
    return this.#memory.contains(gpa, bytes)
  }

  read(gpa: number, target: Uint8Array): boolean {
    return this.#memory.read(gpa, target) === 'done'
  }

  write(gpa: number, source: Uint8Array): boolean {
    return this.#done(this.#memory.write(gpa, source))
  }

  pieces(gpa: number, bytes: number, access: DmaAccess): Uint8Array[] | undefined {
    if (!this.#memory.contains(gpa, bytes)) return undefined
    const { u8 } = this.#arena
    const found: Uint8Array[] = []
    // Frames that follow each other are one view: from start to end is the one being gathered.
    let start = 0
    let end = 0
    for (let done = 0; done < bytes; ) {
      const count = Math.min(bytes - done, frameBytes - ((gpa + done) % frameBytes))
      const at = access === 'write' ? this.#slat.touch(gpa + done) : this.#slat.lookup(gpa + done)
      if (at === 0 && access === 'write') {
        this.#onExhausted()
        return undefined
      }
      if (at === 0 || at !== end) {
        if (end > start) found.push(u8.subarray(start, end))
        start = at
        end = at
      }
      if (at === 0) found.push(zeros.subarray(0, count))
      else end = at + count
      done += count
    }
    if (end > start) found.push(u8.subarray(start, end))
    return found
  }

  /** A page that was never touched gets its frame, even to be read: a place must be somewhere. */
  locate(gpa: number, bytes: number, _access: DmaAccess, into: PieceSink): boolean {
    if (!this.#memory.contains(gpa, bytes)) return false
    let start = 0
    let end = 0
    for (let done = 0; done < bytes; ) {
      const count = Math.min(bytes - done, frameBytes - ((gpa + done) % frameBytes))
      const at = this.#slat.touch(gpa + done)
      if (at === 0) return this.#done('out-of-frames')
      if (at !== end) {
        if (end > start && !into.add(start, end - start)) return false
        start = at
      }
      end = at + count
      done += count
    }
    return end === start || into.add(start, end - start)
  }

  load16(gpa: number): number {
    if (gpa % 2 !== 0 || !this.#memory.contains(gpa, 2)) return -1
    const at = this.#slat.lookup(gpa)
    return at === 0 ? 0 : Atomics.load(this.#halves, at >>> 1)
  }

  store16(gpa: number, value: number): boolean {
    if (gpa % 2 !== 0 || !this.#memory.contains(gpa, 2)) return false
    const at = this.#slat.touch(gpa)
    if (at === 0) return this.#done('out-of-frames')
    Atomics.store(this.#halves, at >>> 1, value)
    return true
  }

  #done(outcome: 'done' | 'outside' | 'out-of-frames'): boolean {
    if (outcome === 'out-of-frames') this.#onExhausted()
    return outcome === 'done'
  }
}
