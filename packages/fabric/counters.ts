/**
 * What ports sent and got, and what was dropped and why, in words that all threads see.
 * Invariant, per port: sent = passed on + answered + sum of drops.
 */
import { type DropReason, dropCode, dropReasons } from './drop-reason.ts'

/** Counters of a port. Frames and bytes are as the machine handed them over: a frame of 64 KiB is one. */
export const counter = {
  sent: 0,
  sentBytes: 1,
  passed: 2,
  answered: 3,
  received: 4,
  receivedBytes: 5,
} as const

const dropsAt = 6
const rowWords = dropsAt + dropReasons.length + 1

/** Bytes of the counters of `ports` ports. */
export function counterBytes(ports: number): number {
  return ports * rowWords * 8
}

/** A port's counters at one moment. */
export interface PortCounters extends Readonly<Record<keyof typeof counter, number>> {
  /** of frames that the port sent; reasons that never happened are absent */
  readonly drops: Readonly<Partial<Record<DropReason, number>>>
}

export class Counters {
  private readonly rows: Float64Array

  constructor(rows: Float64Array) {
    this.rows = rows
  }

  add(port: number, field: number, amount: number): void {
    const at = port * rowWords + field
    this.rows[at] = (this.rows[at] as number) + amount
  }

  /** Counts a frame that a port sent. */
  addSent(port: number, bytes: number): void {
    const at = port * rowWords
    this.rows[at + counter.sent] = (this.rows[at + counter.sent] as number) + 1
    this.rows[at + counter.sentBytes] = (this.rows[at + counter.sentBytes] as number) + bytes
  }

  /** Counts a frame that a port got. */
  addReceived(port: number, bytes: number): void {
    const at = port * rowWords
    this.rows[at + counter.received] = (this.rows[at + counter.received] as number) + 1
    this.rows[at + counter.receivedBytes] = (this.rows[at + counter.receivedBytes] as number) + bytes
  }

  drop(port: number, code: number): void {
    this.add(port, dropsAt + code, 1)
  }

  /** Forgets a port's counters, when another takes its place. */
  clear(port: number): void {
    this.rows.fill(0, port * rowWords, (port + 1) * rowWords)
  }

  read(port: number): PortCounters {
    const value = (field: number) => this.rows[port * rowWords + field] as number
    const drops = dropReasons
      .map((reason) => [reason, value(dropsAt + dropCode[reason])] as const)
      .filter(([, count]) => count > 0)
    return {
      sent: value(counter.sent),
      sentBytes: value(counter.sentBytes),
      passed: value(counter.passed),
      answered: value(counter.answered),
      received: value(counter.received),
      receivedBytes: value(counter.receivedBytes),
      drops: Object.fromEntries(drops),
    }
  }
}
