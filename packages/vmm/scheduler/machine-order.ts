/**
 * Machines by what they have had for their shares, least first.
 * Why: a choice goes through machines in this order and stops when nothing is free, so it must not sort them all each
 * time. Only those that ran since the last choice have a new tag: they are taken out, and merged in again.
 * Invariants: `order` holds each machine once; after `update` by rising `startTag`, whatever was changed before.
 */

import type { SchedulerWords } from './state-words.ts'

/** See the head of this file. */
export class MachineOrder {
  readonly #words: SchedulerWords
  /** machines whose tag has changed, while they are out of the order */
  readonly #changed: Int32Array

  constructor(words: SchedulerWords) {
    this.#words = words
    this.#changed = new Int32Array(words.order.length)
  }

  /** Gives machines the tag of what they have had: all, or those that are not of the present choice's gangs nor `favoured`. */
  update(all: boolean, favoured: number): void {
    const { order, startTag, vtime, placed, machineCount } = this.#words
    const count = machineCount[0] as number
    let kept = 0
    let changed = 0
    for (let i = 0; i < count; i++) {
      const machine = order[i] as number
      if (all || (placed[machine] === 0 && machine !== favoured)) {
        const had = vtime[machine] as number
        if (startTag[machine] !== had) {
          startTag[machine] = had
          this.#changed[changed++] = machine
          continue
        }
      }
      // One that was added, or that caught up, may stand anywhere.
      if (kept > 0 && (startTag[machine] as number) < (startTag[order[kept - 1] as number] as number))
        this.#changed[changed++] = machine
      else order[kept++] = machine
    }
    if (changed === 0) return
    sort(this.#changed, changed, startTag)
    // From the back, so that each machine moves once.
    let to = count - 1
    while (changed > 0) {
      const machine = this.#changed[changed - 1] as number
      const tag = startTag[machine] as number
      while (kept > 0 && (startTag[order[kept - 1] as number] as number) > tag)
        order[to--] = order[--kept] as number
      order[to--] = machine
      changed--
    }
  }

  /** Puts one machine, whose tag changed, before all that have had as much. */
  put(machine: number): void {
    const { order, startTag, machineCount } = this.#words
    const count = machineCount[0] as number
    const tag = startTag[machine] as number
    let at = 0
    while (order[at] !== machine) at++
    while (at > 0 && (startTag[order[at - 1] as number] as number) >= tag) {
      order[at] = order[at - 1] as number
      at--
    }
    while (at + 1 < count && (startTag[order[at + 1] as number] as number) < tag) {
      order[at] = order[at + 1] as number
      at++
    }
    order[at] = machine
  }
}

/** By insertion: few, or nearly sorted. */
function sort(machines: Int32Array, count: number, tags: Float64Array): void {
  for (let i = 1; i < count; i++) {
    const machine = machines[i] as number
    const tag = tags[machine] as number
    let at = i
    while (at > 0 && (tags[machines[at - 1] as number] as number) > tag) {
      machines[at] = machines[at - 1] as number
      at--
    }
    machines[at] = machine
  }
}
