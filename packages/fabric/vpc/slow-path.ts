/**
 * The pipeline, layer by layer, readable rather than fast. What it decides the flow cache remembers; what it says while
 * deciding is a trace, so trace and traffic cannot disagree.
 *
 *   from a port    port-security → lookup → conntrack → firewall-egress → router → nat → conntrack → firewall-ingress
 *   from outside                                        nat → router → conntrack → firewall-ingress
 *
 * Invariants: `decide…` changes no state; `commit` does, and only for packets that go on. Connection tracking and
 * firewall are asked at both ends, each in its own zone.
 */
import { formatIp, isGroupMac } from '@virga/base'
import { ipOfWords, type PacketTuple, ParsedFrame, readMac } from '@virga/packet'
import { describeDrop, dropCode, reasonOf, type Stage } from '../drop-reason.ts'
import type { Frame } from '../frame/frame.ts'
import { checkSender, isLinkLocal } from '../port-security.ts'
import type { Conntrack } from './conntrack.ts'
import { type Decision, type Recorder, type Tracking, verdict } from './decision.ts'
import type { Firewall } from './firewall.ts'
import type { Nat } from './nat.ts'
import { hasAddress, type Port, type PortTable } from './port-table.ts'
import { end, translate } from './rewrite.ts'
import { describeRoute, type RouteTable } from './routes.ts'

/** What the layers read. */
export interface Layers {
  readonly ports: PortTable
  readonly conntrack: Conntrack
  readonly firewall: Firewall
  readonly routes: RouteTable
  readonly nat: Nat
  readonly routerMac: number
  readonly mtu: number
  /** what becomes of connections whose rule is taken away: they go on, or are asked about again */
  readonly onRuleRevoke: 'keep' | 'cut'
  /** whether there is an uplink, a gateway */
  hasWayOut(kind: 'uplink' | 'gateway'): boolean
  /** number of the policy in force */
  epoch(): number
}

export class SlowPath {
  private readonly layers: Layers

  constructor(layers: Layers) {
    this.layers = layers
  }

  /** Whether the frame is from the port it came from; drop code or 0. */
  checkSender(port: Port, frame: Frame, record?: Recorder): number {
    const sender = { ...port, hasAddress: (words: Int32Array, at: number) => hasAddress(port, words, at) }
    const code = checkSender(frame, sender, 'address')
    if (code === 0)
      record?.({
        stage: 'port-security',
        verdict: 'pass',
        rule: port.id,
        why: 'MAC and addresses are its own',
      })
    return code === 0 ? 0 : drop(code, record, port.id)
  }

  /** Decides about a packet from a port that is from its sender and for no service. */
  decideFromPort(port: Port, frame: Frame, tick: number, into: Decision, record?: Recorder): void {
    into.reset()
    const { packet } = frame
    if (packet.fragment !== 0) hidePorts(packet)
    into.cacheable = isCacheable(packet)
    into.drop = this.lookup(port, frame, tick, into, record)
    // What depends on this packet alone says nothing about the next.
    if (into.drop === dropCode['ttl-exceeded'] || into.drop === dropCode['too-big']) into.cacheable = false
  }

  private lookup(port: Port, frame: Frame, tick: number, into: Decision, record?: Recorder): number {
    const { layers } = this
    const { packet, headers } = frame
    if (packet.ipVersion === 0) return drop(dropCode['ethertype-not-carried'], record)
    const destinationMac = readMac(headers, 0)
    if (isGroupMac(destinationMac)) return drop(dropCode.multicast, record)
    into.routed = destinationMac === layers.routerMac
    const neighbour = into.routed ? undefined : layers.ports.withMac(destinationMac)
    if (!into.routed && neighbour === undefined) return drop(dropCode['mac-unknown'], record)
    record?.({
      stage: 'lookup',
      verdict: 'pass',
      why: into.routed ? 'the destination MAC is the router’s' : `the destination MAC is ${neighbour?.id}’s`,
    })
    if (isLinkLocal(packet.addresses, 0) || isLinkLocal(packet.addresses, 4))
      return drop(dropCode['link-local'], record)
    const destination = ipOfWords(packet.addresses, 4)
    const peer = layers.ports.withAddress(destination)
    const denied = this.judge(port, packet, 'out', peer, tick, into.out, record)
    if (denied !== 0) return denied
    const found = layers.routes.find(destination)
    if (found === undefined) return drop(dropCode['no-route'], record)
    const rule = describeRoute(found)
    const { target } = found
    if (target === 'blackhole') return drop(dropCode.blackhole, record, rule)
    if (into.routed && packet.ttl <= 1) return drop(dropCode['ttl-exceeded'], record, rule)
    if (frame.packetBytes > layers.mtu) return drop(dropCode['too-big'], record, rule)
    record?.({
      stage: 'router',
      verdict: 'pass',
      rule,
      why: `the longest prefix for ${formatIp(destination)}`,
    })
    if (target === 'uplink' || target === 'gateway') {
      if (!into.routed) return drop(dropCode['mac-unknown'], record, rule)
      return target === 'uplink' ? this.leave(port, frame, tick, into, record) : this.handUp(into, record)
    }
    const receiver = target === 'local' ? peer : layers.ports.withId(target.port)
    if (receiver === undefined) return drop(dropCode['no-such-machine'], record, rule)
    if (receiver === port) return drop(dropCode['to-itself'], record, rule)
    if (!into.routed && receiver !== neighbour) return drop(dropCode['mac-unknown'], record, receiver.id)
    into.verdict = verdict.port
    into.target = receiver.index
    return this.judge(receiver, packet, 'in', port, tick, into.in, record)
  }

  private handUp(into: Decision, record?: Recorder): number {
    if (!this.layers.hasWayOut('gateway')) return drop(dropCode['no-uplink'], record)
    into.verdict = verdict.gateway
    return 0
  }

  private leave(port: Port, frame: Frame, tick: number, into: Decision, record?: Recorder): number {
    const { nat, hasWayOut } = this.layers
    const { packet } = frame
    if (!hasWayOut('uplink')) return drop(dropCode['no-uplink'], record)
    into.verdict = verdict.uplink
    if (packet.ipVersion === 6) return 0
    const floating = nat.floatingOf(packet.addresses[3] as number)
    if (floating !== undefined) {
      into.translates = true
      into.sourceWord = floating
      recordTranslation(record, 'floating address', floating, -1)
      return 0
    }
    // An error goes out by the binding of the packet that it quotes.
    const isError = packet.quoted.ipVersion === 4
    const subject = isError ? reversed(packet.quoted) : packet
    const refusal = isError ? 0 : nat.refusal(packet)
    if (refusal !== 0) return drop(refusal, record)
    into.binding = nat.findInside(port.index, subject, tick)
    if (into.binding < 0 && isError) return drop(dropCode['nat-no-binding'], record)
    into.needsBinding = into.binding < 0
    into.translates = true
    into.sourceWord = (nat.shared?.address[3] ?? 0) | 0
    into.sourcePort = into.binding < 0 ? -1 : nat.outerPort(into.binding)
    recordTranslation(
      record,
      into.needsBinding ? 'a new port' : 'its binding',
      into.sourceWord,
      into.sourcePort,
    )
    return 0
  }

  /** Decides about a packet from the uplink, and translates its destination as it goes. */
  decideFromUplink(frame: Frame, tick: number, into: Decision, record?: Recorder): void {
    into.reset()
    const { layers } = this
    const { packet } = frame
    if (packet.fragment !== 0) hidePorts(packet)
    if (packet.ipVersion === 4) into.drop = this.enter(frame, tick, into, record)
    if (into.drop !== 0) return
    const receiver = layers.ports.withAddress(ipOfWords(packet.addresses, 4))
    if (receiver === undefined) {
      into.drop = drop(dropCode['no-such-machine'], record)
      return
    }
    this.decideToPort(receiver, frame, tick, into, record)
  }

  /** Translates the destination of a packet from outside. */
  private enter(frame: Frame, tick: number, into: Decision, record?: Recorder): number {
    const { nat } = this.layers
    const { packet } = frame
    const outer = packet.addresses[7] as number
    const inner = nat.innerOf(outer)
    if (inner !== undefined) {
      translate(frame, end.destination, inner, -1)
      recordTranslation(record, 'floating address', inner, -1)
      return 0
    }
    if (nat.shared === undefined || (nat.shared.address[3] | 0) !== outer)
      return drop(dropCode['nat-no-binding'], record)
    const { quoted } = packet
    const isError = quoted.ipVersion === 4
    const protocol = isError ? quoted.protocol : packet.protocol
    const remote = (isError ? quoted.addresses[7] : packet.addresses[3]) as number
    const remotePort = isError ? quoted.destinationPort : packet.sourcePort
    const outerPort = isError ? quoted.sourcePort : packet.destinationPort
    const binding = nat.findOutside(protocol, remote, remotePort, outerPort, tick)
    if (binding < 0) return drop(dropCode['nat-no-binding'], record)
    into.binding = binding
    translate(frame, end.destination, nat.innerWord(binding), nat.innerPort(binding))
    recordTranslation(record, 'its binding', nat.innerWord(binding), nat.innerPort(binding))
    return 0
  }

  /** Decides about a packet from outside (uplink or gateway) to a port of the network. */
  decideToPort(receiver: Port, frame: Frame, tick: number, into: Decision, record?: Recorder): void {
    into.verdict = verdict.port
    into.target = receiver.index
    into.routed = true
    if (frame.packet.ttl <= 1) into.drop = drop(dropCode['ttl-exceeded'], record)
    else if (frame.packetBytes > this.layers.mtu) into.drop = drop(dropCode['too-big'], record)
    else into.drop = this.judge(receiver, frame.packet, 'in', undefined, tick, into.in, record)
  }

  /** Asks connection tracking and firewall of one port about a packet that leaves it or is to enter it. */
  private judge(
    port: Port,
    packet: ParsedFrame,
    heading: 'out' | 'in',
    peer: Port | undefined,
    tick: number,
    into: Tracking,
    record?: Recorder,
  ): number {
    const { conntrack, firewall, onRuleRevoke } = this.layers
    const stage: Stage = heading === 'out' ? 'firewall-egress' : 'firewall-ingress'
    if (packet.quoted.ipVersion !== 0 && conntrack.find(port.index, packet.quoted, 0, tick) >= 0) {
      record?.({
        stage: 'conntrack',
        verdict: 'related',
        rule: port.id,
        why: 'an error about a connection it has',
      })
      return 0
    }
    const entry = conntrack.find(port.index, packet, packet.tcpFlags, tick)
    const denied = dropCode[heading === 'out' ? 'egress-denied' : 'ingress-denied']
    const peerGroups = peer?.groups ?? []
    const peerAt = heading === 'out' ? 4 : 0
    if (entry >= 0) {
      into.entry = entry
      into.generation = conntrack.generation(entry)
      into.fromInitiator = conntrack.fromInitiator
      if (onRuleRevoke === 'cut' && conntrack.epoch(entry) !== this.layers.epoch()) {
        const openedHere = (heading === 'out') === into.fromInitiator
        const direction = openedHere ? 'egress' : 'ingress'
        const port_ = into.fromInitiator ? packet.destinationPort : packet.sourcePort
        if (!firewall.permit(port.groups, { direction, packet, peerAt, peerGroups, port: port_ }))
          return drop(denied, record, port.id)
      }
      record?.({
        stage: 'conntrack',
        verdict: 'established',
        rule: port.id,
        why: 'it belongs to a connection',
      })
      return 0
    }
    record?.({ stage: 'conntrack', verdict: 'new', rule: port.id, why: 'it belongs to no connection' })
    const direction = heading === 'out' ? 'egress' : 'ingress'
    const opening = { direction, packet, peerAt, peerGroups, port: packet.destinationPort } as const
    const permission = firewall.permit(port.groups, opening)
    if (permission === undefined) return drop(denied, record, port.groups.join(', ') || 'no group')
    into.opens = permission.tracked
    const why = permission.tracked ? permission.why : `${permission.why}, not tracked`
    record?.({ stage, verdict: 'pass', rule: permission.rule, why })
    return 0
  }

  /**
   * Does what was decided to the state: connections are opened or noted, a port is bound. Returns a drop code, when there
   * is no room. `zone` is where the packet came from.
   */
  commit(zone: number, packet: ParsedFrame, tick: number, decision: Decision): number {
    const { conntrack, nat } = this.layers
    const { target } = decision
    if (!this.track(zone, packet, tick, decision.out)) return dropCode['conntrack-full']
    if (!this.track(target, packet, tick, decision.in)) return dropCode['conntrack-full']
    if (decision.needsBinding) {
      const binding = nat.bind(zone, packet, tick)
      if (binding < 0) return -binding
      decision.binding = binding
      decision.sourcePort = nat.outerPort(binding)
    } else if (decision.binding >= 0) nat.touch(decision.binding, tick)
    for (const tracking of [decision.out, decision.in])
      if (tracking.entry >= 0) conntrack.setEpoch(tracking.entry, this.layers.epoch())
    return 0
  }

  private track(zone: number, packet: ParsedFrame, tick: number, tracking: Tracking): boolean {
    const { conntrack } = this.layers
    if (tracking.opens) {
      tracking.entry = conntrack.create(zone, packet, tick, this.layers.epoch())
      if (tracking.entry < 0) return false
      tracking.generation = conntrack.generation(tracking.entry)
      tracking.fromInitiator = true
    }
    if (tracking.entry >= 0)
      conntrack.touch(tracking.entry, tracking.fromInitiator, packet.protocol, packet.tcpFlags, tick)
    return true
  }
}

function drop(code: number, record: Recorder | undefined, rule?: string): number {
  if (record !== undefined) {
    const { stage, why } = describeDrop(reasonOf(code))
    record({ stage, verdict: 'drop', why, ...(rule === undefined ? {} : { rule }) })
  }
  return code
}

function recordTranslation(record: Recorder | undefined, what: string, word: number, port: number): void {
  const address = formatIp([0, 0, 0xffff, word >>> 0])
  record?.({
    stage: 'nat',
    verdict: 'translate',
    rule: what,
    why: `to ${address}${port < 0 ? '' : `:${port}`}`,
  })
}

/** Of a fragment nothing is asked that only some of its like could answer. */
function hidePorts(packet: ParsedFrame): void {
  packet.sourcePort = 0
  packet.destinationPort = 0
}

/** Whether packets with the same key are all treated alike. */
export function isCacheable(packet: ParsedFrame): boolean {
  if (packet.ipVersion === 0 || packet.fragment !== 0 || packet.vlan >= 0) return false
  return packet.protocol === 6 || packet.protocol === 17 || packet.isEcho
}

function reversed(tuple: PacketTuple): ParsedFrame {
  const result = new ParsedFrame()
  result.ipVersion = tuple.ipVersion
  result.protocol = tuple.protocol
  for (let i = 0; i < 8; i++) result.addresses[i] = tuple.addresses[i ^ 4] as number
  result.sourcePort = tuple.destinationPort
  result.destinationPort = tuple.sourcePort
  return result
}
