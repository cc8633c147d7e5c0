/** Thread of slat.test.ts: touches every page of a range at the same time as others do. */

import { parentPort, workerData } from 'node:worker_threads'
import { type ArenaPlan, frameBytes, viewArena } from './arena.ts'
import { FramePool } from './frames.ts'
import { Slat } from './slat.ts'

const { memory, plan, root, base, pages, gate } = workerData as {
  memory: WebAssembly.Memory
  plan: ArenaPlan
  root: number
  base: number
  pages: number
  gate: Int32Array
}
const arena = viewArena(memory, plan)
const slat = new Slat(arena, new FramePool(arena), root)
parentPort?.postMessage('ready')
Atomics.wait(gate, 0, 0)
const found: number[] = []
for (let page = 0; page < pages; page++) {
  const at = slat.touch(base + page * frameBytes)
  found.push(at)
  if (at !== 0) Atomics.add(arena.i32, at >>> 2, 1)
}
parentPort?.postMessage(found)
