/** Entry of the compiler's thread: takes what pCPUs find hot and sends them WebAssembly modules. */

import { setFlagsFromString } from 'node:v8'
import { type MessagePort, parentPort, workerData } from 'node:worker_threads'
import { defined } from '@virga/base'
import type { RegionRequest } from '@virga/riscv/jit'
import { isFused, RegionCompiler } from '@virga/riscv/jit/compiler'
import type { GuestSymbols } from '@virga/vmm'
import { openCodeCache } from './code-cache-file.ts'

/** What the thread is begun with. */
export interface CompilerTask {
  /** names for the functions; undefined: they get none */
  readonly symbols: GuestSymbols | undefined
  /** what is compiled is kept for other processes, and theirs is used */
  readonly cached: boolean
}

/** The compiler's end of the line to one pCPU. */
export interface CompilerLine {
  readonly port: MessagePort
  /** an i32 that counts the answers sent, so that the pCPU need not ask its port */
  readonly answers: SharedArrayBuffer
}

/**
 * Bytes that a region runs in V8's baseline code before it is optimised. Regions are many, and V8's
 * optimiser is slow: with 30 instead of 6 million the programs of `npm run bench` went 5 to 14 % faster, and a boot
 * took an eighth less processor time (2026-11-25, medians of 4 and 6).
 */
const tieringBudget = 30_000_000

/** Milliseconds of reading between requests. */
const readMs = 5

/** Milliseconds of processor time of this thread: others that run meanwhile do not count. */
function processorMs(): number {
  const { user, system } = process.threadCpuUsage()
  return (user + system) / 1000
}

/** For `--perf-map`: the machine's symbols. Loaded only then. */
async function symbolizer({ symbols }: CompilerTask) {
  if (symbols === undefined) return undefined
  const { symbolAt } = await import('@virga/vmm')
  return (address: bigint, trapVector: bigint) => symbolAt(symbols, address, trapVector)
}

// The thread's owner gives nothing else.
const task = workerData as CompilerTask
const fused = isFused()
const compiler = new RegionCompiler({
  now: processorMs,
  symbolize: await symbolizer(task),
  cache: task.cached ? openCodeCache(process.env, fused) : undefined,
  fused,
})

/** Each tells a line what is known of the cache. */
const lines: (() => void)[] = []
/** Slices of reading between two tellings: guests begin before all is read. */
const slicesUntold = 8
let slices = 0
let isRead = false

function serve({ port, answers }: CompilerLine): void {
  const count = new Int32Array(answers)
  let waiting: RegionRequest[] = []
  const tell = () => {
    const known = compiler.known()
    if (known.length === 0) return
    port.postMessage(known)
    Atomics.add(count, 0, 1)
  }
  tell()
  if (!isRead) lines.push(tell)
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

/** Reads the cache's file a piece at a time: what is asked for meanwhile does not wait. */
function read(): void {
  isRead = !compiler.readOn(readMs)
  slices += 1
  if (isRead || slices % slicesUntold === 0) for (const tell of lines) tell()
  if (isRead) lines.length = 0
  else setImmediate(read)
}

setFlagsFromString(`--wasm-tiering-budget=${tieringBudget}`)
defined(parentPort ?? undefined, 'the thread that owns the compiler').on('message', serve)
read()
