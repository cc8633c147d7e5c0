/**
 * What every policy keeps alike: which harts could run, what each has had, where each is at home, and caps.
 * Why: policies differ in whom they choose; whom they choose among, and what that costs, must not differ.
 * Invariants: `runnable` of a machine is the number of its harts that are ready or running; the sum of what harts ran
 * is the time that pCPUs had a hart; a machine that is held by its cap runs nothing until it has saved up a slice.
 */

import { assert } from '@virga/base'
import {
  type Entitlement,
  hartState,
  type LeaveState,
  type SchedulerLimits,
  type SchedulerPolicy,
  type SchedulerTuning,
} from './policy.ts'
import { add, type SchedulerWords, schedulerWords } from './state-words.ts'

/** Where a policy's state is, and what it weighs. */
export interface PolicyOptions {
  readonly memory: SharedArrayBuffer
  /** a multiple of 8; `schedulerStateBytes` from there are the policy's */
  readonly byteOffset: number
  readonly limits: SchedulerLimits
  readonly tuning?: Partial<SchedulerTuning>
}

/** Found good in the simulator. */
export const usualTuning: SchedulerTuning = {
  sliceMs: 10,
  skewMs: 5,
  moveMs: 1,
  stackMs: 20,
  moveLagMs: 50,
  wakeMs: 1,
  turnMs: 0.25,
}

/** Time is shares' time at this share. */
export const unitShare = 100
/** Less of a budget than this is none: 1 µs. */
const budgetLeastMs = 0.001

/** The part of a policy that is the same in all. */
export abstract class Accounts implements SchedulerPolicy {
  readonly limits: SchedulerLimits
  protected readonly tuning: SchedulerTuning
  protected readonly words: SchedulerWords
  /** harts of a machine slot */
  protected readonly stride: number
  protected readonly pcpus: number

  constructor({ memory, byteOffset, limits, tuning }: PolicyOptions) {
    this.limits = limits
    this.tuning = { ...usualTuning, ...tuning }
    this.words = schedulerWords(memory, byteOffset, limits)
    this.stride = limits.hartsPerMachine
    this.pcpus = limits.pcpus
  }

  /** Chooses for one pCPU whose hart left, or whose choice ran out. Sets its `assigned` and `until`. */
  protected abstract choose(pcpu: number, now: number): void
  /** A hart is about to become ready: what it did not run while it was idle is settled. `first` as below. */
  protected abstract rejoin(hart: number, first: boolean): void
  /** A hart has become ready; `first` if no other of its machine could run before. */
  protected abstract woken(hart: number, first: boolean, now: number): void
  /** Many things changed (a machine came back, an entitlement changed): every pCPU is looked at anew. */
  protected abstract reconsider(now: number): void

  addMachine(machine: number, hartCount: number, entitlement: Entitlement, time: number): void {
    const { words, stride } = this
    const now = this.at(time)
    assert(words.present[machine] === 0, 'the slot of a machine is free')
    assert(hartCount > 0 && hartCount <= stride, 'a machine has harts')
    words.present[machine] = 1
    words.paused[machine] = 0
    words.throttled[machine] = 0
    words.runnable[machine] = 0
    words.placed[machine] = 0
    words.vtime[machine] = words.virtualTime[0] as number
    words.startTag[machine] = words.virtualTime[0] as number
    words.contentAt[machine] = Number.POSITIVE_INFINITY
    this.setEntitlement(machine, entitlement, now)
    words.budget[machine] = entitlement.cap * this.tuning.sliceMs
    words.harts[machine] = 0
    this.#settleIn(machine, hartCount)
    for (let index = 0; index < hartCount; index++) {
      const hart = machine * stride + index
      words.state[hart] = hartState.stopped
      words.progress[hart] = 0
      words.ran[hart] = 0
      words.stolen[hart] = 0
    }
    words.order[words.machineCount[0] as number] = machine
    add(words.machineCount, 0, 1)
    this.#countCapped()
  }

  removeMachine(machine: number, time: number): void {
    const { words } = this
    this.at(time)
    assert(
      words.present[machine] === 1 && words.runnable[machine] === 0,
      'a machine that is removed has stopped',
    )
    words.present[machine] = 0
    words.harts[machine] = 0
    const count = words.machineCount[0] as number
    let kept = 0
    for (let i = 0; i < count; i++) {
      const other = words.order[i] as number
      if (other !== machine) words.order[kept++] = other
    }
    words.machineCount[0] = kept
    this.#countCapped()
  }

  pauseMachine(machine: number, time: number): void {
    const now = this.at(time)
    this.words.paused[machine] = 1
    this.#withdraw(machine, now)
  }

  resumeMachine(machine: number, time: number): void {
    const { words, stride } = this
    const now = this.at(time)
    if (words.paused[machine] === 0) return
    words.paused[machine] = 0
    this.catchUp(machine)
    for (let hart = machine * stride; hart < machine * stride + (words.harts[machine] as number); hart++) {
      if (words.state[hart] === hartState.ready) words.readyAt[hart] = now
    }
    this.reconsider(now)
  }

  entitle(machine: number, entitlement: Entitlement, time: number): void {
    const now = this.at(time)
    this.chargeAll(now)
    this.setEntitlement(machine, entitlement, now)
    this.#countCapped()
    // What a cap held back is no claim.
    this.catchUp(machine)
    this.reconsider(now)
  }

  wake(hart: number, time: number): void {
    const { words } = this
    const state = words.state[hart]
    if (state !== hartState.idle && state !== hartState.stopped) return
    const now = this.at(time)
    const machine = this.machineOf(hart)
    this.chargeAll(now)
    const first = words.runnable[machine] === 0
    if (first) this.catchUp(machine)
    this.rejoin(hart, first)
    words.state[hart] = hartState.ready
    words.readyAt[hart] = now
    add(words.runnable, machine, 1)
    if (words.paused[machine] === 0) this.woken(hart, first, now)
  }

  stop(hart: number, time: number): void {
    const { words } = this
    const state = words.state[hart]
    assert(state !== hartState.running, 'a hart that is stopped does not run')
    words.state[hart] = hartState.stopped
    if (state !== hartState.ready) return
    this.at(time)
    add(words.runnable, this.machineOf(hart), -1)
    const pcpu = words.home[hart] as number
    if (words.assigned[pcpu] !== hart) return
    words.assigned[pcpu] = -1
    this.kick(pcpu)
  }

  leave(pcpu: number, state: LeaveState, time: number): void {
    const { words } = this
    const hart = words.running[pcpu] as number
    if (hart < 0) return
    const now = this.at(time)
    this.charge(pcpu, now)
    words.running[pcpu] = -1
    words.state[hart] = state
    // It may have been given to another pCPU meanwhile, which waits for it.
    const home = words.home[hart] as number
    if (home !== pcpu && words.assigned[home] === hart) this.kick(home)
    if (state === hartState.ready) {
      words.readyAt[hart] = now
      return
    }
    add(words.runnable, this.machineOf(hart), -1)
    if (words.assigned[home] === hart) words.assigned[home] = -1
  }

  take(pcpu: number, time: number): number {
    const { words } = this
    assert(words.running[pcpu] === -1, 'a pCPU leaves one hart before it takes the next')
    const now = this.at(time)
    this.choose(pcpu, now)
    if (words.kick[pcpu] !== 0) {
      words.kick[pcpu] = 0
      add(words.kickCount, 0, -1)
    }
    const hart = words.assigned[pcpu] as number
    if (hart < 0 || words.state[hart] === hartState.running) return -1
    assert(words.state[hart] === hartState.ready, 'a hart that is taken is ready')
    words.state[hart] = hartState.running
    words.running[pcpu] = hart
    words.chargedAt[pcpu] = now
    add(words.stolen, hart, now - (words.readyAt[hart] as number))
    return hart
  }

  until(pcpu: number): number {
    return this.words.until[pcpu] as number
  }

  nextKick(): number {
    const { words, pcpus } = this
    if (words.kickCount[0] === 0) return -1
    for (let pcpu = 0; pcpu < pcpus; pcpu++) {
      if (words.kick[pcpu] === 0) continue
      words.kick[pcpu] = 0
      add(words.kickCount, 0, -1)
      return pcpu
    }
    return -1
  }

  ran(hart: number): number {
    return this.words.ran[hart] as number
  }

  stolen(hart: number): number {
    return this.words.stolen[hart] as number
  }

  protected machineOf(hart: number): number {
    return (hart / this.stride) | 0
  }

  /** Time never goes back, though clocks of threads may differ by a little. */
  protected at(time: number): number {
    const { now } = this.words
    if (time > (now[0] as number)) now[0] = time
    return now[0] as number
  }

  protected kick(pcpu: number): void {
    const { words } = this
    if (words.kick[pcpu] !== 0) return
    words.kick[pcpu] = 1
    add(words.kickCount, 0, 1)
  }

  /** Charges what the pCPU's hart has run since it was last charged. */
  protected charge(pcpu: number, now: number): void {
    const { words } = this
    const hart = words.running[pcpu] as number
    if (hart < 0) return
    const ms = now - (words.chargedAt[pcpu] as number)
    if (ms <= 0) return
    words.chargedAt[pcpu] = now
    const machine = this.machineOf(hart)
    add(words.ran, hart, ms)
    add(words.progress, hart, this.progressOf(machine, ms))
    add(words.vtime, machine, (ms * unitShare) / (words.share[machine] as number))
    add(words.budget, machine, -ms)
  }

  /** What a hart that ran `ms` has come forward by. */
  protected progressOf(_machine: number, ms: number): number {
    return ms
  }

  protected chargeAll(now: number): void {
    for (let pcpu = 0; pcpu < this.pcpus; pcpu++) this.charge(pcpu, now)
  }

  /** True when harts of the machine may run, as far as it is about the machine. */
  protected eligible(machine: number): boolean {
    const { words } = this
    return words.runnable[machine] !== 0 && words.paused[machine] === 0 && words.throttled[machine] === 0
  }

  /** Least progress of the machine's harts that could run; Infinity when there are none. */
  protected slowest(machine: number): number {
    const { words, stride } = this
    let least = Number.POSITIVE_INFINITY
    const end = machine * stride + (words.harts[machine] as number)
    for (let hart = machine * stride; hart < end; hart++) {
      if ((words.state[hart] as number) < hartState.ready) continue
      const progress = words.progress[hart] as number
      if (progress < least) least = progress
    }
    return least
  }

  /** A machine that slept has no claim on what it did not ask for, but for a moment's. */
  protected catchUp(machine: number): void {
    const { words } = this
    const credit = (2 * this.tuning.wakeMs * unitShare) / (words.share[machine] as number)
    const least = (words.virtualTime[0] as number) - credit
    if ((words.vtime[machine] as number) < least) words.vtime[machine] = least
    words.startTag[machine] = words.vtime[machine] as number
    words.placed[machine] = 0
  }

  /** Brings a capped machine's budget up to date. True when the cap began to hold it just now. */
  protected fund(machine: number, now: number): boolean {
    const { words } = this
    const cap = words.cap[machine] as number
    if (cap === Number.POSITIVE_INFINITY) return false
    const saved = (words.budget[machine] as number) + cap * (now - (words.budgetAt[machine] as number))
    const budget = Math.min(saved, 2 * cap * this.tuning.sliceMs)
    words.budget[machine] = budget
    words.budgetAt[machine] = now
    if (words.throttled[machine] === 0) {
      if (budget >= budgetLeastMs) return false
      words.throttled[machine] = 1
      return true
    }
    if (budget >= cap * this.tuning.sliceMs - budgetLeastMs) words.throttled[machine] = 0
    return false
  }

  /** When a held machine may run again. */
  protected fundedAt(machine: number): number {
    const { words } = this
    const cap = words.cap[machine] as number
    const missing = cap * this.tuning.sliceMs - (words.budget[machine] as number)
    return (words.budgetAt[machine] as number) + Math.max(missing / cap, 0)
  }

  /** Brings all caps up to date; the harts of machines that are held from now on lose their pCPUs. */
  protected fundAll(now: number): void {
    const { words } = this
    if (words.cappedCount[0] === 0) return
    for (let i = 0; i < (words.machineCount[0] as number); i++) {
      const machine = words.order[i] as number
      if (this.fund(machine, now)) this.#withdraw(machine, now)
    }
  }

  protected setEntitlement(machine: number, { share, cap }: Entitlement, now: number): void {
    assert(share >= 1 && share <= 10_000 && cap >= 0.01, 'an entitlement is in its range')
    const { words } = this
    words.share[machine] = share
    words.cap[machine] = cap
    words.budgetAt[machine] = now
    words.throttled[machine] = 0
    const most = cap * this.tuning.sliceMs
    // Without a cap the budget is infinite, and stays so whatever is charged.
    words.budget[machine] =
      most === Number.POSITIVE_INFINITY ? most : Math.min(words.budget[machine] as number, most)
  }

  /** When the first of the machines that are held by their caps may run again. */
  protected fundedNext(): number {
    const { words } = this
    let at = Number.POSITIVE_INFINITY
    if (words.cappedCount[0] === 0) return at
    for (let i = 0; i < (words.machineCount[0] as number); i++) {
      const machine = words.order[i] as number
      if (words.throttled[machine] === 1 && words.runnable[machine] !== 0)
        at = Math.min(at, this.fundedAt(machine))
    }
    return at
  }

  #countCapped(): void {
    const { words } = this
    let count = 0
    for (let i = 0; i < (words.machineCount[0] as number); i++) {
      if (words.cap[words.order[i] as number] !== Number.POSITIVE_INFINITY) count++
    }
    words.cappedCount[0] = count
  }

  /** Harts of the machine at home on the pCPU. */
  protected siblingsAt(machine: number, pcpu: number): number {
    const { words, stride } = this
    let count = 0
    const end = machine * stride + (words.harts[machine] as number)
    for (let hart = machine * stride; hart < end; hart++) if (words.home[hart] === pcpu) count++
    return count
  }

  /** Takes the pCPUs from the harts of a machine. */
  #withdraw(machine: number, now: number): void {
    const { words } = this
    words.placed[machine] = 0
    for (let pcpu = 0; pcpu < this.pcpus; pcpu++) {
      const hart = words.assigned[pcpu] as number
      if (hart < 0 || this.machineOf(hart) !== machine) continue
      words.assigned[pcpu] = -1
      words.until[pcpu] = now
      this.kick(pcpu)
    }
  }

  /**
   * Where a new machine's harts are at home: of the blocks of pCPUs that are a power of two long and begin at a multiple
   * of it, the one where least is at home. Gangs then either have the same pCPUs or none in common, and rows pack well.
   * @spec feitelson-buddy "Packing Schemes for Gang Scheduling"
   */
  #settleIn(machine: number, hartCount: number): void {
    const { words, pcpus } = this
    const size = Math.min(2 ** Math.ceil(Math.log2(hartCount)), pcpus)
    let block = 0
    let least = Number.POSITIVE_INFINITY
    for (let start = 0; start < pcpus; start += size) {
      // What is left at the end is no block: one that overlaps stands for it.
      const from = Math.min(start, pcpus - size)
      let load = 0
      for (let pcpu = from; pcpu < from + size; pcpu++) load += this.#load(pcpu)
      if (load < least) {
        least = load
        block = from
      }
    }
    for (let index = 0; index < hartCount; index++) {
      let best = block
      let lightest = Number.POSITIVE_INFINITY
      for (let pcpu = block; pcpu < block + size; pcpu++) {
        const load = this.siblingsAt(machine, pcpu) * 1e9 + this.#load(pcpu)
        if (load >= lightest) continue
        lightest = load
        best = pcpu
      }
      words.home[machine * this.stride + index] = best
      words.harts[machine] = index + 1
    }
  }

  /** The parts of shares that are at home on a pCPU. */
  #load(pcpu: number): number {
    const { words, stride } = this
    let load = 0
    for (let i = 0; i < (words.machineCount[0] as number); i++) {
      const machine = words.order[i] as number
      const end = machine * stride + (words.harts[machine] as number)
      for (let hart = machine * stride; hart < end; hart++) {
        if (words.home[hart] === pcpu)
          load += (words.share[machine] as number) / (words.harts[machine] as number)
      }
    }
    return load
  }
}

/** Makes the state empty: no machines, every pCPU without a hart. Once, before any thread opens it. */
export function clearSchedulerState({ memory, byteOffset, limits }: PolicyOptions): void {
  const words = schedulerWords(memory, byteOffset, limits)
  for (const array of Object.values(words)) array.fill(0)
  words.assigned.fill(-1)
  words.running.fill(-1)
  words.until.fill(Number.POSITIVE_INFINITY)
  words.idleAt.fill(Number.POSITIVE_INFINITY)
}
