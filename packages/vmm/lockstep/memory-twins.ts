/**
 * The memories of two machines that should hold the same.
 *
 * Two ways to find a difference: the words that the interpreter's trace says were stored to, after each slice; and
 * all pages, now and then, which finds what no trace tells (a store that only compiled code made, `cbo.zero`).
 * Invariants: addresses of the two arenas are never compared. A frame is known by the guest page that it backs:
 * `pair` is told when the twin maps one, and what is not known is looked up.
 */

import { hartPart, traceEntries } from '@virga/riscv/hart'
import type { Machine } from '../machine.ts'
import { frameBytes } from '../memory/arena.ts'
import { ramBase } from '../memory/guest-memory.ts'

/** A doubleword that the two do not agree on. */
export interface MemoryDifference {
  readonly gpa: number
  readonly first: bigint
  readonly second: bigint
}

const wordsPerFrame = frameBytes / 4
const inPage = frameBytes - 1

/** RAM of a machine and of its twin. */
export class MemoryTwins {
  readonly #machine: Machine
  readonly #twin: Machine
  readonly #pool: number
  /** arena address of the machine's frame, by the number of the twin's in its pool; 0: not known */
  readonly #frames: Uint32Array

  constructor(machine: Machine, twin: Machine) {
    this.#machine = machine
    this.#twin = twin
    this.#pool = twin.arena.plan.pool
    this.#frames = new Uint32Array(twin.arena.plan.poolFrames)
    this.#pairAll()
  }

  /** The twin has a frame at `gpa` now; so has the machine, then. */
  pair(gpa: number): void {
    const there = this.#twin.slat.lookup(gpa)
    const here = this.#machine.slat.touch(gpa)
    if (there !== 0) this.#frames[(there - this.#pool) >>> 12] = here & ~inPage
  }

  /** Compares what the twin's last slice stored to. The trace is that of the hart at `hart` in its arena. */
  findInStores(hart: number): MemoryDifference | undefined {
    const here = this.#machine.arena.i32
    const there = this.#twin.arena.i32
    const trace = (hart + hartPart.stores) >>> 2
    const count = Math.min(there[(hart + hartPart.storeCount) >>> 2] ?? 0, traceEntries.stores)
    for (let i = 0; i < count; i++) {
      const at = (there[trace + i] ?? 0) >>> 0
      const frame = this.#frameOf(at)
      const [a, b] = [(frame + (at & 0xff8)) >>> 2, (at >>> 3) << 1]
      if (here[a] === there[b] && here[a + 1] === there[b + 1]) continue
      return this.#difference(this.#gpaOf(at), a, b)
    }
    return undefined
  }

  /** Compares all of RAM. */
  findAnywhere(): MemoryDifference | undefined {
    const here = this.#machine.arena.i32
    const there = this.#twin.arena.i32
    for (const gpa of this.#pages()) {
      const a = this.#machine.slat.lookup(gpa) >>> 2
      const b = this.#twin.slat.lookup(gpa) >>> 2
      if (a === 0 && b === 0) continue
      for (let i = 0; i < wordsPerFrame; i++) {
        const first = a === 0 ? 0 : here[a + i]
        const second = b === 0 ? 0 : there[b + i]
        if (first === second) continue
        const word = i & ~1
        return this.#difference(gpa + word * 4, a === 0 ? -1 : a + word, b === 0 ? -1 : b + word)
      }
    }
    return undefined
  }

  /** Makes the twin's doubleword at `gpa` that of the machine, where that has one. */
  copy(gpa: number): void {
    const from = this.#machine.slat.lookup(gpa) >>> 2
    if (from === 0) return
    const to = this.#twin.slat.touch(gpa) >>> 2
    for (let i = 0; i < 2; i++) this.#twin.arena.i32[to + i] = this.#machine.arena.i32[from + i] ?? 0
  }

  *#pages(): Generator<number> {
    for (let at = 0; at < this.#machine.memory.ramBytes; at += frameBytes) yield ramBase + at
  }

  #pairAll(): void {
    for (const gpa of this.#pages()) if (this.#twin.slat.lookup(gpa) !== 0) this.pair(gpa)
  }

  #frameOf(at: number): number {
    const number = (at - this.#pool) >>> 12
    const known = this.#frames[number] ?? 0
    if (known !== 0) return known
    this.#pairAll()
    return this.#frames[number] ?? 0
  }

  /** Slow: for what is going to be reported. */
  #gpaOf(at: number): number {
    const frame = at - (at % frameBytes)
    for (const gpa of this.#pages()) if (this.#twin.slat.lookup(gpa) === frame) return gpa + (at & 0xff8)
    return 0
  }

  /** `a` and `b`: indices of the two words in either arena; -1 where nothing is mapped. */
  #difference(gpa: number, a: number, b: number): MemoryDifference {
    return {
      gpa,
      first: doubleword(this.#machine.arena.i32, a),
      second: doubleword(this.#twin.arena.i32, b),
    }
  }
}

function doubleword(i32: Int32Array, index: number): bigint {
  if (index < 0) return 0n
  return (BigInt((i32[index + 1] ?? 0) >>> 0) << 32n) | BigInt((i32[index] ?? 0) >>> 0)
}
