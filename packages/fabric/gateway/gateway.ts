/**
 * The way outside without root: connections of machines end here and go on as sockets of the host, which an app adapts.
 * It decides where machines may go, and tells them when they may not, or when there is nobody.
 *
 *   TCP  → TcpTranslator → accept(stream)          UDP, ping → Datagrams → open(machine)
 */
import { familyOf, type RandomWord } from '@virga/base'
import { ipOfWords, ipProtocol, type ParsedFrame } from '@virga/packet'
import { icmpBytes, icmpType, icmpv6Type, unreachableCode, writeIcmp } from '@virga/packet/messages'
import { dropCode } from '../drop-reason.ts'
import type { Frame } from '../frame/frame.ts'
import { PieceList } from '../frame/piece-list.ts'
import { composeIcmp, transportAt } from '../services/compose.ts'
import { quoteOf } from '../services/icmp.ts'
import type { WayOut } from '../services/services.ts'
import type { Port } from '../vpc/port-table.ts'
import type { VpcNetwork } from '../vpc/vpc-network.ts'
import type { Endpoint, MachineStream, Refusal, StreamListener } from './byte-stream.ts'
import { Datagrams, type OpenDatagramSocket } from './datagrams.ts'
import { type EgressPolicy, mayReach } from './egress-policy.ts'
import { type Quote, TcpTranslator } from './tcp-translator.ts'

/** What a gateway is joined to. */
export interface GatewayOptions {
  readonly network: VpcNetwork
  readonly policy: EgressPolicy
  /** gets each TCP connection that may go out */
  readonly accept: (stream: MachineStream) => void
  readonly open: OpenDatagramSocket
  readonly random: RandomWord
}

/** Code of ICMPv6 "unreachable" for each refusal that has a message; of ICMP beside it. */
const codes = {
  prohibited: { v4: unreachableCode.prohibited, v6: 1 },
  unreachable: { v4: unreachableCode.host, v6: 3 },
} as const

export class Gateway implements WayOut {
  private readonly options: GatewayOptions
  private readonly tcp: TcpTranslator
  private readonly datagrams: Datagrams
  private readonly bytes = new Uint8Array(256)
  private readonly pieces = new PieceList(1)
  private nowMs = 0

  constructor(options: GatewayOptions) {
    this.options = options
    const send = (port: string, pieces: PieceList, nowMs: number) =>
      options.network.transmitFromGateway(port, pieces, nowMs)
    this.tcp = new TcpTranslator({
      send,
      flush: () => options.network.flush(),
      random: options.random,
      accept: options.accept,
      explain: (port, quote, why) => this.explain(port, quote, why),
    })
    this.datagrams = new Datagrams(options.open, send, () => options.network.flush())
  }

  receive(port: Port, frame: Frame, nowMs: number): number {
    this.nowMs = nowMs
    const { packet } = frame
    const code = this.judge(port, frame)
    if (code === dropCode['gateway-forbidden']) {
      const machine = { address: ipOfWords(packet.addresses, 0), port: packet.sourcePort }
      this.explain(port.id, { machine, remote: remoteOf(packet), bytes: quoteOf(frame) }, 'prohibited')
    }
    if (code !== 0) return code
    return packet.protocol === ipProtocol.tcp
      ? this.tcp.receive(port, frame, nowMs)
      : this.datagrams.receive(port, frame, nowMs)
  }

  judge(port: Port, frame: Frame): number {
    const { packet } = frame
    const { protocol } = packet
    const isRequest =
      packet.isEcho &&
      (packet.icmpType === icmpType.echoRequest || packet.icmpType === icmpv6Type.echoRequest)
    const isCarried = protocol === ipProtocol.tcp || protocol === ipProtocol.udp || isRequest
    if (!isCarried || packet.fragment !== 0) return dropCode['gateway-protocol']
    const remote = remoteOf(packet)
    // Connections from outside were let in by who opened them; their answers need no leave.
    const isAnswer = protocol === ipProtocol.tcp && this.tcp.has(port.index, frame)
    const isForbidden = !isAnswer && !mayReach(this.options.policy, remote.address, remote.port)
    return isForbidden ? dropCode['gateway-forbidden'] : 0
  }

  /** Opens a connection from outside to a machine, as a port forward does. The machine's firewall is asked. */
  connect(
    port: { readonly id: string; readonly index: number },
    machine: Endpoint,
    remote: Endpoint,
    listener: StreamListener,
  ): MachineStream | undefined {
    return this.tcp.connect(port, machine, remote, listener)
  }

  /** Connections, sockets and pingers that are open or about to be: while there are any, time is to be told. */
  get openCount(): number {
    return this.tcp.count + this.datagrams.count
  }

  /** Time has come to `nowMs`. To be called some ten times a second while something is open. */
  tick(nowMs: number): void {
    this.nowMs = nowMs
    this.tcp.tick(nowMs)
    this.datagrams.tick(nowMs)
  }

  /** Ends all that a port has outside, when it is taken away. */
  removePort(id: string): void {
    this.tcp.removePort(id)
    this.datagrams.removePort(id)
  }

  /** Says by ICMP why a destination cannot be had, quoting what asked for it. */
  private explain(port: string, { machine, remote, bytes: quote }: Quote, why: Refusal): void {
    if (why !== 'prohibited' && why !== 'unreachable') return
    const { bytes, pieces } = this
    const isV4 = familyOf(machine.address) === 4
    const ends = { source: remote.address, destination: machine.address, sourceMac: 0, destinationMac: 0 }
    const at = transportAt(ends)
    const type = isV4 ? icmpType.unreachable : icmpv6Type.unreachable
    writeIcmp(bytes, at, { type, code: codes[why][isV4 ? 'v4' : 'v6'], rest: 0 })
    bytes.set(quote, at + icmpBytes)
    pieces.clear(bytes)
    pieces.add(0, composeIcmp(bytes, ends, icmpBytes + quote.length))
    this.options.network.transmitFromGateway(port, pieces, this.nowMs)
  }
}

/** Where a packet goes; of a ping, port 0. */
function remoteOf(packet: ParsedFrame): Endpoint {
  return { address: ipOfWords(packet.addresses, 4), port: packet.isEcho ? 0 : packet.destinationPort }
}
