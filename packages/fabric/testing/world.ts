/** Small worlds for tests: a network, machines in it, and short words to send and to see what arrives. */
import { type Cidr, defined, type IpAddress, parseCidr, parseIp, seededRandom } from '@virga/base'
import { plainVnetHeader, type VnetHeader, vnetHeaderBytes, writeVnetHeader } from '@virga/packet'
import { buildFrame, type FrameSpec, type Payload } from '@virga/packet/testing'
import { type DropReason, reasonOf } from '../drop-reason.ts'
import { PieceList } from '../frame/piece-list.ts'
import type { FirewallRule, SecurityGroup } from '../vpc/firewall.ts'
import type { PortConfig } from '../vpc/port-table.ts'
import { VpcNetwork, type VpcOptions } from '../vpc/vpc-network.ts'
import { MemoryReceiver } from './memory-receiver.ts'

/** The router's MAC in every world. */
export const routerMac = 0x02ff_0000_0001

/** An address, of text that is one. */
export function ip(text: string): IpAddress {
  return defined(parseIp(text), text)
}

/** A block, of text that is one. */
export function cidr(text: string): Cidr {
  return defined(parseCidr(text), text)
}

/** A rule by few words: `tcp 80 10.0.0.0/8`, `all - ::/0`, `udp 1-9 @group`. Its id is the text. */
export function rule(text: string): FirewallRule {
  const [protocol = '', range = '-', peer = ''] = text.split(' ')
  const [from = 0, to = from] = range === '-' ? [] : range.split('-').map(Number)
  return {
    id: text,
    protocol: /^\d+$/.test(protocol) ? Number(protocol) : (protocol as 'all' | 'tcp' | 'udp' | 'icmp'), // as written
    ...(range === '-' ? {} : { ports: { from, to } }),
    peer: peer.startsWith('@') ? { group: peer.slice(1) } : { cidr: cidr(peer) },
  }
}

/** A group by the texts of its rules. */
export function group(id: string, ingress: readonly string[], egress: readonly string[]): SecurityGroup {
  return { id, ingress: ingress.map(rule), egress: egress.map(rule) }
}

/** A group that allows everything. */
export const anything = group('any', ['all - 0.0.0.0/0', 'all - ::/0'], ['all - 0.0.0.0/0', 'all - ::/0'])

/** The pieces of a frame, cut at the given places, somewhere in a memory of their own. */
export function piecesOf(
  frame: Uint8Array,
  vnet: VnetHeader = plainVnetHeader(),
  cuts: readonly number[] = [],
): PieceList {
  const whole = new Uint8Array(vnetHeaderBytes + frame.length)
  writeVnetHeader(whole, 0, vnet)
  whole.set(frame, vnetHeaderBytes)
  const places = [...new Set([0, ...cuts.filter((cut) => cut < whole.length), whole.length])].sort(
    (a, b) => a - b,
  )
  const memory = new Uint8Array(whole.length + 3 * places.length)
  const pieces = new PieceList(places.length, memory)
  for (let i = 0, at = 1; i + 1 < places.length; i++) {
    const part = whole.subarray(places[i], places[i + 1])
    memory.set(part, at)
    pieces.add(at, part.length)
    at += part.length + 3
  }
  return pieces
}

/** One machine of a world. */
export interface Machine {
  readonly config: PortConfig
  readonly receiver: MemoryReceiver
  readonly index: number
}

export class World {
  readonly network: VpcNetwork
  readonly machines = new Map<string, Machine>()
  nowMs = 1000

  constructor(options: Partial<VpcOptions> = {}) {
    this.network = new VpcNetwork({
      subnets: [cidr('10.0.0.0/24'), cidr('fd00::/64')],
      routerMac,
      random: seededRandom(1),
      ...options,
    })
    this.network.setGroups([anything])
  }

  /** Adds a machine, by default of the group that allows everything and with MAC 02:…:number. */
  add(id: string, number: number, more: Partial<PortConfig> = {}, offloads = 0): Machine {
    const config: PortConfig = {
      id,
      mac: 0x0200_0000_0000 + number,
      addresses: [ip(`10.0.0.${number}`), ip(`fd00::${number.toString(16)}`)],
      groups: ['any'],
      hostName: id,
      ...more,
    }
    const receiver = new MemoryReceiver({ offloads })
    const machine = { config, receiver, index: this.network.putPort(config, receiver) }
    this.machines.set(id, machine)
    return machine
  }

  machine(id: string): Machine {
    return defined(this.machines.get(id), id)
  }

  /** Sends bytes from a machine; returns why they were dropped, or undefined. */
  sendBytes(
    from: string,
    frame: Uint8Array,
    vnet?: VnetHeader,
    cuts?: readonly number[],
  ): DropReason | undefined {
    const code = this.network.transmit(this.machine(from).index, piecesOf(frame, vnet, cuts), this.nowMs)
    this.network.flush()
    return code === 0 ? undefined : reasonOf(code)
  }

  /** The frame that a machine sends to another, or to an address by way of the router. */
  frame(from: string, to: string, payload: Payload, more: Partial<FrameSpec> = {}): Uint8Array {
    const { config } = this.machine(from)
    const peer = this.machines.get(to)?.config
    const isV6 = more.source !== undefined ? String(more.source).includes(':') : to.includes(':')
    const own = config.addresses[isV6 ? 1 : 0]
    return buildFrame({
      sourceMac: config.mac,
      destinationMac: peer?.mac ?? routerMac,
      source: defined(own, `${from} has an address`),
      destination: peer === undefined ? to : defined(peer.addresses[0], 'an address'),
      payload,
      ...more,
    })
  }

  /** Sends a payload from a machine to another or to an address. */
  send(from: string, to: string, payload: Payload, more: Partial<FrameSpec> = {}): DropReason | undefined {
    return this.sendBytes(from, this.frame(from, to, payload, more))
  }

  /** Frames that arrived at a machine since this was last asked. */
  take(id: string): Uint8Array[] {
    return this.machine(id)
      .receiver.take()
      .map(({ frame }) => frame)
  }
}
