/**
 * What a scheduling policy is: which hart each pCPU runs, and until when. It decides; pCPU threads carry out.
 *
 * ```
 *  pCPU thread     lock ─► leave(pcpu, why, now), hart = take(pcpu, now), kicks ─► unlock ─► kick those, run hart
 *  who wakes       lock ─► wake(hart, now), kicks                               ─► unlock ─► kick those
 *
 *   hart    stopped ──wake──► ready ──take──► running ──leave──► ready │ idle │ stopped
 *             idle  ──wake──►
 * ```
 * Why: the same code drives the real pCPU threads and the simulator, so what is measured there is what runs here.
 * Invariants: no threads, no clock, no chance: time comes as `now` (milliseconds, never going back), and a caller holds
 * the host's scheduler lock during each call. All state is in words (state-words.ts) over memory that threads share, so
 * any thread may make the next call. A hart is `running` from `take` to `leave`, on one pCPU; an assignment alone moves
 * nothing, so a hart never is on two pCPUs however late a thread comes out of guest code: who is assigned one that has
 * not left another pCPU yet gets none, and is kicked when it has.
 * No call allocates.
 */

/** How many of each there may be; fixed when the state is made. */
export interface SchedulerLimits {
  readonly pcpus: number
  readonly machines: number
  /** of one machine */
  readonly hartsPerMachine: number
}

/** What a policy weighs; milliseconds. */
export interface SchedulerTuning {
  /** how long a choice of gangs stands when nothing happens */
  readonly sliceMs: number
  /** how far a hart may be ahead of its slowest runnable sibling */
  readonly skewMs: number
  /** what a move to another pCPU costs a hart; it waits this long for its own before it goes to an idle one */
  readonly moveMs: number
  /** how long a hart waits before it goes to an idle pCPU where a sibling is at home, so that they no longer run together */
  readonly stackMs: number
  /** how far behind its share a machine is before a hart of it moves to a busy pCPU */
  readonly moveLagMs: number
  /** how much less than a running machine one that wakes must have had to take its place at once */
  readonly wakeMs: number
  /** how long a hart runs while a sibling waits for the same pCPU */
  readonly turnMs: number
}

/** What a machine is entitled to. */
export interface Entitlement {
  /** 1 to 10,000: its part of what is contended is this over the sum of all. Usual: 100. */
  readonly share: number
  /** most pCPUs' worth of time it gets (0.01 or more), Infinity for no cap */
  readonly cap: number
}

/** Shares of a machine that says nothing. */
export const usualEntitlement: Entitlement = { share: 100, cap: Number.POSITIVE_INFINITY }

/** What there is of a hart. */
export const hartState = { stopped: 0, idle: 1, ready: 2, running: 3 } as const

/** Why a hart left guest code: it would go on, it waits in WFI or suspend, or it was stopped. */
export type LeaveState = typeof hartState.stopped | typeof hartState.idle | typeof hartState.ready

/**
 * A policy over the state of one host. Harts are numbered over the host: machine slot × hartsPerMachine + hart.
 * Machine slots and pCPUs are numbered from 0; who adds a machine chooses a free slot.
 */
export interface SchedulerPolicy {
  readonly limits: SchedulerLimits

  /** Takes a machine in, all of whose harts are stopped. */
  addMachine(machine: number, hartCount: number, entitlement: Entitlement, now: number): void
  /** Forgets a machine. The caller made its harts leave before (state stopped). */
  removeMachine(machine: number, now: number): void
  /** No hart of the machine is assigned any more, until it is resumed; those that run are kicked. */
  pauseMachine(machine: number, now: number): void
  resumeMachine(machine: number, now: number): void
  /** Changes what a machine is entitled to. */
  entitle(machine: number, entitlement: Entitlement, now: number): void

  /** A stopped or idle hart may run. Of one that is ready or running: nothing. */
  wake(hart: number, now: number): void
  /** A hart that is idle or ready, and not running, is stopped. */
  stop(hart: number, now: number): void
  /** The pCPU is out of guest code: its hart, if it ran one, is charged for its time and is now in `state`. */
  leave(pcpu: number, state: LeaveState, now: number): void
  /**
   * The hart that the pCPU runs from now on, -1 for none: it sleeps. Decides if the choice has run out.
   * The pCPU calls again when `until(pcpu)` has come, its hart leaves by itself, or it is kicked.
   */
  take(pcpu: number, now: number): number
  /** Time by which `take` must be called again; Infinity: not before a kick. */
  until(pcpu: number): number

  /** The next pCPU whose choice changed under it since it last took, and that must call `take` soon; -1: none. Each is told once. */
  nextKick(): number

  /** Milliseconds that the hart has run, up to its last `leave` or decision. */
  ran(hart: number): number
  /** Milliseconds that the hart was ready and not running, up to when it was last taken: what SBI STA calls steal. */
  stolen(hart: number): number
}
