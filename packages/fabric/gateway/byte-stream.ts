/**
 * A TCP connection of a machine as the outside sees it: bytes both ways, and who it is. The fabric ends the connection;
 * what is behind (a socket of the host, an HTTP server) is an adapter that is handed the stream.
 */
import type { IpAddress } from '@virga/base'

/** One end. */
export interface Endpoint {
  readonly address: IpAddress
  readonly port: number
}

/** Why a connection is not accepted; what the machine is told follows from it. */
export type Refusal = 'refused' | 'unreachable' | 'prohibited' | 'timeout'

/** A connection, for the adapter. */
export interface MachineStream {
  /** id of the port that the connection came in by: the machine's identity, whatever it says it is */
  readonly port: string
  readonly machine: Endpoint
  readonly remote: Endpoint
  /** Completes the handshake; `listener` hears from then on. Once, or `refuse`. */
  accept(listener: StreamListener): void
  refuse(why: Refusal): void
  /** Sends bytes, which are the stream's until they are acknowledged. False: wait for `drained` before sending more. */
  write(bytes: Uint8Array): boolean
  /** No more will be written. */
  end(): void
  /** Breaks the connection off. */
  reset(): void
  /** Says that `count` received bytes have been dealt with: as much more may come. */
  consumed(count: number): void
}

/** What an adapter hears. After `closed` nothing more. */
export interface StreamListener {
  /** the handshake is complete: at once for connections of the machine, later for those to it */
  opened?(): void
  /** bytes of the machine; they are the listener's */
  data(bytes: Uint8Array): void
  /** the machine writes no more */
  ended(): void
  /** more may be written */
  drained(): void
  /** the connection is over: after both ends ended, or broken off */
  closed(how: 'ended' | 'reset' | 'timeout'): void
}
