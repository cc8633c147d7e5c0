/**
 * A frame on its way: its headers in a copy of our own, its payload where the sender left it. Why the copy: a guest can
 * change its memory while we look; what was judged must be what is sent. Headers are changed in the copy, and the
 * receiver gets the copy followed by the payload.
 *
 * Invariants: `packet` describes `headers`, also after a rewrite. A frame is used again for the next one.
 */
import {
  type FrameFault,
  gsoSizeMin,
  ipProtocol,
  loadVnetHeader,
  ParsedFrame,
  plainVnetHeader,
  vnetFlag,
  vnetGso,
  vnetHeaderBytes,
} from '@virga/packet'
import { dropCode } from '../drop-reason.ts'
import { bytesOf, extract, gather, type PieceList } from './piece-list.ts'

/** Headers that are read: Ethernet with a tag, IPv4 and TCP with all options are 138 bytes; the rest is for IPv6. */
const headersMax = 256
/** The longest frame: an IP packet of 64 KiB, and the Ethernet header. */
export const frameBytesMax = 65_535 + 18
/** What is gathered of a longer frame at first; few have more headers. */
const headersUsual = 128

const faultCode: readonly number[] = [
  0,
  dropCode['malformed-ethernet'],
  dropCode['malformed-arp'],
  dropCode['malformed-ip'],
  dropCode['malformed-transport'],
  dropCode['headers-too-long'],
]

export class Frame {
  readonly vnet = plainVnetHeader()
  readonly packet = new ParsedFrame()
  /** room for the virtio-net header, then the headers: one run, so that one copy sends both */
  readonly head = new Uint8Array(vnetHeaderBytes + headersMax)
  readonly headers = this.head.subarray(vnetHeaderBytes)
  readonly headBytes = bytesOf(this.head)
  /** bytes of the frame in `headers` */
  headerBytes = 0
  /** bytes of the frame */
  byteLength = 0
  /** the sender's pieces: virtio-net header, then the whole frame */
  pieces: PieceList

  constructor(pieces: PieceList) {
    this.pieces = pieces
  }

  /** Takes in the frame in `pieces` (virtio-net header first). Returns a drop code, 0 when it is a frame. */
  load(pieces: PieceList): number {
    this.pieces = pieces
    this.byteLength = pieces.byteLength - vnetHeaderBytes
    this.headerBytes = 0
    this.packet.fault = 0
    if (this.byteLength < 14) return dropCode['malformed-ethernet']
    if (this.byteLength > frameBytesMax) return dropCode['frame-too-long']
    let fault = this.gatherAndParse(this.byteLength <= headersUsual ? this.byteLength : headersUsual)
    if (fault === 5 && this.byteLength > headersUsual)
      fault = this.gatherAndParse(Math.min(this.byteLength, headersMax))
    if (fault !== 0) return faultCode[fault] as number
    loadVnetHeader(this.head, 0, this.vnet)
    return this.isOffloadValid() ? 0 : dropCode['offload-invalid']
  }

  private gatherAndParse(length: number): FrameFault {
    gather(this.pieces, 0, vnetHeaderBytes + length, this.headBytes, 0)
    this.headerBytes = length
    return this.packet.parse(this.headers, length, this.byteLength)
  }

  /** Whether the transport checksum is partial. (One further in, in a tunnel, is not the packet's own.) */
  get hasPartialChecksum(): boolean {
    return (
      (this.vnet.flags & vnetFlag.needsChecksum) !== 0 && this.vnet.checksumStart === this.packet.transportAt
    )
  }

  /** Bytes of the largest IP packet that a wire would see of it. */
  get packetBytes(): number {
    const { packet, vnet } = this
    if (vnet.gsoType === vnetGso.none) return packet.ipEnd - packet.networkAt
    return Math.min(packet.ipEnd, this.transportEnd + vnet.gsoSize) - packet.networkAt
  }

  /** Where the transport header ends; of a protocol that is not read, where its first 8 bytes do. */
  get transportEnd(): number {
    const { packet } = this
    return packet.transportAt + (packet.protocol === ipProtocol.tcp ? packet.tcpHeaderBytes : 8)
  }

  private isOffloadValid(): boolean {
    const { vnet, packet } = this
    const needsChecksum = (vnet.flags & vnetFlag.needsChecksum) !== 0
    if (needsChecksum) {
      if (packet.transportAt < 0 || packet.fragment !== 0) return false
      // The field must be that of the packet's own protocol, or lie behind all headers that were judged: else
      // completing it would change what was let through.
      const isOwn = vnet.checksumStart === packet.transportAt
      if (isOwn ? vnet.checksumOffset !== ownOffset(packet.protocol) : vnet.checksumStart < this.transportEnd)
        return false
      if (vnet.checksumStart + vnet.checksumOffset + 2 > Math.min(this.headerBytes, packet.ipEnd))
        return false
    }
    if (vnet.gsoType === vnetGso.none) return true
    if (!needsChecksum || !this.hasPartialChecksum || vnet.gsoSize < gsoSizeMin) return false
    switch (vnet.gsoType & ~vnetGso.ecn) {
      case vnetGso.tcpv4:
        return packet.ipVersion === 4 && packet.protocol === ipProtocol.tcp
      case vnetGso.tcpv6:
        return packet.ipVersion === 6 && packet.protocol === ipProtocol.tcp
      case vnetGso.udp:
        return packet.protocol === ipProtocol.udp
      default:
        return false
    }
  }
}

/** Where the checksum of a protocol is in its header, or -1. */
function ownOffset(protocol: number): number {
  return protocol === ipProtocol.tcp ? 16 : protocol === ipProtocol.udp ? 6 : -1
}

/** A copy of the frame as it is now, its headers rewritten or not. */
export function copyOfFrame(frame: Frame): Uint8Array<ArrayBuffer> {
  const bytes = extract(frame.pieces, vnetHeaderBytes, frame.byteLength)
  bytes.set(frame.headers.subarray(0, frame.headerBytes))
  return bytes
}

/** A copy of the frame as it was sent. */
export function copyOf(pieces: PieceList): Uint8Array<ArrayBuffer> {
  return extract(pieces, vnetHeaderBytes, Math.max(0, pieces.byteLength - vnetHeaderBytes))
}
