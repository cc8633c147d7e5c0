/** Entry of a pCPU's worker thread: attaches to the machine and runs its harts until the machine stops. */

import { parentPort, workerData } from 'node:worker_threads'
import { attachMachine, createEngine, type EngineModules, type MachineDescriptor, runPcpu } from '@virga/vmm'
import { now } from './clock.ts'

/** What the owner's thread passes in. */
export interface PcpuWorkerData {
  readonly descriptor: MachineDescriptor
  readonly modules: EngineModules
  readonly pcpu: number
}

/** Said once, right before the first instruction. */
export interface PcpuRunning {
  readonly runningAtMs: number
}

const { descriptor, modules, pcpu } = workerData as PcpuWorkerData
const machine = attachMachine(descriptor, { now, wallClock: Date.now })
const engine = createEngine(machine, modules)
parentPort?.postMessage({ runningAtMs: now() } satisfies PcpuRunning)
runPcpu({ machine, engine, pcpu })
