/**
 * Translation between the network and its uplink, IPv4 only. A port with a floating address is that address outside, both
 * ways, ports kept. All others share one address: each flow gets a port of it, and only what it is spoken to by may
 * answer. A port is taken per destination, so one address carries as many flows to each.
 *
 * Invariants: two live bindings never share (protocol, outer port, destination). Looking for a port is bounded.
 */
import type { IpAddress, RandomWord } from '@virga/base'
import { ipProtocol, type PacketTuple } from '@virga/packet'
import { dropCode } from '../drop-reason.ts'
import type { KeyTable, TableShape } from '../key-table.ts'
import { ticksPerSecond } from './connection-state.ts'

/** The shared address, and the ports of it that may be given out. */
export interface SharedAddress {
  readonly address: IpAddress
  readonly portMin: number
  readonly portMax: number
}

/** How long a binding lives without a packet: AWS's NAT gateway has 350 s. */
const idleTicks = 350 * ticksPerSecond
/** Ports that are tried: all of a small range, and of a large one so many that a miss says it is nearly full. */
const triesMax = 1024
const inner = { outerPort: 0, deadline: 1, outer: 2 } as const

/** Key inside: zone and protocol, source, destination, ports. */
export function natInsideShape(capacity: number): TableShape {
  return { capacity, keyWords: 4, valueWords: 3 }
}

/** Key outside: protocol and outer port, destination, its port. The value is the index inside. */
export function natOutsideShape(capacity: number): TableShape {
  return { capacity, keyWords: 3, valueWords: 1 }
}

export class Nat {
  shared: SharedAddress | undefined
  private readonly inside: KeyTable
  private readonly outside: KeyTable
  private readonly random: RandomWord
  private outerOfInner: ReadonlyMap<number, number> = new Map()
  private innerOfOuter: ReadonlyMap<number, number> = new Map()

  constructor(inside: KeyTable, outside: KeyTable, random: RandomWord) {
    this.inside = inside
    this.outside = outside
    this.random = random
  }

  /** Replaces the floating addresses: which inner address is which outside. */
  setFloating(list: readonly { readonly inner: IpAddress; readonly outer: IpAddress }[]): void {
    this.outerOfInner = new Map(list.map(({ inner, outer }) => [inner[3] | 0, outer[3] | 0]))
    this.innerOfOuter = new Map(list.map(({ inner, outer }) => [outer[3] | 0, inner[3] | 0]))
  }

  /** The floating address of an inner one, as a signed word, or undefined. */
  floatingOf(innerWord: number): number | undefined {
    return this.outerOfInner.get(innerWord)
  }

  /** The inner address of a floating one, as a signed word, or undefined. */
  innerOf(outerWord: number): number | undefined {
    return this.innerOfOuter.get(outerWord)
  }

  /** Why a packet cannot go out by the shared address: a drop code, or 0. */
  refusal(packet: PacketTuple & { readonly fragment: number }): number {
    if (packet.ipVersion !== 4) return dropCode['nat-family']
    if (this.shared === undefined) return dropCode['no-uplink']
    const { protocol } = packet
    const isKnown = protocol === ipProtocol.tcp || protocol === ipProtocol.udp || protocol === ipProtocol.icmp
    return isKnown && packet.fragment === 0 ? 0 : dropCode['nat-protocol']
  }

  /** The live binding of a packet going out, or -1. */
  findInside(zone: number, packet: PacketTuple, tick: number): number {
    this.setInsideProbe(zone, packet)
    const index = this.inside.find()
    return index >= 0 && this.inside.get(index, inner.deadline) > tick ? index : -1
  }

  /** The live binding that a packet coming in (or, of an error, the packet it quotes, reversed) answers, or -1. */
  findOutside(
    protocol: number,
    remoteWord: number,
    remotePort: number,
    outerPort: number,
    tick: number,
  ): number {
    this.setOutsideProbe(protocol, remoteWord, protocol === ipProtocol.icmp ? 0 : remotePort, outerPort)
    const at = this.outside.find()
    if (at < 0) return -1
    const index = this.outside.get(at, 0) - 1
    return this.inside.get(index, inner.deadline) > tick ? index : -1
  }

  /** Binds a packet going out, which has no live binding, to a port. Returns the binding, or the negated drop code. */
  bind(zone: number, packet: PacketTuple, tick: number): number {
    const { shared } = this
    if (shared === undefined) return -dropCode['no-uplink']
    this.setInsideProbe(zone, packet)
    const stale = this.inside.find()
    if (stale >= 0) this.remove(stale)
    const outerPort = this.freePort(packet, shared, tick)
    if (outerPort < 0) return -dropCode['nat-ports-exhausted']
    if (this.inside.count === this.inside.capacity && !this.makeRoom(tick)) return -dropCode['nat-full']
    this.setInsideProbe(zone, packet)
    const index = this.inside.insert()
    this.setOutsideProbe(packet.protocol, packet.addresses[7] as number, remotePortOf(packet), outerPort)
    const at = this.outside.insert()
    this.outside.set(at, 0, index + 1)
    this.inside.set(index, inner.outerPort, outerPort)
    this.inside.set(index, inner.outer, at)
    this.touch(index, tick)
    return index
  }

  /** Notes a packet of a binding. */
  touch(index: number, tick: number): void {
    this.inside.set(index, inner.deadline, tick + idleTicks)
  }

  /** Whether (index, generation) is still the binding it was. */
  isLive(index: number, generation: number, tick: number): boolean {
    return this.inside.generation(index) === generation && this.inside.get(index, inner.deadline) > tick
  }

  generation(index: number): number {
    return this.inside.generation(index)
  }

  outerPort(index: number): number {
    return this.inside.get(index, inner.outerPort)
  }

  /** Zone, address and port (or identifier) of the inner end of a binding. */
  zone(index: number): number {
    return this.inside.key(index, 0) >>> 8
  }

  innerWord(index: number): number {
    return this.inside.key(index, 1)
  }

  innerPort(index: number): number {
    return this.inside.key(index, 3) >>> 16
  }

  /** Forgets all bindings of a port that is taken away. */
  clearZone(zone: number): void {
    for (let index = 0; index < this.inside.capacity; index++)
      if (this.inside.isLive(index) && this.zone(index) === zone) this.remove(index)
  }

  private freePort(packet: PacketTuple, { portMin, portMax }: SharedAddress, tick: number): number {
    const count = portMax - portMin + 1
    const start = this.random() % count
    for (let tried = 0; tried < Math.min(count, triesMax); tried++) {
      const port = portMin + ((start + tried) % count)
      this.setOutsideProbe(packet.protocol, packet.addresses[7] as number, remotePortOf(packet), port)
      const at = this.outside.find()
      if (at < 0) return port
      const index = this.outside.get(at, 0) - 1
      if (this.inside.get(index, inner.deadline) > tick) continue
      this.remove(index)
      return port
    }
    return -1
  }

  private makeRoom(tick: number): boolean {
    for (let looked = 0; looked < 64; looked++) {
      const index = this.inside.nextInSweep()
      if (index < 0 || !this.inside.isLive(index) || this.inside.get(index, inner.deadline) > tick) continue
      this.remove(index)
      return true
    }
    return false
  }

  private remove(index: number): void {
    this.outside.remove(this.inside.get(index, inner.outer))
    this.inside.remove(index)
  }

  private setInsideProbe(zone: number, packet: PacketTuple): void {
    const { probe } = this.inside
    probe[0] = (zone << 8) | packet.protocol
    probe[1] = packet.addresses[3] as number
    probe[2] = packet.addresses[7] as number
    probe[3] = (packet.sourcePort << 16) | remotePortOf(packet)
  }

  private setOutsideProbe(protocol: number, remoteWord: number, remotePort: number, outerPort: number): void {
    const { probe } = this.outside
    probe[0] = (outerPort << 8) | protocol
    probe[1] = remoteWord
    probe[2] = remotePort
  }
}

/** The port at the other end; an echo has one identifier, which is the inner end's. */
function remotePortOf(packet: PacketTuple): number {
  return packet.protocol === ipProtocol.icmp ? 0 : packet.destinationPort
}
