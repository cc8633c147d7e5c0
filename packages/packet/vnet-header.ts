/**
 * The header that virtio-net puts before each frame: what was left to do to it. Of 12 bytes, lowest byte first.
 * @spec virtio-1.2 "Device Operation" (Network Device)
 */
import { readU16Le, writeU16Le } from './byte-order.ts'

/** Length of the header. */
export const vnetHeaderBytes = 12

/** Bits of `flags`: a checksum is partial; the checksum was found right. */
export const vnetFlag = { needsChecksum: 1, dataValid: 2 } as const

/** `gsoType`, and the bit in it for congestion marks. */
export const vnetGso = { none: 0, tcpv4: 1, tcpv6: 4, udp: 5, ecn: 0x80 } as const

/** A header. Offsets count from the start of the frame. */
export interface VnetHeader {
  flags: number
  gsoType: number
  /** bytes of the headers that each segment repeats: a hint of the driver, not believed */
  headerLength: number
  /** bytes of payload in each segment */
  gsoSize: number
  /** where the sum starts, and where, counted from there, its checksum goes */
  checksumStart: number
  checksumOffset: number
  /** buffers of the receiver that the frame takes */
  bufferCount: number
}

/** A header that leaves nothing to do. */
export function plainVnetHeader(): VnetHeader {
  return {
    flags: 0,
    gsoType: 0,
    headerLength: 0,
    gsoSize: 0,
    checksumStart: 0,
    checksumOffset: 0,
    bufferCount: 1,
  }
}

/** Reads the header at `at`, all of whose bytes are there, into `into`. */
export function loadVnetHeader(bytes: Uint8Array, at: number, into: VnetHeader): void {
  into.flags = bytes[at] as number
  into.gsoType = bytes[at + 1] as number
  into.headerLength = readU16Le(bytes, at + 2)
  into.gsoSize = readU16Le(bytes, at + 4)
  into.checksumStart = readU16Le(bytes, at + 6)
  into.checksumOffset = readU16Le(bytes, at + 8)
  into.bufferCount = readU16Le(bytes, at + 10)
}

/** Writes a header and returns its length. */
export function writeVnetHeader(bytes: Uint8Array, at: number, header: VnetHeader): number {
  bytes[at] = header.flags
  bytes[at + 1] = header.gsoType
  writeU16Le(bytes, at + 2, header.headerLength)
  writeU16Le(bytes, at + 4, header.gsoSize)
  writeU16Le(bytes, at + 6, header.checksumStart)
  writeU16Le(bytes, at + 8, header.checksumOffset)
  writeU16Le(bytes, at + 10, header.bufferCount)
  return vnetHeaderBytes
}
