/** Frames that the network itself sends: the headers around a payload, with virtio-net's in front, all of nothing to do. */
import { familyOf, type IpAddress, type MacAddress } from '@virga/base'
import {
  etherType,
  foldSum,
  ipProtocol,
  pseudoHeaderSum,
  vnetHeaderBytes,
  writeEthernet,
  writeIpv4,
  writeIpv6,
  writeTransportChecksum,
  writeU16,
  writeUdp,
} from '@virga/packet'

/** Room for a frame of the usual MTU, with everything in front. */
export const composedBytesMax = vnetHeaderBytes + 14 + 9001

/** Between whom a frame goes. */
export interface Ends {
  readonly sourceMac: MacAddress
  readonly destinationMac: MacAddress
  readonly source: IpAddress
  readonly destination: IpAddress
  /** TTL; 255 is what neighbour discovery demands */
  readonly ttl?: number
}

/** Where the transport header of a frame between `ends` is in the bytes. */
export function transportAt({ source }: Ends): number {
  return vnetHeaderBytes + 14 + (familyOf(source) === 4 ? 20 : 40)
}

/** Puts a UDP datagram around the `dataBytes` that the caller has written behind the header; returns all bytes. */
export function composeUdp(
  bytes: Uint8Array,
  ends: Ends,
  ports: { readonly source: number; readonly destination: number },
  dataBytes: number,
): number {
  const at = transportAt(ends)
  writeUdp(bytes, at, { sourcePort: ports.source, destinationPort: ports.destination, length: 8 + dataBytes })
  return composeIp(bytes, ends, ipProtocol.udp, 8 + dataBytes, at + 6)
}

/** Puts headers around the ICMP message of `length` bytes that the caller has written; returns all bytes. */
export function composeIcmp(bytes: Uint8Array, ends: Ends, length: number): number {
  const protocol = familyOf(ends.source) === 4 ? ipProtocol.icmp : ipProtocol.icmpv6
  return composeIp(bytes, ends, protocol, length, transportAt(ends) + 2)
}

/** Puts headers around a transport unit, and its checksum, whole or partial, at `fieldAt`; returns all bytes. */
export function composeIp(
  bytes: Uint8Array,
  ends: Ends,
  protocol: number,
  length: number,
  fieldAt: number,
  checksum: 'whole' | 'partial' = 'whole',
): number {
  const { source, destination, ttl = 64 } = ends
  const ipVersion = familyOf(source)
  const ipAt = composeEthernet(bytes, ends, ipVersion === 4 ? etherType.ipv4 : etherType.ipv6)
  const at = transportAt(ends)
  if (ipVersion === 4) {
    const totalLength = 20 + length
    writeIpv4(bytes, ipAt, { source, destination, protocol, totalLength, ttl, fragment: 0x4000 })
  } else
    writeIpv6(bytes, ipAt, {
      source,
      destination,
      nextHeader: protocol,
      payloadLength: length,
      hopLimit: ttl,
    })
  if (checksum === 'whole') writeTransportChecksum(bytes, { ipAt, ipVersion, protocol, at, length, fieldAt })
  else writeU16(bytes, fieldAt, foldSum(pseudoHeaderSum(bytes, ipAt, ipVersion, protocol, length)))
  return at + length
}

/** Writes an empty virtio-net header and an Ethernet header; returns where the payload begins. */
export function composeEthernet(
  bytes: Uint8Array,
  ends: Pick<Ends, 'sourceMac' | 'destinationMac'>,
  type: number,
): number {
  bytes.fill(0, 0, vnetHeaderBytes)
  writeEthernet(bytes, vnetHeaderBytes, { source: ends.sourceMac, destination: ends.destinationMac, type })
  return vnetHeaderBytes + 14
}
