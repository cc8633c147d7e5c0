/**
 * One end of a TCP connection with a machine, without sockets, timers or memory of its own clock.
 *
 *   SYN of the machine ─► asked ──accept──► greeted ──ACK──► open ──both FIN, ours acknowledged──► closed
 *                           └──refuse──► closed                │
 *   connect ─► calling ──SYN, ACK──────────────────────────────┘         RST, silence: closed from anywhere
 *
 * Why so small: the way to the machine is our own memory, in order and without loss but for a full receive ring. So there
 * is no congestion control, nothing is put in order, and bytes are kept only to be sent again when a ring was full.
 *
 * Invariants: no more is sent than the machine's window, no more is taken than ours; `unacked <= next`; a segment outside
 * the window changes nothing.
 * @spec tcp "Header Format"
 * @spec tcp "Data Communication"
 */
import { type Tcp, tcpFlag } from '@virga/packet'
import type { Refusal, StreamListener } from './byte-stream.ts'
import { SendQueue } from './send-queue.ts'

/** A segment to be sent. Its data is `queue.copy(from, length)`. */
export interface OutSegment {
  readonly flags: number
  readonly sequence: number
  readonly acknowledgment: number
  readonly window: number
  /** on SYN: our options; a scale is offered only to who offers or is yet to */
  readonly handshake: 'none' | 'plain' | 'scaled'
  readonly queue: SendQueue
  readonly from: number
  readonly length: number
  /** segment size that the machine takes */
  readonly mss: number
}

/** Sends a segment; false when there was no room for it. */
export type Emit = (segment: OutSegment) => boolean

/** Bytes that we take before the listener has dealt with any, and by how much our windows are scaled. */
const receiveMax = 1 << 20
export const windowScale = 5
/** Bytes in one frame, in whole segments of most sizes. */
const frameDataMax = 61_440
/** Bytes waiting to be sent above which a writer is asked to wait. */
const queueMax = 1 << 20
/** First wait before sending again, and how often the wait doubles until the machine is given up. */
const retryMs = 200
const retriesMax = 8
/** How long a connection may wait for its other side, and how long a closed one answers late segments. */
const handshakeMs = 75_000
const lingerMs = 1000
const mssUsual = 536

type State = 'asked' | 'greeted' | 'calling' | 'open' | 'closed'

export class TcpEnd {
  state: State
  private readonly emit: Emit
  private readonly queue = new SendQueue()
  private listener: StreamListener | undefined
  /** next sequence number to send, and the oldest that the machine has not acknowledged */
  private next: number
  private unacked: number
  private sendWindow = 0
  private sendScale = 0
  private isScaled = false
  private mss = mssUsual
  /** next sequence number that we take, and bytes taken that the listener has not dealt with */
  private expected = 0
  private pending = 0
  private announced = 0
  private hasMachineEnded = false
  private ownEnd: 'open' | 'queued' | 'sent' | 'acknowledged' = 'open'
  private isWriterWaiting = false
  private retries = 0
  private deadlineMs: number

  /** `initial` is our first sequence number, which nobody can guess. */
  constructor(initial: number, emit: Emit, nowMs: number) {
    this.emit = emit
    this.next = initial >>> 0
    this.unacked = this.next
    this.state = 'asked'
    this.deadlineMs = nowMs + handshakeMs
  }

  /** Closed, and not in order: who still speaks is told so. */
  get isBroken(): boolean {
    return this.state === 'closed' && this.deadlineMs === 0
  }

  /** Takes the SYN of a machine. */
  answerLater(syn: Required<Tcp>): void {
    this.expected = (syn.sequence + 1) >>> 0
    this.learnOptions(syn)
    this.sendWindow = syn.window
  }

  private learnOptions({ options }: Required<Tcp>): void {
    this.mss = Math.max(88, options.mss ?? mssUsual)
    this.sendScale = options.windowScale ?? 0
    this.isScaled = options.windowScale !== undefined
  }

  /** Answers the SYN: the outside is there. */
  accept(listener: StreamListener, nowMs: number): void {
    if (this.state !== 'asked') return
    this.listener = listener
    this.state = 'greeted'
    this.greet(nowMs)
  }

  /** Opens a connection to the machine. */
  call(listener: StreamListener, nowMs: number): void {
    this.listener = listener
    this.state = 'calling'
    this.greet(nowMs)
  }

  private greet(nowMs: number): void {
    const flags = this.state === 'calling' ? tcpFlag.syn : tcpFlag.syn | tcpFlag.ack
    this.announced = Math.min(receiveMax, 0xffff)
    const isOffered = this.state === 'calling' || this.isScaled
    this.send({ flags, handshake: isOffered ? 'scaled' : 'plain', sequence: this.unacked })
    this.next = (this.unacked + 1) >>> 0
    this.deadlineMs = nowMs + retryMs
  }

  /** Ends an unanswered connection; a reset says so where `why` has no message of its own. */
  refuse(why: Refusal): void {
    if (this.state !== 'asked') return
    if (why === 'refused') this.send({ flags: tcpFlag.rst | tcpFlag.ack, sequence: 0 })
    this.close('reset')
  }

  /** Takes a segment whose data is `data`, which becomes the listener's. */
  receive(header: Required<Tcp>, data: Uint8Array, nowMs: number): void {
    if (this.state === 'asked') return
    const { flags } = header
    if (this.state === 'calling') {
      this.receiveGreeting(header, nowMs)
      return
    }
    const offset = (this.expected - header.sequence) | 0
    if ((flags & tcpFlag.rst) !== 0) {
      // Only the very next number: a reset that is guessed must guess exactly.
      if (offset === 0) this.close('reset')
      return
    }
    if ((flags & tcpFlag.syn) !== 0) {
      if (this.state === 'greeted') this.greet(nowMs)
      else this.acknowledge()
      return
    }
    if ((flags & tcpFlag.ack) === 0) return
    if (this.state === 'closed') {
      // Our last acknowledgment was lost.
      if ((flags & tcpFlag.fin) !== 0) this.acknowledge()
      return
    }
    if (!this.noteAcknowledgment(header, nowMs) || this.state === 'greeted') return
    this.takeData(offset, data, (flags & tcpFlag.fin) !== 0)
    this.pump(nowMs)
    this.finishIfDone(nowMs)
  }

  private receiveGreeting(header: Required<Tcp>, nowMs: number): void {
    const { flags } = header
    if ((flags & tcpFlag.ack) === 0 || header.acknowledgment !== this.next) return
    if ((flags & tcpFlag.rst) !== 0) {
      this.close('reset')
      return
    }
    if ((flags & tcpFlag.syn) === 0) return
    this.answerLater(header)
    this.unacked = this.next
    this.open()
    this.acknowledge()
    this.pump(nowMs)
  }

  private open(): void {
    this.state = 'open'
    this.retries = 0
    this.listener?.opened?.()
  }

  /** False when the segment acknowledges what was never sent. */
  private noteAcknowledgment(header: Required<Tcp>, nowMs: number): boolean {
    const acked = (header.acknowledgment - this.unacked) | 0
    if (acked > ((this.next - this.unacked) | 0)) {
      this.acknowledge()
      return false
    }
    this.sendWindow = header.window * (this.isScaled ? 2 ** this.sendScale : 1)
    if (acked <= 0) return true
    this.retries = 0
    this.deadlineMs = nowMs + retryMs
    this.unacked = header.acknowledgment
    let bytes = acked
    if (this.state === 'greeted') {
      bytes--
      this.open()
    }
    if (this.ownEnd === 'sent' && bytes > this.queue.byteLength) {
      this.ownEnd = 'acknowledged'
      bytes--
    }
    this.queue.drop(bytes)
    if (this.isWriterWaiting && this.queue.byteLength <= queueMax / 2) {
      this.isWriterWaiting = false
      this.listener?.drained()
    }
    return true
  }

  private takeData(offset: number, data: Uint8Array, hasEnd: boolean): void {
    const length = data.length + (hasEnd ? 1 : 0)
    if (length === 0) return
    // What comes too early was sent past a full ring: the machine sends it again.
    if (offset < 0 || offset >= length || this.hasMachineEnded) {
      this.acknowledge()
      return
    }
    const fresh = data.subarray(offset, offset + receiveMax - this.pending)
    const isWhole = offset + fresh.length === data.length
    this.expected = (this.expected + fresh.length + (hasEnd && isWhole ? 1 : 0)) >>> 0
    this.pending += fresh.length
    if (hasEnd && isWhole) this.hasMachineEnded = true
    if (fresh.length > 0) this.listener?.data(fresh)
    if (this.hasMachineEnded) this.listener?.ended()
    this.acknowledge()
  }

  /** Queues bytes; false asks the writer to wait. */
  write(bytes: Uint8Array, nowMs: number): boolean {
    if (this.ownEnd !== 'open' || this.state === 'closed') return false
    this.queue.push(bytes)
    this.pump(nowMs)
    this.isWriterWaiting = this.queue.byteLength > queueMax
    return !this.isWriterWaiting
  }

  /** No more will be written. */
  end(nowMs: number): void {
    if (this.ownEnd !== 'open') return
    this.ownEnd = 'queued'
    this.pump(nowMs)
  }

  /** Breaks off. */
  reset(): void {
    if (this.state === 'closed') return
    if (this.state !== 'asked') this.send({ flags: tcpFlag.rst | tcpFlag.ack })
    this.close('reset')
  }

  /** The listener has dealt with bytes; the machine is told when that opens the window by much. */
  consumed(count: number): void {
    this.pending = Math.max(0, this.pending - count)
    if (this.state === 'open' && receiveMax - this.pending - this.announced >= receiveMax / 4)
      this.acknowledge()
  }

  /** Sends what the machine's window takes. */
  private pump(nowMs: number): void {
    if (this.state !== 'open') return
    for (;;) {
      const sent = (this.next - this.unacked) | 0
      const room = this.sendWindow - sent
      const length = Math.min(frameDataMax, room, this.queue.byteLength - sent)
      if (length <= 0) break
      const isLast = sent + length === this.queue.byteLength
      const flags = tcpFlag.ack | (isLast ? tcpFlag.psh : 0)
      if (!this.send({ flags, from: sent, length })) break
      if (sent === 0) this.deadlineMs = nowMs + retryMs
      this.next = (this.next + length) >>> 0
    }
    const sent = (this.next - this.unacked) | 0
    if (
      this.ownEnd === 'queued' &&
      sent === this.queue.byteLength &&
      this.send({ flags: tcpFlag.fin | tcpFlag.ack })
    ) {
      this.ownEnd = 'sent'
      this.next = (this.next + 1) >>> 0
      this.deadlineMs = nowMs + retryMs
    }
  }

  /** Time has come to `nowMs`: sends again what was lost, gives up who is silent. False when it is to be forgotten. */
  tick(nowMs: number): boolean {
    if (nowMs < this.deadlineMs) return true
    if (this.state === 'closed') return false
    if (this.state === 'asked') {
      this.state = 'closed'
      return false
    }
    const isWaiting = this.next !== this.unacked || this.queue.byteLength > 0
    if (this.state === 'open' && !isWaiting) return true
    if (this.retries === retriesMax) {
      this.send({ flags: tcpFlag.rst | tcpFlag.ack })
      this.close('timeout')
      return false
    }
    this.retries++
    if (this.state !== 'open') this.greet(nowMs)
    else {
      // From the oldest on; at least one byte, so that a window that opened unseen is heard of.
      this.next = this.unacked
      if (this.ownEnd === 'sent') this.ownEnd = 'queued'
      if (this.sendWindow === 0) this.sendWindow = 1
      this.pump(nowMs)
    }
    this.deadlineMs = nowMs + retryMs * 2 ** this.retries
    return true
  }

  private finishIfDone(nowMs: number): void {
    if (this.state !== 'open' || !this.hasMachineEnded || this.ownEnd !== 'acknowledged') return
    this.close('ended')
    this.deadlineMs = nowMs + lingerMs
  }

  private close(how: 'ended' | 'reset' | 'timeout'): void {
    this.state = 'closed'
    this.deadlineMs = 0
    const { listener } = this
    this.listener = undefined
    listener?.closed(how)
  }

  private acknowledge(): void {
    this.send({ flags: tcpFlag.ack })
  }

  private send(part: Partial<OutSegment> & { readonly flags: number }): boolean {
    const isHandshake = part.handshake !== undefined
    const room = receiveMax - this.pending
    const scale = this.isScaled && !isHandshake ? 2 ** windowScale : 1
    const window = Math.min(0xffff, Math.floor(room / scale))
    if (!isHandshake) this.announced = window * scale
    return this.emit({
      sequence: this.next,
      acknowledgment: this.expected,
      window,
      handshake: 'none',
      queue: this.queue,
      from: 0,
      length: 0,
      mss: this.mss,
      ...part,
    })
  }
}
