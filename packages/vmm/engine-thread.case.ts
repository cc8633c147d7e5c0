/** Thread of engine.test.ts: one pCPU on the real engine. */

import { workerData } from 'node:worker_threads'
import { createEngine, type EngineModules } from './engine.ts'
import { attachMachine, type MachineDescriptor } from './machine.ts'
import { runPcpu } from './pcpu.ts'

const { descriptor, modules, pcpu } = workerData as {
  descriptor: MachineDescriptor
  modules: EngineModules
  pcpu: number
}
const machine = attachMachine(descriptor, {
  now: () => Number(process.hrtime.bigint()) / 1e6,
  wallClock: Date.now,
})
runPcpu({ machine, engine: createEngine(machine, modules), pcpu })
