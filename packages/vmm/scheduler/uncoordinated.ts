/**
 * Each pCPU by itself: of the harts at home there, the one that has had least for its part of its machine's share.
 * Why: what a scheduler that knows nothing of machines does, to compare the gang scheduler with.
 * Invariants: a pCPU's slices begin and end without regard to others'. Caps hold, and an idle pCPU takes a hart that
 * has waited for longer than a move costs, as with gangs; there is no skew bound.
 */

import { Accounts, unitShare } from './accounts.ts'
import { hartState } from './policy.ts'

const infinity = Number.POSITIVE_INFINITY

/** See the head of this file. `progress` of a hart is its time over its part of the share. */
export class UncoordinatedPolicy extends Accounts {
  protected choose(pcpu: number, now: number): void {
    const { words } = this
    const hart = words.assigned[pcpu] as number
    if (hart >= 0 && now < (words.until[pcpu] as number)) return
    this.chargeAll(now)
    this.fundAll(now)
    let next = this.#leastAt(pcpu)
    let until = now + this.tuning.sliceMs
    if (next < 0) {
      next = this.#longestWaiting()
      const at = next < 0 ? infinity : (words.readyAt[next] as number) + this.tuning.moveMs
      if (at <= now) words.home[next] = pcpu
      else {
        next = -1
        until = Math.min(at, this.fundedNext())
      }
    }
    if (next >= 0 && words.cap[this.machineOf(next)] !== infinity) {
      const machine = this.machineOf(next)
      until = Math.min(
        until,
        now + Math.max((words.budget[machine] as number) / this.#together(machine), 0.001),
      )
    }
    words.assigned[pcpu] = next
    words.until[pcpu] = until
    const lost = hart >= 0 && hart !== next && (words.state[hart] as number) >= hartState.ready
    this.#rouseIdle(Math.min(lost ? now + this.tuning.moveMs : infinity, this.fundedNext()))
  }

  protected rejoin(hart: number): void {
    const { words } = this
    const least = this.#leastAt(words.home[hart] as number)
    if (least >= 0)
      words.progress[hart] = Math.max(words.progress[hart] as number, words.progress[least] as number)
  }

  protected woken(hart: number, _first: boolean, now: number): void {
    const { words } = this
    const machine = this.machineOf(hart)
    this.fundAll(now)
    const pcpu = words.home[hart] as number
    const other = words.assigned[pcpu] as number
    const ahead = this.progressOf(machine, this.tuning.wakeMs)
    if (!this.eligible(machine)) {
      this.#rouseIdle(this.fundedNext())
      return
    }
    if (other < 0 || (words.progress[hart] as number) + ahead < (words.progress[other] as number)) {
      words.assigned[pcpu] = hart
      words.until[pcpu] = now + this.tuning.sliceMs
      this.kick(pcpu)
      if (other < 0) return
    }
    this.#rouseIdle(now + this.tuning.moveMs)
  }

  protected reconsider(now: number): void {
    for (let pcpu = 0; pcpu < this.pcpus; pcpu++) {
      this.words.until[pcpu] = now
      this.kick(pcpu)
    }
  }

  protected override progressOf(machine: number, ms: number): number {
    const { words } = this
    return (ms * unitShare * (words.harts[machine] as number)) / (words.share[machine] as number)
  }

  /** The hart at home on a pCPU, or running there, that has had least; -1 for none. */
  #leastAt(pcpu: number): number {
    const { words, stride } = this
    let best = -1
    for (let i = 0; i < (words.machineCount[0] as number); i++) {
      const machine = words.order[i] as number
      if (!this.eligible(machine)) continue
      const end = machine * stride + (words.harts[machine] as number)
      for (let hart = machine * stride; hart < end; hart++) {
        if ((words.state[hart] as number) < hartState.ready || words.home[hart] !== pcpu) continue
        if (best < 0 || (words.progress[hart] as number) < (words.progress[best] as number)) best = hart
      }
    }
    return best
  }

  /** A hart waits that an idle pCPU may take at a time. */
  #rouseIdle(at: number): void {
    const { words } = this
    for (let idle = 0; idle < this.pcpus; idle++) {
      if (words.assigned[idle] !== -1 || at >= (words.until[idle] as number)) continue
      words.until[idle] = at
      this.kick(idle)
    }
  }

  #longestWaiting(): number {
    const { words, stride } = this
    let best = -1
    for (let i = 0; i < (words.machineCount[0] as number); i++) {
      const machine = words.order[i] as number
      if (!this.eligible(machine)) continue
      const end = machine * stride + (words.harts[machine] as number)
      for (let hart = machine * stride; hart < end; hart++) {
        if (words.state[hart] !== hartState.ready || words.assigned[words.home[hart] as number] === hart)
          continue
        if (best < 0 || (words.readyAt[hart] as number) < (words.readyAt[best] as number)) best = hart
      }
    }
    return best
  }

  /** Harts of the machine that run, and one more that is about to. */
  #together(machine: number): number {
    let count = 1
    for (let pcpu = 0; pcpu < this.pcpus; pcpu++) {
      const hart = this.words.running[pcpu] as number
      if (hart >= 0 && this.machineOf(hart) === machine) count++
    }
    return count
  }
}
