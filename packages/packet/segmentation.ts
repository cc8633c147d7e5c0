/**
 * Segmentation in software: from one frame of up to 64 KiB to frames of the wire, for receivers that did not agree to
 * take the large one. TCP over IPv4 and IPv6, and UDP datagrams of one size.
 *
 * Each segment is the headers, mended, and its share of the payload. Who sends composes them; here are the headers, and
 * for frames in one piece the whole.
 * @spec virtio-1.2 "Device Operation" (Network Device)
 */
import { readU16, readU32, writeU16, writeU32 } from './byte-order.ts'
import { checksumOf, pseudoHeaderSum, sumBytes, writeIpv4Checksum } from './checksum.ts'
import { ipProtocol } from './ipv4.ts'
import type { ParsedFrame } from './parsed-frame.ts'
import { tcpFlag, tcpHeader } from './tcp.ts'

/** The least payload of a segment: Linux sends no less, and one byte each would turn a frame into 65,000. */
export const gsoSizeMin = 8
/** Segments of one frame. The smallest MSS that hosts must take (536) needs 123 for 64 KiB. */
export const segmentsMax = 1024

/** What is the same for all segments of a frame. */
export interface SegmentLayout {
  ipVersion: 4 | 6
  ipAt: number
  transportAt: number
  protocol: number
  /** bytes of all headers, which each segment repeats */
  headerBytes: number
  /** bytes of payload in the frame, and in each segment but the last */
  payloadBytes: number
  gsoSize: number
}

/** A layout to be filled by `layoutSegments`. */
export function emptySegmentLayout(): SegmentLayout {
  return { ipVersion: 4, ipAt: 0, transportAt: 0, protocol: 0, headerBytes: 0, payloadBytes: 0, gsoSize: 0 }
}

/** Lays out the segments of a TCP or UDP frame and returns how many there are (at least 1), or 0 when there may be none. */
export function layoutSegments(frame: ParsedFrame, gsoSize: number, into: SegmentLayout): number {
  if (frame.ipVersion === 0 || frame.transportAt < 0 || gsoSize < gsoSizeMin) return 0
  into.ipVersion = frame.ipVersion
  into.ipAt = frame.ipAt
  into.transportAt = frame.transportAt
  into.protocol = frame.protocol
  into.headerBytes = frame.transportAt + (frame.protocol === ipProtocol.tcp ? frame.tcpHeaderBytes : 8)
  into.payloadBytes = frame.ipEnd - into.headerBytes
  into.gsoSize = gsoSize
  const count = Math.max(1, Math.ceil(into.payloadBytes / gsoSize))
  return count > segmentsMax ? 0 : count
}

/** Bytes of payload in segment `index`. */
export function segmentPayloadBytes(layout: SegmentLayout, index: number): number {
  return Math.min(layout.gsoSize, layout.payloadBytes - index * layout.gsoSize)
}

/**
 * Writes the headers of segment `index` to `into[0, headerBytes)` from those of the frame, and the checksum with
 * `payloadSum`, the sum of the segment's payload.
 */
export function writeSegmentHeaders(
  headers: Uint8Array,
  layout: SegmentLayout,
  index: number,
  payloadSum: number,
  into: Uint8Array,
): void {
  const { ipAt, transportAt, headerBytes, protocol } = layout
  for (let i = 0; i < headerBytes; i++) into[i] = headers[i] as number
  const payloadBytes = segmentPayloadBytes(layout, index)
  const transportBytes = headerBytes - transportAt + payloadBytes
  if (layout.ipVersion === 4) {
    writeU16(into, ipAt + 2, headerBytes - ipAt + payloadBytes)
    writeU16(into, ipAt + 4, readU16(headers, ipAt + 4) + index)
    writeIpv4Checksum(into, ipAt, transportAt - ipAt)
  } else writeU16(into, ipAt + 4, headerBytes - ipAt - 40 + payloadBytes)
  const isLast = (index + 1) * layout.gsoSize >= layout.payloadBytes
  if (protocol === ipProtocol.tcp) {
    const flags = headers[transportAt + tcpHeader.flags] as number
    const kept = (isLast ? 0xff : ~(tcpFlag.fin | tcpFlag.psh)) & (index === 0 ? 0xff : ~tcpFlag.cwr)
    into[transportAt + tcpHeader.flags] = flags & kept
    const sequence = readU32(headers, transportAt + tcpHeader.sequence)
    writeU32(into, transportAt + tcpHeader.sequence, sequence + index * layout.gsoSize)
  } else writeU16(into, transportAt + 4, transportBytes)
  const fieldAt = transportAt + (protocol === ipProtocol.tcp ? tcpHeader.checksum : 6)
  writeU16(into, fieldAt, 0)
  const pseudo = pseudoHeaderSum(into, ipAt, layout.ipVersion, protocol, transportBytes)
  const sum = sumBytes(into, transportAt, headerBytes - transportAt, pseudo) + payloadSum
  const checksum = checksumOf(sum)
  writeU16(into, fieldAt, checksum === 0 && protocol === ipProtocol.udp ? 0xffff : checksum)
}

/** All segments of a frame that is in one piece, whose headers `parsed` describes; none when it cannot be cut. */
export function segmentFrame(frame: Uint8Array, parsed: ParsedFrame, gsoSize: number): Uint8Array[] {
  const layout = emptySegmentLayout()
  const count = layoutSegments(parsed, gsoSize, layout)
  return Array.from({ length: count }, (_, index) => {
    const from = layout.headerBytes + index * gsoSize
    const payloadBytes = segmentPayloadBytes(layout, index)
    const segment = new Uint8Array(layout.headerBytes + payloadBytes)
    segment.set(frame.subarray(from, from + payloadBytes), layout.headerBytes)
    writeSegmentHeaders(frame, layout, index, sumBytes(frame, from, payloadBytes), segment)
    return segment
  })
}

/** Completes the partial checksum of a frame in one piece: sums from `start` to the end and writes it `offset` after. */
export function completeChecksum(frame: Uint8Array, start: number, offset: number): void {
  const checksum = checksumOf(sumBytes(frame, start, frame.length - start))
  writeU16(frame, start + offset, checksum === 0 && offset === 6 ? 0xffff : checksum)
}
