/**
 * The sockets' side of the way outside: an event loop with the sockets of this computer that machines speak through.
 *
 * Invariants: of a connection, no more than `windowBytes` are on their way to the machine unacknowledged, so a slow machine
 * stops its socket, and no other. What has ended on both sides is forgotten.
 */

import { createSocket, type Socket as DatagramSocket } from 'node:dgram'
import { connect, createServer, isIPv6, type Server, type Socket } from 'node:net'
import { type Duplex, duplexPair } from 'node:stream'
import { formatIp, parseIp } from '@virga/base'
import type { Endpoint, Refusal } from '@virga/fabric/gateway'
import type { ByteRing, RingMessage } from './byte-ring.ts'
import {
  endpointBytes,
  endpointOf,
  message,
  numberBytes,
  readEndpoint,
  readNumber,
  refusals,
} from './messages.ts'
import { askName } from './name-question.ts'
import { Outbox } from './outbox.ts'

/** What the loop is joined to. */
export interface OutsideLoopOptions {
  readonly toSockets: ByteRing
  readonly toFabric: ByteRing
  /** wakes the thread that reads `toFabric` */
  readonly wakeFabric: () => void
  /** answers connections to metadata; `port` is who asks */
  readonly onMetadata: (port: string, connection: Duplex) => void
  /** addresses of name servers, with a port where it is not 53 */
  readonly nameServers: readonly string[]
}

/** A forward: who connects there comes to a machine. */
export interface Forward {
  readonly number: number
  readonly address: string
  /** 0: any that is free */
  readonly port: number
}

const windowBytes = 512 << 10
/** Shorter than a machine waits, so that it hears of it. */
const connectMsMax = 60_000

interface Connection {
  readonly socket: Duplex
  /** sent to the machine and not acknowledged */
  underWay: number
  hasEnded: boolean
  hasMachineEnded: boolean
}

const refusalOf: Readonly<Record<string, Refusal>> = {
  ECONNREFUSED: 'refused',
  ECONNRESET: 'refused',
  ETIMEDOUT: 'timeout',
  EACCES: 'prohibited',
  EPERM: 'prohibited',
}

export class OutsideLoop {
  readonly #options: OutsideLoopOptions
  readonly #outbox: Outbox
  readonly #connections = new Map<number, Connection>()
  readonly #datagrams = new Map<number, DatagramSocket>()
  readonly #forwards = new Map<number, Server>()
  #nextId = 1
  #isClosed = false

  constructor(options: OutsideLoopOptions) {
    this.#options = options
    this.#outbox = new Outbox(options.toFabric, options.wakeFabric)
  }

  /** Connections that are open or about to be. */
  get count(): number {
    return this.#connections.size
  }

  /** Serves until `close`. */
  async run(): Promise<void> {
    const { toSockets } = this.#options
    while (!this.#isClosed) {
      const seen = toSockets.bell.count()
      for (let next = toSockets.read(); next !== undefined; next = toSockets.read()) this.#take(next)
      if (toSockets.takeWanted()) this.#options.wakeFabric()
      this.#outbox.flush()
      await toSockets.bell.rung(seen)
    }
  }

  /** Listens for a forward; resolves to the port. Rejects when the system gives none. */
  async listen({ number, address, port }: Forward): Promise<number> {
    const server = createServer({ allowHalfOpen: true }, (socket) => this.#comeIn(number, socket))
    await new Promise<void>((resolve, reject) => {
      server.once('error', reject)
      server.listen({ host: address, port }, resolve)
    })
    this.#forwards.set(number, server)
    const bound = server.address()
    return typeof bound === 'object' && bound !== null ? bound.port : port
  }

  /** Listens no more; connections that came by it stay. */
  unlisten(number: number): void {
    this.#forwards.get(number)?.close()
    this.#forwards.delete(number)
  }

  /** Ends everything. */
  close(): void {
    this.#isClosed = true
    for (const number of [...this.#forwards.keys()]) this.unlisten(number)
    for (const { socket } of this.#connections.values()) socket.destroy()
    for (const socket of this.#datagrams.values()) socket.close()
    this.#connections.clear()
    this.#datagrams.clear()
    this.#options.toSockets.bell.ring()
  }

  #take({ kind, id, body }: RingMessage): void {
    switch (kind) {
      case message.connect:
        return this.#connect(id, readEndpoint(body))
      case message.askMetadata:
        return this.#askMetadata(id, new TextDecoder().decode(body))
      case message.openUdp:
        return this.#openUdp(id, readNumber(body) === 6 ? 'udp6' : 'udp4')
      case message.sendUdp:
        return this.#sendUdp(id, readEndpoint(body), body.subarray(endpointBytes))
      case message.closeUdp:
        this.#datagrams.get(id)?.close()
        this.#datagrams.delete(id)
        return
      case message.askName:
        void askName(body, this.#options.nameServers).then((answer) => {
          this.#tell(message.name, id, answer ?? new Uint8Array())
        })
        return
      default:
        return this.#takeOf(id, kind, body)
    }
  }

  #takeOf(id: number, kind: number, body: Uint8Array): void {
    const connection = this.#connections.get(id)
    if (connection === undefined) return
    const { socket } = connection
    if (kind === message.data) {
      socket.write(body, (error) => {
        if (!error) this.#tell(message.consumed, id, numberBytes(body.length))
      })
    } else if (kind === message.end) {
      connection.hasMachineEnded = true
      socket.end()
    } else if (kind === message.close) {
      this.#connections.delete(id)
      if ('resetAndDestroy' in socket) (socket as Socket).resetAndDestroy()
      else socket.destroy()
    } else if (kind === message.consumed) {
      connection.underWay -= readNumber(body)
      if (connection.underWay <= windowBytes / 2) socket.resume()
    }
  }

  #connect(id: number, to: Endpoint): void {
    const socket = connect({ host: formatIp(to.address), port: to.port, allowHalfOpen: true, noDelay: true })
    const timer = setTimeout(() => socket.destroy(new TimeoutError()), connectMsMax)
    const onEarlyError = (error: NodeJS.ErrnoException) => {
      clearTimeout(timer)
      if (!this.#connections.delete(id)) return
      const why = error instanceof TimeoutError ? 'timeout' : (refusalOf[error.code ?? ''] ?? 'unreachable')
      this.#tell(message.refused, id, numberBytes(refusals.indexOf(why)))
    }
    this.#connections.set(id, { socket, underWay: 0, hasEnded: false, hasMachineEnded: false })
    socket.once('error', onEarlyError)
    socket.once('close', () => clearTimeout(timer))
    socket.once('connect', () => {
      clearTimeout(timer)
      socket.off('error', onEarlyError)
      this.#tell(message.opened, id)
      this.#carry(id, socket)
    })
  }

  #askMetadata(id: number, port: string): void {
    const [ours, theirs] = duplexPair()
    this.#connections.set(id, { socket: ours, underWay: 0, hasEnded: false, hasMachineEnded: false })
    this.#tell(message.opened, id)
    this.#carry(id, ours)
    this.#options.onMetadata(port, theirs)
  }

  #comeIn(forward: number, socket: Socket): void {
    const address = parseIp(socket.remoteAddress?.replace(/%.*$/, '') ?? '')
    if (address === undefined) {
      socket.destroy()
      return
    }
    const id = this.#nextId
    this.#nextId = (id + 2) >>> 0
    socket.setNoDelay(true)
    this.#connections.set(id, { socket, underWay: 0, hasEnded: false, hasMachineEnded: false })
    const from = endpointOf({ address, port: socket.remotePort ?? 0 })
    this.#tell(message.incoming, id, numberBytes(forward), from)
    this.#carry(id, socket)
  }

  /** Carries what a socket receives to the machine, and how it ends. */
  #carry(id: number, socket: Duplex): void {
    socket.on('data', (chunk: Buffer) => {
      const connection = this.#connections.get(id)
      if (connection === undefined) return
      connection.underWay += chunk.length
      if (connection.underWay > windowBytes) socket.pause()
      this.#outbox.sendBytes(message.data, id, chunk)
      this.#outbox.flush()
    })
    socket.on('end', () => {
      const connection = this.#connections.get(id)
      if (connection !== undefined) connection.hasEnded = true
      this.#tell(message.end, id)
    })
    // What went wrong makes no difference to the machine: it is told that it is over.
    socket.on('error', () => socket.destroy())
    socket.on('close', () => {
      const connection = this.#connections.get(id)
      if (!this.#connections.delete(id) || connection === undefined) return
      if (!connection.hasEnded || !connection.hasMachineEnded) this.#tell(message.close, id)
    })
  }

  #openUdp(id: number, type: 'udp4' | 'udp6'): void {
    const socket = createSocket(type)
    this.#datagrams.set(id, socket)
    // What could not be sent was lost, as datagrams are.
    socket.on('error', () => undefined)
    socket.on('message', (data, { address, port }) => {
      const from = parseIp(isIPv6(address) ? address.replace(/%.*$/, '') : address)
      if (from === undefined || data.length > this.#options.toFabric.bodyBytesMax - endpointBytes) return
      this.#outbox.sendOrLose(message.datagram, id, endpointOf({ address: from, port }), data)
      this.#outbox.flush()
    })
  }

  #sendUdp(id: number, to: Endpoint, data: Uint8Array): void {
    if (to.port === 0) return
    this.#datagrams.get(id)?.send(data, to.port, formatIp(to.address), () => undefined)
  }

  #tell(kind: number, id: number, ...parts: Uint8Array[]): void {
    this.#outbox.send(kind, id, ...parts)
    this.#outbox.flush()
  }
}

class TimeoutError extends Error {}
