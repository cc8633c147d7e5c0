/** Entry of a pCPU's thread: waits for its machine, attaches to it and runs its harts until it stops. */

import { parentPort } from 'node:worker_threads'
import { defined } from '@virga/base'
import type { LockstepEngine } from '@virga/vmm/lockstep'
import {
  attachMachine,
  createEngine,
  type EngineModules,
  type Machine,
  type MachineDescriptor,
  type RegionHostMaker,
  runPcpu,
} from '@virga/vmm/pcpu'
import { now } from './clock.ts'
import { openLine, type PcpuLine } from './region-compiler.ts'

/** What the owner's thread sends, once. */
export interface PcpuTask {
  readonly descriptor: MachineDescriptor
  readonly modules: EngineModules
  readonly pcpu: number
  /** to the compiler, for a profiling interpreter */
  readonly line?: PcpuLine | undefined
  /** to run each instruction a second time, and compare */
  readonly lockstep?: LockstepTask | undefined
}

/** What lockstep needs besides. */
export interface LockstepTask {
  readonly twin: MachineDescriptor
  readonly exactModule: WebAssembly.Module
}

/** What the thread answers, right before the first instruction. */
export interface PcpuRunning {
  readonly runningAtMs: number
}

/** What it says at the end, if lockstep found a difference. */
export interface PcpuDifference {
  readonly report: string
}

const context = { now, wallClock: Date.now }
const owner = defined(parentPort ?? undefined, 'the thread that owns the machine')
owner.once('message', async ({ descriptor, modules, pcpu, line, lockstep }: PcpuTask) => {
  const machine = attachMachine(descriptor, context)
  const jit = line && (await openLine(line))
  const checked = lockstep && (await openLockstep(machine, modules, lockstep, jit?.regions))
  const engine = checked ?? createEngine(machine, modules, jit?.regions)
  owner.postMessage({ runningAtMs: now() } satisfies PcpuRunning)
  runPcpu({ machine, engine, pcpu, beforeSlice: jit?.exchange })
  const report = checked?.conclude()
  if (report !== undefined) owner.postMessage({ report } satisfies PcpuDifference)
})

/** Loaded late: only who doubts an engine needs it. */
async function openLockstep(
  machine: Machine,
  modules: EngineModules,
  { twin, exactModule }: LockstepTask,
  regions: RegionHostMaker | undefined,
): Promise<LockstepEngine> {
  const { LockstepEngine } = await import('@virga/vmm/lockstep')
  return new LockstepEngine({
    machine,
    twin: attachMachine(twin, context),
    modules,
    exactModule,
    regions: defined(regions, 'a line to the compiler'),
  })
}
