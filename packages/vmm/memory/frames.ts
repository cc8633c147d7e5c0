/**
 * The frame pool: machine memory in 4 KiB frames, shared by every thread without a lock.
 *
 * ```
 *  pool ─► [ fresh frames, taken upwards →      untouched      ← taken downwards, 2 MiB runs ]
 *  given back frames form a stack; the link is the frame's own first word
 * ```
 * Why two ends: small frames and large leaves never fragment each other while memory is fresh.
 * Invariants: the two ends never cross (one atomic word holds both); a frame is all zero when taken; the head of
 * the stack carries a change tag, so a thread that was asleep cannot put a stale link back.
 * Out of frames is an answer (0), never an exception: the caller stops its machine.
 */

import { assert } from '@virga/base'
import { machineWord } from '../machine-block.ts'
import { type Arena, frameBytes, largeFrameBytes } from './arena.ts'

const smallMask = 0x1fffff
const runShift = 21
const framesPerRun = largeFrameBytes / frameBytes
const frameNumberMask = 0xffffffffn
const tagUnit = 1n << 32n

/** How many frames there are and where they went. */
export interface FrameCounts {
  readonly total: number
  readonly taken: number
  readonly free: number
}

/** The pool of one arena, as seen by this thread. */
export class FramePool {
  readonly #arena: Arena
  readonly #fresh: number
  readonly #free: number
  readonly #head: number

  constructor(arena: Arena) {
    const block = arena.plan.machineBlock
    this.#arena = arena
    this.#fresh = (block + machineWord.framesFresh) >>> 2
    this.#free = (block + machineWord.framesFree) >>> 2
    this.#head = (block + machineWord.framesHead) >>> 3
  }

  /** Takes a zeroed frame. Returns its arena address, 0 when there is none. */
  take(): number {
    return this.#takeReturned() || this.#takeFresh()
  }

  /** Takes 512 zeroed frames in a row, 2 MiB aligned. Returns the arena address, 0 when there are none. */
  takeRun(): number {
    const { i32, plan } = this.#arena
    for (;;) {
      const seen = Atomics.load(i32, this.#fresh)
      const runs = (seen >>> runShift) + 1
      if ((seen & smallMask) + runs * framesPerRun > plan.poolFrames || runs > 2047) return 0
      const next = (runs << runShift) | (seen & smallMask) | 0
      if (Atomics.compareExchange(i32, this.#fresh, seen, next) === seen) {
        return plan.pool + (plan.poolFrames - runs * framesPerRun) * frameBytes
      }
    }
  }

  /** Gives one frame back. The caller made sure that no TLB and no table leads to it. */
  give(frame: number): void {
    const { i32, i64, plan } = this.#arena
    assert(
      frame >= plan.pool && frame < plan.bytes && frame % frameBytes === 0,
      'a frame of the pool is given back',
    )
    for (;;) {
      const seen = Atomics.load(i64, this.#head)
      Atomics.store(i32, frame >>> 2, Number(seen & frameNumberMask))
      const next = BigInt.asIntN(64, (((seen >> 32n) + 1n) * tagUnit) | BigInt(frame / frameBytes))
      if (Atomics.compareExchange(i64, this.#head, seen, next) === seen) break
    }
    Atomics.add(i32, this.#free, 1)
  }

  /** Present counts; exact when no thread is taking or giving. */
  counts(): FrameCounts {
    const { i32, plan } = this.#arena
    const fresh = Atomics.load(i32, this.#fresh)
    const used = (fresh & smallMask) + (fresh >>> runShift) * framesPerRun
    const taken = used - Atomics.load(i32, this.#free)
    return { total: plan.poolFrames, taken, free: plan.poolFrames - taken }
  }

  #takeReturned(): number {
    const { i32, i64, u8 } = this.#arena
    for (;;) {
      const seen = Atomics.load(i64, this.#head)
      const number = Number(seen & frameNumberMask)
      if (number === 0) return 0
      const frame = number * frameBytes
      // The link may be stale when another thread took the frame meanwhile: then the tag differs and this fails.
      const link = Atomics.load(i32, frame >>> 2) >>> 0
      const next = BigInt.asIntN(64, (((seen >> 32n) + 1n) * tagUnit) | BigInt(link))
      if (Atomics.compareExchange(i64, this.#head, seen, next) === seen) {
        Atomics.sub(i32, this.#free, 1)
        u8.fill(0, frame, frame + frameBytes)
        return frame
      }
    }
  }

  #takeFresh(): number {
    const { i32, plan } = this.#arena
    for (;;) {
      const seen = Atomics.load(i32, this.#fresh)
      const small = seen & smallMask
      if (small + 1 + (seen >>> runShift) * framesPerRun > plan.poolFrames) return 0
      if (Atomics.compareExchange(i32, this.#fresh, seen, seen + 1) === seen)
        return plan.pool + small * frameBytes
    }
  }
}
