/**
 * One machine from start to end on this process: its pCPU threads, its console on this terminal, its time limit.
 */

import { randomBytes } from 'node:crypto'
import { availableParallelism } from 'node:os'
import { inspect } from 'node:util'
import { Worker } from 'node:worker_threads'
import { ok, type Result } from '@virga/base'
import {
  type BareBoot,
  createMachine,
  type DirectBoot,
  type EngineModules,
  type MachineStatistics,
  type Outcome,
} from '@virga/vmm'
import { now, processStartMs } from './clock.ts'
import type { PcpuRunning } from './pcpu-worker.ts'
import { openTerminal, terminalHelp } from './terminal.ts'

/** What to run, and how the person is connected to it. */
export interface SessionOptions {
  readonly cpus: number
  readonly memoryBytes: number
  readonly boot: DirectBoot | BareBoot
  readonly modules: EngineModules
  /** whether what is typed goes to the guest */
  readonly typing: boolean
  readonly timeoutMs?: number
}

/** What the machine did, and how long the program took to run its first guest instruction (null: never). */
export interface SessionStatistics extends MachineStatistics {
  readonly startMs: number | null
}

/** How a session ended, and what the machine did. */
export interface SessionEnd {
  readonly end: Outcome | { readonly kind: 'timeout' }
  readonly statistics: SessionStatistics
}

/** Runs a machine to its end. Errors: a configuration that makes no machine. */
export async function runSession(options: SessionOptions): Promise<Result<SessionEnd>> {
  const { cpus, memoryBytes, boot, modules, timeoutMs } = options
  const pcpus = Math.min(availableParallelism(), cpus)
  const made = createMachine({
    cpus,
    memoryBytes,
    pcpus,
    boot,
    now,
    wallClock: Date.now,
    random: randomBytes,
  })
  if (!made.ok) return made
  const owner = made.value
  let startMs: number | null = null
  for (let pcpu = 0; pcpu < pcpus; pcpu++) {
    const worker = new Worker(new URL('./pcpu-worker.ts', import.meta.url), {
      workerData: { descriptor: owner.descriptor, modules, pcpu },
    })
    worker.on('error', (error: unknown) => process.stderr.write(`virga: pCPU ${pcpu}: ${inspect(error)}\n`))
    worker.once('message', ({ runningAtMs }: PcpuRunning) => (startMs ??= runningAtMs - processStartMs))
    worker.on('exit', () => owner.pcpuExited(pcpu))
  }

  const stop = () => owner.stop()
  let timedOut = false
  const limit =
    timeoutMs === undefined
      ? undefined
      : setTimeout(() => {
          timedOut = true
          owner.stop()
        }, timeoutMs)
  const terminal = options.typing
    ? openTerminal({
        input: process.stdin,
        onBytes: (bytes) => owner.input(bytes),
        onCommand: (command) => (command === 'leave' ? owner.stop() : process.stderr.write(terminalHelp)),
      })
    : undefined
  process.once('SIGINT', stop)
  process.once('SIGTERM', stop)
  try {
    owner.resume()
    const outcome = await owner.finished({ output: writeOut })
    return ok({
      end: timedOut ? { kind: 'timeout' } : outcome,
      statistics: { startMs, ...owner.statistics() },
    })
  } finally {
    clearTimeout(limit)
    terminal?.close()
    process.off('SIGINT', stop)
    process.off('SIGTERM', stop)
  }
}

/** Writes to stdout, waiting when whoever reads it is slow. */
function writeOut(bytes: Uint8Array): Promise<void> | void {
  if (process.stdout.write(bytes)) return
  return new Promise((resolve) => process.stdout.once('drain', resolve))
}
