/**
 * Runs a machine of packages/vmm to its end, on real pCPU worker threads, and collects what it printed.
 * Why not the command line: a test of the machine should fail in the machine, and a start takes milliseconds here.
 */

import { randomBytes } from 'node:crypto'
import { once } from 'node:events'
import { readFileSync } from 'node:fs'
import { availableParallelism } from 'node:os'
import { setFlagsFromString } from 'node:v8'
import { Worker } from 'node:worker_threads'
import type { Bounds, RegionRequest } from '@virga/riscv/jit'
import {
  type BareBoot,
  createMachine,
  type DirectBoot,
  type EngineModules,
  type HartStatistics,
  type MachineDescriptor,
  type MachineStatistics,
  type Outcome,
} from '@virga/vmm'
import { now } from '../../apps/cli/clock.ts'
import { RegionCompilerThread } from '../../apps/cli/region-compiler.ts'
import { eagerInterpreter } from '../../packages/riscv/jit/forced.ts'
import type { PcpuWork } from './run-machine-pcpu.ts'

/**
 * How guest code runs:
 * - `jit`: as `virga run` does it. What got hot is compiled by a thread beside and put in place between slices, so
 *   what proves the hand-over, and whatever depends on when it happens, runs by this one.
 * - `eager jit`: each place is compiled on its pCPU's thread when it is first arrived at, before it runs. All code
 *   that is jumped to is compiled, the same in every run: what proves what compiled code does runs by this one.
 */
export type MachineEngine = 'interpreter' | 'jit' | 'eager jit'

/** What to run. */
export interface MachineRun {
  readonly boot: BareBoot | DirectBoot
  /** the interpreter unless given */
  readonly engine?: MachineEngine | undefined
  /** of compiled code on each pCPU, for `jit`; as in `virga run` unless given */
  readonly bounds?: Partial<Bounds>
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

/** Which part of its instructions a machine ran as compiled code, 0 to 1. */
export function compiledShare({ jit }: HartStatistics): number {
  return jit.tiers.compiledShare
}

const defaultMemoryBytes = 64 * 2 ** 20
const defaultTimeoutMs = 60_000
/** V8 should optimise the interpreter at once, as the command line has it do. */
const tieringBudget = 200_000

/** Of the memory that an interpreter is made for: what any machine may have. */
const memoryPagesMax = 65536

const interpreters: Readonly<Record<MachineEngine, () => WebAssembly.Module>> = {
  interpreter: () => readModule('interpreter'),
  jit: () => readModule('interpreter-profiling'),
  'eager jit': () => eagerInterpreter(memoryPagesMax),
}
const compiled = new Map<MachineEngine, EngineModules>()
let compiler: Promise<RegionCompilerThread> | undefined

/** An engine's modules, from what `npm run build` made; compiled once in each process. */
function engineModules(engine: MachineEngine): EngineModules {
  const known = compiled.get(engine)
  if (known !== undefined) return known
  setFlagsFromString(`--wasm-tiering-budget=${tieringBudget}`)
  const modules = { runtimeModule: readModule('runtime'), interpreterModule: interpreters[engine]() }
  compiled.set(engine, modules)
  return modules
}

function readModule(name: string): WebAssembly.Module {
  const file = new URL(`../../packages/riscv/dist/${name}.wasm`, import.meta.url)
  return new WebAssembly.Module(readFileSync(file))
}

/** A compiler that has answered once: one that is only starting would find short programs at their end. */
async function startCompiler(): Promise<RegionCompilerThread> {
  const thread = new RegionCompilerThread({ cached: false })
  const { port } = thread.connect()
  const page = { code: new Uint8Array(4096), ran: new Uint8Array(256), warm: [], compiled: [] }
  const request: RegionRequest = { id: 0, hash: 0, root: 0, ...page }
  port.postMessage([request])
  await once(port, 'message')
  port.close()
  return thread
}

/** A pCPU's thread. */
async function startPcpu(
  { engine = 'interpreter', bounds }: MachineRun,
  descriptor: MachineDescriptor,
  pcpu: number,
): Promise<Worker> {
  if (engine === 'jit') compiler ??= startCompiler()
  const line = engine === 'jit' ? (await compiler)?.connect() : undefined
  const workerData: PcpuWork = { descriptor, modules: engineModules(engine), pcpu, engine, line, bounds }
  return new Worker(new URL('./run-machine-pcpu.ts', import.meta.url), {
    workerData,
    transferList: line === undefined ? [] : [line.port],
  })
}

/** Runs a machine until it ends by itself or its time is up. Rejects when it cannot be made. */
export async function runMachine(run: MachineRun): Promise<MachineEnd> {
  const cpus = run.cpus ?? 1
  const pcpus = run.pcpus ?? Math.min(availableParallelism(), cpus)
  const made = createMachine({
    cpus,
    pcpus,
    memoryBytes: run.memoryBytes ?? defaultMemoryBytes,
    boot: run.boot,
    now,
    wallClock: Date.now,
    random: (byteCount) => randomBytes(byteCount),
  })
  if (!made.ok) throw new Error(made.error.message)
  const owner = made.value
  const exits: Promise<void>[] = []
  const faults: unknown[] = []
  for (let pcpu = 0; pcpu < pcpus; pcpu++) {
    const worker = await startPcpu(run, owner.descriptor, pcpu)
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
