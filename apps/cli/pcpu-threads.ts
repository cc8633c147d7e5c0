/**
 * The threads that a machine's pCPUs run on. Why they are begun before there is a machine: a thread needs about as
 * long to get ready as its machine's files need to be read, and the two can go on side by side.
 */

import { once } from 'node:events'
import { inspect } from 'node:util'
import { Worker } from 'node:worker_threads'
import { defined } from '@virga/base'
import type { EngineModules, MachineOwner } from '@virga/vmm'
import type { LockstepTask, PcpuDifference, PcpuRunning, PcpuTask } from './pcpu-worker.ts'
import type { RegionCompilerThread } from './region-compiler.ts'
import { threadEntry } from './thread-entry.ts'

/** What the threads are to run guest code with. */
export interface PcpuEngine {
  readonly modules: EngineModules
  /** for a profiling interpreter */
  readonly compiler?: RegionCompilerThread | undefined
  readonly lockstep?: LockstepTask | undefined
}

/** Threads for one machine. Until `attach` they do not keep the process alive. */
export class PcpuThreads {
  readonly #workers: readonly Worker[]
  readonly #ends: Promise<unknown>[] = []
  #report: string | undefined

  /** Begins `count` threads. */
  constructor(count: number) {
    const entry = threadEntry('pcpu-worker')
    this.#workers = Array.from({ length: count }, () => new Worker(entry))
    for (const worker of this.#workers) worker.unref()
  }

  get count(): number {
    return this.#workers.length
  }

  /** Gives the machine its pCPUs. `onRunning` hears, for each, when its first instruction ran (by `now`). */
  attach(owner: MachineOwner, engine: PcpuEngine, onRunning: (atMs: number) => void): void {
    const { modules, compiler, lockstep } = engine
    for (let pcpu = 0; pcpu < this.count; pcpu++) {
      const worker = defined(this.#workers[pcpu], 'pCPU thread')
      worker.ref()
      worker.on('message', (message: PcpuRunning | PcpuDifference) => {
        if ('report' in message) this.#report = message.report
        else onRunning(message.runningAtMs)
      })
      worker.on('exit', () => owner.pcpuExited(pcpu))
      // The machine's outcome tells of it; what it was is for whoever mends it.
      worker.on('error', (error: unknown) => {
        if (process.env.VIRGA_DEBUG) process.stderr.write(`pCPU ${pcpu}: ${inspect(error)}\n`)
      })
      this.#ends.push(once(worker, 'exit'))
      const line = compiler?.connect()
      const task: PcpuTask = { descriptor: owner.descriptor, modules, pcpu, line, lockstep }
      worker.postMessage(task, line === undefined ? [] : [line.port])
    }
  }

  /** Resolves when all threads of a machine that has ended are gone, to what lockstep has to tell, if anything. */
  async ended(): Promise<string | undefined> {
    await Promise.all(this.#ends)
    return this.#report
  }
}
