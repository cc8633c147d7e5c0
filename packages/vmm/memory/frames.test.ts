/** The frame pool, alone and with four threads at it. */

import { Worker } from 'node:worker_threads'
import { describe, expect, it } from 'vitest'
import { type Arena, createArenaMemory, frameBytes, largeFrameBytes, planArena, viewArena } from './arena.ts'
import { FramePool } from './frames.ts'

function makeArena(poolBytes: number): Arena {
  const plan = planArena({ hartCount: 1, codePagesPerHart: 1, platformBytes: 64, poolBytes })
  if (!plan.ok) throw new Error(plan.error.message)
  return viewArena(createArenaMemory(plan.value), plan.value)
}

function takeAll(pool: FramePool): number[] {
  const frames: number[] = []
  for (let frame = pool.take(); frame !== 0; frame = pool.take()) frames.push(frame)
  return frames
}

describe('the frame pool', () => {
  it('refuses an address that is no frame of it', () => {
    const arena = makeArena(largeFrameBytes)
    const pool = new FramePool(arena)
    expect(() => pool.give(arena.plan.pool + 8)).toThrow(/frame of the pool/)
    expect(() => pool.give(0)).toThrow(/frame of the pool/)
  })

  it('hands out every frame once and then answers 0', () => {
    const arena = makeArena(largeFrameBytes)
    const pool = new FramePool(arena)
    const frames = takeAll(pool)
    expect(frames).toHaveLength(512)
    expect(new Set(frames).size).toBe(512)
    expect(frames.every((frame) => frame % frameBytes === 0 && frame >= arena.plan.pool)).toBe(true)
    expect(pool.counts()).toEqual({ total: 512, taken: 512, free: 0 })
    expect(pool.takeRun()).toBe(0)
  })

  it('zeroes a frame before it is used again', () => {
    const arena = makeArena(largeFrameBytes)
    const pool = new FramePool(arena)
    const frame = pool.take()
    arena.u8.fill(0xaa, frame, frame + frameBytes)
    pool.give(frame)
    expect(pool.counts().taken).toBe(0)
    expect(pool.take()).toBe(frame)
    expect(arena.u8.subarray(frame, frame + frameBytes).every((byte) => byte === 0)).toBe(true)
  })

  it('takes runs from the other end, aligned, until the ends meet', () => {
    const arena = makeArena(3 * largeFrameBytes)
    const pool = new FramePool(arena)
    const small = pool.take()
    const runs = [pool.takeRun(), pool.takeRun(), pool.takeRun()]
    expect(runs).toEqual([arena.plan.pool + 2 * largeFrameBytes, arena.plan.pool + largeFrameBytes, 0])
    expect(takeAll(pool)).toHaveLength(511)
    expect(pool.counts().free).toBe(0)
    expect(small).toBe(arena.plan.pool)
  })

  it('never gives one frame to two threads', async () => {
    const arena = makeArena(largeFrameBytes)
    const results = await Promise.all(
      [1, 2, 3, 4].map(
        (mark) =>
          new Promise<{ faults: number; held: number[] }>((resolve, reject) => {
            const worker = new Worker(new URL('./frames-thread.case.ts', import.meta.url), {
              workerData: { memory: arena.memory, plan: arena.plan, mark, rounds: 5_000, most: 150 },
            })
            worker.on('message', resolve)
            worker.on('error', reject)
          }),
      ),
    )
    const held = results.flatMap((result) => result.held)
    expect(results.map((result) => result.faults)).toEqual([0, 0, 0, 0])
    expect(new Set(held).size).toBe(held.length)
    const pool = new FramePool(arena)
    expect(pool.counts().taken).toBe(held.length)
    const rest = takeAll(pool)
    expect(new Set([...held, ...rest]).size).toBe(512)
  }, 20_000)
})
