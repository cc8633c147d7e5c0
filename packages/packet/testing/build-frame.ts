/** Whole frames for tests: addresses, a payload of some protocol, and all lengths and checksums right. */
import { familyOf, type IpAddress, parseIp } from '@virga/base'
import { writeTransportChecksum } from '../checksum.ts'
import { etherType, writeEthernet } from '../ethernet.ts'
import { type Icmp, writeIcmp } from '../icmp.ts'
import { ipProtocol, writeIpv4 } from '../ipv4.ts'
import { writeIpv6 } from '../ipv6.ts'
import { type Tcp, writeTcp } from '../tcp.ts'
import { writeUdp } from '../udp.ts'

/** What an IP packet carries. Ports and the rest have usual values. */
export type Payload =
  | ({ readonly kind: 'tcp'; readonly data?: Uint8Array } & Partial<Tcp>)
  | {
      readonly kind: 'udp'
      readonly sourcePort?: number
      readonly destinationPort?: number
      readonly data?: Uint8Array
    }
  | ({ readonly kind: 'icmp'; readonly data?: Uint8Array } & Partial<Icmp>)
  | { readonly kind: 'other'; readonly protocol: number; readonly data: Uint8Array }

/** A frame. Addresses are text or words; both of one family. */
export interface FrameSpec {
  readonly sourceMac?: number
  readonly destinationMac?: number
  readonly source: string | IpAddress
  readonly destination: string | IpAddress
  readonly ttl?: number
  readonly identification?: number
  readonly fragment?: number
  readonly payload: Payload
}

/** Builds the frame. */
export function buildFrame(spec: FrameSpec): Uint8Array<ArrayBuffer> {
  const [source, destination] = [ipOf(spec.source), ipOf(spec.destination)]
  const ipVersion = familyOf(source)
  const transport = new Uint8Array(60 + (spec.payload.data?.length ?? 0))
  const { protocol, length, fieldAt } = writePayload(transport, spec.payload, ipVersion)
  const ipHeaderBytes = ipVersion === 4 ? 20 : 40
  const frame = new Uint8Array(14 + ipHeaderBytes + length)
  writeEthernet(frame, 0, {
    destination: spec.destinationMac ?? 0x0200_0000_0002,
    source: spec.sourceMac ?? 0x0200_0000_0001,
    type: ipVersion === 4 ? etherType.ipv4 : etherType.ipv6,
  })
  const ttl = spec.ttl ?? 64
  if (ipVersion === 4) {
    const { identification = 1, fragment = 0 } = spec
    writeIpv4(frame, 14, {
      source,
      destination,
      protocol,
      totalLength: 20 + length,
      ttl,
      identification,
      fragment,
    })
  } else
    writeIpv6(frame, 14, { source, destination, nextHeader: protocol, payloadLength: length, hopLimit: ttl })
  const at = 14 + ipHeaderBytes
  frame.set(transport.subarray(0, length), at)
  if (fieldAt >= 0)
    writeTransportChecksum(frame, { ipAt: 14, ipVersion, protocol, at, length, fieldAt: at + fieldAt })
  return frame
}

function ipOf(address: string | IpAddress): IpAddress {
  if (typeof address !== 'string') return address
  const ip = parseIp(address)
  if (ip === undefined) throw new Error(`the test has ${address}, which is no address`)
  return ip
}

function writePayload(
  into: Uint8Array,
  payload: Payload,
  ipVersion: 4 | 6,
): { protocol: number; length: number; fieldAt: number } {
  const data = payload.data ?? new Uint8Array(0)
  if (payload.kind === 'other') {
    into.set(data)
    return { protocol: payload.protocol, length: data.length, fieldAt: -1 }
  }
  let headerBytes: number
  if (payload.kind === 'tcp')
    headerBytes = writeTcp(into, 0, {
      sourcePort: 40_000,
      destinationPort: 80,
      sequence: 1000,
      acknowledgment: 0,
      flags: 2,
      window: 65_535,
      ...payload,
    })
  else if (payload.kind === 'udp') {
    const { sourcePort = 40_000, destinationPort = 53 } = payload
    headerBytes = writeUdp(into, 0, { sourcePort, destinationPort, length: 8 + data.length })
  } else
    headerBytes = writeIcmp(into, 0, {
      type: ipVersion === 4 ? 8 : 128,
      code: 0,
      rest: 0x0007_0001,
      ...payload,
    })
  into.set(data, headerBytes)
  const icmp = ipVersion === 4 ? ipProtocol.icmp : ipProtocol.icmpv6
  const protocol = payload.kind === 'icmp' ? icmp : ipProtocol[payload.kind]
  const fieldAt = payload.kind === 'tcp' ? 16 : payload.kind === 'udp' ? 6 : 2
  return { protocol, length: headerBytes + data.length, fieldAt }
}
