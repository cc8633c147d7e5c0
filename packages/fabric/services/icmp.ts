/**
 * What the router says by ICMP: echo, and the errors that path discovery and traceroute live on.
 * @spec icmp "Message Formats"
 * @spec icmpv6 "Message Formats"
 */
import { familyOf } from '@virga/base'
import {
  ipOfWords,
  readU16,
  readU32,
  updateChecksum,
  vnetHeaderBytes,
  writeU16,
  writeU32,
} from '@virga/packet'
import {
  icmpBytes,
  icmpType,
  icmpv6Type,
  isIcmpError,
  unreachableCode,
  writeIcmp,
} from '@virga/packet/messages'
import { dropCode } from '../drop-reason.ts'
import type { Frame } from '../frame/frame.ts'
import { extract } from '../frame/piece-list.ts'
import type { Port } from '../vpc/port-table.ts'
import { composeIcmp, transportAt } from './compose.ts'
import type { ServiceContext } from './service.ts'

/** Bytes of the packet that an error quotes: enough for all headers. */
const quotedBytesMax = 128

/** Answers an echo request to the network's own addresses: the frame itself goes back, so its payload is not copied twice. */
export function answerEcho(context: ServiceContext, port: Port, frame: Frame): number {
  const { headers, packet } = frame
  const isV4 = packet.ipVersion === 4
  if (packet.icmpType !== (isV4 ? icmpType.echoRequest : icmpv6Type.echoRequest) || packet.fragment !== 0)
    return dropCode['not-asked']
  for (let i = 0; i < 6; i++) {
    const byte = headers[i] as number
    headers[i] = headers[6 + i] as number
    headers[6 + i] = byte
  }
  // Addresses exchanged leave every checksum as it is.
  const [at, bytes] = isV4 ? [packet.ipAt + 12, 4] : [packet.ipAt + 8, 16]
  for (let i = 0; i < bytes; i += 4) {
    const word = readU32(headers, at + i)
    writeU32(headers, at + i, readU32(headers, at + bytes + i))
    writeU32(headers, at + bytes + i, word)
  }
  const was = readU16(headers, packet.transportAt)
  headers[packet.transportAt] = isV4 ? icmpType.echoReply : icmpv6Type.echoReply
  const fieldAt = packet.transportAt + 2
  writeU16(
    headers,
    fieldAt,
    updateChecksum(readU16(headers, fieldAt), was, readU16(headers, packet.transportAt)),
  )
  context.reflect(port, frame)
  return 0
}

/** The beginning of the frame's packet, as an error quotes it; a copy. */
export function quoteOf({ pieces, packet, byteLength }: Frame): Uint8Array {
  return extract(pieces, vnetHeaderBytes + packet.ipAt, Math.min(quotedBytesMax, byteLength - packet.ipAt))
}

/** Tells the sender why its packet was dropped, for the reasons that have a message. */
export function sendError(context: ServiceContext, port: Port, frame: Frame, code: number): void {
  const { packet } = frame
  const isV4 = packet.ipVersion === 4
  const isTooBig = code === dropCode['too-big']
  if (!isTooBig && code !== dropCode['ttl-exceeded']) return
  const isIcmp = packet.protocol === (isV4 ? 1 : 58)
  // Never an error about an error, nor about a later fragment.
  if (
    packet.ipVersion === 0 ||
    packet.fragment === 2 ||
    (isIcmp && isIcmpError(packet.ipVersion, packet.icmpType))
  )
    return
  const destination = ipOfWords(packet.addresses, 0)
  const subnet = context.subnets.of(destination)
  if (subnet === undefined) return
  const source = context.subnets.router(subnet)
  if (familyOf(source) !== familyOf(destination)) return
  const ends = { sourceMac: context.routerMac, destinationMac: port.mac, source, destination }
  const at = transportAt(ends)
  const type = isTooBig
    ? isV4
      ? icmpType.unreachable
      : icmpv6Type.packetTooBig
    : isV4
      ? icmpType.timeExceeded
      : icmpv6Type.timeExceeded
  const icmpCode = isTooBig && isV4 ? unreachableCode.fragmentationNeeded : 0
  writeIcmp(context.scratch, at, { type, code: icmpCode, rest: isTooBig ? context.mtu : 0 })
  const quote = quoteOf(frame)
  context.scratch.set(quote, at + icmpBytes)
  context.answer(port, context.scratch, composeIcmp(context.scratch, ends, icmpBytes + quote.length))
}
