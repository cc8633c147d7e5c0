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
 * row of Ousterhout's matrix, made when it is needed from virtual times, so that shares hold. Between two choices pCPUs
 * are looked at one by one: a hart that waits in WFI releases its slot to another, and has it back when it wakes.
 * A machine that is owed `moveLagMs` moves harts to where others have had more, and together on one pCPU if that is all
 * that its share is worth; siblings then take short turns, as who spins for the other burns no more than one.
 * Invariants: the machine that has had least, of those that may run, always has its pCPUs, so none starves. A hart that
 * is `skewMs` ahead of its slowest runnable sibling does not run (gang-bounds.ts). What is idle is looked at after each
 * decision (gang-idle.ts). A choice goes through machines only until no pCPU is free.
 */

import { type PolicyOptions, unitShare } from './accounts.ts'
import { GangIdle } from './gang-idle.ts'
import { MachineOrder } from './machine-order.ts'
import { hartState } from './policy.ts'

/** A machine that got all it asked for this long has no claim on the past. */
const claimMs = 1000
const infinity = Number.POSITIVE_INFINITY

/** See the head of this file. */
export class GangPolicy extends GangIdle {
  readonly #order: MachineOrder
  /** of the choice that is being made: whether each pCPU's hart is part of a whole gang */
  readonly #nextGang: Int32Array
  /** machines of the choice before */
  readonly #before: Int32Array
  /** pCPU that each hart of the gang under consideration comes from, -1 where it stays */
  readonly #from: Int32Array
  /** place in the order of the first machine that has a runnable hart at home on each pCPU */
  readonly #claim: Int32Array
  #claimsKnown = false
  /** true when no pCPU is nobody's */
  #allClaimed = false

  constructor(options: PolicyOptions) {
    super(options)
    this.#order = new MachineOrder(this.words)
    this.#nextGang = new Int32Array(this.pcpus)
    this.#before = new Int32Array(this.pcpus)
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
    if (first) this.#order.put(machine)
    const pcpu = words.home[hart] as number
    const other = words.assigned[pcpu] as number
    if (this.eligible(machine)) {
      if (other < 0 || (words.placed[machine] === 1 && words.gang[pcpu] === 0)) {
        // Its slot is empty or was lent.
        if (this.withinSkew(hart, machine)) {
          this.assign(pcpu, hart, now)
          if (other >= 0) this.limitSkew(this.machineOf(other), now)
        }
      } else if (this.owed(machine, this.machineOf(other))) {
        words.startTag[machine] = words.startTag[this.machineOf(other)] as number
        this.#order.put(machine)
        this.#plan(now, machine)
        return
      }
    }
    this.limitSkew(machine, now)
    this.serveIdle(now)
  }

  protected reconsider(now: number): void {
    this.#plan(now, -1)
  }

  /** True when no machine of the present choice's gangs has anything to run any more. */
  #gangsGone(): boolean {
    const { words } = this
    for (let i = 0; i < (words.gangCount[0] as number); i++) {
      const machine = words.gangs[i] as number
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
    if (renew) words.sliceEnd[0] = now + this.tuning.sliceMs
    this.#order.update(renew, favoured)
    if (renew) this.#settle(now)
    this.next.fill(-1)
    this.#nextGang.fill(0)
    this.free = this.pcpus
    this.#claimsKnown = false
    this.#placeGangs(now)
    if (this.free > 0) this.#fillGaps()
    this.moveAt = infinity
    this.beside = false
    if (this.free > 0) this.fillIdle(now)
    this.#commit(now)
  }

  /** Places machines as a whole, in their order, until nothing is free. */
  #placeGangs(now: number): void {
    const { words } = this
    const before = words.gangCount[0] as number
    for (let i = 0; i < before; i++) {
      const machine = words.gangs[i] as number
      this.#before[i] = machine
      words.placed[machine] = 0
    }
    let least = infinity
    let gangs = 0
    for (let i = 0; i < (words.machineCount[0] as number); i++) {
      const machine = words.order[i] as number
      if (!this.eligible(machine)) continue
      if (least === infinity && this.#claims(machine, now)) least = words.startTag[machine] as number
      const placed = this.free > 0 && this.#placeGang(machine, i, now)
      if (placed) {
        words.placed[machine] = 1
        words.gangs[gangs++] = machine
      } else words.contendedAt[0] = now
      // Who is owed much, and has harts that wait, gets what there is before later gangs do.
      const waits = !placed || words.contentAt[machine] === infinity
      if (waits && this.free > 0 && this.latest() >= this.farFrom(machine)) this.#placePart(i)
      if (this.free === 0 && !placed) break
    }
    words.gangCount[0] = gangs
    if (least !== infinity && least > (words.virtualTime[0] as number)) words.virtualTime[0] = least
    for (let i = 0; i < before; i++) {
      const machine = this.#before[i] as number
      if (words.placed[machine] === 0) words.contentAt[machine] = infinity
    }
  }

  /** Forgets claims and debts that nobody has any more. */
  #settle(now: number): void {
    const { words } = this
    const count = words.machineCount[0] as number
    if (now - (words.contendedAt[0] as number) > claimMs) {
      const level = words.virtualTime[0] as number
      for (let i = 0; i < count; i++) {
        const machine = words.order[i] as number
        words.vtime[machine] = level
        words.startTag[machine] = level
      }
      return
    }
    let at = 0
    while (at < count && !this.#claims(words.order[at] as number, now)) at++
    if (at === count) return
    const least = words.startTag[words.order[at] as number] as number
    // Only a machine of the last choice's gangs can be content.
    for (let i = 0; i < (words.gangCount[0] as number); i++) {
      const machine = words.gangs[i] as number
      if (words.present[machine] === 0 || now - (words.contentAt[machine] as number) <= claimMs) continue
      const level = least - (this.tuning.moveLagMs * unitShare) / (words.share[machine] as number)
      if ((words.vtime[machine] as number) >= level) continue
      words.vtime[machine] = level
      words.startTag[machine] = level
      this.#order.put(machine)
    }
  }

  /** True when a machine could run and did not get all it asked for. */
  #claims(machine: number, now: number): boolean {
    return this.eligible(machine) && now - (this.words.contentAt[machine] as number) <= claimMs
  }

  /** Places all harts of a machine that can run, or none: false. Where it has more than there are pCPUs, one on each. */
  #placeGang(machine: number, place: number, now: number): boolean {
    const { words, stride } = this
    const first = machine * stride
    const end = first + (words.harts[machine] as number)
    let waits = infinity
    for (let hart = first; hart < end; hart++) {
      this.#from[hart - first] = -1
      if ((words.state[hart] as number) < hartState.ready) continue
      let pcpu = words.home[hart] as number
      const taken = this.next[pcpu] as number
      const other = taken < 0 ? -1 : this.#columnFor(hart, machine, place, now)
      if (other >= 0) {
        this.#from[hart - first] = pcpu
        words.home[hart] = other
        pcpu = other
      } else if (taken >= 0 && this.machineOf(taken) !== machine) {
        this.#unplace(first, hart)
        return false
      } else if (taken >= 0) {
        const slower = (words.progress[taken] as number) <= (words.progress[hart] as number)
        waits = Math.min(waits, words.progress[slower ? hart : taken] as number)
        if (slower) continue
        this.free++
      }
      this.next[pcpu] = hart
      this.#nextGang[pcpu] = 1
      this.free--
    }
    if (waits !== infinity) {
      // Who runs together stays as far apart as it is. Only who waits holds those that are ahead of it.
      this.#holdBack(machine, waits + this.tuning.skewMs)
      words.contentAt[machine] = infinity
      words.contendedAt[0] = now
    } else if (words.contentAt[machine] === infinity) words.contentAt[machine] = now
    return true
  }

  /** Takes the pCPUs from a machine's harts that are as far as `bound`. */
  #holdBack(machine: number, bound: number): void {
    const { words } = this
    for (let pcpu = 0; pcpu < this.pcpus; pcpu++) {
      const hart = this.next[pcpu] as number
      if (hart < 0 || this.machineOf(hart) !== machine || (words.progress[hart] as number) < bound) continue
      this.next[pcpu] = -1
      this.#nextGang[pcpu] = 0
      this.free++
    }
  }

  /** Takes back what was placed of a machine, from its `first` hart to before `end`. */
  #unplace(first: number, end: number): void {
    for (let hart = first; hart < end; hart++) {
      const pcpu = this.words.home[hart] as number
      if (this.next[pcpu] === hart) {
        this.next[pcpu] = -1
        this.#nextGang[pcpu] = 0
        this.free++
      }
      if (this.#from[hart - first] !== -1) this.words.home[hart] = this.#from[hart - first] as number
    }
  }

  /** A pCPU for a hart whose own is taken: one that nobody at home there comes first on, if it is owed, or that is nobody's. -1: none. */
  #columnFor(hart: number, machine: number, place: number, now: number): number {
    const { words } = this
    if (this.free === 0) return -1
    const owed = this.latest() >= this.farFrom(machine)
    const ready = words.state[hart] === hartState.ready
    const waited = ready && now - (words.readyAt[hart] as number) >= this.tuning.moveMs
    if (!owed && !waited) return -1
    this.#findClaims()
    if (!owed && this.#allClaimed) return -1
    const here = this.siblingsAt(machine, words.home[hart] as number)
    for (let pcpu = 0; pcpu < this.pcpus; pcpu++) {
      if (this.next[pcpu] !== -1) continue
      const claim = this.#claim[pcpu] as number
      if (claim <= place) continue
      // Nobody's: as an idle one. Somebody's: only for what is owed.
      if (claim === words.order.length ? !waited : !owed) continue
      if (this.siblingsAt(machine, pcpu) < here) return pcpu
    }
    return -1
  }

  /** Who needs each pCPU most, of those at home there. */
  #findClaims(): void {
    if (this.#claimsKnown) return
    this.#claimsKnown = true
    const { words, stride } = this
    const nobody = words.order.length
    this.#claim.fill(nobody)
    this.#allClaimed = false
    let unclaimed = this.pcpus
    for (let i = 0; i < (words.machineCount[0] as number); i++) {
      const machine = words.order[i] as number
      if (!this.eligible(machine)) continue
      const end = machine * stride + (words.harts[machine] as number)
      for (let hart = machine * stride; hart < end; hart++) {
        const pcpu = words.home[hart] as number
        if ((words.state[hart] as number) < hartState.ready || this.#claim[pcpu] !== nobody) continue
        this.#claim[pcpu] = i
        unclaimed--
      }
      if (unclaimed > 0) continue
      this.#allClaimed = true
      return
    }
  }

  /** Gives free pCPUs to machines that did not fit as a whole. */
  #fillGaps(): void {
    for (let i = 0; i < (this.words.machineCount[0] as number) && this.free > 0; i++) {
      if (this.eligible(this.words.order[i] as number)) this.#placePart(i)
    }
  }

  /** Gives free pCPUs to harts at home there of the machine at a place in the order, and others to what it is owed. */
  #placePart(place: number): void {
    const { words, stride } = this
    const machine = words.order[place] as number
    const bound = this.slowest(machine) + this.tuning.skewMs
    const end = machine * stride + (words.harts[machine] as number)
    for (let hart = machine * stride; hart < end; hart++) {
      if ((words.state[hart] as number) < hartState.ready) continue
      const pcpu = words.home[hart] as number
      if (this.next[pcpu] !== -1 || (words.progress[hart] as number) >= bound) continue
      this.next[pcpu] = hart
      this.free--
    }
    if (this.free > 0) this.#moveToGaps(machine, place, bound)
  }

  /** Moves harts of a machine that is owed much, and that have no place at home, to pCPUs that others could have. */
  #moveToGaps(machine: number, place: number, bound: number): void {
    const { words, stride } = this
    const end = machine * stride + (words.harts[machine] as number)
    for (let hart = machine * stride; hart < end && this.free > 0; hart++) {
      if (words.state[hart] !== hartState.ready || this.next[words.home[hart] as number] === hart) continue
      if ((words.progress[hart] as number) >= bound) continue
      const pcpu = this.#owedTo(machine, place)
      if (pcpu < 0) return
      words.home[hart] = pcpu
      this.next[pcpu] = hart
      this.free--
    }
  }

  /** The free pCPU with fewest of the machine's harts, of those that who goes next there is owed less, by `moveLagMs`; or -1. */
  #owedTo(machine: number, place: number): number {
    const { words } = this
    const far = this.farFrom(machine)
    if (this.latest() < far) return -1
    let best = -1
    let fewest = infinity
    for (let pcpu = 0; pcpu < this.pcpus; pcpu++) {
      if (this.next[pcpu] !== -1) continue
      const siblings = this.siblingsAt(machine, pcpu)
      if (siblings >= fewest) continue
      const other = this.#nextAt(pcpu, place)
      if (other < 0 || (words.startTag[other] as number) < far) continue
      fewest = siblings
      best = pcpu
    }
    return best
  }

  /** The first machine after a place in the order that has a runnable hart at home on a pCPU; -1 for none. */
  #nextAt(pcpu: number, place: number): number {
    const { words, stride } = this
    for (let i = place + 1; i < (words.machineCount[0] as number); i++) {
      const machine = words.order[i] as number
      if (!this.eligible(machine)) continue
      const end = machine * stride + (words.harts[machine] as number)
      for (let hart = machine * stride; hart < end; hart++) {
        if ((words.state[hart] as number) >= hartState.ready && words.home[hart] === pcpu) return machine
      }
    }
    return -1
  }

  /** Makes the choice the present one: tells pCPUs that run something else, and says how long it holds. */
  #commit(now: number): void {
    const { words } = this
    for (let pcpu = 0; pcpu < this.pcpus; pcpu++) {
      words.assigned[pcpu] = this.next[pcpu] as number
      words.gang[pcpu] = this.#nextGang[pcpu] as number
    }
    for (let pcpu = 0; pcpu < this.pcpus; pcpu++) {
      const hart = words.assigned[pcpu] as number
      if (hart !== words.running[pcpu]) this.kick(pcpu)
      if (hart < 0) continue
      const until = this.holds(hart, now)
      if (until < (words.until[pcpu] as number)) this.kick(pcpu)
      words.until[pcpu] = until
    }
    this.noteIdle(now)
  }

  /** Chooses for one pCPU while the slice lasts. */
  #fillOne(pcpu: number, now: number): void {
    const { words } = this
    const before = words.assigned[pcpu] as number
    words.assigned[pcpu] = -1
    words.gang[pcpu] = 0
    this.serveIdle(now)
    if (before >= 0 && before !== words.assigned[pcpu]) this.limitSkew(this.machineOf(before), now)
  }
}
