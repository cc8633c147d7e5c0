/**
 * ICMP and ICMPv6 headers: echo, and the errors that quote a packet.
 * @spec icmp "Message Formats"
 * @spec icmpv6 "ICMPv6 Error Messages"
 */
import { readU16, readU32, writeU16, writeU32 } from './byte-order.ts'

/** Length of the header: type, code, checksum, and 4 bytes that each type has for itself. */
export const icmpBytes = 8

/** Types of ICMP. */
export const icmpType = {
  echoReply: 0,
  unreachable: 3,
  sourceQuench: 4,
  redirect: 5,
  echoRequest: 8,
  timeExceeded: 11,
  parameterProblem: 12,
} as const

/** Codes of "unreachable". */
export const unreachableCode = { net: 0, host: 1, port: 3, fragmentationNeeded: 4, prohibited: 13 } as const

/** Types of ICMPv6; those of neighbour discovery are in neighbour-discovery.ts. */
export const icmpv6Type = {
  unreachable: 1,
  packetTooBig: 2,
  timeExceeded: 3,
  parameterProblem: 4,
  echoRequest: 128,
  echoReply: 129,
} as const

/** A header, without its checksum. */
export interface Icmp {
  readonly type: number
  readonly code: number
  /** bytes 4–7: identifier and sequence of an echo, the MTU of "too big", else usually 0 */
  readonly rest: number
}

/** The header at `at`, or undefined when `end` is in it. */
export function readIcmp(bytes: Uint8Array, at: number, end = bytes.length): Icmp | undefined {
  if (end - at < icmpBytes) return undefined
  return { type: bytes[at] as number, code: bytes[at + 1] as number, rest: readU32(bytes, at + 4) }
}

/** Writes a header with checksum 0 and returns its length. */
export function writeIcmp(bytes: Uint8Array, at: number, header: Icmp): number {
  bytes[at] = header.type
  bytes[at + 1] = header.code
  writeU16(bytes, at + 2, 0)
  writeU32(bytes, at + 4, header.rest)
  return icmpBytes
}

/** The identifier of the echo at `at`. */
export function echoIdentifier(bytes: Uint8Array, at: number): number {
  return readU16(bytes, at + 4)
}

/** Whether a message of this type is an error that quotes the packet it is about. */
export function isIcmpError(ipVersion: 4 | 6, type: number): boolean {
  if (ipVersion === 6) return type >= icmpv6Type.unreachable && type <= icmpv6Type.parameterProblem
  return type === icmpType.unreachable || type === icmpType.timeExceeded || type === icmpType.parameterProblem
}
