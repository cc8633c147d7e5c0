/** What the fabric's thread and the sockets' thread say to each other. An id is a connection, a datagram socket or a question. */

import type { IpAddress } from '@virga/base'
import type { Endpoint, Refusal } from '@virga/fabric/gateway'

/** Kinds of message; whoever sees one first gives the id: the fabric even ones, the sockets odd ones. */
export const message = {
  // to the sockets
  /** endpoint */
  connect: 1,
  /** id of the machine's port, as text: a connection to metadata */
  askMetadata: 2,
  /** family */
  openUdp: 3,
  /** endpoint, data */
  sendUdp: 4,
  closeUdp: 5,
  /** query */
  askName: 6,
  // both ways, of a connection
  data: 16,
  /** no more data will come */
  end: 17,
  /** broken off, or over: nothing more of this id */
  close: 18,
  /** count of bytes that were dealt with */
  consumed: 19,
  // to the fabric
  opened: 32,
  /** index of the reason */
  refused: 33,
  /** number of the forward, endpoint of who comes */
  incoming: 34,
  /** endpoint, data */
  datagram: 35,
  /** answer, empty for none */
  name: 36,
} as const

/** Reasons why a connection is refused, by index. */
export const refusals: readonly Refusal[] = ['refused', 'unreachable', 'prohibited', 'timeout']

/** Bytes of an endpoint. */
export const endpointBytes = 20

/** An endpoint as bytes. */
export function endpointOf({ address, port }: Endpoint): Uint8Array {
  return new Uint8Array(Uint32Array.from([...address, port]).buffer)
}

/** An endpoint from the bytes at `at`. */
export function readEndpoint(bytes: Uint8Array, at = 0): Endpoint {
  const words = new Uint32Array(bytes.slice(at, at + endpointBytes).buffer)
  const [a = 0, b = 0, c = 0, d = 0, port = 0] = words
  const address: IpAddress = [a, b, c, d]
  return { address, port }
}

/** A number as bytes, and back. */
export function numberBytes(value: number): Uint8Array {
  return new Uint8Array(Uint32Array.of(value).buffer)
}

export function readNumber(bytes: Uint8Array, at = 0): number {
  return new Uint32Array(bytes.slice(at, at + 4).buffer)[0] ?? 0
}
