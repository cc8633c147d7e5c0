/** Thread of frames.test.ts: takes, marks and gives back frames, and checks that nobody else had them meanwhile. */

import { parentPort, workerData } from 'node:worker_threads'
import { defined } from '@virga/base'
import { type ArenaPlan, frameBytes, viewArena } from './arena.ts'
import { FramePool } from './frames.ts'

const { memory, plan, mark, rounds, most } = workerData as {
  memory: WebAssembly.Memory
  plan: ArenaPlan
  mark: number
  rounds: number
  most: number
}
const arena = viewArena(memory, plan)
const pool = new FramePool(arena)
const held: number[] = []
let faults = 0
let seed = mark

function random(bound: number): number {
  seed = (Math.imul(seed, 1103515245) + 12345) >>> 0
  return (seed >>> 8) % bound
}

function words(frame: number): Int32Array {
  return arena.i32.subarray(frame >>> 2, (frame + frameBytes) >>> 2)
}

for (let round = 0; round < rounds; round++) {
  if (held.length < most && random(2) === 0) {
    const frame = pool.take()
    if (frame === 0) continue
    if (words(frame).some((word) => word !== 0)) faults += 1
    words(frame).fill(mark)
    held.push(frame)
  } else if (held.length > 0) {
    const frame = defined(held.splice(random(held.length), 1)[0], 'frame')
    if (words(frame).some((word) => word !== mark)) faults += 1
    pool.give(frame)
  }
}
for (const frame of held) if (words(frame).some((word) => word !== mark)) faults += 1
parentPort?.postMessage({ faults, held })
