/**
 * The fabric's side of the way outside: what a gateway asks for (a connection, a datagram socket, a name) goes as messages
 * to the thread that has the sockets, and what comes back is handed on. For a thread that never waits in here: it calls
 * `serve` when it was woken.
 *
 * ```
 *  Gateway ── accept, open ──► OutsideLink ══ ring ══► OutsideLoop ──► sockets of this computer
 *          ◄── data, answers ──           ◄══ ring ══
 * ```
 * Invariants: of a connection, no more bytes are under way than its window; what is told of an id that is over is nothing.
 */

import { familyOf } from '@virga/base'
import type {
  DatagramSocket,
  Endpoint,
  MachineStream,
  OpenDatagramSocket,
  StreamListener,
} from '@virga/fabric/gateway'
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
import { Outbox } from './outbox.ts'

/** What the link is joined to. */
export interface OutsideLinkOptions {
  readonly toSockets: ByteRing
  readonly toFabric: ByteRing
  /** opens a connection to a machine, for somebody who came in by a forward; undefined: nobody is there */
  readonly comeIn: (forward: number, remote: Endpoint, listener: StreamListener) => MachineStream | undefined
}

/** Messages dealt with at a time: the thread has other things to do. */
const batchMax = 256

interface Connection {
  readonly stream: MachineStream
  /** bytes written to the machine that are not acknowledged to the sockets yet, while the machine is slow */
  owed: number
  isSlow: boolean
}

export class OutsideLink {
  readonly #options: OutsideLinkOptions
  readonly #outbox: Outbox
  readonly #connections = new Map<number, Connection>()
  readonly #datagrams = new Map<number, (from: Endpoint, data: Uint8Array, sequence: number) => void>()
  readonly #questions = new Map<number, (answer: Uint8Array | undefined) => void>()
  #nextId = 0

  constructor(options: OutsideLinkOptions) {
    this.#options = options
    this.#outbox = new Outbox(options.toSockets, () => options.toSockets.bell.ring())
  }

  /** Connections that are open or about to be. */
  get count(): number {
    return this.#connections.size
  }

  /** For the gateway: takes a connection of a machine outside. */
  readonly accept = (stream: MachineStream): void => {
    this.#begin(stream, message.connect, endpointOf(stream.remote))
  }

  /** For metadata: hands a connection to who answers, with the identity of the machine's port. */
  readonly acceptMetadata = (stream: MachineStream): void => {
    this.#begin(stream, message.askMetadata, new TextEncoder().encode(stream.port))
  }

  #begin(stream: MachineStream, kind: number, body: Uint8Array): void {
    const id = this.#newId()
    this.#connections.set(id, { stream, owed: 0, isSlow: false })
    this.#outbox.send(kind, id, body)
  }

  /** For the gateway: opens a UDP socket. There are no pings: Node has no socket for them. */
  readonly open: OpenDatagramSocket = ({ family, kind }, answer): DatagramSocket | undefined => {
    if (kind === 'ping') return undefined
    const id = this.#newId()
    this.#datagrams.set(id, answer)
    this.#outbox.send(message.openUdp, id, numberBytes(family))
    return {
      send: (to, data) => this.#outbox.sendOrLose(message.sendUdp, id, endpointOf(to), data),
      close: () => {
        this.#datagrams.delete(id)
        this.#outbox.send(message.closeUdp, id)
      },
    }
  }

  /** For the name server: asks the name servers of this computer. */
  readonly askName = (query: Uint8Array): Promise<Uint8Array | undefined> => {
    const id = this.#newId()
    this.#outbox.send(message.askName, id, query)
    return new Promise((resolve) => this.#questions.set(id, resolve))
  }

  #newId(): number {
    this.#nextId = (this.#nextId + 2) >>> 0
    return this.#nextId
  }

  /** Deals with what came, and sends what is to be sent. True: there is more. */
  serve(): boolean {
    const { toFabric } = this.#options
    let count = 0
    for (; count < batchMax; count++) {
      const next = toFabric.read()
      if (next === undefined) break
      this.#take(next)
    }
    if (count > 0 && toFabric.takeWanted()) this.#options.toSockets.bell.ring()
    this.#outbox.flush()
    return count === batchMax
  }

  /** A port is taken away: connections that were not accepted yet would not hear of it otherwise. */
  removePort(port: string): void {
    for (const [id, { stream }] of this.#connections) if (stream.port === port) this.#drop(id)
    this.#outbox.flush()
  }

  #take({ kind, id, body }: RingMessage): void {
    if (kind === message.incoming) return this.#comeIn(id, body)
    if (kind === message.datagram)
      return this.#datagrams.get(id)?.(readEndpoint(body), body.subarray(endpointBytes), 0)
    if (kind === message.name) {
      this.#questions.get(id)?.(body.length === 0 ? undefined : body)
      this.#questions.delete(id)
      return
    }
    const connection = this.#connections.get(id)
    if (connection === undefined) return
    const { stream } = connection
    if (kind === message.opened) stream.accept(this.#listenerOf(id))
    else if (kind === message.refused) {
      this.#connections.delete(id)
      stream.refuse(refusals[readNumber(body)] ?? 'refused')
    } else if (kind === message.data) this.#write(id, connection, body)
    else if (kind === message.end) stream.end()
    else if (kind === message.consumed) stream.consumed(readNumber(body))
    else if (kind === message.close) {
      this.#connections.delete(id)
      stream.reset()
    }
  }

  #comeIn(id: number, body: Uint8Array): void {
    const stream = this.#options.comeIn(readNumber(body), readEndpoint(body, 4), this.#listenerOf(id))
    if (stream === undefined) this.#outbox.send(message.close, id)
    else this.#connections.set(id, { stream, owed: 0, isSlow: false })
  }

  #write(id: number, connection: Connection, bytes: Uint8Array): void {
    connection.owed += bytes.length
    connection.isSlow = !connection.stream.write(bytes)
    if (!connection.isSlow) this.#acknowledge(id, connection)
  }

  #acknowledge(id: number, connection: Connection): void {
    if (connection.owed > 0) this.#outbox.send(message.consumed, id, numberBytes(connection.owed))
    connection.owed = 0
  }

  #listenerOf(id: number): StreamListener {
    return {
      data: (bytes) => this.#outbox.sendBytes(message.data, id, bytes),
      ended: () => this.#outbox.send(message.end, id),
      drained: () => {
        const connection = this.#connections.get(id)
        if (connection !== undefined) this.#acknowledge(id, connection)
      },
      closed: (how) => {
        // After an end in order, both sides have been told already.
        if (how === 'ended') this.#connections.delete(id)
        else this.#drop(id)
      },
    }
  }

  #drop(id: number): void {
    if (this.#connections.delete(id)) this.#outbox.send(message.close, id)
  }
}

/** Whether an address is one of this computer alone, which no machine can answer. */
export function isLoopback({ address }: Endpoint): boolean {
  return familyOf(address) === 4 ? address[3] >>> 24 === 127 : address.join() === '0,0,0,1'
}
