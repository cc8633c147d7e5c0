/** What machines did between two looks at them. */

import type { MachineStatus } from '@virga/host'

/** One machine, as `virga top` shows it. Absent figures: it does not run, or has only just begun to. */
export interface MachineRates {
  readonly name: string
  readonly state: string
  readonly cpus: number
  /** part of the time of each hart in which it was not idle, 0 to 1 */
  readonly busy?: readonly number[]
  readonly instructionsPerSecond?: number
  readonly memoryBytes?: number
  readonly memoryBytesMax: number
}

/** The machines of the later look; rates are of those that ran all the time. */
export function ratesBetween(
  earlier: readonly MachineStatus[],
  later: readonly MachineStatus[],
): MachineRates[] {
  const before = new Map(earlier.map(({ record, use }) => [record.name, use]))
  return later.map(({ record, state, use }) => {
    const { name, cpus, memoryBytes: memoryBytesMax } = record
    const machine = { name, state, cpus, memoryBytesMax }
    if (use === undefined) return machine
    const { memoryBytes } = use
    const first = before.get(name)
    const ms = use.wallMs - (first?.wallMs ?? 0)
    // One that was started again in between begins anew.
    if (first === undefined || ms <= 0) return { ...machine, memoryBytes }
    return {
      ...machine,
      memoryBytes,
      busy: use.harts.map(({ idleMs }, hart) => busyPart(idleMs - (first.harts[hart]?.idleMs ?? 0), ms)),
      instructionsPerSecond: ((use.instructions - first.instructions) * 1000) / ms,
    }
  })
}

/** Clocks of two threads are read at two moments, so the parts may be off by a little. */
function busyPart(idleMs: number, ms: number): number {
  return Math.min(1, Math.max(0, 1 - idleMs / ms))
}
