/** Entry of a pCPU's thread: waits for its machine, attaches to it and runs its harts until it stops. */

import { parentPort } from 'node:worker_threads'
import { defined } from '@virga/base'
import {
  attachMachine,
  createEngine,
  type EngineModules,
  type MachineDescriptor,
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
}

/** What the thread answers, right before the first instruction. */
export interface PcpuRunning {
  readonly runningAtMs: number
}

const owner = defined(parentPort ?? undefined, 'the thread that owns the machine')
owner.once('message', async ({ descriptor, modules, pcpu, line }: PcpuTask) => {
  const machine = attachMachine(descriptor, { now, wallClock: Date.now })
  const jit = line && (await openLine(line))
  const engine = createEngine(machine, modules, jit?.regions)
  owner.postMessage({ runningAtMs: now() } satisfies PcpuRunning)
  runPcpu({ machine, engine, pcpu, beforeSlice: jit?.exchange })
})
