/**
 * A network like a cloud's VPC: layer 3 only. Nothing floods, nobody is heard but by who is meant; ARP, neighbour
 * discovery, DHCP, DNS and metadata are answered by the network itself, and a frame's sender is always checked.
 *
 *            ┌─ hit ─► replay ──────────────────────────────────────────────┐
 *   frame ─► flow cache                                                      ├─► delivery check ─► receiver
 *            └─ miss ► sender ► services ► slow path ► commit ► remember ────┘
 *
 * One thread at a time: whoever calls holds the network's lock. State is in `VpcState`; policy (ports, groups, routes) is
 * in objects, and every change of it starts a new epoch.
 */
import { assert, type Cidr, defined, type IpAddress, type MacAddress, type RandomWord } from '@virga/base'
import { readI32, readU16, vnetHeaderBytes } from '@virga/packet'
import { counter, type PortCounters } from '../counters.ts'
import { describeDrop, dropCode, reasonOf } from '../drop-reason.ts'
import { Delivery } from '../frame/delivery.ts'
import { copyOf, copyOfFrame, Frame } from '../frame/frame.ts'
import { PieceList } from '../frame/piece-list.ts'
import type { Receiver } from '../frame/receiver.ts'
import { composedBytesMax } from '../services/compose.ts'
import { sendError } from '../services/icmp.ts'
import type { DnsForward } from '../services/name-server.ts'
import type { ServiceContext } from '../services/service.ts'
import { Services, type Translator, type WayOut } from '../services/services.ts'
import { ticksPerSecond } from './connection-state.ts'
import { Decision, type Trace, type TraceStep, verdict } from './decision.ts'
import { Firewall, type SecurityGroup } from './firewall.ts'
import type { FlowCache } from './flow-cache.ts'
import type { SharedAddress } from './nat.ts'
import { hasAddress, type Port, type PortConfig, PortTable } from './port-table.ts'
import { remember, replay } from './remembered.ts'
import { end, route, translate } from './rewrite.ts'
import { type Route, RouteTable } from './routes.ts'
import { isCacheable, SlowPath } from './slow-path.ts'
import { Subnets } from './subnets.ts'
import { usualLimits, type VpcLimits, VpcState, vpcStateBytes } from './vpc-state.ts'

/** What a network is. */
export interface VpcOptions {
  readonly subnets: readonly Cidr[]
  /** MAC of the router in all subnets */
  readonly routerMac: MacAddress
  /** largest IP packet */
  readonly mtu?: number
  /** domain of the machines' names; empty for none */
  readonly domain?: string
  readonly dnsForward?: DnsForward
  readonly random: RandomWord
  readonly limits?: VpcLimits
  /** shared memory of `vpcStateBytes(limits)`, all zeros or in use by other threads */
  readonly state?: ArrayBufferLike
  readonly onRuleRevoke?: 'keep' | 'cut'
  /** `off` sends every frame the slow way, which must change nothing but speed */
  readonly flowCache?: 'on' | 'off'
}

/** Where frames to the outside go, and by which addresses. */
export interface Uplink {
  readonly receiver: Receiver
  readonly mac: MacAddress
  readonly nextHopMac: MacAddress
  readonly shared?: SharedAddress
}

/** An address of a machine, and what it is outside; both IPv4. */
export interface FloatingAddress {
  readonly inner: IpAddress
  readonly outer: IpAddress
}

/** Sees frames as they come from a port (`in`) and as they are handed to one (`out`). The bytes are the observer's. */
export type FrameObserver = (seen: {
  readonly port: string
  readonly heading: 'in' | 'out'
  readonly frame: Uint8Array
  /** the reason, when it went no further */
  readonly dropped?: string
  readonly nowMs: number
}) => void

/** Index of the way out in counters and zones. */
const outside = 0

export class VpcNetwork {
  readonly subnets: Subnets
  /** set to see all frames */
  observer: FrameObserver | undefined
  private readonly ports = new PortTable()
  private readonly firewall = new Firewall()
  private readonly routes = new RouteTable()
  private readonly state: VpcState
  private readonly cache: FlowCache | undefined
  private readonly slowPath: SlowPath
  private readonly services: Services
  private readonly delivery = new Delivery()
  private readonly frame = new Frame(new PieceList(0))
  private readonly decision = new Decision()
  /** of what comes from outside, maybe while a frame from a port is being handed there */
  private readonly inbound = new Frame(new PieceList(0))
  private readonly inboundDecision = new Decision()
  private readonly answerFrame = new Frame(new PieceList(0))
  private readonly answerPieces = new PieceList(1)
  /** receivers that got something since the last `flush`: few, and mostly the same one again */
  private readonly touched: Receiver[] = []
  readonly routerMac: MacAddress
  private readonly mtu: number
  private uplink: Uplink | undefined
  private gateway: WayOut | undefined
  private nowMs = 0

  constructor(options: VpcOptions) {
    const { limits = usualLimits, mtu = 1500, domain = '', routerMac } = options
    this.subnets = new Subnets(options.subnets)
    this.routerMac = routerMac
    this.mtu = mtu
    this.state = new VpcState(options.state ?? new ArrayBuffer(vpcStateBytes(limits)), limits, options.random)
    this.cache = options.flowCache === 'off' ? undefined : this.state.cache
    const { ports, firewall, routes, subnets } = this
    const { conntrack, nat } = this.state
    this.slowPath = new SlowPath({
      ports,
      conntrack,
      firewall,
      routes,
      nat,
      routerMac,
      mtu,
      onRuleRevoke: options.onRuleRevoke ?? 'keep',
      hasWayOut: (kind) => this[kind] !== undefined,
      epoch: () => this.state.epoch,
    })
    const context: ServiceContext = {
      ports,
      subnets,
      routerMac,
      mtu,
      domain,
      scratch: new Uint8Array(composedBytesMax),
      answer: (port, bytes, length) => this.answer(port, bytes, length),
      reflect: (port, frame) => {
        this.hand(port, frame)
      },
      flush: () => this.flush(),
    }
    this.context = context
    this.services = new Services(context, options.dnsForward)
    this.setRoutes([])
  }

  private readonly context: ServiceContext

  /** Attaches a port, or changes the one of the same id; its connections stay. Returns its index. */
  putPort(config: PortConfig, receiver: Receiver): number {
    const isNew = this.ports.withId(config.id) === undefined
    assert(config.mac !== this.routerMac, 'a port has another MAC than the router')
    const { index } = this.ports.put(config, receiver)
    if (isNew) this.state.counters.clear(index)
    this.state.nextEpoch()
    return index
  }

  /** Takes a port away, and all that is remembered of it. */
  removePort(id: string): void {
    const port = this.ports.withId(id)
    if (port === undefined) return
    this.ports.remove(port)
    this.state.conntrack.clearZone(port.index)
    this.state.nat.clearZone(port.index)
    this.gateway?.removePort(id)
    this.services.metadata?.removePort(id)
    this.state.nextEpoch()
  }

  /** Replaces all security groups. No frame sees half of them. */
  setGroups(groups: readonly SecurityGroup[]): void {
    this.firewall.setGroups(groups)
    this.state.nextEpoch()
  }

  /** Replaces all routes but those of the subnets. */
  setRoutes(routes: readonly Route[]): void {
    this.routes.set(this.subnets.cidrs, routes)
    this.state.nextEpoch()
  }

  /** Attaches, replaces or takes away the uplink, and the floating addresses there. */
  setUplink(uplink: Uplink | undefined, floating: readonly FloatingAddress[] = []): void {
    this.uplink = uplink
    this.state.nat.shared = uplink?.shared
    this.state.nat.setFloating(floating)
    this.state.nextEpoch()
  }

  /** Attaches who translates connections to the outside. */
  setGateway(gateway: WayOut | undefined): void {
    this.gateway = gateway
    this.state.nextEpoch()
  }

  /** Attaches who ends connections to the metadata addresses. */
  setMetadata(metadata: Translator | undefined): void {
    this.services.metadata = metadata
  }

  /** A port's counters, or those of the way out. */
  counters(id?: string): PortCounters | undefined {
    const index = id === undefined ? outside : this.ports.withId(id)?.index
    return index === undefined ? undefined : this.state.counters.read(index)
  }

  /** Takes a frame from the port of that index: virtio-net header and frame in `pieces`. Returns its drop code, or 0. */
  transmit(index: number, pieces: PieceList, nowMs: number): number {
    const port = this.ports.at(index)
    if (port === undefined) return dropCode['receiver-gone']
    this.nowMs = nowMs
    const { frame } = this
    let code = frame.load(pieces)
    this.count(index, frame)
    const seen = this.observer === undefined ? undefined : copyOf(pieces)
    if (code === 0) code = this.forward(port, frame, tickOf(nowMs))
    if (code !== 0) this.state.counters.drop(index, code)
    if (seen !== undefined) this.observe(port.id, 'in', seen, code)
    return code
  }

  private count(index: number, frame: Frame): void {
    this.state.counters.addSent(index, frame.byteLength < 0 ? 0 : frame.byteLength)
  }

  private forward(port: Port, frame: Frame, tick: number): number {
    const { cache, state } = this
    if (cache !== undefined && isCacheable(frame.packet)) {
      const at = cache.find(port.index, frame.packet, state.epoch)
      if (at >= 0 && replay(state, at, frame, tick, this.mtu, this.decision))
        return this.decision.drop !== 0 ? this.decision.drop : this.carryOut(port, frame, this.decision)
    }
    return this.decide(port, frame, tick)
  }

  private decide(port: Port, frame: Frame, tick: number): number {
    const { slowPath, decision, cache, state } = this
    const spoofed = slowPath.checkSender(port, frame)
    if (spoofed !== 0) return spoofed
    const claim = this.services.claim(frame)
    if (claim !== undefined) {
      const code = claim.answer(port, frame, this.nowMs)
      if (code === 0) state.counters.add(port.index, counter.answered, 1)
      return code
    }
    slowPath.decideFromPort(port, frame, tick, decision)
    const { packet } = frame
    if (decision.drop !== 0) {
      sendError(this.context, port, frame, decision.drop)
      if (decision.cacheable && cache !== undefined) remember(state, port.index, packet, decision)
      return decision.drop
    }
    const full = slowPath.commit(port.index, packet, tick, decision)
    if (full !== 0) return full
    // What was refused before as an opening may be an answer now.
    if (decision.out.opens || decision.in.opens) state.cache.dropAnswers(decision.target, packet)
    if (decision.cacheable && cache !== undefined) remember(state, port.index, packet, decision)
    return this.carryOut(port, frame, decision)
  }

  /** Rewrites and delivers a frame that may go on. */
  private carryOut(port: Port, frame: Frame, decision: Decision): number {
    if (decision.translates) translate(frame, end.source, decision.sourceWord, decision.sourcePort)
    let code: number
    if (decision.verdict === verdict.port) code = this.deliver(decision, frame)
    else if (decision.verdict === verdict.uplink) code = this.leave(frame)
    else if (this.gateway === undefined) code = dropCode['no-uplink']
    else code = this.gateway.receive(port, frame, this.nowMs)
    if (code === 0) this.state.counters.add(port.index, counter.passed, 1)
    return code
  }

  private leave(frame: Frame): number {
    const { uplink } = this
    if (uplink === undefined) return dropCode['no-uplink']
    route(frame, uplink.nextHopMac, uplink.mac)
    this.countReceived(outside, frame)
    return this.handTo(uplink.receiver, frame)
  }

  private deliver(decision: Decision, frame: Frame): number {
    const receiver = this.ports.at(decision.target)
    if (receiver === undefined) return dropCode['receiver-gone']
    if (decision.routed) route(frame, receiver.mac, this.routerMac)
    // Whatever was decided: a port gets only what is addressed to it.
    const isForMac =
      readU16(frame.headers, 0) === receiver.macHigh && readI32(frame.headers, 2) === receiver.macLow
    if (!isForMac || !hasAddress(receiver, frame.packet.addresses, 4)) return dropCode['not-addressed']
    return this.hand(receiver, frame)
  }

  private hand(port: Port, frame: Frame): number {
    if (this.observer !== undefined) this.observe(port.id, 'out', copyOfFrame(frame), 0)
    this.countReceived(port.index, frame)
    return this.handTo(port.receiver, frame)
  }

  private countReceived(index: number, frame: Frame): void {
    this.state.counters.addReceived(index, frame.byteLength)
  }

  private handTo(receiver: Receiver, frame: Frame): number {
    const { touched } = this
    if (touched[touched.length - 1] !== receiver && !touched.includes(receiver)) touched.push(receiver)
    return this.delivery.deliver(frame, receiver)
  }

  /** The batch has ended: receivers that got something publish it. */
  flush(): void {
    for (const receiver of this.touched) receiver.flush()
    this.touched.length = 0
  }

  /** Takes a frame from the uplink. Returns its drop code, or 0. */
  transmitFromUplink(pieces: PieceList, nowMs: number): number {
    const { inbound, inboundDecision } = this
    const tick = tickOf(nowMs)
    return this.takeInbound(pieces, nowMs, () => {
      this.slowPath.decideFromUplink(inbound, tick, inboundDecision)
      return inboundDecision.drop !== 0 ? inboundDecision.drop : this.admit(tick)
    })
  }

  /** Takes a frame from the gateway to a port; it passes that port's connection tracking and firewall. */
  transmitFromGateway(id: string, pieces: PieceList, nowMs: number): number {
    const { inbound, inboundDecision } = this
    const tick = tickOf(nowMs)
    return this.takeInbound(pieces, nowMs, () => {
      const port = this.ports.withId(id)
      if (port === undefined) return dropCode['receiver-gone']
      inboundDecision.reset()
      this.slowPath.decideToPort(port, inbound, tick, inboundDecision)
      return inboundDecision.drop !== 0 ? inboundDecision.drop : this.admit(tick)
    })
  }

  /** Takes a frame from a service of the network, like metadata, to a port: no firewall is asked. */
  transmitFromService(id: string, pieces: PieceList, nowMs: number): number {
    return this.takeInbound(pieces, nowMs, () => {
      const port = this.ports.withId(id)
      if (port === undefined) return dropCode['receiver-gone']
      this.inboundDecision.reset()
      this.inboundDecision.target = port.index
      this.inboundDecision.routed = true
      return this.deliver(this.inboundDecision, this.inbound)
    })
  }

  private takeInbound(pieces: PieceList, nowMs: number, carry: () => number): number {
    this.nowMs = nowMs
    const { counters } = this.state
    const loaded = this.inbound.load(pieces)
    this.count(outside, this.inbound)
    const code = loaded === 0 ? carry() : loaded
    if (code === 0) counters.add(outside, counter.passed, 1)
    else counters.drop(outside, code)
    return code
  }

  private admit(tick: number): number {
    const { inbound, inboundDecision } = this
    const full = this.slowPath.commit(outside, inbound.packet, tick, inboundDecision)
    if (full !== 0) return full
    if (inboundDecision.in.opens) this.state.cache.dropAnswers(inboundDecision.target, inbound.packet)
    return this.deliver(inboundDecision, inbound)
  }

  /** Hands a port a frame of a service: composed in `bytes[0, length)`, virtio-net header first. */
  answer(port: Port, bytes: Uint8Array, length: number): void {
    const { answerFrame, answerPieces } = this
    answerPieces.clear(bytes)
    answerPieces.add(0, length)
    const code = answerFrame.load(answerPieces)
    assert(code === 0, 'an answer of our own is a frame')
    this.hand(port, answerFrame)
  }

  /**
   * What would become of a frame from a port: the slow path with a recorder, changing nothing. `frame` has no virtio-net
   * header.
   */
  trace(id: string, frame: Uint8Array, nowMs: number): Trace {
    const steps: TraceStep[] = []
    const record = (step: TraceStep) => {
      steps.push(step)
    }
    const port = this.ports.withId(id)
    const bytes = new Uint8Array(vnetHeaderBytes + frame.length)
    bytes.set(frame, vnetHeaderBytes)
    const pieces = new PieceList(1, bytes)
    pieces.add(0, bytes.length)
    const traced = new Frame(pieces)
    const code = port === undefined ? dropCode['receiver-gone'] : traced.load(pieces)
    if (code !== 0 || port === undefined) {
      const { stage, why } = describeDrop(reasonOf(code))
      return { steps: [{ stage, verdict: 'drop', why }], dropped: reasonOf(code) }
    }
    const dropped = this.traceFrom(port, traced, tickOf(nowMs), record)
    return { steps, ...(dropped === 0 ? {} : { dropped: reasonOf(dropped) }) }
  }

  private traceFrom(port: Port, frame: Frame, tick: number, record: (step: TraceStep) => void): number {
    const spoofed = this.slowPath.checkSender(port, frame, record)
    if (spoofed !== 0) return spoofed
    const claim = this.services.claim(frame)
    if (claim !== undefined) {
      record({ stage: 'service', verdict: 'answer', rule: claim.name, why: 'the network itself is asked' })
      return 0
    }
    const decision = new Decision()
    this.slowPath.decideFromPort(port, frame, tick, decision, record)
    if (decision.drop === 0 && decision.verdict === verdict.port)
      record({
        stage: 'delivery',
        verdict: 'deliver',
        rule: this.ports.at(decision.target)?.id ?? '',
        why: decision.routed ? 'routed' : 'in the same subnet',
      })
    return decision.verdict === verdict.gateway ? this.traceOut(port, frame, record) : decision.drop
  }

  private traceOut(port: Port, frame: Frame, record: (step: TraceStep) => void): number {
    const code = defined(this.gateway, 'the gateway of a route').judge(port, frame)
    const rule = 'the outside'
    if (code === 0) record({ stage: 'gateway', verdict: 'deliver', rule, why: 'the translator takes it out' })
    else record({ ...describeDrop(reasonOf(code)), verdict: 'drop', rule })
    return code
  }

  private observe(port: string, heading: 'in' | 'out', frame: Uint8Array, code: number): void {
    const dropped = code === 0 ? {} : { dropped: reasonOf(code) }
    this.observer?.({ port, heading, frame, nowMs: this.nowMs, ...dropped })
  }
}

function tickOf(nowMs: number): number {
  return Math.floor((nowMs * ticksPerSecond) / 1000)
}
