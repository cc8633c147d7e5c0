/** IPv4 headers. Options are carried as bytes and bounded by the header length field. @spec ipv4 "Internet Header Format" */
import type { IpAddress } from '@virga/base'
import { readU16, writeU16 } from './byte-order.ts'
import { writeIpv4Checksum } from './checksum.ts'
import { readIp, writeIp } from './ip-words.ts'

/** Protocols over IP, of either version. */
export const ipProtocol = { icmp: 1, tcp: 6, udp: 17, icmpv6: 58 } as const

/** Where fields are in the header, and its length without options and at most. */
export const ipv4Header = {
  totalLength: 2,
  identification: 4,
  fragment: 6,
  ttl: 8,
  protocol: 9,
  checksum: 10,
  source: 12,
  destination: 16,
  bytesMin: 20,
  bytesMax: 60,
} as const

/** Flags of the fragment field, and its offset's bits. */
export const ipv4Fragment = { dontFragment: 0x4000, moreFragments: 0x2000, offset: 0x1fff } as const

/** A header. */
export interface Ipv4 {
  readonly source: IpAddress
  readonly destination: IpAddress
  readonly protocol: number
  /** bytes of the packet, header included */
  readonly totalLength: number
  readonly ttl: number
  readonly dscpEcn?: number
  readonly identification?: number
  /** flags and fragment offset, as the field has them */
  readonly fragment?: number
  /** a multiple of 4 bytes, at most 40 */
  readonly options?: Uint8Array
}

/** The header at `at` and its length, or undefined when it is none or `end` is in it. The checksum is not judged. */
export function readIpv4(
  bytes: Uint8Array,
  at: number,
  end = bytes.length,
): (Required<Ipv4> & { headerBytes: number }) | undefined {
  if (end - at < ipv4Header.bytesMin || (bytes[at] as number) >> 4 !== 4) return undefined
  const headerBytes = ((bytes[at] as number) & 15) * 4
  const totalLength = readU16(bytes, at + 2)
  if (headerBytes < ipv4Header.bytesMin || end - at < headerBytes || totalLength < headerBytes)
    return undefined
  return {
    source: readIp(bytes, at + ipv4Header.source, 4),
    destination: readIp(bytes, at + ipv4Header.destination, 4),
    protocol: bytes[at + ipv4Header.protocol] as number,
    totalLength,
    ttl: bytes[at + ipv4Header.ttl] as number,
    dscpEcn: bytes[at + 1] as number,
    identification: readU16(bytes, at + ipv4Header.identification),
    fragment: readU16(bytes, at + ipv4Header.fragment),
    options: bytes.slice(at + ipv4Header.bytesMin, at + headerBytes),
    headerBytes,
  }
}

/** Writes a header with its checksum and returns its length. */
export function writeIpv4(bytes: Uint8Array, at: number, header: Ipv4): number {
  const options = header.options ?? new Uint8Array(0)
  const headerBytes = ipv4Header.bytesMin + options.length
  bytes[at] = 0x40 | (headerBytes / 4)
  bytes[at + 1] = header.dscpEcn ?? 0
  writeU16(bytes, at + ipv4Header.totalLength, header.totalLength)
  writeU16(bytes, at + ipv4Header.identification, header.identification ?? 0)
  writeU16(bytes, at + ipv4Header.fragment, header.fragment ?? 0)
  bytes[at + ipv4Header.ttl] = header.ttl
  bytes[at + ipv4Header.protocol] = header.protocol
  writeIp(bytes, at + ipv4Header.source, header.source)
  writeIp(bytes, at + ipv4Header.destination, header.destination)
  bytes.set(options, at + ipv4Header.bytesMin)
  writeIpv4Checksum(bytes, at, headerBytes)
  return headerBytes
}
