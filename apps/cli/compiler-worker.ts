/** Entry of the compiler's thread: takes what pCPUs find hot and sends them WebAssembly modules. */

import { setFlagsFromString } from 'node:v8'
import { type MessagePort, parentPort } from 'node:worker_threads'
import { defined } from '@virga/base'
import type { RegionRequest } from '@virga/riscv/jit'
import { RegionCompiler } from '@virga/riscv/jit/compiler'

/** The compiler's end of the line to one pCPU. */
export interface CompilerLine {
  readonly port: MessagePort
  /** an i32 that counts the answers sent, so that the pCPU need not ask its port */
  readonly answers: SharedArrayBuffer
}

/**
 * Bytes that a region runs in V8's baseline code before it is optimised. Regions are many: optimising each as early
 * as the interpreter would take more time than it saves.
 */
const tieringBudget = 6_000_000

/** Milliseconds of processor time of this thread: others that run meanwhile do not count. */
function processorMs(): number {
  const { user, system } = process.threadCpuUsage()
  return (user + system) / 1000
}

const compiler = new RegionCompiler(processorMs)

function serve({ port, answers }: CompilerLine): void {
  const count = new Int32Array(answers)
  let waiting: RegionRequest[] = []
  const work = () => {
    const requests = waiting
    waiting = []
    for (const batch of compiler.answer(requests)) {
      port.postMessage(batch)
      Atomics.add(count, 0, 1)
    }
  }
  port.on('message', (requests: RegionRequest[]) => {
    // Requests that have come by the time this thread is free become one batch.
    if (waiting.length === 0) setImmediate(work)
    waiting.push(...requests)
  })
}

setFlagsFromString(`--wasm-tiering-budget=${tieringBudget}`)
defined(parentPort ?? undefined, 'the thread that owns the compiler').on('message', serve)
