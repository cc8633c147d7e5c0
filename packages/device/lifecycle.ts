/**
 * A device's place in time: one lifecycle for every device, legal moves in a table.
 *
 * ```
 *            start              pause
 *   init ───────────► running ─────────► paused ──┐ reset, snapshot, restore
 *    │                   ▲    resume        │ ▲───┘
 *    │                   └──────────────────┤
 *    │ restore ─────────────────────────► paused
 *    │ halt                            halt │
 *    └──────────────► halted ◄──────────────┘
 * ```
 * Why: a snapshot of a device that is still moving, or a reset under a running hart, is a bug of ours that would show
 * up as a guest's bug much later; so an illegal move is an assertion at once.
 * Invariants: the machine makes the moves, on one thread, with its harts stopped (except `start` and `resume`, which
 * come before they run). The state is shared by all threads' objects of the device.
 */

import type { Result } from '@virga/base'

/** Where a device is in its life. */
export type DeviceState = 'init' | 'running' | 'paused' | 'halted'

/** A device's state at rest: safe for structured clone, made and read only by devices of the same kind. */
export interface Snapshot {
  /** what kind of device made it, e.g. 'uart16550' */
  readonly kind: string
  /** version of the layout of `state`, from 1 */
  readonly version: number
  readonly state: Int32Array
}

/** Why a snapshot does not fit a device. `reason` is for a person. */
export interface SnapshotMismatch {
  readonly reason: string
}

/** What every device of a machine can do. */
export interface Device {
  /** Unique in one machine, e.g. 'uart0'. */
  readonly name: string
  /** Once, before the first instruction: puts the device in its cold state. */
  start(): void
  /** Harts already stopped; resolves when nothing is in flight. */
  pause(): Promise<void>
  /** Before harts run again. */
  resume(): void
  /** Back to the cold state; the caller resets the whole machine. Paused only. */
  reset(): void
  /** The last call ever. */
  halt(): void
  /** A copy of the state. Paused only. */
  snapshot(): Snapshot
  /** Takes over a snapshot's state, or says why not and changes nothing. Leaves the device paused. */
  restore(snapshot: Snapshot): Result<void, SnapshotMismatch>
}

/** For each move: the states it may start from, and where it leads (`undefined`: it stays). */
export const transitions = {
  start: { from: ['init'], to: 'running' },
  pause: { from: ['running'], to: 'paused' },
  resume: { from: ['paused'], to: 'running' },
  reset: { from: ['paused'], to: 'paused' },
  snapshot: { from: ['paused'], to: 'paused' },
  restore: { from: ['init', 'paused'], to: 'paused' },
  halt: { from: ['init', 'paused'], to: 'halted' },
} as const satisfies Record<string, { from: readonly DeviceState[]; to: DeviceState }>

/** The number of each state in a device's lifecycle word; fresh memory (zero) means `init`. */
export const stateNumbers: readonly DeviceState[] = ['init', 'running', 'paused', 'halted']
