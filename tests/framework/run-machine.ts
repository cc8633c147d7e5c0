/**
 * Runs a machine of packages/vmm to its end, on real pCPU worker threads, and collects what it printed.
 * Why not the command line: a test of the machine should fail in the machine, and a start takes milliseconds here.
 */

import { randomBytes } from 'node:crypto'
import { readFileSync } from 'node:fs'
import { availableParallelism } from 'node:os'
import { setFlagsFromString } from 'node:v8'
import { Worker } from 'node:worker_threads'
import {
  type BareBoot,
  createMachine,
  type DirectBoot,
  type EngineModules,
  type MachineStatistics,
  type Outcome,
} from '@virga/vmm'
import { sharedClock } from './run-machine-clock.ts'
import type { PcpuWork } from './run-machine-pcpu.ts'

/** What to run. */
export interface MachineRun {
  readonly boot: BareBoot | DirectBoot
  /** harts, 1 unless given */
  readonly cpus?: number
  /** worker threads; as many as there are cores, at most `cpus`, unless given */
  readonly pcpus?: number
  /** RAM, 64 MiB unless given */
  readonly memoryBytes?: number
  /** the machine is stopped then, and the outcome is `stopped`; 60 s unless given */
  readonly timeoutMs?: number
  /** what is typed on the console at the start */
  readonly input?: Uint8Array
}

/** What became of it. */
export interface MachineEnd {
  readonly outcome: Outcome
  /** everything written to the console */
  readonly output: Uint8Array
  readonly statistics: MachineStatistics
}

const defaultMemoryBytes = 64 * 2 ** 20
const defaultTimeoutMs = 60_000
/** V8 should optimise the interpreter at once, as the command line has it do. */
const tieringBudget = 200_000

let compiled: EngineModules | undefined

/** The engine's modules, which `npm run build` made; compiled once in each process. */
export function engineModules(): EngineModules {
  if (compiled === undefined) {
    setFlagsFromString(`--wasm-tiering-budget=${tieringBudget}`)
    compiled = { runtimeModule: readModule('runtime'), interpreterModule: readModule('interpreter') }
  }
  return compiled
}

function readModule(name: string): WebAssembly.Module {
  const file = new URL(`../../packages/riscv/dist/${name}.wasm`, import.meta.url)
  return new WebAssembly.Module(readFileSync(file))
}

/** Runs a machine until it ends by itself or its time is up. Rejects when it cannot be made. */
export async function runMachine(run: MachineRun): Promise<MachineEnd> {
  const modules = engineModules()
  const cpus = run.cpus ?? 1
  const pcpus = run.pcpus ?? Math.min(availableParallelism(), cpus)
  const made = createMachine({
    cpus,
    pcpus,
    memoryBytes: run.memoryBytes ?? defaultMemoryBytes,
    boot: run.boot,
    now: sharedClock(),
    wallClock: Date.now,
    random: (byteCount) => randomBytes(byteCount),
  })
  if (!made.ok) throw new Error(made.error.message)
  const owner = made.value
  const exits: Promise<void>[] = []
  const faults: unknown[] = []
  for (let pcpu = 0; pcpu < pcpus; pcpu++) {
    const workerData: PcpuWork = { descriptor: owner.descriptor, modules, pcpu }
    const worker = new Worker(new URL('./run-machine-pcpu.ts', import.meta.url), { workerData })
    worker.on('error', (fault) => faults.push(fault))
    exits.push(
      new Promise((resolve) => {
        worker.on('exit', () => {
          owner.pcpuExited(pcpu)
          resolve()
        })
      }),
    )
  }
  const chunks: Uint8Array[] = []
  const timer = setTimeout(() => owner.stop(), run.timeoutMs ?? defaultTimeoutMs)
  owner.resume()
  if (run.input !== undefined) await owner.input(run.input)
  const outcome = await owner.finished({ output: (bytes) => void chunks.push(bytes.slice()) })
  clearTimeout(timer)
  await Promise.all(exits)
  if (faults.length > 0) throw faults[0]
  return { outcome, output: Buffer.concat(chunks), statistics: owner.statistics() }
}
