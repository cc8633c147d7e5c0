/**
 * Entry of the I/O thread: opens the machine's disks and says how large they are, then waits for the machine, attaches
 * and serves its devices until it stops. The disks are flushed and closed at the end.
 */

import { randomBytes } from 'node:crypto'
import { on } from 'node:events'
import { parentPort } from 'node:worker_threads'
import { defined, type WorldError } from '@virga/base'
import {
  BalloonDevice,
  type BlkBackend,
  ButtonDevice,
  blkHandler,
  type ChainHandler,
  rngHandler,
} from '@virga/virtio'
import {
  attachMachine,
  type DeviceConfig,
  type Machine,
  type MachineDescriptor,
  PageRelease,
  runIo,
} from '@virga/vmm/io'
import type { Volume } from '@virga/volume'
import { now } from './clock.ts'
import type { DiskFlag } from './disk-flag.ts'

/** The first message to the thread. */
export interface IoDisks {
  readonly disks: readonly DiskFlag[]
}

/** What it answers: the sizes of the disks, or why one cannot be used. */
export type IoReady = { readonly sizesBytes: readonly number[] } | { readonly refused: WorldError }

/** What it says later: a disk failed. */
export interface IoTrouble {
  readonly trouble: string
}

/** The second message: the machine, whose disks are those of the first. */
export interface IoTask {
  readonly descriptor: MachineDescriptor
}

const owner = defined(parentPort ?? undefined, 'the thread that owns the machine')
// Kept from the start: both messages may be there at once.
const messages = on(owner, 'message')
const { disks } = (await nextMessage()) as IoDisks
// Loaded late: a machine without disks needs none of it.
const disk = disks.length > 0 ? await import('./disk-backend.ts') : undefined
const volumes = openAll(disks)
if (volumes !== undefined) {
  owner.postMessage({ sizesBytes: volumes.map(({ sizeBytes }) => sizeBytes) } satisfies IoReady)
  serve((await nextMessage()) as IoTask, volumes)
}
owner.close()

async function nextMessage(): Promise<unknown> {
  const { value } = await messages.next()
  return defined(value, 'a message')[0]
}

/** Opens the disks, or says which cannot be. */
function openAll(flags: readonly DiskFlag[]): Volume[] | undefined {
  const opened: Volume[] = []
  for (const flag of flags) {
    const volume = defined(disk, 'what serves disks').openDisk(flag)
    if (!volume.ok) {
      for (const each of opened) each.close()
      owner.postMessage({
        refused: { fault: volume.error.fault, message: volume.error.message },
      } satisfies IoReady)
      return undefined
    }
    opened.push(volume.value)
  }
  return opened
}

function serve({ descriptor }: IoTask, volumes: readonly Volume[]): void {
  const say = (trouble: string) => owner.postMessage({ trouble } satisfies IoTrouble)
  const left = volumes.values()
  const machine = attachMachine(descriptor, { now, wallClock: Date.now })
  const disksLeft: DiskBackends = {
    next: () => {
      const volume: Volume | undefined = left.next().value
      return defined(disk, 'what serves disks').diskBackend(defined(volume, 'a volume for each disk'), say)
    },
  }
  const handlers = descriptor.devices.map((device) => handlerOf(device, machine, disksLeft))
  runIo({
    machine,
    handlers,
    onBroken: (name, reason) => {
      if (process.env.VIRGA_DEBUG) process.stderr.write(`${name}: the guest's driver is broken: ${reason}\n`)
    },
  })
  for (const volume of volumes) volume.close()
}

/** Backends of the disks, in their order. */
interface DiskBackends {
  next(): BlkBackend
}

/** What serves a device. */
function handlerOf(device: DeviceConfig, machine: Machine, disks: DiskBackends): ChainHandler {
  switch (device.kind) {
    case 'rng':
      return rngHandler(randomBytes)
    case 'blk':
      return blkHandler(device.disk, disks.next())
    case 'balloon':
      return new BalloonDevice(new PageRelease(machine))
    case 'button':
      return new ButtonDevice()
    case 'net':
    case 'console':
      throw new Error(`assertion failed: a machine of this command has no ${device.kind}`)
  }
}
