/** TCP headers and the options that matter to those who end a connection. @spec tcp "Header Format" */
import { readU16, readU32, writeU16, writeU32 } from './byte-order.ts'

/** Where fields are in the header, and its length without options and at most. */
export const tcpHeader = {
  sourcePort: 0,
  destinationPort: 2,
  sequence: 4,
  acknowledgment: 8,
  dataOffset: 12,
  flags: 13,
  window: 14,
  checksum: 16,
  urgent: 18,
  bytesMin: 20,
  bytesMax: 60,
} as const

/** Bits of the flags byte. */
export const tcpFlag = { fin: 1, syn: 2, rst: 4, psh: 8, ack: 16, urg: 32, ece: 64, cwr: 128 } as const

/** A header, without its checksum. */
export interface Tcp {
  readonly sourcePort: number
  readonly destinationPort: number
  readonly sequence: number
  readonly acknowledgment: number
  readonly flags: number
  /** as the field has it, not scaled */
  readonly window: number
  readonly options?: TcpOptions
}

/** Options of a SYN. */
export interface TcpOptions {
  /** maximum segment size that the sender of the option takes */
  readonly mss?: number
  /** shift of the windows that the sender of the option announces, 0–14 */
  readonly windowScale?: number
}

const optionKind = { end: 0, noOperation: 1, mss: 2, windowScale: 3 } as const

/** The header at `at` and its length, or undefined when it is none or `end` is in it. */
export function readTcp(
  bytes: Uint8Array,
  at: number,
  end = bytes.length,
): (Required<Tcp> & { headerBytes: number }) | undefined {
  if (end - at < tcpHeader.bytesMin) return undefined
  const headerBytes = ((bytes[at + tcpHeader.dataOffset] as number) >> 4) * 4
  if (headerBytes < tcpHeader.bytesMin || end - at < headerBytes) return undefined
  return {
    sourcePort: readU16(bytes, at),
    destinationPort: readU16(bytes, at + tcpHeader.destinationPort),
    sequence: readU32(bytes, at + tcpHeader.sequence),
    acknowledgment: readU32(bytes, at + tcpHeader.acknowledgment),
    flags: bytes[at + tcpHeader.flags] as number,
    window: readU16(bytes, at + tcpHeader.window),
    options: readOptions(bytes, at + tcpHeader.bytesMin, at + headerBytes),
    headerBytes,
  }
}

/** Options between `at` and `end`; whatever follows a broken one is not read. At most 40 bytes, so at most 40 turns. */
function readOptions(bytes: Uint8Array, at: number, end: number): TcpOptions {
  let options: TcpOptions = {}
  for (let i = at; i < end; ) {
    const kind = bytes[i] as number
    if (kind === optionKind.end) break
    if (kind === optionKind.noOperation) {
      i++
      continue
    }
    const length = i + 1 < end ? (bytes[i + 1] as number) : 0
    if (length < 2 || i + length > end) break
    if (kind === optionKind.mss && length === 4) options = { ...options, mss: readU16(bytes, i + 2) }
    if (kind === optionKind.windowScale && length === 3)
      options = { ...options, windowScale: Math.min(14, bytes[i + 2] as number) }
    i += length
  }
  return options
}

/** Writes a header with checksum 0 and returns its length. */
export function writeTcp(bytes: Uint8Array, at: number, header: Tcp): number {
  let end = at + tcpHeader.bytesMin
  if (header.options?.mss !== undefined) {
    bytes[end] = optionKind.mss
    bytes[end + 1] = 4
    writeU16(bytes, end + 2, header.options.mss)
    end += 4
  }
  if (header.options?.windowScale !== undefined) {
    bytes[end] = optionKind.noOperation
    bytes[end + 1] = optionKind.windowScale
    bytes[end + 2] = 3
    bytes[end + 3] = header.options.windowScale
    end += 4
  }
  writeU16(bytes, at, header.sourcePort)
  writeU16(bytes, at + tcpHeader.destinationPort, header.destinationPort)
  writeU32(bytes, at + tcpHeader.sequence, header.sequence)
  writeU32(bytes, at + tcpHeader.acknowledgment, header.acknowledgment)
  bytes[at + tcpHeader.dataOffset] = ((end - at) / 4) << 4
  bytes[at + tcpHeader.flags] = header.flags
  writeU16(bytes, at + tcpHeader.window, header.window)
  writeU16(bytes, at + tcpHeader.checksum, 0)
  writeU16(bytes, at + tcpHeader.urgent, 0)
  return end - at
}
