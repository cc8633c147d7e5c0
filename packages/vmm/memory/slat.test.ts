/** The SLAT: its entries, large leaves, and threads that fault on the same pages. */

import { Worker } from 'node:worker_threads'
import { describe, expect, it } from 'vitest'
import { machineWord } from '../machine-block.ts'
import { type Arena, createArenaMemory, frameBytes, largeFrameBytes, planArena, viewArena } from './arena.ts'
import { FramePool } from './frames.ts'
import { Slat, takeSlatRoot } from './slat.ts'

function make(poolBytes = 4 * largeFrameBytes): { arena: Arena; frames: FramePool; slat: Slat } {
  const plan = planArena({ hartCount: 1, codePagesPerHart: 1, platformBytes: 64, poolBytes })
  if (!plan.ok) throw new Error(plan.error.message)
  const arena = viewArena(createArenaMemory(plan.value), plan.value)
  const frames = new FramePool(arena)
  return { arena, frames, slat: new Slat(arena, frames, takeSlatRoot(frames)) }
}

const leaves = (arena: Arena) => ({
  small: arena.i32[(arena.plan.machineBlock + machineWord.slatSmallLeaves) >>> 2],
  large: arena.i32[(arena.plan.machineBlock + machineWord.slatLargeLeaves) >>> 2],
})

const ram = 0x8000_0000

describe('the SLAT', () => {
  it('refuses addresses that Sv48x4 cannot translate', () => {
    const { slat } = make()
    expect(() => slat.lookup(2 ** 50)).toThrow(/guest-physical/)
    expect(() => slat.lookup(-1)).toThrow(/guest-physical/)
  })

  it('maps a frame on first touch and finds it again', () => {
    const { arena, slat } = make()
    expect(slat.lookup(ram + 0x1234)).toBe(0)
    const at = slat.touch(ram + 0x1234)
    expect(at % frameBytes).toBe(0x234)
    expect(slat.touch(ram + 0x1000)).toBe(at - 0x234)
    expect(slat.lookup(ram + 0x1fff)).toBe(at - 0x234 + 0xfff)
    expect(slat.lookup(ram + 0x2000)).toBe(0)
    expect(leaves(arena)).toEqual({ small: 1, large: 0 })
  })

  it('keeps pages of every level of the table apart', () => {
    const { slat } = make()
    const places = [
      0,
      0x1000,
      0x20_0000,
      0x4000_0000,
      2 ** 39,
      2 ** 49,
      2 ** 50 - frameBytes,
      ram,
      ram + 0x1ff000,
    ]
    const frames = places.map((gpa) => slat.touch(gpa))
    expect(new Set(frames).size).toBe(places.length)
    expect(places.map((gpa) => slat.lookup(gpa))).toEqual(frames)
  })

  it('writes entries that a G-stage walk accepts', () => {
    const { arena, slat } = make()
    const at = slat.touch(ram)
    let table = slat.root
    for (const shift of [39, 30, 21]) {
      const entry =
        arena.i64[(table + (Math.floor(ram / 2 ** shift) & (shift === 39 ? 2047 : 511)) * 8) >>> 3] ?? 0n
      expect(entry & 0x3ffn).toBe(1n)
      table = Number(entry >> 10n) * frameBytes
    }
    expect(arena.i64[table >>> 3]).toBe((BigInt(at) >> 2n) | 0b1101_1111n)
  })

  it('maps 2 MiB at once, and not over a page', () => {
    const { arena, frames, slat } = make()
    const run = frames.takeRun()
    expect(slat.mapLarge(ram, run)).toBe(true)
    expect(slat.lookup(ram + 0x12_3456)).toBe(run + 0x12_3456)
    expect(slat.map(ram + 0x1000, frames.take())).toBe(false)
    expect(slat.mapLarge(ram, frames.takeRun())).toBe(false)
    slat.touch(ram + largeFrameBytes)
    expect(slat.mapLarge(ram + largeFrameBytes, frames.takeRun())).toBe(false)
    expect(leaves(arena)).toEqual({ small: 1, large: 1 })
  })

  it('splits a large leaf to unmap one page of it', () => {
    const { arena, frames, slat } = make()
    const run = frames.takeRun()
    slat.mapLarge(ram, run)
    expect(slat.unmap(ram + 0x5000)).toBe(run + 0x5000)
    expect(slat.lookup(ram + 0x5000)).toBe(0)
    expect(slat.lookup(ram + 0x4000)).toBe(run + 0x4000)
    expect(slat.lookup(ram + 0x1f_ffff)).toBe(run + 0x1f_ffff)
    expect(slat.unmap(ram + 0x5000)).toBe(0)
    expect(leaves(arena)).toEqual({ small: 511, large: 0 })
  })

  it('answers 0 when the frames are used up, and loses none of them', () => {
    const { frames, slat } = make(largeFrameBytes)
    let mapped = 0
    while (slat.touch(ram + mapped * frameBytes) !== 0) mapped += 1
    // 512 frames less the root's four and a table for each lower level (two last-level tables are not needed)
    expect(mapped).toBe(512 - 4 - 3)
    expect(frames.counts().free).toBe(0)
    const given = slat.unmap(ram)
    frames.give(given)
    expect(slat.touch(ram + mapped * frameBytes)).toBe(given)
  })

  it('agrees on one frame when threads touch the same pages at once', async () => {
    const { arena, frames, slat } = make(8 * largeFrameBytes)
    const pages = 1500
    const gate = new Int32Array(new SharedArrayBuffer(4))
    const base = ram + largeFrameBytes - 500 * frameBytes
    const before = frames.counts().taken
    const ready: Promise<void>[] = []
    const found = [0, 1, 2].map(
      () =>
        new Promise<number[]>((resolve, reject) => {
          const worker = new Worker(new URL('./slat-thread.case.ts', import.meta.url), {
            workerData: { memory: arena.memory, plan: arena.plan, root: slat.root, base, pages, gate },
          })
          ready.push(
            new Promise((isReady) => {
              worker.on('message', (message) => (message === 'ready' ? isReady() : resolve(message)))
            }),
          )
          worker.on('error', reject)
        }),
    )
    await Promise.all(ready)
    Atomics.store(gate, 0, 1)
    Atomics.notify(gate, 0)
    const [first, ...others] = await Promise.all(found)
    for (const other of others) expect(other).toEqual(first)
    expect(new Set(first).size).toBe(pages)
    expect(first?.every((at) => arena.i32[at >>> 2] === 3)).toBe(true)
    // Losers gave their frames back: what was taken is the pages, a table at each upper level, three at the last.
    expect(leaves(arena).small).toBe(pages)
    expect(frames.counts().taken - before).toBe(pages + 1 + 1 + 3)
  }, 20_000)
})
