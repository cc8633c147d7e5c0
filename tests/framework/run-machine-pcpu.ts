/** Entry of a worker thread that is one pCPU of a machine under test. */

import { workerData } from 'node:worker_threads'
import { attachMachine, createEngine, type EngineModules, type MachineDescriptor, runPcpu } from '@virga/vmm'
import { sharedClock } from './run-machine-clock.ts'

/** What the test's thread passes in. */
export interface PcpuWork {
  readonly descriptor: MachineDescriptor
  readonly modules: EngineModules
  readonly pcpu: number
}

const { descriptor, modules, pcpu } = workerData as PcpuWork
const machine = attachMachine(descriptor, { now: sharedClock(), wallClock: Date.now })
runPcpu({ machine, engine: createEngine(machine, modules), pcpu })
