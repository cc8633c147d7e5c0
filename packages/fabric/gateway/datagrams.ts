/**
 * UDP and pings to the outside. Each (port, address, UDP port) of a machine is one socket outside, so whoever hears from
 * it may answer it, as from behind a usual router; each (port, address, identifier) is one pinger. They live as long as
 * they are spoken through: 30 s, and 180 s once something was answered.
 *
 * Invariants: a port has a bound of them. An answer goes to the machine that asked, by the identity of its port.
 */
import type { IpAddress } from '@virga/base'
import { formatIp } from '@virga/base'
import { ipOfWords, readU16, vnetHeaderBytes, writeU16 } from '@virga/packet'
import { icmpBytes, icmpType, icmpv6Type, writeIcmp } from '@virga/packet/messages'
import { dropCode } from '../drop-reason.ts'
import type { Frame } from '../frame/frame.ts'
import { extract, PieceList } from '../frame/piece-list.ts'
import { composeIcmp, composeUdp, transportAt } from '../services/compose.ts'
import type { Port } from '../vpc/port-table.ts'
import type { Endpoint } from './byte-stream.ts'

/** A socket or pinger of the outside. */
export interface DatagramSocket {
  /** sends to the outside; `sequence` is a ping's */
  send(to: Endpoint, data: Uint8Array, sequence: number): void
  close(): void
}

/** Opens one for a machine; answers are handed to `answer`. Undefined when the outside gives none. */
export type OpenDatagramSocket = (
  machine: { readonly port: string; readonly family: 4 | 6; readonly kind: 'udp' | 'ping' },
  answer: (from: Endpoint, data: Uint8Array, sequence: number) => void,
) => DatagramSocket | undefined

/** Sockets of a port; idle times before and after the first answer. */
const perPortMax = 256
const [idleAskedMs, idleAnsweredMs] = [30_000, 180_000]
/** Longest datagram: what fits an IPv4 packet. */
const dataMax = 65_507

interface Mapping {
  readonly port: string
  readonly portIndex: number
  readonly socket: DatagramSocket
  lastMs: number
  isAnswered: boolean
}

export class Datagrams {
  private readonly mappings = new Map<string, Mapping>()
  private readonly counts = new Map<number, number>()
  private readonly open: OpenDatagramSocket
  private readonly send: (port: string, pieces: PieceList, nowMs: number) => number
  private readonly bytes = new Uint8Array(vnetHeaderBytes + 14 + 40 + 8 + dataMax)
  private readonly pieces = new PieceList(1)
  private nowMs = 0

  private readonly flush: () => void

  /** `send` hands a port a frame, `flush` publishes it. */
  constructor(
    open: OpenDatagramSocket,
    send: (port: string, pieces: PieceList, nowMs: number) => number,
    flush: () => void,
  ) {
    this.open = open
    this.send = send
    this.flush = flush
  }

  /** Mappings that live. */
  get count(): number {
    return this.mappings.size
  }

  /** Takes a whole UDP packet, or echo request, to the outside. */
  receive(port: Port, frame: Frame, nowMs: number): number {
    this.nowMs = Math.max(this.nowMs, nowMs)
    const { packet, headers } = frame
    const kind = packet.isEcho ? 'ping' : 'udp'
    const machine = { address: ipOfWords(packet.addresses, 0), port: packet.sourcePort }
    const key = `${port.index} ${kind} ${formatIp(machine.address)} ${machine.port}`
    const mapping =
      this.mappings.get(key) ?? this.add(key, kind, port, machine, packet.ipVersion === 6 ? 6 : 4)
    if (mapping === undefined) return dropCode['gateway-full']
    mapping.lastMs = this.nowMs
    const dataAt = packet.transportAt + 8
    // A datagram ends by its own length, which may be less than the packet's.
    const dataEnd =
      kind === 'udp' ? packet.transportAt + readU16(headers, packet.transportAt + 4) : packet.ipEnd
    const data = extract(frame.pieces, vnetHeaderBytes + dataAt, dataEnd - dataAt)
    const sequence = kind === 'ping' ? readU16(headers, packet.transportAt + 6) : 0
    mapping.socket.send(
      { address: ipOfWords(packet.addresses, 4), port: packet.destinationPort },
      data,
      sequence,
    )
    return 0
  }

  private add(
    key: string,
    kind: 'udp' | 'ping',
    port: Port,
    machine: Endpoint,
    family: 4 | 6,
  ): Mapping | undefined {
    const count = this.counts.get(port.index) ?? 0
    if (count >= perPortMax) return undefined
    const socket = this.open({ port: port.id, family, kind }, (from, data, sequence) => {
      const mapping = this.mappings.get(key)
      if (mapping?.socket !== socket || mapping === undefined || data.length > dataMax) return
      mapping.lastMs = this.nowMs
      mapping.isAnswered = true
      this.send(port.id, this.compose(kind, from, machine, data, sequence), this.nowMs)
      this.flush()
    })
    if (socket === undefined) return undefined
    const mapping: Mapping = {
      port: port.id,
      portIndex: port.index,
      socket,
      lastMs: this.nowMs,
      isAnswered: false,
    }
    this.mappings.set(key, mapping)
    this.counts.set(port.index, count + 1)
    return mapping
  }

  private compose(
    kind: 'udp' | 'ping',
    from: Endpoint,
    machine: { readonly address: IpAddress; readonly port: number },
    data: Uint8Array,
    sequence: number,
  ): PieceList {
    const { bytes, pieces } = this
    const ends = { source: from.address, destination: machine.address, sourceMac: 0, destinationMac: 0 }
    const at = transportAt(ends)
    bytes.set(data, at + 8)
    let length: number
    if (kind === 'udp')
      length = composeUdp(bytes, ends, { source: from.port, destination: machine.port }, data.length)
    else {
      const isV4 = at === vnetHeaderBytes + 34
      writeIcmp(bytes, at, { type: isV4 ? icmpType.echoReply : icmpv6Type.echoReply, code: 0, rest: 0 })
      writeU16(bytes, at + 4, machine.port)
      writeU16(bytes, at + 6, sequence)
      length = composeIcmp(bytes, ends, icmpBytes + data.length)
    }
    pieces.clear(bytes)
    pieces.add(0, length)
    return pieces
  }

  /** Time has come to `nowMs`: closes what is idle. */
  tick(nowMs: number): void {
    this.nowMs = nowMs
    for (const [key, { lastMs, isAnswered }] of this.mappings)
      if (nowMs - lastMs >= (isAnswered ? idleAnsweredMs : idleAskedMs)) this.remove(key)
  }

  /** Closes all of a port that is taken away. */
  removePort(id: string): void {
    for (const [key, { port }] of this.mappings) if (port === id) this.remove(key)
  }

  private remove(key: string): void {
    const mapping = this.mappings.get(key)
    if (mapping === undefined) return
    this.mappings.delete(key)
    this.counts.set(mapping.portIndex, (this.counts.get(mapping.portIndex) ?? 1) - 1)
    mapping.socket.close()
  }
}
