/**
 * TCP connections of machines, ended here: from frames of ports to byte streams, and back. Used for the way outside and
 * for metadata; they differ in who accepts.
 *
 * Invariants: a connection is known by port, addresses and ports, so equal addresses of two machines never meet. Each port
 * has a bound of connections, and a lower one of unanswered ones. Time moves by `tick`.
 */
import { familyOf, type RandomWord } from '@virga/base'
import {
  ipOfWords,
  ipProtocol,
  plainVnetHeader,
  readTcp,
  type Tcp,
  tcpFlag,
  tcpHeader,
  vnetFlag,
  vnetGso,
  vnetHeaderBytes,
  wordsOfIp,
  writeTcp,
  writeVnetHeader,
} from '@virga/packet'
import { dropCode } from '../drop-reason.ts'
import type { Frame } from '../frame/frame.ts'
import { extract, PieceList } from '../frame/piece-list.ts'
import { KeyTable, tableWords } from '../key-table.ts'
import { composeIp, transportAt } from '../services/compose.ts'
import { quoteOf } from '../services/icmp.ts'
import type { Translator } from '../services/services.ts'
import type { Port } from '../vpc/port-table.ts'
import type { Endpoint, MachineStream, Refusal, StreamListener } from './byte-stream.ts'
import { type OutSegment, TcpEnd, windowScale } from './tcp-end.ts'

/** Connections in all, of a port, and unanswered ones of a port. */
const connectionsMax = 8192
const perPortMax = 1024
const askedPerPortMax = 128
/** What a machine may send us in one segment. */
const ownMss = 1460
/** Room for a frame of 64 KiB. */
const frameRoom = vnetHeaderBytes + 14 + 65_535

const shape = { capacity: connectionsMax, keyWords: 10, valueWords: 0 } as const

/** Our options in the handshake. */
const handshakeOptions = {
  none: {},
  plain: { options: { mss: ownMss } },
  scaled: { options: { mss: ownMss, windowScale } },
} as const

/** What a translator is joined to. */
export interface TranslatorOptions {
  /** hands a port a frame; returns 0 or a drop code */
  readonly send: (port: string, pieces: PieceList, nowMs: number) => number
  /** publishes what was handed over while no batch was under way */
  readonly flush: () => void
  /** gets each new connection, and accepts or refuses it, now or later */
  readonly accept: (stream: MachineStream) => void
  /** says by ICMP that a destination cannot be had */
  readonly explain?: (port: string, quote: Quote, why: Refusal) => void
  readonly random: RandomWord
}

/** A packet that is answered by an error: its ends, and its beginning. */
export interface Quote {
  readonly machine: Endpoint
  readonly remote: Endpoint
  readonly bytes: Uint8Array
}

interface Connection {
  readonly port: string
  readonly portIndex: number
  readonly machine: Endpoint
  readonly remote: Endpoint
  readonly end: TcpEnd
}

export class TcpTranslator implements Translator {
  private readonly options: TranslatorOptions
  private readonly table: KeyTable
  private readonly connections: (Connection | undefined)[] = []
  /** connections of each port */
  private readonly counts = new Map<number, number>()
  private readonly bytes = new Uint8Array(frameRoom)
  private readonly pieces = new PieceList(1)
  private readonly vnet = plainVnetHeader()
  private nowMs = 0
  /** a frame of a machine is being dealt with: whoever brought it will flush */
  private isInBatch = false

  constructor(options: TranslatorOptions) {
    this.options = options
    this.table = new KeyTable(new Int32Array(tableWords(shape)), shape, options.random())
  }

  /** Connections that are open or about to be. */
  get count(): number {
    return this.table.count
  }

  /** Whether a frame from a port belongs to a connection. */
  has(portIndex: number, { packet }: Frame): boolean {
    const machine = { address: ipOfWords(packet.addresses, 0), port: packet.sourcePort }
    return (
      this.find(portIndex, machine, {
        address: ipOfWords(packet.addresses, 4),
        port: packet.destinationPort,
      }) >= 0
    )
  }

  receive(port: Port, frame: Frame, nowMs: number): number {
    this.isInBatch = true
    try {
      return this.take(port, frame, nowMs)
    } finally {
      this.isInBatch = false
    }
  }

  private take(port: Port, frame: Frame, nowMs: number): number {
    this.nowMs = Math.max(this.nowMs, nowMs)
    const { packet, headers } = frame
    if (packet.protocol !== ipProtocol.tcp || packet.fragment !== 0) return dropCode['gateway-protocol']
    const header = readTcp(headers, packet.transportAt, frame.headerBytes)
    if (header === undefined) return dropCode['malformed-transport']
    const machine = { address: ipOfWords(packet.addresses, 0), port: packet.sourcePort }
    const remote = { address: ipOfWords(packet.addresses, 4), port: packet.destinationPort }
    const dataAt = packet.transportAt + header.headerBytes
    const data = extract(frame.pieces, vnetHeaderBytes + dataAt, packet.ipEnd - dataAt)
    let index = this.find(port.index, machine, remote)
    const isOpening = (header.flags & (tcpFlag.syn | tcpFlag.ack | tcpFlag.rst)) === tcpFlag.syn
    const known = this.connections[index]?.end
    if (index >= 0 && known?.state === 'closed' && (isOpening || known.isBroken)) {
      this.forget(index)
      index = -1
    }
    if (index >= 0) {
      this.connections[index]?.end.receive(header, data, this.nowMs)
      return 0
    }
    if (isOpening) return this.admit(port, { machine, remote, bytes: quoteOf(frame) }, header)
    if ((header.flags & tcpFlag.rst) === 0) this.sendReset(port.id, machine, remote, header, data.length)
    return dropCode['gateway-unknown']
  }

  private admit(port: Port, quote: Quote, syn: Required<Tcp>): number {
    if (!this.hasRoom(port.index)) return dropCode['gateway-full']
    const connection = this.add(port.id, port.index, quote.machine, quote.remote)
    connection.end.answerLater(syn)
    this.options.accept(this.streamOf(connection, quote))
    return 0
  }

  private hasRoom(portIndex: number): boolean {
    const own = this.counts.get(portIndex) ?? 0
    if (own >= perPortMax || this.table.count === connectionsMax) return false
    if (own < askedPerPortMax) return true
    const isAsked = (connection: Connection | undefined) =>
      connection?.portIndex === portIndex && connection.end.state === 'asked'
    return this.connections.filter(isAsked).length < askedPerPortMax
  }

  /** Opens a connection from outside to a machine, as from `remote`. Undefined when there is no room for it. */
  connect(
    port: Pick<Port, 'id' | 'index'>,
    machine: Endpoint,
    remote: Endpoint,
    listener: StreamListener,
  ): MachineStream | undefined {
    if (this.find(port.index, machine, remote) >= 0 || !this.hasRoom(port.index)) return undefined
    const connection = this.add(port.id, port.index, machine, remote)
    this.flushAfter(() => connection.end.call(listener, this.nowMs))
    return this.streamOf(connection)
  }

  /** Time has come to `nowMs`. To be called some ten times a second while there are connections. */
  tick(nowMs: number): void {
    this.nowMs = nowMs
    this.connections.forEach((connection, index) => {
      if (connection !== undefined && !connection.end.tick(nowMs)) this.forget(index)
    })
    this.options.flush()
  }

  /** Breaks off all connections of a port that is taken away. */
  removePort(id: string): void {
    this.connections.forEach((connection, index) => {
      if (connection?.port !== id) return
      connection.end.reset()
      this.forget(index)
    })
  }

  private streamOf(connection: Connection, quote?: Quote): MachineStream {
    const { end, port, machine, remote } = connection
    return {
      port,
      machine,
      remote,
      accept: (listener) => this.flushAfter(() => end.accept(listener, this.nowMs)),
      refuse: (why) =>
        this.flushAfter(() => {
          if (end.state === 'asked' && quote !== undefined) this.options.explain?.(port, quote, why)
          end.refuse(why)
        }),
      write: (bytes) => this.flushAfter(() => end.write(bytes, this.nowMs)),
      end: () => this.flushAfter(() => end.end(this.nowMs)),
      reset: () => this.flushAfter(() => end.reset()),
      consumed: (count) => this.flushAfter(() => end.consumed(count)),
    }
  }

  /** Does what an adapter asks, and publishes it unless a batch is under way. */
  private flushAfter<T>(act: () => T): T {
    const result = act()
    if (!this.isInBatch) this.options.flush()
    return result
  }

  private add(port: string, portIndex: number, machine: Endpoint, remote: Endpoint): Connection {
    const end = new TcpEnd(
      this.options.random(),
      (segment) => this.emit(port, machine, remote, segment),
      this.nowMs,
    )
    this.setProbe(portIndex, machine, remote)
    const index = this.table.insert()
    const connection = { port, portIndex, machine, remote, end }
    this.connections[index] = connection
    this.counts.set(portIndex, (this.counts.get(portIndex) ?? 0) + 1)
    return connection
  }

  private forget(index: number): void {
    const portIndex = this.connections[index]?.portIndex ?? -1
    this.counts.set(portIndex, (this.counts.get(portIndex) ?? 1) - 1)
    this.table.remove(index)
    this.connections[index] = undefined
  }

  private find(portIndex: number, machine: Endpoint, remote: Endpoint): number {
    this.setProbe(portIndex, machine, remote)
    return this.table.find()
  }

  private setProbe(portIndex: number, machine: Endpoint, remote: Endpoint): void {
    const { probe } = this.table
    probe[0] = portIndex
    wordsOfIp(machine.address, probe, 1)
    wordsOfIp(remote.address, probe, 5)
    probe[9] = (machine.port << 16) | remote.port
  }

  private sendReset(
    port: string,
    machine: Endpoint,
    remote: Endpoint,
    header: Required<Tcp>,
    dataBytes: number,
  ): void {
    const hasAck = (header.flags & tcpFlag.ack) !== 0
    const ends = { source: remote.address, destination: machine.address, sourceMac: 0, destinationMac: 0 }
    const length = writeTcp(this.bytes, transportAt(ends), {
      sourcePort: remote.port,
      destinationPort: machine.port,
      sequence: hasAck ? header.acknowledgment : 0,
      acknowledgment: (header.sequence + dataBytes) >>> 0,
      flags: hasAck ? tcpFlag.rst : tcpFlag.rst | tcpFlag.ack,
      window: 0,
    })
    const end = composeIp(this.bytes, ends, ipProtocol.tcp, length, transportAt(ends) + tcpHeader.checksum)
    this.hand(port, end)
  }

  /** Composes a segment as one frame, however long, and leaves checksum and cutting to the delivery. */
  private emit(port: string, machine: Endpoint, remote: Endpoint, segment: OutSegment): boolean {
    const { bytes, vnet } = this
    const ends = { source: remote.address, destination: machine.address, sourceMac: 0, destinationMac: 0 }
    const at = transportAt(ends)
    const headerBytes = writeTcp(bytes, at, {
      sourcePort: remote.port,
      destinationPort: machine.port,
      sequence: segment.sequence,
      acknowledgment: segment.acknowledgment,
      flags: segment.flags,
      window: segment.window,
      ...handshakeOptions[segment.handshake],
    })
    segment.queue.copy(segment.from, segment.length, bytes, at + headerBytes)
    const length = headerBytes + segment.length
    const mss = Math.min(segment.mss, ownMss - (familyOf(ends.source) === 6 ? 20 : 0))
    const isLarge = segment.length > mss
    const checksum = isLarge ? 'partial' : 'whole'
    const end = composeIp(bytes, ends, ipProtocol.tcp, length, at + tcpHeader.checksum, checksum)
    vnet.flags = isLarge ? vnetFlag.needsChecksum : 0
    vnet.gsoType = isLarge ? (familyOf(ends.source) === 4 ? vnetGso.tcpv4 : vnetGso.tcpv6) : vnetGso.none
    vnet.gsoSize = isLarge ? mss : 0
    vnet.checksumStart = isLarge ? at - vnetHeaderBytes : 0
    vnet.checksumOffset = isLarge ? tcpHeader.checksum : 0
    writeVnetHeader(bytes, 0, vnet)
    return this.hand(port, end)
  }

  private hand(port: string, length: number): boolean {
    this.pieces.clear(this.bytes)
    this.pieces.add(0, length)
    return this.options.send(port, this.pieces, this.nowMs) === 0
  }
}
