/**
 * IPv6 headers, and the walk over extension headers, which is bounded.
 * @spec ipv6 "IPv6 Header Format"
 * @spec ipv6 "IPv6 Extension Headers"
 */
import type { IpAddress } from '@virga/base'
import { readU16, readU32, writeU16, writeU32 } from './byte-order.ts'
import { readIp, writeIp128 } from './ip-words.ts'

/** Where fields are in the header, and its length. */
export const ipv6Header = {
  payloadLength: 4,
  nextHeader: 6,
  hopLimit: 7,
  source: 8,
  destination: 24,
  bytes: 40,
} as const

/** Headers that may stand between the IPv6 header and its payload. */
export const ipv6Extension = {
  hopByHop: 0,
  routing: 43,
  fragment: 44,
  authentication: 51,
  destination: 60,
} as const

/** More extension headers than this are an attack: the standard has each at most once, one of them twice. */
export const extensionsMax = 8

/** A header. */
export interface Ipv6 {
  readonly source: IpAddress
  readonly destination: IpAddress
  readonly nextHeader: number
  /** bytes after the header */
  readonly payloadLength: number
  readonly hopLimit: number
  /** traffic class and flow label, 28 bits */
  readonly flow?: number
}

/** The header at `at`, or undefined when it is none or `end` is in it. */
export function readIpv6(bytes: Uint8Array, at: number, end = bytes.length): Required<Ipv6> | undefined {
  if (end - at < ipv6Header.bytes || (bytes[at] as number) >> 4 !== 6) return undefined
  return {
    source: readIp(bytes, at + ipv6Header.source, 6),
    destination: readIp(bytes, at + ipv6Header.destination, 6),
    nextHeader: bytes[at + ipv6Header.nextHeader] as number,
    payloadLength: readU16(bytes, at + ipv6Header.payloadLength),
    hopLimit: bytes[at + ipv6Header.hopLimit] as number,
    flow: readU32(bytes, at) & 0x0fff_ffff,
  }
}

/** Writes a header and returns its length. */
export function writeIpv6(bytes: Uint8Array, at: number, header: Ipv6): number {
  writeU32(bytes, at, 0x6000_0000 | (header.flow ?? 0))
  writeU16(bytes, at + ipv6Header.payloadLength, header.payloadLength)
  bytes[at + ipv6Header.nextHeader] = header.nextHeader
  bytes[at + ipv6Header.hopLimit] = header.hopLimit
  writeIp128(bytes, at + ipv6Header.source, header.source)
  writeIp128(bytes, at + ipv6Header.destination, header.destination)
  return ipv6Header.bytes
}

/** Whether a next-header value is one that the walk steps over. */
export function isExtension(nextHeader: number): boolean {
  return (
    nextHeader === ipv6Extension.hopByHop ||
    nextHeader === ipv6Extension.routing ||
    nextHeader === ipv6Extension.fragment ||
    nextHeader === ipv6Extension.authentication ||
    nextHeader === ipv6Extension.destination
  )
}

/** The length of the extension header of kind `nextHeader` at `at`, whose first 2 bytes are there. */
export function extensionBytes(bytes: Uint8Array, at: number, nextHeader: number): number {
  if (nextHeader === ipv6Extension.fragment) return 8
  const length = bytes[at + 1] as number
  return nextHeader === ipv6Extension.authentication ? (length + 2) * 4 : (length + 1) * 8
}
