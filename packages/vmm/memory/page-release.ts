/**
 * Pages that a guest does without: out of the SLAT, out of every TLB, back to the pool.
 *
 * ```
 *   unmap (a large leaf is split) ─► fence all harts ─► wait for whoever copies ─► frames to the pool
 * ```
 * Why this order: another machine may get the frame, and no store of this one may reach it then. Harts may lead to it from
 * a TLB and from decoded code (RFD 2), until they have served a fence of both; threads that reach guest memory outside of
 * guest code, until they let go of its lock. Devices reach it on the thread that releases, so they do not at that time.
 * Invariants: on the I/O thread. What is not mapped is left alone. A page is mapped anew, zeroed, by the next touch.
 */

import { hartRequest } from '@virga/riscv/hart'
import type { BalloonBackend, PageRun } from '@virga/virtio'
import type { Machine } from '../machine.ts'
import { frameBytes, largeFrameBytes } from './arena.ts'

/** Frames that are given back after one fence, so that a list of them stays small. */
const batchFrames = 4096

export class PageRelease implements BalloonBackend {
  /** frames given to the pool so far */
  released = 0
  readonly #machine: Machine
  #frames: number[] = []

  constructor(machine: Machine) {
    this.#machine = machine
  }

  release(runs: readonly PageRun[]): void {
    const { memory } = this.#machine
    for (const { gpa, pages } of runs) {
      const end = gpa + pages * frameBytes
      for (let at = gpa; at < end; ) {
        if (!memory.contains(at, frameBytes)) break
        at += this.#unmap(at, end)
        if (this.#frames.length >= batchFrames) this.#giveBack()
      }
    }
    this.#giveBack()
  }

  /** Unmaps what is at `gpa`, up to `end`; answers how many bytes that was. */
  #unmap(gpa: number, end: number): number {
    const { slat, memory } = this.#machine
    const isWhole = gpa % largeFrameBytes === 0 && gpa + largeFrameBytes <= end
    if (isWhole && memory.contains(gpa, largeFrameBytes)) {
      const run = slat.unmapLarge(gpa)
      if (run !== 0) {
        for (let at = 0; at < largeFrameBytes; at += frameBytes) this.#frames.push(run + at)
        return largeFrameBytes
      }
    }
    const frame = slat.unmap(gpa)
    if (frame !== 0) this.#frames.push(frame)
    return frameBytes
  }

  #giveBack(): void {
    const machine = this.#machine
    if (this.#frames.length === 0) return
    machine.requestAndWait(machine.harts, hartRequest.fenceI | hartRequest.flushSlat)
    machine.memory.lock.run(() => undefined)
    for (const frame of this.#frames) machine.frames.give(frame)
    this.released += this.#frames.length
    this.#frames = []
  }
}
