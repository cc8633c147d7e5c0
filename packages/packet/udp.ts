/** UDP headers. @spec udp "Format" */
import { readU16, writeU16 } from './byte-order.ts'

/** Where fields are in the header, and its length. */
export const udpHeader = { sourcePort: 0, destinationPort: 2, length: 4, checksum: 6, bytes: 8 } as const

/** A header, without its checksum. */
export interface Udp {
  readonly sourcePort: number
  readonly destinationPort: number
  /** bytes of the datagram, header included */
  readonly length: number
}

/** The header at `at`, or undefined when `end` is in it or its length cannot be. */
export function readUdp(bytes: Uint8Array, at: number, end = bytes.length): Udp | undefined {
  const length = readU16(bytes, at + udpHeader.length)
  if (end - at < udpHeader.bytes || length < udpHeader.bytes || length > end - at) return undefined
  return { sourcePort: readU16(bytes, at), destinationPort: readU16(bytes, at + 2), length }
}

/** Writes a header with checksum 0 (none) and returns its length. */
export function writeUdp(bytes: Uint8Array, at: number, header: Udp): number {
  writeU16(bytes, at, header.sourcePort)
  writeU16(bytes, at + udpHeader.destinationPort, header.destinationPort)
  writeU16(bytes, at + udpHeader.length, header.length)
  writeU16(bytes, at + udpHeader.checksum, 0)
  return udpHeader.bytes
}
