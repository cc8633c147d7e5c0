/**
 * The last step: a frame into a receiver's buffers, as that receiver agreed to take it.
 *
 *   receiver takes it as it is   headers from our copy, payload from the sender's memory: one copy
 *   … takes no such GSO          cut into segments here, each with its checksum
 *   … takes no partial checksum  the checksum is completed here
 *
 * Nothing is allocated. A frame of many segments that finds no room goes on as far as there was room, as on a wire.
 */
import {
  checksumOf,
  emptySegmentLayout,
  foldSum,
  layoutSegments,
  segmentPayloadBytes,
  sumBytes,
  swapSum,
  vnetFlag,
  vnetGso,
  vnetHeaderBytes,
  writeSegmentHeaders,
  writeU16,
} from '@virga/packet'
import { dropCode } from '../drop-reason.ts'
import type { Frame } from './frame.ts'
import { bytesOf, copyPieces, PieceList, scatter, sumPieces } from './piece-list.ts'
import { offload, type Receiver } from './receiver.ts'

/** Buffers of one frame: 64 KiB in buffers of 256 bytes, and one more where each begins in another page. */
const piecesMax = 512

export class Delivery {
  private readonly room = new PieceList(piecesMax)
  private readonly layout = emptySegmentLayout()
  private readonly segmentHead = new Uint8Array(vnetHeaderBytes + 256)
  private readonly segmentBytes = bytesOf(this.segmentHead)
  private readonly segmentHeaders = this.segmentHead.subarray(vnetHeaderBytes)
  /** frames that were cut here because a receiver took none as large */
  segmentedFrames = 0

  /** Delivers `frame`; returns 0, or the drop code. */
  deliver(frame: Frame, receiver: Receiver): number {
    const { vnet } = frame
    const { offloads } = receiver
    if (vnet.gsoType !== vnetGso.none && (offloads & gsoOffload(vnet.gsoType)) !== gsoOffload(vnet.gsoType))
      return this.deliverSegments(frame, receiver)
    const isPartial = (vnet.flags & vnetFlag.needsChecksum) !== 0
    if (isPartial && (offloads & offload.checksum) === 0) completeHere(frame)
    const buffers = receiver.reserve(vnetHeaderBytes + frame.byteLength, this.room)
    if (buffers === 0) return dropCode['receiver-full']
    writeHeader(frame, buffers)
    const headBytes = vnetHeaderBytes + frame.headerBytes
    scatter(frame.headBytes, 0, headBytes, this.room, 0)
    const rest = frame.byteLength - frame.headerBytes
    if (rest > 0) copyPieces(frame.pieces, headBytes, this.room, headBytes, rest)
    receiver.commit()
    return 0
  }

  private deliverSegments(frame: Frame, receiver: Receiver): number {
    const { layout, segmentHead, segmentHeaders, room } = this
    const count = layoutSegments(frame.packet, frame.vnet.gsoSize, layout)
    if (count === 0) return dropCode['cannot-segment']
    this.segmentedFrames++
    for (let index = 0; index < count; index++) {
      const payloadBytes = segmentPayloadBytes(layout, index)
      const headBytes = vnetHeaderBytes + layout.headerBytes
      const buffers = receiver.reserve(headBytes + payloadBytes, room)
      if (buffers === 0) return dropCode['receiver-full']
      const from = headBytes + index * layout.gsoSize
      const payloadSum = sumPieces(frame.pieces, from, payloadBytes)
      segmentHead.fill(0, 0, vnetHeaderBytes)
      writeSegmentHeaders(frame.headers, layout, index, payloadSum, segmentHeaders)
      segmentHead[10] = buffers
      segmentHead[11] = buffers >>> 8
      scatter(this.segmentBytes, 0, headBytes, room, 0)
      copyPieces(frame.pieces, from, room, headBytes, payloadBytes)
      receiver.commit()
    }
    return 0
  }
}

/**
 * Writes the virtio-net header over the sender's, which is in `frame.head` as it came: of what the sender said is left what
 * was checked.
 */
function writeHeader({ head, vnet, transportEnd }: Frame, buffers: number): void {
  const isPartial = (vnet.flags & vnetFlag.needsChecksum) !== 0
  head[0] = isPartial ? vnetFlag.needsChecksum : 0
  const headerBytes = vnet.gsoType === vnetGso.none ? 0 : transportEnd
  head[2] = headerBytes
  head[3] = headerBytes >>> 8
  if (vnet.gsoType === vnetGso.none) {
    head[4] = 0
    head[5] = 0
  }
  if (!isPartial) for (let at = 6; at < 10; at++) head[at] = 0
  head[10] = buffers
  head[11] = buffers >>> 8
}

/** The bits that a receiver must have agreed to for frames of this GSO type: those of the type, and checksums. */
function gsoOffload(gsoType: number): number {
  const ecn = (gsoType & vnetGso.ecn) === 0 ? 0 : offload.ecn
  const kind = gsoType & ~vnetGso.ecn
  const own = kind === vnetGso.tcpv4 ? offload.tcp4 : kind === vnetGso.tcpv6 ? offload.tcp6 : offload.udp
  return offload.checksum | ecn | own
}

/** Completes the partial checksum of a frame whose GSO type is none, in its headers. */
function completeHere(frame: Frame): void {
  const { vnet, headers, headerBytes, packet } = frame
  const gathered = sumBytes(headers, vnet.checksumStart, headerBytes - vnet.checksumStart)
  // Padding behind the packet is not summed; what a tunnel holds ends where the packet does.
  const rest = packet.ipEnd - headerBytes
  const behind = rest > 0 ? sumPieces(frame.pieces, vnetHeaderBytes + headerBytes, rest) : 0
  const padded = rest < 0 ? sumBytes(headers, packet.ipEnd, -rest) : 0
  const isOdd = ((headerBytes - vnet.checksumStart) & 1) === 1
  const isPaddingOdd = ((packet.ipEnd - vnet.checksumStart) & 1) === 1
  const padding = foldSum(isPaddingOdd ? swapSum(padded) : padded)
  const sum = gathered + (isOdd ? swapSum(behind) : behind) + (~padding & 0xffff)
  const checksum = checksumOf(sum)
  writeU16(
    headers,
    vnet.checksumStart + vnet.checksumOffset,
    checksum === 0 && vnet.checksumOffset === 6 ? 0xffff : checksum,
  )
  vnet.flags &= ~vnetFlag.needsChecksum
}
