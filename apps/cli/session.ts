/**
 * One machine from start to end in this process: its pCPU threads, its console on this terminal or pipe, its time
 * limit.
 */

import { randomBytes } from 'node:crypto'
import { defined, ok, type Result } from '@virga/base'
import {
  type BareBoot,
  createMachine,
  type DeviceConfig,
  type DirectBoot,
  type EngineModules,
  type InterruptArchitecture,
  type MachineDescriptor,
  type MachineOwner,
  type MachineStatistics,
  type Outcome,
} from '@virga/vmm'
import type { OpenBoot } from './boot-files.ts'
import { now, processStartMs } from './clock.ts'
import { type ConsoleInput, openPipe, openTerminal, terminalHelp } from './console-input.ts'
import type { DiskFlag } from './disk-flag.ts'
import { IdleWatch } from './idle-watch.ts'
import { IoThread } from './io-thread.ts'
import type { PcpuThreads } from './pcpu-threads.ts'
import type { RegionCompilerThread } from './region-compiler.ts'

/** What to run, and how the person is connected to it. */
export interface SessionOptions {
  readonly cpus: number
  readonly memoryBytes: number
  /** its files must have buffers of their own: they are let go of once the machine has copied them */
  readonly boot: DirectBoot | BareBoot
  /** see OpenBoot */
  readonly filled: OpenBoot['filled']
  readonly modules: EngineModules
  /** for a profiling interpreter */
  readonly compiler?: RegionCompilerThread | undefined
  /** to compare it with, instruction by instruction */
  readonly exactModule?: WebAssembly.Module | undefined
  /** threads for it and for nothing else, at most `cpus` */
  readonly threads: PcpuThreads
  /** what is connected to the guest's console input */
  readonly input: 'terminal' | 'pipe' | 'nothing'
  readonly timeoutMs?: number
  readonly interrupts?: InterruptArchitecture
  readonly disks: readonly DiskFlag[]
  readonly hasRng: boolean
}

/** What the machine did, and how long the program took to run its first guest instruction (null: never). */
export interface SessionStatistics extends MachineStatistics {
  readonly startMs: number | null
}

/** Why a session ended: the guest's doing, or who ended it from outside. */
export type SessionOutcome =
  | Exclude<Outcome, { kind: 'stopped' }>
  /** the person left, the time limit was reached, or the input ended and the guest had nothing more to do */
  | { readonly kind: 'left' | 'timeout' | 'input-ended' }

/** How a session ended, and what the machine did. */
export interface SessionEnd {
  readonly outcome: SessionOutcome
  /** the guest left the cursor in the middle of a line */
  readonly midLine: boolean
  readonly statistics: SessionStatistics
  /** lockstep's report of the first difference, if there was one: then the outcome says nothing */
  readonly difference: string | undefined
}

/** How long the pCPUs may take to leave a machine that was ended: a slice takes far less than a millisecond. */
const endingMsMax = 3000

const newline = 0x0a

/** Runs a machine to its end. Errors: a configuration that makes no machine. */
export async function runSession(options: SessionOptions): Promise<Result<SessionEnd>> {
  const { boot, modules, threads, compiler, exactModule } = options
  const disks = options.disks.length > 0 ? new IoThread(options.disks) : undefined
  const made = await makeMachine(options, disks)
  if (!made.ok) {
    await Promise.all([disks?.abandon(), options.filled()])
    return made
  }
  releaseFiles(boot)
  const { owner, twin } = made.value
  const lockstep = twin && { twin, exactModule: defined(exactModule, 'the exact interpreter') }
  let io = disks
  io?.attach(owner)
  let runningAtMs: number | undefined
  threads.attach(owner, { modules, compiler, lockstep }, (atMs) => {
    runningAtMs ??= atMs
    // Without disks nobody waits for this thread, so it begins when the guest has.
    if (io !== undefined || !options.hasRng) return
    io = new IoThread([])
    io.attach(owner)
  })
  const filled = await options.filled()
  if (!filled.ok) {
    owner.stop()
    await Promise.all([threads.ended(), io?.ended()])
    return filled
  }
  const resumedAtMs = now()
  const ended = await converse(owner, options)
  await io?.ended()
  const difference = lockstep && (await threads.ended())
  const startMs = runningAtMs === undefined ? null : Math.max(runningAtMs, resumedAtMs) - processStartMs
  return ok({ ...ended, difference, statistics: { startMs, ...owner.statistics() } })
}

/** The machine, and its twin for lockstep. */
async function makeMachine(
  options: SessionOptions,
  io: IoThread | undefined,
): Promise<Result<{ readonly owner: MachineOwner; readonly twin?: MachineDescriptor }>> {
  const { cpus, memoryBytes, boot, threads, exactModule, interrupts } = options
  const disks = await (io?.devices() ?? ok([]))
  if (!disks.ok) return disks
  const rng: DeviceConfig[] = options.hasRng ? [{ kind: 'rng' }] : []
  const config = {
    cpus,
    memoryBytes,
    pcpus: threads.count,
    boot,
    now,
    wallClock: Date.now,
    random: randomBytes,
    devices: [...rng, ...disks.value],
    ...(interrupts && { interrupts }),
  }
  if (exactModule !== undefined) return (await import('@virga/vmm/lockstep')).createTwins(config)
  const made = createMachine(config)
  return made.ok ? ok({ owner: made.value }) : made
}

/** The machine has its own copy now. Given back at once: the collector would wait for a reason, and an idle machine has none. */
function releaseFiles(boot: SessionOptions['boot']): void {
  const files = boot.kind === 'bare' ? [boot.program] : [boot.kernel, boot.initrd]
  for (const file of files) {
    if (file instanceof Uint8Array && file.buffer instanceof ArrayBuffer) file.buffer.transfer(0)
  }
}

/** Runs a machine that has its pCPUs, carrying its console, until it or somebody outside ends it. */
async function converse(
  owner: MachineOwner,
  { input, timeoutMs }: Pick<SessionOptions, 'input' | 'timeoutMs'>,
): Promise<Pick<SessionEnd, 'outcome' | 'midLine'>> {
  let midLine = false
  let endedBy: 'left' | 'timeout' | 'input-ended' = 'left'
  let lastResort: NodeJS.Timeout | undefined
  const end = (by: typeof endedBy) => {
    endedBy = by
    owner.stop()
    // A pCPU that never returns is a defect; the person gets the terminal back all the same.
    lastResort ??= setTimeout(() => process.exit(), endingMsMax)
  }
  const idle = new IdleWatch({
    instructions: () => owner.statistics().instructions,
    onIdle: () => end('input-ended'),
  })
  const limit = timeoutMs === undefined ? undefined : setTimeout(() => end('timeout'), timeoutMs)
  const source = openInput(input, owner, { leave: () => end('left'), ended: () => idle.start() })
  try {
    owner.resume()
    const outcome = await owner.finished({
      output: (bytes) => {
        idle.active()
        midLine = bytes.at(-1) !== newline
        return writeOut(bytes)
      },
    })
    return { outcome: outcome.kind === 'stopped' ? { kind: endedBy } : outcome, midLine }
  } finally {
    clearTimeout(limit)
    clearTimeout(lastResort)
    idle.stop()
    source?.close()
  }
}

function openInput(
  input: SessionOptions['input'],
  owner: MachineOwner,
  on: { leave: () => void; ended: () => void },
): ConsoleInput | undefined {
  const onBytes = (bytes: Uint8Array) => owner.input(bytes)
  if (input === 'pipe') return openPipe({ input: process.stdin, onBytes, onEnd: on.ended })
  if (input === 'nothing') return undefined
  return openTerminal({
    input: process.stdin,
    onBytes,
    onCommand: (command) => (command === 'leave' ? on.leave() : process.stderr.write(terminalHelp)),
  })
}

/** Writes to stdout, waiting when whoever reads it is slow. */
function writeOut(bytes: Uint8Array): Promise<void> | void {
  if (process.stdout.write(bytes)) return
  return new Promise((resolve) => process.stdout.once('drain', resolve))
}
