/** The TCP of a machine, played by hand in a test: it takes what comes in order, and acknowledges it. */
import { assert } from '@virga/base'
import { readTcp, type Tcp, tcpFlag } from '@virga/packet'
import { type Payload, parsed } from '@virga/packet/testing'

const { syn, ack, fin, psh } = tcpFlag
const patienceMs = 20_000

/** A segment that arrived. */
export interface Segment {
  readonly tcp: Required<Tcp>
  readonly data: Uint8Array
  readonly ownPort: number
  readonly remotePort: number
  /** IPv4 */
  readonly remote: string
}

/** The TCP segment in a frame, or undefined. */
export function segmentOf(frame: Uint8Array): Segment | undefined {
  const packet = parsed(frame)
  const at = packet.transportAt
  const tcp = packet.protocol === 6 ? readTcp(frame, at) : undefined
  if (tcp === undefined) return undefined
  const data = frame.slice(at + tcp.headerBytes, packet.ipEnd)
  const remote = frame.subarray(26, 30).join('.')
  return { tcp, data, remote, remotePort: packet.sourcePort, ownPort: packet.destinationPort }
}

/** One connection. */
export class MachineTcp {
  /** all flags that were heard */
  flags = 0
  received: Uint8Array[] = []
  bytesReceived = 0
  /** stops it from acknowledging */
  isSilent = false
  #sequence = 5000
  #expected = 0
  #acknowledged = 5000
  readonly #send: (payload: Payload) => void
  readonly #port: number
  readonly #ownPort: number

  /** `send` sends to the other end, whose port is `port`. */
  constructor(send: (payload: Payload) => void, port: number, ownPort: number) {
    this.#send = send
    this.#port = port
    this.#ownPort = ownPort
  }

  say(flags: number, data: Uint8Array = new Uint8Array(), more: Partial<Tcp> = {}): void {
    this.#send({
      kind: 'tcp',
      sourcePort: this.#ownPort,
      destinationPort: this.#port,
      sequence: this.#sequence,
      acknowledgment: this.#expected,
      flags,
      window: 0xffff,
      data,
      ...more,
    })
    this.#sequence = (this.#sequence + data.length + ((flags & (syn | fin)) === 0 ? 0 : 1)) >>> 0
  }

  open(): void {
    this.say(syn, undefined, { options: { mss: 1460, windowScale: 4 } })
  }

  /** Answers the SYN of a connection that comes in. */
  greet(): void {
    this.say(syn | ack, undefined, { options: { mss: 1460, windowScale: 4 } })
  }

  type(text: string): void {
    this.say(ack | psh, new TextEncoder().encode(text))
  }

  hear({ tcp, data }: Pick<Segment, 'tcp' | 'data'>): void {
    this.flags |= tcp.flags
    this.#acknowledged = tcp.acknowledgment
    if ((tcp.flags & syn) !== 0) this.#expected = (tcp.sequence + 1) >>> 0
    else if (tcp.sequence !== this.#expected || this.isSilent) return
    const length = data.length + ((tcp.flags & fin) === 0 ? 0 : 1)
    this.#expected = (this.#expected + length) >>> 0
    if (data.length > 0) this.received.push(data)
    this.bytesReceived += data.length
    if (length > 0 || (tcp.flags & (syn | ack)) === (syn | ack)) this.say(ack)
  }

  text(): string {
    return Buffer.concat(this.received).toString()
  }

  /** Resolves when it has come to that; fails after 20 s. */
  async until(condition: () => boolean): Promise<void> {
    const deadlineMs = performance.now() + patienceMs
    while (!condition()) {
      assert(performance.now() < deadlineMs, `it happens within ${patienceMs} ms`)
      await new Promise((resolve) => setTimeout(resolve, 2))
    }
  }

  async isOpen(): Promise<void> {
    await this.until(() => (this.flags & (syn | ack)) === (syn | ack))
  }

  /** Sends all, no more than a window ahead of what was acknowledged. */
  async send(bytes: Uint8Array): Promise<void> {
    for (let at = 0; at < bytes.length; at += 1400) {
      await this.until(() => (this.#sequence - this.#acknowledged) >>> 0 < 60_000)
      this.say(ack | psh, bytes.subarray(at, at + 1400))
    }
    await this.until(() => this.#acknowledged === this.#sequence)
  }
}
