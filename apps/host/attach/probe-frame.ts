/** A frame as a machine would send it, made of a few words: what a person asks a trace about. */

import { familyOf, type IpAddress, type MacAddress } from '@virga/base'
import {
  etherType,
  ipProtocol,
  tcpFlag,
  writeEthernet,
  writeIpv4,
  writeIpv6,
  writeTcp,
  writeTransportChecksum,
  writeUdp,
} from '@virga/packet'
import { icmpBytes, icmpType, icmpv6Type, writeIcmp } from '@virga/packet/messages'

/** What is asked about. */
export interface Probe {
  readonly protocol: 'tcp' | 'udp' | 'icmp'
  readonly sourceMac: MacAddress
  readonly destinationMac: MacAddress
  readonly source: IpAddress
  /** of the source's family */
  readonly destination: IpAddress
  /** of the destination; the source's is one that clients use */
  readonly port: number
}

const clientPort = 40_000
const ttl = 64

/** The frame: a SYN, an empty datagram or an echo request. */
export function probeFrame({
  protocol,
  sourceMac,
  destinationMac,
  source,
  destination,
  port,
}: Probe): Uint8Array {
  const isV4 = familyOf(source) === 4
  const at = 14 + (isV4 ? 20 : 40)
  const frame = new Uint8Array(at + 60)
  writeEthernet(frame, 0, {
    destination: destinationMac,
    source: sourceMac,
    type: isV4 ? etherType.ipv4 : etherType.ipv6,
  })
  const { number, length, checksumAt } = writeMessage(frame, at, protocol, port, isV4)
  if (isV4) writeIpv4(frame, 14, { source, destination, protocol: number, totalLength: 20 + length, ttl })
  else writeIpv6(frame, 14, { source, destination, nextHeader: number, payloadLength: length, hopLimit: ttl })
  writeTransportChecksum(frame, {
    ipAt: 14,
    ipVersion: isV4 ? 4 : 6,
    protocol: number,
    at,
    length,
    fieldAt: at + checksumAt,
  })
  return frame.slice(0, at + length)
}

/** Writes what the packet carries at `at`: which protocol it is, how long, and where in it the checksum is. */
function writeMessage(
  frame: Uint8Array,
  at: number,
  protocol: Probe['protocol'],
  port: number,
  isV4: boolean,
) {
  const ports = { sourcePort: clientPort, destinationPort: port }
  if (protocol === 'tcp') {
    const syn = { ...ports, sequence: 1, acknowledgment: 0, flags: tcpFlag.syn, window: 64_000 }
    return { number: ipProtocol.tcp, length: writeTcp(frame, at, syn), checksumAt: 16 }
  }
  if (protocol === 'udp') {
    writeUdp(frame, at, { ...ports, length: 8 })
    return { number: ipProtocol.udp, length: 8, checksumAt: 6 }
  }
  const type = isV4 ? icmpType.echoRequest : icmpv6Type.echoRequest
  writeIcmp(frame, at, { type, code: 0, rest: 1 })
  return { number: isV4 ? ipProtocol.icmp : ipProtocol.icmpv6, length: icmpBytes, checksumAt: 2 }
}
