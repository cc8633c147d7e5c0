/** The thread that compiles regions for the pCPUs of this process, and each pCPU's line to it. */

import { inspect } from 'node:util'
import { MessageChannel, type MessagePort, receiveMessageOnPort, Worker } from 'node:worker_threads'
import type { Bounds, LinkableBatch, RegionRequest } from '@virga/riscv/jit'
import type { GuestSymbols } from '@virga/vmm'
import type { RegionHostMaker } from '@virga/vmm/pcpu'
import type { CompilerLine, CompilerTask } from './compiler-worker.ts'
import { threadEntry } from './thread-entry.ts'

/** A pCPU's end of the line. */
export interface PcpuLine extends CompilerLine {
  /** the compiler names functions and wants to know where code is */
  readonly withPlaces: boolean
}

/**
 * Of the compiler's thread, for what is new. It makes much garbage and keeps little: left alone, V8 would let it have
 * some 50 MiB more, and compile no faster.
 */
const youngMiBMax = 12

/** One compiler; lives as long as the process needs it and does not keep it alive. */
export class RegionCompilerThread {
  readonly #worker: Worker
  readonly #withPlaces: boolean

  /**
   * With `symbols` (there may be none in it), functions are named after the guest's code. `cached`: what is compiled is
   * kept on disk; code with names is not.
   */
  constructor({
    symbols,
    cached,
  }: { readonly symbols?: GuestSymbols | undefined; readonly cached: boolean }) {
    const workerData: CompilerTask = { symbols, cached: cached && symbols === undefined }
    this.#withPlaces = symbols !== undefined
    const resourceLimits = { maxYoungGenerationSizeMb: youngMiBMax }
    this.#worker = new Worker(threadEntry('compiler-worker'), {
      workerData,
      resourceLimits,
    })
    this.#worker.unref()
    // Machines go on without it, more slowly; what it was is for whoever mends it.
    this.#worker.on('error', (error: unknown) => {
      if (process.env.VIRGA_DEBUG) process.stderr.write(`region compiler: ${inspect(error)}\n`)
    })
  }

  /** A new line; its port is to be transferred to the pCPU's thread. */
  connect(): PcpuLine {
    const { port1, port2 } = new MessageChannel()
    const answers = new SharedArrayBuffer(4)
    this.#worker.postMessage({ port: port1, answers } satisfies CompilerLine, [port1])
    return { port: port2, answers, withPlaces: this.#withPlaces }
  }
}

/**
 * On a pCPU's thread: what runs its regions, and what sends requests and takes in answers, between slices. `bounds` are
 * those of its compiled code, unless it is the usual ones.
 */
export async function openLine(
  { port, answers, withPlaces }: PcpuLine,
  bounds: Partial<Bounds> = {},
): Promise<{
  readonly regions: RegionHostMaker
  readonly exchange: () => void
}> {
  const { RegionLinker } = await import('@virga/riscv/jit')
  const count = new Int32Array(answers)
  let take: ((answer: LinkableBatch | Int32Array) => void) | undefined
  let requests: RegionRequest[] = []
  let seen = 0
  return {
    regions: (runtime, memory) => {
      const linker = new RegionLinker({
        memory,
        runtime,
        send: (request) => requests.push(request),
        withPlaces,
        bounds,
      })
      take = (answer) => (answer instanceof Int32Array ? linker.learn(answer) : linker.link(answer))
      return linker
    },
    exchange: () => {
      // A message costs more than a request, so those of a slice go together.
      if (requests.length > 0) {
        port.postMessage(requests)
        requests = []
      }
      const sent = Atomics.load(count, 0)
      if (sent === seen) return
      seen = sent
      if (take !== undefined) takeAll(port, take)
    },
  }
}

function takeAll(port: MessagePort, take: (answer: LinkableBatch | Int32Array) => void): void {
  for (;;) {
    const received = receiveMessageOnPort(port)
    if (received === undefined) return
    // The compiler's thread sends nothing else.
    take(received.message as LinkableBatch | Int32Array)
  }
}
