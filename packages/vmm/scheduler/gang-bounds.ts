/**
 * How long a hart may run, beside siblings that wait; and how much one machine is owed before another.
 * Why: whoever gives a hart a pCPU, for a slice or for a gap, gives it within the same bounds.
 * Invariants: a hart that is `skewMs` ahead of its slowest waiting sibling does not run on; one whose sibling waits for the
 * same pCPU runs no longer than a turn.
 */

import { Accounts, unitShare } from './accounts.ts'
import { hartState } from './policy.ts'

/** Shortest time that a choice holds, so that rounding cannot make a pCPU ask without end. */
const holdLeastMs = 0.001

const infinity = Number.POSITIVE_INFINITY

/** See the head of this file. */
export abstract class GangBounds extends Accounts {
  /** True when a machine that wakes has had so much less than one that runs that it goes first. */
  protected owed(machine: number, running: number): boolean {
    if (machine === running) return false
    const { words } = this
    const ahead = (this.tuning.wakeMs * unitShare) / (words.share[running] as number)
    return (words.vtime[machine] as number) + ahead < (words.vtime[running] as number)
  }

  /** The start tag of the machine that has had most, of those that may run. */
  protected latest(): number {
    const { words } = this
    for (let i = (words.machineCount[0] as number) - 1; i >= 0; i--) {
      const machine = words.order[i] as number
      if (this.eligible(machine)) return words.startTag[machine] as number
    }
    return -infinity
  }

  /** The start tag of who has had so much more than a machine that a hart of it moves. */
  protected farFrom(machine: number): number {
    const { words } = this
    return (
      (words.startTag[machine] as number) +
      (this.tuning.moveLagMs * unitShare) / (words.share[machine] as number)
    )
  }

  /** Until when a hart that is assigned may run: the slice, the machine's budget, the skew bound, its turn. */
  protected holds(hart: number, now: number): number {
    const { words, stride } = this
    const { skewMs, turnMs } = this.tuning
    const machine = this.machineOf(hart)
    const progress = words.progress[hart] as number
    const home = words.home[hart] as number
    const first = machine * stride
    const end = first + (words.harts[machine] as number)
    let together = 0
    let slowestWaiting = infinity
    let slowestHere = infinity
    for (let sibling = first; sibling < end; sibling++) {
      if ((words.state[sibling] as number) < hartState.ready) continue
      const at = words.home[sibling] as number
      if (words.assigned[at] === sibling) {
        together++
        continue
      }
      const other = words.progress[sibling] as number
      if (other < slowestWaiting) slowestWaiting = other
      if (at === home && other < slowestHere) slowestHere = other
    }
    let until = words.sliceEnd[0] as number
    if (slowestWaiting !== infinity) {
      const ahead = progress - slowestWaiting
      until = Math.min(until, now + Math.max(skewMs - ahead, holdLeastMs))
      until = Math.min(until, now + turnMs + Math.max(slowestHere - progress, 0))
    }
    if (words.cap[machine] !== infinity) {
      until = Math.min(until, now + Math.max((words.budget[machine] as number) / together, holdLeastMs))
    }
    return until
  }

  /** True when a hart is not too far ahead of siblings that wait while it would run. */
  protected withinSkew(hart: number, machine: number): boolean {
    const { words, stride } = this
    const least = (words.progress[hart] as number) - this.tuning.skewMs
    const end = machine * stride + (words.harts[machine] as number)
    for (let other = machine * stride; other < end; other++) {
      if (other === hart || (words.state[other] as number) < hartState.ready) continue
      if (words.assigned[words.home[other] as number] === other) continue
      if ((words.progress[other] as number) <= least) return false
    }
    return true
  }

  /** A hart of the machine waits: those that run may only go on as far as the bound, and the end of their turn. */
  protected limitSkew(machine: number, now: number): void {
    const { words, stride } = this
    const end = machine * stride + (words.harts[machine] as number)
    for (let hart = machine * stride; hart < end; hart++) {
      const pcpu = words.home[hart] as number
      if ((words.state[hart] as number) < hartState.ready || words.assigned[pcpu] !== hart) continue
      const until = this.holds(hart, now)
      if (until >= (words.until[pcpu] as number)) continue
      words.until[pcpu] = until
      this.kick(pcpu)
    }
  }

  /** Gives a hart its pCPU between two choices. */
  protected assign(pcpu: number, hart: number, now: number): void {
    const { words } = this
    words.assigned[pcpu] = hart
    words.gang[pcpu] = words.placed[this.machineOf(hart)] as number
    words.until[pcpu] = this.holds(hart, now)
    this.kick(pcpu)
  }
}
