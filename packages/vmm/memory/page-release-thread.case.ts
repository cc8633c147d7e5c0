/**
 * Thread of page-release.test.ts: a pCPU whose harts reach memory as guest code does, through a TLB of their own that is
 * dropped only when the hart serves a request. What they find in a page is zero or what is written to that page.
 */

import process from 'node:process'
import { parentPort, workerData } from 'node:worker_threads'
import { defined } from '@virga/base'
import { hartExit, hartRequest } from '@virga/riscv/hart'
import { attachMachine, type MachineDescriptor } from '../machine.ts'
import { runPcpu } from '../pcpu.ts'
import { ScriptedEngine } from '../testing.ts'
import { frameBytes } from './arena.ts'

const { descriptor, pcpu, base, pages, seed } = workerData as {
  descriptor: MachineDescriptor
  pcpu: number
  base: number
  pages: number
  seed: number
}
const machine = attachMachine(descriptor, {
  now: () => Number(process.hrtime.bigint()) / 1e6,
  wallClock: Date.now,
})
const { i32 } = machine.arena
const tlb = new Map<number, number>()
let state = seed
let faults = 0
let touches = 0

function random(end: number): number {
  state = (Math.imul(state, 1103515245) + 12345) >>> 0
  return (state >>> 8) % end
}

/** One access of a guest: by the TLB, or by the table and then in the TLB. */
function touch(page: number): void {
  const known = tlb.get(page)
  const at = known ?? machine.slat.touch(base + page * frameBytes)
  if (at === 0) return
  tlb.set(page, at)
  const word = (at >>> 2) + random(frameBytes / 4)
  const seen = defined(i32[word], 'word')
  if (seen !== 0 && seen !== page + 1) faults++
  i32[word] = page + 1
  touches++
}

class GuestLike extends ScriptedEngine {
  protected override serve(requests: number): void {
    if ((requests & hartRequest.flushSlat) !== 0) tlb.clear()
  }
}

const engine = new GuestLike(machine, (hart) => {
  for (let i = 0; i < 5000 && hart.read32('attention') === 0; i++) touch(random(pages))
  return hartExit.slice
})
runPcpu({ machine, engine, pcpu })
parentPort?.postMessage({ faults, touches })
