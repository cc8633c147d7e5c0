/**
 * The threads that a machine's pCPUs run on. Why they are begun before there is a machine: a thread needs about as
 * long to get ready as its machine's files need to be read, and the two can go on side by side.
 */

import { inspect } from 'node:util'
import { Worker } from 'node:worker_threads'
import { defined } from '@virga/base'
import type { EngineModules, MachineOwner } from '@virga/vmm'
import type { PcpuRunning, PcpuTask } from './pcpu-worker.ts'
import type { RegionCompilerThread } from './region-compiler.ts'

/** Threads for one machine. Until `attach` they do not keep the process alive. */
export class PcpuThreads {
  readonly #workers: readonly Worker[]

  /** Begins `count` threads. */
  constructor(count: number) {
    const entry = new URL('./pcpu-worker.ts', import.meta.url)
    this.#workers = Array.from({ length: count }, () => new Worker(entry))
    for (const worker of this.#workers) worker.unref()
  }

  get count(): number {
    return this.#workers.length
  }

  /**
   * Gives the machine its pCPUs. `onRunning` hears, for each, when its first instruction ran (by `now`). `compiler`
   * is for a profiling interpreter.
   */
  attach(
    owner: MachineOwner,
    modules: EngineModules,
    onRunning: (atMs: number) => void,
    compiler?: RegionCompilerThread,
  ): void {
    for (let pcpu = 0; pcpu < this.count; pcpu++) {
      const worker = defined(this.#workers[pcpu], 'pCPU thread')
      worker.ref()
      worker.once('message', ({ runningAtMs }: PcpuRunning) => onRunning(runningAtMs))
      worker.on('exit', () => owner.pcpuExited(pcpu))
      // The machine's outcome tells of it; what it was is for whoever mends it.
      worker.on('error', (error: unknown) => {
        if (process.env.VIRGA_DEBUG) process.stderr.write(`pCPU ${pcpu}: ${inspect(error)}\n`)
      })
      const line = compiler?.connect()
      const task: PcpuTask = { descriptor: owner.descriptor, modules, pcpu, line }
      worker.postMessage(task, line === undefined ? [] : [line.port])
    }
  }
}
