/** Pages on their way back to the pool: what is left alone, what is given, and that nobody reaches a frame after. */

import { Worker } from 'node:worker_threads'
import { hartStatus } from '@virga/riscv/hart'
import { describe, expect, it } from 'vitest'
import { hartRecord } from '../machine-block.ts'
import { testMachine } from '../testing.ts'
import { frameBytes, largeFrameBytes } from './arena.ts'
import { ramBase } from './guest-memory.ts'
import { PageRelease } from './page-release.ts'

const mib = 2 ** 20
const realNow = () => Number(process.hrtime.bigint()) / 1e6

function open() {
  const { machine } = testMachine()
  return { machine, release: new PageRelease(machine), taken: () => machine.frames.counts().taken }
}

describe('what is no page of the guest', () => {
  it.each([
    ['below memory', 0, 10],
    ['beyond memory', ramBase + 8 * mib, 10],
    ['far beyond', 0xffff_ffff * frameBytes, 1],
    ['never touched', ramBase + 6 * mib, 100],
  ])('%s is left alone', (_, gpa, pages) => {
    const { release, taken } = open()
    const before = taken()
    release.release([{ gpa, pages }])
    expect([taken(), release.released]).toEqual([before, 0])
  })
})

describe('a page', () => {
  const gpa = ramBase + 5 * mib

  it('goes back to the pool once, and is zero when it is touched again', () => {
    const { machine, release, taken } = open()
    machine.memory.write(gpa, Uint8Array.of(1, 2, 3))
    const before = taken()
    release.release([
      { gpa, pages: 1 },
      { gpa, pages: 3 },
    ])
    expect([taken(), release.released]).toEqual([before - 1, 1])
    const bytes = new Uint8Array(3).fill(9)
    machine.memory.read(gpa, bytes)
    expect([...bytes]).toEqual([0, 0, 0])
    machine.memory.write(gpa, Uint8Array.of(7))
    machine.memory.read(gpa, bytes)
    expect([[...bytes], taken()]).toEqual([[7, 0, 0], before])
  })

  it('of a large leaf leaves its neighbours where they are; a whole leaf goes at once', () => {
    const { machine, release } = open()
    const large = ramBase + 4 * mib
    const image = new Uint8Array(2 * largeFrameBytes).fill(5)
    machine.memory.place(large, image)
    release.release([{ gpa: large + 3 * frameBytes, pages: 1 }])
    expect([machine.slat.lookup(large + 3 * frameBytes), release.released]).toEqual([0, 1])
    const neighbour = new Uint8Array(1)
    machine.memory.read(large + 4 * frameBytes, neighbour)
    expect(neighbour[0]).toBe(5)
    release.release([{ gpa: large + largeFrameBytes, pages: 512 }])
    expect([machine.slat.lookup(large + largeFrameBytes), release.released]).toEqual([0, 513])
  })
})

describe('harts that run meanwhile', () => {
  it('never reach a frame after it was given to the pool', async () => {
    const owner = testMachine({ cpus: 2, pcpus: 2, now: realNow, wallClock: Date.now })
    const { machine } = owner
    for (const hart of machine.harts) hart.status = hartStatus.started
    const [base, pages] = [ramBase + 4 * mib, 300]
    // Part of it in a large leaf, to be split.
    machine.memory.place(base, new Uint8Array(largeFrameBytes))
    const threads = [0, 1].map((pcpu) => {
      const worker = new Worker(new URL('./page-release-thread.case.ts', import.meta.url), {
        workerData: { descriptor: owner.descriptor, pcpu, base, pages, seed: 17 + pcpu },
      })
      return new Promise<{ faults: number; touches: number }>((resolve, reject) => {
        worker.on('message', resolve)
        worker.on('error', reject)
      })
    })
    owner.resume()
    const release = new PageRelease(machine)
    const { i32 } = machine.arena
    let state = 1
    const random = (end: number) => {
      state = (Math.imul(state, 1103515245) + 12345) >>> 0
      return (state >>> 8) % end
    }
    const hasRun = () => machine.harts.every((hart) => hart.record(hartRecord.exits) > 100)
    const [atLeast, atMost] = [realNow() + 2000, realNow() + 20_000]
    let corrupted = 0
    while (realNow() < atMost && (realNow() < atLeast || !hasRun())) {
      const runs = Array.from({ length: 20 }, () => ({
        gpa: base + random(pages) * frameBytes,
        pages: 1 + random(8),
      }))
      release.release(runs)
      // Whoever gets such a frame now is alone with it.
      const frames = Array.from({ length: 20 }, () => machine.frames.take()).filter((frame) => frame !== 0)
      for (const frame of frames) i32.fill(-1, frame >>> 2, (frame + frameBytes) >>> 2)
      for (let spin = 0; spin < 20; spin++) await new Promise((resolve) => setImmediate(resolve))
      for (const frame of frames) {
        if (i32.subarray(frame >>> 2, (frame + frameBytes) >>> 2).some((word) => word !== -1)) corrupted++
        machine.frames.give(frame)
      }
    }
    owner.stop()
    const results = await Promise.all(threads)
    expect([corrupted, results.map(({ faults }) => faults)]).toEqual([0, [0, 0]])
    expect(results.every(({ touches }) => touches > 100)).toBe(true)
    expect(release.released).toBeGreaterThan(100)
  }, 30_000)
})
