/** Entry of a worker thread that is one pCPU of a machine under test. */

import { workerData } from 'node:worker_threads'
import type { Bounds } from '@virga/riscv/jit'
import { attachMachine, createEngine, type EngineModules, type MachineDescriptor, runPcpu } from '@virga/vmm'
import { now } from '../../apps/cli/clock.ts'
import { openLine, type PcpuLine } from '../../apps/cli/region-compiler.ts'
import { forcedRegions } from '../../packages/riscv/jit/forced.ts'
import type { MachineEngine } from './run-machine.ts'

/** What the test's thread passes in. */
export interface PcpuWork {
  readonly descriptor: MachineDescriptor
  readonly modules: EngineModules
  readonly pcpu: number
  readonly engine: MachineEngine
  /** to the compiler, for `jit` */
  readonly line: PcpuLine | undefined
  readonly bounds: Partial<Bounds> | undefined
}

const { descriptor, modules, pcpu, engine: kind, line, bounds } = workerData as PcpuWork
const machine = attachMachine(descriptor, { now, wallClock: Date.now })
const jit = line && (await openLine(line, bounds))
const regions = kind === 'eager jit' ? forcedRegions : jit?.regions
const engine = createEngine(machine, modules, regions)
runPcpu({ machine, engine, pcpu, beforeSlice: jit?.exchange })
