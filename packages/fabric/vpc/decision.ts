/** What the slow path decides about a packet, and what it says while it does. */
import type { DropReason, Stage } from '../drop-reason.ts'

/** Where a packet goes. */
export const verdict = { drop: 0, port: 1, uplink: 2, gateway: 3 } as const

/** What a port's connection tracking says of a packet. */
export interface Tracking {
  /** the connection it belongs to, or -1 */
  entry: number
  generation: number
  fromInitiator: boolean
  /** it opens one that is to be remembered */
  opens: boolean
}

/** One decision; used again for each packet. */
export class Decision {
  /** drop code, or 0 */
  drop = 0
  verdict: 0 | 1 | 2 | 3 = verdict.drop
  /** index of the port it goes to */
  target = -1
  /** whether it passes the router: new MACs, one TTL less */
  routed = false
  /** whether the same will be decided of the next such packet */
  cacheable = false
  readonly out: Tracking = { entry: -1, generation: 0, fromInitiator: true, opens: false }
  readonly in: Tracking = { entry: -1, generation: 0, fromInitiator: true, opens: false }
  /** NAT: the source is to be translated by a binding (or a new one), or to a floating address */
  binding = -1
  needsBinding = false
  /** signed word of the address that the source becomes, and port (-1: kept); `translates` says whether */
  translates = false
  sourceWord = 0
  sourcePort = -1

  /** Forgets the packet before. */
  reset(): void {
    this.drop = 0
    this.verdict = verdict.drop
    this.target = -1
    this.routed = false
    this.cacheable = false
    resetTracking(this.out)
    resetTracking(this.in)
    this.binding = -1
    this.needsBinding = false
    this.translates = false
    this.sourcePort = -1
  }
}

function resetTracking(tracking: Tracking): void {
  tracking.entry = -1
  tracking.fromInitiator = true
  tracking.opens = false
}

/** One step of a trace. */
export interface TraceStep {
  readonly stage: Stage
  /** what was decided: `pass`, `drop`, `new`, `established`, `related`, `translate`, `answer`, `deliver` */
  readonly verdict: string
  /** the rule, route, port or binding that decided, if one did */
  readonly rule?: string
  /** one line for a person */
  readonly why: string
}

/** Takes the steps as they are made. */
export type Recorder = (step: TraceStep) => void

/** A trace: the steps, and how it ended. */
export interface Trace {
  readonly steps: readonly TraceStep[]
  readonly dropped?: DropReason
}
