/**
 * Which machine has how much of the pool: targets of balloons, and whether another machine may start.
 *
 * ```
 *  minimum ≤ target ≤ maximum          target: what a balloon is asked to leave the machine
 *             ▲
 *  pool short: from the machine that pays least for a frame       pool ample: to the one that pays most
 * ```
 * Why: min-funding revocation takes memory from whoever's shares are worth least a frame, and a tax on what a machine
 * holds and does not use makes idle memory go first, whoever holds it. @spec waldspurger-memory "Share-Based Allocation",
 * "Idle Memory Tax"
 * Invariants: pure. A target is never below the minimum, never above the maximum, nor above what the owner commanded,
 * and whole frames. Nothing moves while the free part of the pool is between `low` and `high`, so targets do not swing;
 * what is given goes no further than the middle. Bytes everywhere.
 */

import { assert, type Result, userError } from '@virga/base'

const frameBytes = 4096

/** One machine, as far as its memory is concerned. */
export interface MachineMemory {
  readonly name: string
  /** the balloon never takes more than down to this */
  readonly minimumBytes: number
  /** what the machine was made with, and never exceeds */
  readonly maximumBytes: number
  /** what the owner wants it to have when the pool has it: minimum to maximum */
  readonly wantedBytes: number
  /** what the balloon is asked for at present: minimum to maximum */
  readonly targetBytes: number
  /** frames of the pool that it holds at present */
  readonly heldBytes: number
  /** 1 to 10,000 */
  readonly share: number
  /** what it has and does not use, as the balloon's statistics tell; absent where they do not */
  readonly idleBytes?: number
  /** absent for a guest without a balloon: its memory cannot be taken back */
  readonly balloon: 'present' | 'absent'
}

/** The pool. */
export interface PoolMemory {
  readonly totalBytes: number
  readonly freeBytes: number
}

/** What the policy weighs. */
export interface MemoryTuning {
  /** below this part of the pool free, memory is taken back: 0 to 1 */
  readonly low: number
  /** above this part free, it is given: low to 1 */
  readonly high: number
  /** 0 to below 1: the part of idle memory that its owner is made to give before others give what they use */
  readonly idleTax: number
  /** no target moves by less, unless to a bound */
  readonly stepBytes: number
}

/** As in the paper, but for `high`, which is closer, since a pool serves few machines. */
export const usualMemoryTuning: MemoryTuning = {
  low: 0.04,
  high: 0.12,
  idleTax: 0.75,
  stepBytes: 4 * 2 ** 20,
}

/** A target that changes. */
export interface NewTarget {
  readonly name: string
  readonly targetBytes: number
}

/** The targets that change now, under pressure or because there is room. Empty when the pool is fine as it is. */
export function memoryTargets(
  pool: PoolMemory,
  machines: readonly MachineMemory[],
  tuning: MemoryTuning = usualMemoryTuning,
): readonly NewTarget[] {
  const middleBytes = ((tuning.low + tuning.high) / 2) * pool.totalBytes
  // Balloons that still work on their targets will have given, or taken, this.
  const freeBytes = pool.freeBytes + sum(machines, (machine) => pendingBytes(machine))
  const targets = targetsOf(machines)
  // What the owner wants less of goes at once, pressure or not.
  for (const machine of machines) {
    targets.set(machine, Math.min(machine.targetBytes, commanded(machine)))
  }
  if (freeBytes < tuning.low * pool.totalBytes) {
    // What was never touched frees nothing, so it does not count as taken.
    for (const [machine, target] of targets) targets.set(machine, untouchedGone(machine, target))
    revoke(targets, middleBytes - freeBytes, tuning)
  } else if (freeBytes > tuning.high * pool.totalBytes) grant(targets, freeBytes - middleBytes, tuning)
  return changes(targets)
}

/**
 * Admits a machine that is to start with `wantedBytes`, at least `minimumBytes`. The answer is what it may have, and the
 * targets that others are to go to for it; or why it cannot start, with the figures.
 */
export function admitMachine(
  pool: PoolMemory,
  machines: readonly MachineMemory[],
  start: Pick<MachineMemory, 'name' | 'minimumBytes' | 'maximumBytes' | 'wantedBytes'>,
  tuning: MemoryTuning = usualMemoryTuning,
): Result<{ readonly targetBytes: number; readonly others: readonly NewTarget[] }> {
  assert(
    start.minimumBytes <= start.wantedBytes && start.wantedBytes <= start.maximumBytes,
    'bounds are in order',
  )
  // What machines may still take without asking is not free.
  const promisedBytes = sum(machines, (machine) => Math.max(machine.targetBytes - machine.heldBytes, 0))
  const freeBytes = Math.max(pool.freeBytes - promisedBytes, 0)
  const revocableBytes = sum(machines, (machine) => machine.targetBytes - floorOf(machine))
  if (freeBytes + revocableBytes < start.minimumBytes) {
    return userError(
      `${start.name} needs at least ${mib(start.minimumBytes, 'up')} MiB: ${mib(freeBytes)} MiB of ` +
        `${mib(pool.totalBytes)} MiB are free, and balloons can give back ${mib(revocableBytes)} MiB more; ` +
        'stop a machine, or ask for less memory',
    )
  }
  const targetBytes = wholeFrames(Math.min(start.wantedBytes, Math.max(freeBytes, start.minimumBytes)))
  const targets = targetsOf(machines)
  revoke(targets, targetBytes - freeBytes, tuning)
  return { ok: true, value: { targetBytes, others: changes(targets) } }
}

/** New bounds and wish of a running machine, or why they cannot be. The target follows by `memoryTargets`. */
export function commandMemory(machine: MachineMemory, wantedBytes: number): Result<MachineMemory> {
  const { name, minimumBytes, maximumBytes } = machine
  if (!(wantedBytes >= minimumBytes && wantedBytes <= maximumBytes)) {
    return userError(
      `${name} can have ${mib(minimumBytes, 'up')} to ${mib(maximumBytes)} MiB, not ${Math.round(wantedBytes / 2 ** 20)}; its maximum is set when it starts`,
    )
  }
  return { ok: true, value: { ...machine, wantedBytes: wholeFrames(wantedBytes) } }
}

type Targets = Map<MachineMemory, number>

function targetsOf(machines: readonly MachineMemory[]): Targets {
  return new Map(machines.map((machine) => [machine, machine.targetBytes]))
}

function changes(targets: Targets): readonly NewTarget[] {
  return [...targets]
    .filter(([machine, target]) => target !== machine.targetBytes)
    .map(([machine, target]) => ({ name: machine.name, targetBytes: target }))
}

/** What a balloon will have changed of the pool's free memory when it has reached its target: less for what it may take. */
function pendingBytes({ heldBytes, targetBytes, balloon }: MachineMemory): number {
  if (balloon === 'absent') return 0
  return Math.max(heldBytes - targetBytes, 0)
}

/** What a machine can be brought down to. */
function floorOf({ balloon, minimumBytes, targetBytes }: MachineMemory): number {
  return balloon === 'present' ? minimumBytes : targetBytes
}

/** A target without the part that the machine does not hold. */
function untouchedGone(machine: MachineMemory, target: number): number {
  return Math.min(target, Math.max(upToFrames(machine.heldBytes), floorOf(machine)))
}

/** What the owner wants the machine to have; a guest without a balloon has what it has. */
function commanded(machine: MachineMemory): number {
  return machine.balloon === 'present' ? machine.wantedBytes : machine.targetBytes
}

/** Takes `bytes` in all, a step at a time from whoever pays least for a frame. */
function revoke(targets: Targets, bytes: number, tuning: MemoryTuning): void {
  let left = upToFrames(bytes)
  while (left > 0) {
    const machine = best(targets, (candidate, target) =>
      target > floorOf(candidate) ? -price(candidate, target, tuning) : undefined,
    )
    if (machine === undefined) return
    const target = targets.get(machine) as number
    const step = Math.min(Math.max(Math.min(tuning.stepBytes, left), frameBytes), target - floorOf(machine))
    targets.set(machine, target - step)
    left -= step
  }
}

/** Gives `bytes` at most, a step at a time to whoever pays most for a frame and wants it. */
function grant(targets: Targets, bytes: number, tuning: MemoryTuning): void {
  let left = wholeFrames(bytes)
  while (left > 0) {
    const machine = best(targets, (candidate, target) =>
      candidate.balloon === 'present' && target < commanded(candidate)
        ? price(candidate, target, tuning)
        : undefined,
    )
    if (machine === undefined) return
    const target = targets.get(machine) as number
    const missing = commanded(machine) - target
    const step = Math.min(tuning.stepBytes, missing)
    if (step > left) return
    targets.set(machine, target + step)
    left -= step
  }
}

/** Shares a byte, of which idle ones count for more: share ÷ (target × (active + k × idle)), with k = 1 ÷ (1 − tax). */
function price(
  { share, idleBytes = 0, targetBytes }: MachineMemory,
  target: number,
  { idleTax }: MemoryTuning,
): number {
  // What was taken since the statistics were made was idle first.
  const idle = Math.min(Math.max(idleBytes - (targetBytes - target), 0), target)
  return share / (target - idle + idle / (1 - idleTax) + 1)
}

/** The machine with the highest score; of equals, the first. */
function best(
  targets: Targets,
  score: (machine: MachineMemory, target: number) => number | undefined,
): MachineMemory | undefined {
  let found: MachineMemory | undefined
  let most = Number.NEGATIVE_INFINITY
  for (const [machine, target] of targets) {
    const points = score(machine, target)
    if (points === undefined || points <= most) continue
    most = points
    found = machine
  }
  return found
}

function sum<T>(items: readonly T[], of: (item: T) => number): number {
  return items.reduce((total, item) => total + of(item), 0)
}

function wholeFrames(bytes: number): number {
  return Math.floor(bytes / frameBytes) * frameBytes
}

function upToFrames(bytes: number): number {
  return Math.ceil(bytes / frameBytes) * frameBytes
}

function mib(bytes: number, round: 'down' | 'up' = 'down'): number {
  return round === 'up' ? Math.ceil(bytes / 2 ** 20) : Math.floor(bytes / 2 ** 20)
}
