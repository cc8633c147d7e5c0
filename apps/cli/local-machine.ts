/** How the host's process runs a machine: pCPU threads of its own; devices on the host's I/O thread. */

import { randomBytes, randomUUID } from 'node:crypto'
import { availableParallelism } from 'node:os'
import { defined, ok, parseMac, type Result } from '@virga/base'
import type { MachineRecord, RunningMachine, StartMachine } from '@virga/host/serve'
import { createMachine, type DeviceConfig, type EngineModules, type MachineOwner } from '@virga/vmm'
import { type BootFlags, type OpenBoot, openBoot } from './boot-files.ts'
import { now } from './clock.ts'
import type { HostIo } from './host-io.ts'
import type { Plug } from './host-io-worker.ts'
import { PcpuThreads } from './pcpu-threads.ts'
import type { RegionCompilerThread } from './region-compiler.ts'

/** What all machines of the process share. */
export interface MachineParts {
  readonly modules: EngineModules
  readonly compiler: RegionCompilerThread
  readonly io: HostIo
}

const mtu = 1500

/** Starts machines with these parts. */
export function machineStarter(parts: MachineParts): StartMachine {
  return async (record, output) => {
    const threads = new PcpuThreads(Math.max(1, Math.min(availableParallelism(), record.cpus)))
    const disks = await parts.io.open(record.disks)
    const made = disks.ok
      ? await makeMachine(record, threads.count, disks.value.devices, parts.io.bell)
      : disks
    if (made.ok && disks.ok)
      return ok(await run(made.value, { ...parts, threads, output, record, disks: disks.value.number }))
    await Promise.all([disks.ok && parts.io.close(disks.value.number), threads.abandon()])
    return made as Extract<typeof made, { readonly ok: false }> // either of the two is none
  }
}

async function makeMachine(
  record: MachineRecord,
  pcpus: number,
  disks: readonly DeviceConfig[],
  ioBell: Int32Array,
): Promise<Result<MachineOwner>> {
  const opened = await openBoot(bootFlags(record), record.memoryBytes)
  if (!opened.ok) return opened
  const { boot, filled } = opened.value
  const made = configure(record, pcpus, boot, disks, ioBell)
  // Its files are closed by that, too, if no machine was made.
  const files = await filled()
  return made.ok && !files.ok ? files : made
}

function configure(
  { cpus, memoryBytes, interfaces = [] }: MachineRecord,
  pcpus: number,
  boot: OpenBoot['boot'],
  disks: readonly DeviceConfig[],
  ioBell: Int32Array,
): Result<MachineOwner> {
  const nets = interfaces.map(
    ({ mac }): DeviceConfig => ({ kind: 'net', port: { mac: defined(parseMac(mac), 'a MAC'), mtu } }),
  )
  return createMachine({
    cpus,
    memoryBytes,
    pcpus,
    boot,
    now,
    wallClock: Date.now,
    random: randomBytes,
    devices: [{ kind: 'rng' }, ...disks, ...nets],
    ioBell,
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
  readonly record: MachineRecord
  readonly disks: number
  readonly threads: PcpuThreads
  readonly output: (bytes: Uint8Array) => void | Promise<void>
}

async function run(
  owner: MachineOwner,
  { record, threads, io, disks, modules, compiler, output }: Own,
): Promise<RunningMachine> {
  const plugs = plugsOf(record)
  for (const { id, hostName, address } of plugs) {
    // As it keeps no root of its own, it is another machine each time.
    const instance = {
      instanceId: randomUUID(),
      hostName,
      localAddress: address,
      publicKeys: [],
      userData: '',
    }
    await io.setInstance(id, instance)
  }
  const { left } = await io.serve(owner, disks, plugs)
  const running = Promise.withResolvers<void>()
  threads.attach(owner, { modules, compiler }, () => running.resolve())
  owner.resume()
  const ended = owner.finished({ output }).then(async (outcome) => {
    await Promise.all([left, threads.ended()])
    for (const { id } of plugs) await io.setInstance(id, undefined)
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

/** Its first port is called as the machine is, the others by number. */
function plugsOf({ name, interfaces = [] }: MachineRecord): Plug[] {
  return interfaces.map(({ network, address, mac }, at) => {
    const id = at === 0 ? name : `${name}.${at + 1}`
    return { network, address, mac, id, hostName: id }
  })
}
