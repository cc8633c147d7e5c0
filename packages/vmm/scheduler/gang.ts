/**
 * The gang scheduler: harts of a machine run together, machines by their shares.
 *
 * ```
 *  one slice       pCPU 0   pCPU 1   pCPU 2          machines in the order of what they have had, least first
 *  1. gangs          a0       a1                     a whole machine, where all of its pCPUs are free
 *  2. gaps                              c2           else what of a machine fits, within the skew bound
 *  3. idle pCPUs                                     else a hart that waited for longer than a move costs
 * ```
 * Why: a hart that waits for a sibling that is not running burns its share. What is chosen for all pCPUs at once is a
 * row of Ousterhout's matrix, made when it is needed from virtual times, so that shares hold. Between two choices one
 * pCPU at a time is looked at: a hart that waits in WFI releases its slot to another, and has it back when it wakes.
 * Invariants: the machine that has had least, of those that may run, always has its pCPUs, so none starves. A hart that
 * is `skewMs` ahead of its slowest runnable sibling does not run.
 */

import { Accounts, type PolicyOptions, unitShare } from './accounts.ts'
import { hartState } from './policy.ts'

/** A machine that got all it asked for this long has no claim on the past. */
const claimMs = 1000
/** Shortest time that a choice holds, so that rounding cannot make a pCPU ask without end. */
const holdLeastMs = 0.001

const infinity = Number.POSITIVE_INFINITY

/** See the head of this file. */
export class GangPolicy extends Accounts {
  /** the choice that is being made: hart of each pCPU, and whether it is of a whole gang */
  readonly #next: Int32Array
  readonly #nextGang: Int32Array
  /** pCPU that each hart of the gang under consideration comes from, -1 where it stays */
  readonly #from: Int32Array
  /** place in the order of the first machine that has a runnable hart at home on each pCPU */
  readonly #claim: Int32Array
  #claimsKnown = false
  #free = 0
  /** when the next waiting hart has waited long enough for an idle pCPU */
  #moveAt = infinity

  constructor(options: PolicyOptions) {
    super(options)
    this.#next = new Int32Array(this.pcpus)
    this.#nextGang = new Int32Array(this.pcpus)
    this.#from = new Int32Array(this.stride)
    this.#claim = new Int32Array(this.pcpus)
  }

  protected choose(pcpu: number, now: number): void {
    const { words } = this
    if (now >= (words.sliceEnd[0] as number)) {
      this.#plan(now, -1)
      return
    }
    const hart = words.assigned[pcpu] as number
    if (hart >= 0 && now < (words.until[pcpu] as number)) return
    this.chargeAll(now)
    this.fundAll(now)
    if (this.#gangsGone()) this.#plan(now, -1)
    else this.#fillOne(pcpu, now)
  }

  protected rejoin(hart: number, first: boolean): void {
    const { words, stride } = this
    const machine = this.machineOf(hart)
    // Idle time is progress: who wakes is no further behind than the slowest of those that could run; and when there is
    // none, than any, so that nobody who wakes later is ahead of it.
    let level = first ? 0 : this.slowest(machine)
    const end = machine * stride + (words.harts[machine] as number)
    if (first) {
      for (let other = machine * stride; other < end; other++) {
        level = Math.max(level, words.progress[other] as number)
      }
    }
    if ((words.progress[hart] as number) < level) words.progress[hart] = level
  }

  protected woken(hart: number, first: boolean, now: number): void {
    const { words } = this
    const machine = this.machineOf(hart)
    this.fundAll(now)
    if (first) this.#reorder(machine)
    const pcpu = words.home[hart] as number
    const other = words.assigned[pcpu] as number
    if (this.eligible(machine)) {
      if (other < 0 || (words.placed[machine] === 1 && words.gang[pcpu] === 0)) {
        // Its slot is empty or was lent.
        if (this.#withinSkew(hart, machine)) {
          words.assigned[pcpu] = hart
          words.gang[pcpu] = words.placed[machine] as number
          words.until[pcpu] = this.#holds(hart, now)
          this.kick(pcpu)
          if (other < 0) return
          this.#limitSkew(this.machineOf(other), now)
          this.#rouseIdle(now)
          return
        }
      } else if (this.#owed(machine, this.machineOf(other))) {
        words.startTag[machine] = words.startTag[this.machineOf(other)] as number
        this.#reorder(machine)
        this.#plan(now, machine)
        return
      }
    }
    this.#limitSkew(machine, now)
    this.#rouseIdle(now)
  }

  protected reconsider(now: number): void {
    this.#plan(now, -1)
  }

  /** True when a machine that wakes has had so much less than one that runs that it goes first. */
  #owed(machine: number, running: number): boolean {
    if (machine === running) return false
    const { words } = this
    const ahead = (this.tuning.wakeMs * unitShare) / (words.share[running] as number)
    return (words.vtime[machine] as number) + ahead < (words.vtime[running] as number)
  }

  /** True when no machine of the present choice's gangs has anything to run any more. */
  #gangsGone(): boolean {
    const { words } = this
    for (let i = 0; i < (words.machineCount[0] as number); i++) {
      const machine = words.order[i] as number
      if (words.placed[machine] === 1 && this.eligible(machine)) return false
    }
    return true
  }

  /**
   * Chooses for all pCPUs. `favoured` is a machine that goes by the start tag it was given, -1 for none. Gangs of the
   * present slice go by what they had had at its start, so a choice in between does not cut them short.
   */
  #plan(now: number, favoured: number): void {
    const { words } = this
    this.chargeAll(now)
    this.fundAll(now)
    const renew = now >= (words.sliceEnd[0] as number)
    if (renew) {
      words.sliceEnd[0] = now + this.tuning.sliceMs
      this.#settle(now)
    }
    const count = words.machineCount[0] as number
    for (let i = 0; i < count; i++) {
      const machine = words.order[i] as number
      if (renew || (words.placed[machine] === 0 && machine !== favoured)) {
        words.startTag[machine] = words.vtime[machine] as number
      }
    }
    this.#sort(count)
    this.#next.fill(-1)
    this.#nextGang.fill(0)
    this.#free = this.pcpus
    this.#claimsKnown = false
    let least = infinity
    for (let i = 0; i < count; i++) {
      const machine = words.order[i] as number
      words.placed[machine] = 0
      if (!this.eligible(machine)) continue
      least = Math.min(least, words.startTag[machine] as number)
      if (this.#free > 0 && this.#placeGang(machine, i, now)) words.placed[machine] = 1
    }
    if (least !== infinity && least > (words.virtualTime[0] as number)) words.virtualTime[0] = least
    if (this.#free > 0) this.#fillGaps(count)
    if (this.#free > 0) this.#fillIdle(count, now)
    else this.#moveAt = infinity
    this.#commit(count, now)
  }

  /** Forgets claims and debts that nobody has any more. */
  #settle(now: number): void {
    const { words } = this
    const count = words.machineCount[0] as number
    const uncontended = now - (words.contendedAt[0] as number) > claimMs
    let least = infinity
    for (let i = 0; i < count; i++) {
      const machine = words.order[i] as number
      if (!this.eligible(machine) || now - (words.waitedAt[machine] as number) > claimMs) continue
      least = Math.min(least, words.vtime[machine] as number)
    }
    for (let i = 0; i < count; i++) {
      const machine = words.order[i] as number
      if (uncontended) words.vtime[machine] = words.virtualTime[0] as number
      else if (least !== infinity && now - (words.waitedAt[machine] as number) > claimMs) {
        words.vtime[machine] = Math.max(words.vtime[machine] as number, least)
      }
    }
  }

  /** Sorts the order by start tags. It was sorted at the last choice, so this moves little. */
  #sort(count: number): void {
    const { order, startTag } = this.words
    for (let i = 1; i < count; i++) {
      const machine = order[i] as number
      const tag = startTag[machine] as number
      let at = i
      while (at > 0 && (startTag[order[at - 1] as number] as number) > tag) {
        order[at] = order[at - 1] as number
        at--
      }
      order[at] = machine
    }
  }

  /** Puts one machine, whose tag changed, before all that have had as much. */
  #reorder(machine: number): void {
    const { order, startTag, machineCount } = this.words
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

  /** Places all harts of a machine that can run, or none: false. Where it has more than there are pCPUs, one on each. */
  #placeGang(machine: number, place: number, now: number): boolean {
    const { words, stride } = this
    const first = machine * stride
    const end = first + (words.harts[machine] as number)
    let waits = Number.POSITIVE_INFINITY
    for (let hart = first; hart < end; hart++) {
      this.#from[hart - first] = -1
      if ((words.state[hart] as number) < hartState.ready) continue
      let pcpu = words.home[hart] as number
      const taken = this.#next[pcpu] as number
      if (taken >= 0 && this.machineOf(taken) !== machine) {
        pcpu = this.#columnFor(hart, machine, place, now)
        if (pcpu < 0) {
          this.#unplace(machine, hart)
          return false
        }
        this.#from[hart - first] = words.home[hart] as number
        words.home[hart] = pcpu
      } else if (taken >= 0) {
        const slower = (words.progress[taken] as number) <= (words.progress[hart] as number)
        waits = Math.min(waits, words.progress[slower ? hart : taken] as number)
        if (slower) continue
        this.#free++
      }
      this.#next[pcpu] = hart
      this.#nextGang[pcpu] = 1
      this.#free--
    }
    // Who runs together stays as far apart as it is. Only who waits holds those that are ahead of it.
    if (waits !== infinity) this.#holdBack(machine, waits + this.tuning.skewMs)
    return true
  }

  /** Takes the pCPUs from a machine's harts that are as far as `bound`. */
  #holdBack(machine: number, bound: number): void {
    const { words } = this
    for (let pcpu = 0; pcpu < this.pcpus; pcpu++) {
      const hart = this.#next[pcpu] as number
      if (hart < 0 || this.machineOf(hart) !== machine || (words.progress[hart] as number) < bound) continue
      this.#next[pcpu] = -1
      this.#nextGang[pcpu] = 0
      this.#free++
    }
  }

  /** Takes back what was placed of a machine; harts that were to move, as far as `reached`, stay. */
  #unplace(machine: number, reached: number): void {
    const first = machine * this.stride
    for (let hart = first; hart < reached; hart++) {
      if (this.#from[hart - first] !== -1) this.words.home[hart] = this.#from[hart - first] as number
    }
    for (let pcpu = 0; pcpu < this.pcpus; pcpu++) {
      const hart = this.#next[pcpu] as number
      if (hart < 0 || this.machineOf(hart) !== machine) continue
      this.#next[pcpu] = -1
      this.#nextGang[pcpu] = 0
      this.#free++
    }
  }

  /** A pCPU for a hart whose own is taken: one that nobody at home there needs more, by `moveLagMs`. -1: none. */
  #columnFor(hart: number, machine: number, place: number, now: number): number {
    const { words } = this
    if (this.#free === 0) return -1
    this.#findClaims()
    const ready = words.state[hart] === hartState.ready
    const waited = ready && now - (words.readyAt[hart] as number) >= this.tuning.moveMs
    const lag = (this.tuning.moveLagMs * unitShare) / (words.share[machine] as number)
    const far = (words.startTag[machine] as number) + lag
    const here = this.siblingsAt(machine, words.home[hart] as number)
    for (let pcpu = 0; pcpu < this.pcpus; pcpu++) {
      if (this.#next[pcpu] !== -1) continue
      const claim = this.#claim[pcpu] as number
      if (claim <= place) continue
      // Nobody's: as an idle one. Somebody's: only for what is owed.
      if (
        claim === words.order.length
          ? !waited
          : (words.startTag[words.order[claim] as number] as number) < far
      )
        continue
      if (this.siblingsAt(machine, pcpu) < here) return pcpu
    }
    return -1
  }

  /** Who needs each pCPU most, of those at home there. */
  #findClaims(): void {
    if (this.#claimsKnown) return
    this.#claimsKnown = true
    const { words, stride } = this
    this.#claim.fill(words.order.length)
    for (let i = (words.machineCount[0] as number) - 1; i >= 0; i--) {
      const machine = words.order[i] as number
      if (!this.eligible(machine)) continue
      const end = machine * stride + (words.harts[machine] as number)
      for (let hart = machine * stride; hart < end; hart++) {
        if ((words.state[hart] as number) >= hartState.ready) this.#claim[words.home[hart] as number] = i
      }
    }
  }

  /** Gives free pCPUs to harts at home there, of machines that did not fit as a whole. */
  #fillGaps(count: number): void {
    const { words, stride } = this
    for (let i = 0; i < count && this.#free > 0; i++) {
      const machine = words.order[i] as number
      if (!this.eligible(machine)) continue
      const bound = this.slowest(machine) + this.tuning.skewMs
      const end = machine * stride + (words.harts[machine] as number)
      for (let hart = machine * stride; hart < end; hart++) {
        if ((words.state[hart] as number) < hartState.ready) continue
        const pcpu = words.home[hart] as number
        if (this.#next[pcpu] !== -1 || (words.progress[hart] as number) >= bound) continue
        this.#next[pcpu] = hart
        this.#free--
      }
    }
  }

  /** Gives pCPUs for which nobody at home asks to harts that waited; says when the next will have. */
  #fillIdle(count: number, now: number): void {
    const { words, stride } = this
    this.#moveAt = infinity
    for (let i = 0; i < count && this.#free > 0; i++) {
      const machine = words.order[i] as number
      if (!this.eligible(machine)) continue
      const slowest = this.slowest(machine)
      const end = machine * stride + (words.harts[machine] as number)
      for (let hart = machine * stride; hart < end && this.#free > 0; hart++) {
        if (words.state[hart] !== hartState.ready || this.#next[words.home[hart] as number] === hart) continue
        const ahead = (words.progress[hart] as number) - slowest
        if (ahead >= this.tuning.skewMs) {
          // It goes on when the slowest has come closer by a moment.
          const { skewMs, wakeMs } = this.tuning
          this.#moveAt = Math.min(this.#moveAt, now + ahead - skewMs + wakeMs)
          continue
        }
        const pcpu = this.#idleFor(hart, machine, now)
        if (pcpu < 0) continue
        words.home[hart] = pcpu
        this.#next[pcpu] = hart
        this.#free--
      }
    }
  }

  /** The idle pCPU with fewest siblings at home, if the hart waited for long enough; else -1, and `#moveAt` is told. */
  #idleFor(hart: number, machine: number, now: number): number {
    const { words } = this
    let best = -1
    let fewest = infinity
    for (let pcpu = 0; pcpu < this.pcpus; pcpu++) {
      if (this.#next[pcpu] !== -1) continue
      const siblings = this.siblingsAt(machine, pcpu)
      if (siblings >= fewest) continue
      fewest = siblings
      best = pcpu
    }
    // Where there are more harts than pCPUs, siblings share pCPUs anyhow.
    const fits = (words.harts[machine] as number) <= this.pcpus
    const stacks = fits && fewest >= this.siblingsAt(machine, words.home[hart] as number)
    const { moveMs, stackMs } = this.tuning
    const at = (words.readyAt[hart] as number) + (stacks ? stackMs : moveMs)
    if (at <= now) return best
    if (at < this.#moveAt) this.#moveAt = at
    return -1
  }

  /** Makes the choice the present one: tells pCPUs that run something else, and says how long it holds. */
  #commit(count: number, now: number): void {
    const { words, stride } = this
    for (let pcpu = 0; pcpu < this.pcpus; pcpu++) {
      words.assigned[pcpu] = this.#next[pcpu] as number
      words.gang[pcpu] = this.#nextGang[pcpu] as number
    }
    for (let i = 0; i < count; i++) {
      const machine = words.order[i] as number
      if (!this.eligible(machine)) continue
      const end = machine * stride + (words.harts[machine] as number)
      for (let hart = machine * stride; hart < end; hart++) {
        if ((words.state[hart] as number) < hartState.ready) continue
        if (words.assigned[words.home[hart] as number] === hart) continue
        words.waitedAt[machine] = now
        words.contendedAt[0] = now
        break
      }
    }
    const idleUntil = Math.min(this.#moveAt, this.#fundedNext(count))
    for (let pcpu = 0; pcpu < this.pcpus; pcpu++) {
      const hart = words.assigned[pcpu] as number
      const until = hart < 0 ? idleUntil : this.#holds(hart, now)
      if (hart !== words.running[pcpu] || until < (words.until[pcpu] as number)) this.kick(pcpu)
      words.until[pcpu] = until
    }
  }

  /** When the first of the machines that are held by their caps may run again. */
  #fundedNext(count: number): number {
    const { words } = this
    let at = infinity
    for (let i = 0; i < count; i++) {
      const machine = words.order[i] as number
      if (words.throttled[machine] === 1 && words.runnable[machine] !== 0)
        at = Math.min(at, this.fundedAt(machine))
    }
    return at
  }

  /** Until when a hart that is assigned may run: the slice, the machine's budget, the skew bound. */
  #holds(hart: number, now: number): number {
    const { words, stride } = this
    const machine = this.machineOf(hart)
    let until = words.sliceEnd[0] as number
    const first = machine * stride
    const end = first + (words.harts[machine] as number)
    let together = 0
    let slowestWaiting = infinity
    for (let sibling = first; sibling < end; sibling++) {
      if ((words.state[sibling] as number) < hartState.ready) continue
      if (words.assigned[words.home[sibling] as number] === sibling) together++
      else slowestWaiting = Math.min(slowestWaiting, words.progress[sibling] as number)
    }
    const ahead = (words.progress[hart] as number) - slowestWaiting
    until = Math.min(until, now + Math.max(this.tuning.skewMs - ahead, holdLeastMs))
    if (words.cap[machine] !== infinity) {
      until = Math.min(until, now + Math.max((words.budget[machine] as number) / together, holdLeastMs))
    }
    return until
  }

  /** True when a hart is not too far ahead of siblings that wait while it would run. */
  #withinSkew(hart: number, machine: number): boolean {
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

  /** A hart of the machine waits: those that run may only go on as far as the bound. */
  #limitSkew(machine: number, now: number): void {
    const { words, stride } = this
    const end = machine * stride + (words.harts[machine] as number)
    for (let hart = machine * stride; hart < end; hart++) {
      const pcpu = words.home[hart] as number
      if ((words.state[hart] as number) < hartState.ready || words.assigned[pcpu] !== hart) continue
      const until = this.#holds(hart, now)
      if (until >= (words.until[pcpu] as number)) continue
      words.until[pcpu] = until
      this.kick(pcpu)
    }
  }

  /** A hart waits that an idle pCPU may take when it has waited longer. */
  #rouseIdle(now: number): void {
    const { words } = this
    const at = now + this.tuning.moveMs
    for (let pcpu = 0; pcpu < this.pcpus; pcpu++) {
      if (words.assigned[pcpu] !== -1 || at >= (words.until[pcpu] as number)) continue
      words.until[pcpu] = at
      this.kick(pcpu)
    }
  }

  /** Chooses for one pCPU while the slice lasts: gangs' harts before others, those at home before those that move. */
  #fillOne(pcpu: number, now: number): void {
    const { words } = this
    const before = words.assigned[pcpu] as number
    const count = words.machineCount[0] as number
    for (let other = 0; other < this.pcpus; other++) this.#next[other] = words.assigned[other] as number
    this.#next[pcpu] = -1
    this.#free = 1
    words.assigned[pcpu] = -1
    words.gang[pcpu] = 0
    const hart = this.#bestAtHome(pcpu, count)
    if (hart >= 0) {
      this.#next[pcpu] = hart
      words.gang[pcpu] = words.placed[this.machineOf(hart)] as number
      this.#moveAt = infinity
    } else this.#fillIdle(count, now)
    const chosen = this.#next[pcpu] as number
    words.assigned[pcpu] = chosen
    words.until[pcpu] =
      chosen < 0 ? Math.min(this.#moveAt, this.#fundedNext(count)) : this.#holds(chosen, now)
    if (chosen >= 0) this.#limitSkew(this.machineOf(chosen), now)
    if (before >= 0 && before !== chosen) this.#limitSkew(this.machineOf(before), now)
  }

  /** The ready hart at home on a pCPU that goes first; -1 for none within the skew bound. */
  #bestAtHome(pcpu: number, count: number): number {
    const { words, stride } = this
    let gap = -1
    for (let i = 0; i < count; i++) {
      const machine = words.order[i] as number
      const placed = words.placed[machine] === 1
      if (!this.eligible(machine) || (gap >= 0 && !placed)) continue
      let best = -1
      let least = this.slowest(machine) + this.tuning.skewMs
      const end = machine * stride + (words.harts[machine] as number)
      for (let hart = machine * stride; hart < end; hart++) {
        if (words.state[hart] !== hartState.ready || words.home[hart] !== pcpu) continue
        if ((words.progress[hart] as number) >= least) continue
        least = words.progress[hart] as number
        best = hart
      }
      if (best < 0) continue
      if (placed) return best
      gap = best
    }
    return gap
  }
}
