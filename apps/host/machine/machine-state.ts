/**
 * The life of a machine on a host: its states, and every move between them, in two tables. Why two: what a person asks
 * for may come too early or too late and is refused with its reason; what happens to a machine is true whenever it is
 * said, so a report that fits no state is a defect of ours.
 *
 * ```
 *                 ┌─────rebooted──────┐
 *                 ▼                   │
 *  off ─start─► starting ─started─► running ─pause─► paused      failed    from starting, running, paused, stopping
 *   ▲             │  ▲               │    ◄─resume─   │          ended     from running, paused, stopping
 *   │          failed│start        stop               stop        remove    from off and failed, to removed
 *   │             ▼  │               ▼                 │
 *   │            failed ◄─failed─ stopping ◄───────────┘
 *   └─────────────────ended──────────┘
 * ```
 */

import { assert, ok, type Result, userError } from '@virga/base'

/** All states; `removed` is one of a machine that somebody still holds. */
export const machineStates = [
  'off',
  'starting',
  'running',
  'paused',
  'stopping',
  'failed',
  'removed',
] as const

export type MachineState = (typeof machineStates)[number]

/** Why a move cannot be; `NAME` stands for the machine's name. */
interface Refusal {
  readonly why: string
}

function no(why: string): Refusal {
  return { why }
}

const gone = no('has been removed')
const begins = no('is starting; wait until it runs')
const ends = no('is stopping; wait until it is off')
const rests = 'start it with `virga local start NAME`'

/** What a person may ask for: where it leads from each state, or why not. */
export const askedMoves = {
  start: {
    off: 'starting',
    starting: no('is starting already'),
    running: no('runs already'),
    paused: no('is paused; resume it with `virga local resume NAME`'),
    stopping: ends,
    failed: 'starting',
    removed: gone,
  },
  pause: {
    off: no(`is off; ${rests}`),
    starting: begins,
    running: 'paused',
    paused: no('is paused already'),
    stopping: ends,
    failed: no(`has failed; ${rests}`),
    removed: gone,
  },
  resume: {
    off: no(`is off; ${rests}`),
    starting: begins,
    running: no('is not paused, it runs'),
    paused: 'running',
    stopping: ends,
    failed: no(`has failed; ${rests}`),
    removed: gone,
  },
  stop: {
    off: no('is off already'),
    starting: begins,
    running: 'stopping',
    paused: 'stopping',
    stopping: no('is stopping already'),
    failed: no('has failed, nothing of it runs'),
    removed: gone,
  },
  remove: {
    off: 'removed',
    starting: begins,
    running: no('runs; stop it first with `virga local stop NAME`, or remove it with --force'),
    paused: no('is paused; stop it first with `virga local stop NAME`, or remove it with --force'),
    stopping: ends,
    failed: 'removed',
    removed: gone,
  },
} as const satisfies Readonly<Record<string, Readonly<Record<MachineState, MachineState | Refusal>>>>

export type AskedMove = keyof typeof askedMoves

/** What happens to a machine: where it leads. A report in any other state is a defect. */
export const reportedMoves = {
  /** its first instruction is about to run */
  started: { starting: 'running' },
  /** it powered off, or was stopped */
  ended: { running: 'off', paused: 'off', stopping: 'off' },
  /** its guest restarts it: the same as off and on */
  rebooted: { running: 'starting' },
  failed: { starting: 'failed', running: 'failed', paused: 'failed', stopping: 'failed' },
} as const satisfies Readonly<Record<string, Readonly<Partial<Record<MachineState, MachineState>>>>>

export type ReportedMove = keyof typeof reportedMoves

/** Where a machine is, and the only way to change it. */
export class MachineLife {
  #state: MachineState = 'off'
  readonly #name: string
  readonly #onMove: (to: MachineState, from: MachineState) => void

  /** `onMove` hears of each move when it has been made. */
  constructor(name: string, onMove: (to: MachineState, from: MachineState) => void = () => undefined) {
    this.#name = name
    this.#onMove = onMove
  }

  get state(): MachineState {
    return this.#state
  }

  /** Why `move` cannot be made now, or nothing. */
  allows(move: AskedMove): Result<MachineState> {
    const cell: MachineState | Refusal = askedMoves[move][this.#state]
    return typeof cell === 'string' ? ok(cell) : this.#refuse(cell)
  }

  /** Makes a move that a person asked for. Errors: one line that says why not, and what to do. */
  ask(move: AskedMove): Result<MachineState> {
    const to = this.allows(move)
    if (to.ok) this.#go(to.value)
    return to
  }

  /** Makes a move that happened. */
  report(move: ReportedMove): void {
    const row: Readonly<Partial<Record<MachineState, MachineState>>> = reportedMoves[move]
    const to = row[this.#state]
    assert(to !== undefined, `a machine that is ${this.#state} has not ${move}`)
    this.#go(to)
  }

  #refuse({ why }: Refusal): Result<never> {
    return userError(`machine ${this.#name} ${why.replaceAll('NAME', this.#name)}`)
  }

  #go(to: MachineState): void {
    const from = this.#state
    this.#state = to
    this.#onMove(to, from)
  }
}
