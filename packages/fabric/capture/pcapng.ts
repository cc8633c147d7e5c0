/**
 * Captures as Wireshark and tcpdump read them: a section, an interface for each port, a packet for each frame with its
 * direction and, when it was dropped, the reason as a comment. Why our own: no maintained library writes the format.
 *
 *   section header │ interface … │ packet │ interface │ packet …       each: type, length, body, length; padded to 4
 *
 * @spec pcapng "Block Types"
 */
import { writeU16Le } from '@virga/packet'

const blockType = { section: 0x0a0d_0d0a, interface: 1, packet: 6 } as const
const optionCode = { end: 0, comment: 1, interfaceName: 2, packetFlags: 2 } as const
const linkTypeEthernet = 1

/** A frame that was seen. */
export interface CapturedFrame {
  /** the port it was seen at; each gets an interface of that name */
  readonly port: string
  /** whether it came from the port's machine, or was handed to it */
  readonly heading: 'in' | 'out'
  readonly frame: Uint8Array
  /** since 1970, fractions allowed */
  readonly atMs: number
  readonly comment?: string
}

/** Writes a capture to `sink`, a block at a time; the bytes are the sink's. */
export class PcapngWriter {
  private readonly interfaces = new Map<string, number>()
  private readonly sink: (bytes: Uint8Array) => void

  constructor(sink: (bytes: Uint8Array) => void) {
    this.sink = sink
    // Byte order, version 1.0, length of the section unknown.
    const body = new Uint8Array(16)
    body.set([0x4d, 0x3c, 0x2b, 0x1a, 1, 0, 0, 0])
    body.fill(0xff, 8)
    sink(block(blockType.section, [body]))
  }

  /** Writes a frame, and before it the interface of its port when it is the first of it. */
  write({ port, heading, frame, atMs, comment }: CapturedFrame): void {
    const head = new Uint8Array(20)
    writeU32Le(head, 0, this.interfaceOf(port))
    const atUs = Math.round(atMs * 1000)
    writeU32Le(head, 4, Math.floor(atUs / 2 ** 32))
    writeU32Le(head, 8, atUs)
    writeU32Le(head, 12, frame.length)
    writeU32Le(head, 16, frame.length)
    // What a machine sends comes in at its port.
    const flags = Uint8Array.of(heading === 'in' ? 1 : 2, 0, 0, 0)
    const options = [
      option(optionCode.packetFlags, flags),
      ...(comment === undefined ? [] : [option(optionCode.comment, new TextEncoder().encode(comment))]),
      option(optionCode.end, new Uint8Array(0)),
    ]
    this.sink(block(blockType.packet, [head, padded(frame), ...options]))
  }

  private interfaceOf(port: string): number {
    const known = this.interfaces.get(port)
    if (known !== undefined) return known
    const number = this.interfaces.size
    this.interfaces.set(port, number)
    const head = new Uint8Array(8)
    writeU16Le(head, 0, linkTypeEthernet)
    const name = option(optionCode.interfaceName, new TextEncoder().encode(port))
    this.sink(block(blockType.interface, [head, name, option(optionCode.end, new Uint8Array(0))]))
    return number
  }
}

function block(type: number, parts: readonly Uint8Array[]): Uint8Array {
  const length = 12 + parts.reduce((sum, part) => sum + part.length, 0)
  const bytes = new Uint8Array(length)
  writeU32Le(bytes, 0, type)
  writeU32Le(bytes, 4, length)
  let at = 8
  for (const part of parts) {
    bytes.set(part, at)
    at += part.length
  }
  writeU32Le(bytes, at, length)
  return bytes
}

function option(code: number, value: Uint8Array): Uint8Array {
  const body = padded(value)
  const bytes = new Uint8Array(4 + body.length)
  writeU16Le(bytes, 0, code)
  writeU16Le(bytes, 2, value.length)
  bytes.set(body, 4)
  return bytes
}

function padded(value: Uint8Array): Uint8Array {
  if (value.length % 4 === 0) return value
  const bytes = new Uint8Array(Math.ceil(value.length / 4) * 4)
  bytes.set(value)
  return bytes
}

function writeU32Le(bytes: Uint8Array, at: number, value: number): void {
  writeU16Le(bytes, at, value)
  writeU16Le(bytes, at + 2, value >>> 16)
}
