/** How the host's process runs a machine: threads, disks and files of its own, in this process. */

import { randomBytes } from 'node:crypto'
import { availableParallelism } from 'node:os'
import { ok, type Result } from '@virga/base'
import type { MachineRecord, RunningMachine, StartMachine } from '@virga/host/serve'
import { createMachine, type DeviceConfig, type EngineModules, type MachineOwner } from '@virga/vmm'
import { type BootFlags, type OpenBoot, openBoot } from './boot-files.ts'
import { now } from './clock.ts'
import { IoThread } from './io-thread.ts'
import { PcpuThreads } from './pcpu-threads.ts'
import type { RegionCompilerThread } from './region-compiler.ts'

/** What all machines of the process share. */
export interface MachineParts {
  readonly modules: EngineModules
  readonly compiler: RegionCompilerThread
}

/** Starts machines with these parts. */
export function machineStarter(parts: MachineParts): StartMachine {
  return async (record, output) => {
    const threads = new PcpuThreads(Math.max(1, Math.min(availableParallelism(), record.cpus)))
    const io = new IoThread(record.disks)
    const made = await makeMachine(record, threads.count, io)
    if (!made.ok) {
      await Promise.all([io.abandon(), threads.abandon()])
      return made
    }
    return ok(await run(made.value, { ...parts, threads, io, output }))
  }
}

async function makeMachine(
  record: MachineRecord,
  pcpus: number,
  io: IoThread,
): Promise<Result<MachineOwner>> {
  const opened = await openBoot(bootFlags(record), record.memoryBytes)
  if (!opened.ok) return opened
  const { boot, filled } = opened.value
  const disks = await io.devices()
  const made = disks.ok ? configure(record, pcpus, boot, disks.value) : disks
  // Its files are closed by that, too, if no machine was made.
  const files = await filled()
  return made.ok && !files.ok ? files : made
}

function configure(
  { cpus, memoryBytes }: MachineRecord,
  pcpus: number,
  boot: OpenBoot['boot'],
  disks: readonly DeviceConfig[],
): Result<MachineOwner> {
  return createMachine({
    cpus,
    memoryBytes,
    pcpus,
    boot,
    now,
    wallClock: Date.now,
    random: randomBytes,
    devices: [{ kind: 'rng' }, ...disks],
  })
}

/** What `virga run` would be told to boot the same. */
export function bootFlags({ boot, append }: Pick<MachineRecord, 'boot' | 'append'>): BootFlags {
  const added = append === undefined ? {} : { append }
  if ('image' in boot) return { image: boot.image, ...added }
  const initrd = boot.initrd === undefined ? {} : { initrd: boot.initrd }
  return { image: '', kernel: boot.kernel, ...initrd, ...added }
}

/** What one machine has for itself. */
interface Own extends MachineParts {
  readonly threads: PcpuThreads
  readonly io: IoThread
  readonly output: (bytes: Uint8Array) => void | Promise<void>
}

async function run(
  owner: MachineOwner,
  { threads, io, modules, compiler, output }: Own,
): Promise<RunningMachine> {
  io.attach(owner)
  const running = Promise.withResolvers<void>()
  threads.attach(owner, { modules, compiler }, () => running.resolve())
  owner.resume()
  const ended = owner.finished({ output }).then(async (outcome) => {
    await Promise.all([io.ended(), threads.ended()])
    return outcome
  })
  await Promise.race([running.promise, ended])
  return {
    pause: () => owner.pause(),
    resume: () => owner.resume(),
    stop: () => owner.stop(),
    type: (bytes) => owner.input(bytes),
    statistics: () => owner.statistics(),
    ended,
  }
}
