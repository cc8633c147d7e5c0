/**
 * Entry of the host's I/O thread: serves the devices of all its machines, and the networks that join them. It is told what
 * to do between two passes, and rung for that.
 *
 * ```
 *  ┌► orders ─► each machine's devices ─► networks ─┐
 *  └──────────── sleep on the bell ◄── nothing left ┘
 * ```
 */

import { randomBytes } from 'node:crypto'
import { parentPort, receiveMessageOnPort, workerData } from 'node:worker_threads'
import { defined, parseIp, parseMac, type WorldError } from '@virga/base'
import type { SecurityGroup, Trace } from '@virga/fabric'
import { ByteRing, HostNetworks, NetPort, type NetworkSpec, type Question } from '@virga/host/attach'
import {
  BalloonDevice,
  ButtonDevice,
  blkHandler,
  type ChainHandler,
  NetDevice,
  rngHandler,
} from '@virga/virtio'
import { attachMachine, type DeviceConfig, Io, type MachineDescriptor, PageRelease } from '@virga/vmm/io'
import type { Volume } from '@virga/volume'
import { now } from './clock.ts'
import { diskBackend, openDisk } from './disk-backend.ts'
import type { DiskFlag } from './disk-flag.ts'

/** What the thread is begun with. */
export interface HostIoTask {
  /** the word that rings it */
  readonly bell: Int32Array
  readonly toSockets: SharedArrayBuffer
  readonly toFabric: SharedArrayBuffer
}

/** A network device of a machine, plugged in when it is served. */
export interface Plug {
  readonly network: string
  /** unique over all networks */
  readonly id: string
  readonly hostName: string
  readonly address: string
  readonly mac: string
}

/** What it is told; each is answered. */
export type HostIoOrder = { readonly ask: number } & (
  | { readonly kind: 'open'; readonly disks: readonly DiskFlag[] }
  /** serves a machine whose disks were opened as `disks`, from now until it has ended */
  | {
      readonly kind: 'serve'
      readonly disks: number
      readonly descriptor: MachineDescriptor
      readonly plugs: readonly Plug[]
    }
  | { readonly kind: 'close'; readonly disks: number }
  | { readonly kind: 'create'; readonly spec: NetworkSpec }
  | { readonly kind: 'remove'; readonly network: string }
  | { readonly kind: 'trace'; readonly network: string; readonly port: string; readonly question: Question }
  | { readonly kind: 'end' }
)

/** What it says: an answer; a disk's trouble; that nothing of a machine is left here. */
export type HostIoWord =
  | {
      readonly ask: number
      readonly sizesBytes?: readonly number[]
      readonly refused?: WorldError
      readonly trace?: Trace | undefined
    }
  | { readonly trouble: string }
  | { readonly left: number }

interface Served {
  readonly io: Io
  readonly disks: number
  readonly leave: () => void
}

/** How long it sleeps at most, should a bell be missed. */
const sleepMsMax = 60_000

/** What machines of a network may do with each other: everything. */
const anyone = { cidr: { family: 4, base: [0, 0, 0xffff, 0], prefixLength: 0 } } as const
const usualGroup: SecurityGroup = {
  id: 'default',
  ingress: [{ id: 'all', protocol: 'all', peer: anyone }],
  egress: [{ id: 'all', protocol: 'all', peer: anyone }],
}

// The thread's owner gives nothing else.
const { bell, toSockets, toFabric } = workerData as HostIoTask
const owner = defined(parentPort ?? undefined, 'the thread that owns the host')
const networks = new HostNetworks({
  now,
  random: () => randomBytes(4).readUInt32LE(),
  toSockets: new ByteRing(toSockets),
  toFabric: new ByteRing(toFabric),
})
const opened = new Map<number, readonly Volume[]>()
let served: Served[] = []
let hasEnded = false

function say(word: HostIoWord): void {
  owner.postMessage(word)
}

function perform(order: HostIoOrder): Partial<HostIoWord> {
  switch (order.kind) {
    case 'open':
      return open(order.ask, order.disks)
    case 'serve':
      served.push(serve(order.disks, order.descriptor, order.plugs))
      break
    case 'close':
      close(order.disks)
      break
    case 'create':
      networks.create(order.spec)
      networks.setGroups(order.spec.name, [usualGroup])
      break
    case 'remove':
      networks.remove(order.network)
      break
    case 'trace':
      return { trace: networks.trace(order.network, order.port, order.question) }
    case 'end':
      hasEnded = true
  }
  return {}
}

function open(disks: number, flags: readonly DiskFlag[]): Partial<HostIoWord> {
  const volumes: Volume[] = []
  for (const flag of flags) {
    const volume = openDisk(flag)
    if (!volume.ok) {
      for (const each of volumes) each.close()
      return { refused: { fault: volume.error.fault, message: volume.error.message } }
    }
    volumes.push(volume.value)
  }
  opened.set(disks, volumes)
  return { sizesBytes: volumes.map(({ sizeBytes }) => sizeBytes) }
}

function close(disks: number): void {
  for (const volume of opened.get(disks) ?? []) volume.close()
  opened.delete(disks)
}

function serve(disks: number, descriptor: MachineDescriptor, plugs: readonly Plug[]): Served {
  const machine = attachMachine(descriptor, { now, wallClock: Date.now })
  const volumes = (opened.get(disks) ?? []).values()
  const nets: { readonly port: NetPort; readonly device: NetDevice }[] = []
  const handlerOf = (device: DeviceConfig): ChainHandler => {
    if (device.kind === 'rng') return rngHandler(randomBytes)
    if (device.kind === 'balloon') return new BalloonDevice(new PageRelease(machine))
    if (device.kind === 'button') return new ButtonDevice()
    if (device.kind === 'blk') {
      const volume: Volume | undefined = volumes.next().value
      const onTrouble = (trouble: string) => say({ trouble })
      return blkHandler(device.disk, diskBackend(defined(volume, 'a volume for each disk'), onTrouble))
    }
    if (device.kind !== 'net') throw new Error(`assertion failed: no machine of a host has a ${device.kind}`)
    const port = new NetPort(now)
    const net = { port, device: new NetDevice(port) }
    nets.push(net)
    return net.device
  }
  const io = new Io({
    machine,
    handlers: descriptor.devices.map(handlerOf),
    onBroken: (name, reason) => {
      if (process.env.VIRGA_DEBUG) process.stderr.write(`${name}: the guest's driver is broken: ${reason}\n`)
    },
  })
  plugs.forEach(({ network, id, hostName, address, mac }, at) => {
    const { port, device } = defined(nets[at], 'a device for each plug')
    const addresses = [defined(parseIp(address), 'an address that was checked')]
    const config = { id, hostName, addresses, groups: [usualGroup.id] }
    networks.plug(network, { ...config, mac: defined(parseMac(mac), 'a MAC that was checked') }, port, device)
  })
  const leave = () => {
    for (const { port, device } of nets) port.unplug(device)
    close(disks)
  }
  return { io, disks, leave }
}

/** Serves each machine once, and lets go of those that have ended. */
function pass(): boolean {
  let left = false
  for (const each of served) {
    const state = each.io.serve()
    if (state === 'more') left = true
    if (state !== 'stopped') continue
    each.leave()
    served = served.filter((other) => other !== each)
    say({ left: each.disks })
  }
  return left
}

while (!hasEnded) {
  const seen = Atomics.load(bell, 0)
  for (let next = receiveMessageOnPort(owner); next !== undefined; next = receiveMessageOnPort(owner)) {
    const order = next.message as HostIoOrder // the thread's owner sends nothing else
    say({ ask: order.ask, ...perform(order) })
  }
  const left = pass()
  if (networks.serve() === 'more' || left) continue
  const waitMs = Math.min(sleepMsMax, networks.dueMs - now())
  if (waitMs > 0) Atomics.wait(bell, 0, seen, waitMs)
}
owner.close()
