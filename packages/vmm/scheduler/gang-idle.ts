/**
 * What pCPUs without a hart do, while the choice of gangs stands: a look at each of them ends every decision.
 *
 * ```
 *  1. at home      gangs' harts first, then by what machines have had
 *  2. owed         a hart of a machine that has had much less than whom 1. found, from elsewhere
 *  3. moved        a hart that waited for as long as a move is worth; siblings share a pCPU only where pCPUs were idle for long
 * ```
 * Why: whatever happens (a hart sleeps, wakes, loses its pCPU, comes back within the skew bound, a cap ends) may leave a
 * pCPU idle beside a hart that could run there. One look at the end is simpler than a rule for each.
 * Invariants: a pCPU stays idle beside such a hart for at most `moveMs`, or `stackMs` where siblings would share it and
 * are few enough not to. An idle pCPU looks again when the first hart will have waited enough, or a cap ends.
 */

import type { PolicyOptions } from './accounts.ts'
import { GangBounds } from './gang-bounds.ts'
import { hartState } from './policy.ts'

/** How fast it is forgotten, for a moment of other time, that pCPUs were idle. */
const forgetRate = 0.05

const infinity = Number.POSITIVE_INFINITY

/** See the head of this file. */
export abstract class GangIdle extends GangBounds {
  /** the choice that is being made: hart of each pCPU, -1 none; and how many have none */
  protected readonly next: Int32Array
  protected free = 0
  /** when the next waiting hart has waited long enough for an idle pCPU */
  protected moveAt = infinity
  /** true when a hart waits beside an idle pCPU that siblings would have to share */
  protected beside = false

  constructor(options: PolicyOptions) {
    super(options)
    this.next = new Int32Array(this.pcpus)
  }

  /** Chooses for pCPUs without a hart while the slice lasts: gangs' harts before others, those at home before those that move. */
  protected serveIdle(now: number): void {
    const { words } = this
    this.free = 0
    for (let pcpu = 0; pcpu < this.pcpus; pcpu++) this.next[pcpu] = words.assigned[pcpu] as number
    for (let pcpu = 0; pcpu < this.pcpus; pcpu++) {
      if (this.next[pcpu] !== -1) continue
      const own = this.#bestAtHome(pcpu)
      const owed = own < 0 ? -1 : this.#owedHart(own)
      if (owed >= 0) words.home[owed] = pcpu
      this.next[pcpu] = owed >= 0 ? owed : own
      if (own < 0) this.free++
    }
    this.moveAt = infinity
    this.beside = false
    if (this.free > 0) this.fillIdle(now)
    for (let pcpu = 0; pcpu < this.pcpus; pcpu++) {
      const hart = this.next[pcpu] as number
      if (hart === words.assigned[pcpu]) continue
      this.assign(pcpu, hart, now)
      this.limitSkew(this.machineOf(hart), now)
    }
    this.noteIdle(now)
  }

  /** The ready hart at home on a pCPU that goes first; -1 for none within the skew bound. */
  #bestAtHome(pcpu: number): number {
    const { words } = this
    for (let i = 0; i < (words.gangCount[0] as number); i++) {
      const machine = words.gangs[i] as number
      if (words.placed[machine] === 0) continue
      const hart = this.#slowestAtHome(machine, pcpu)
      if (hart >= 0) return hart
    }
    for (let i = 0; i < (words.machineCount[0] as number); i++) {
      const machine = words.order[i] as number
      if (words.placed[machine] === 1) continue
      const hart = this.#slowestAtHome(machine, pcpu)
      if (hart >= 0) return hart
    }
    return -1
  }

  /** The ready hart of the machine at home on a pCPU that has come least far; -1 for none within the skew bound. */
  #slowestAtHome(machine: number, pcpu: number): number {
    const { words, stride } = this
    if (!this.eligible(machine)) return -1
    let best = -1
    let least = infinity
    const end = machine * stride + (words.harts[machine] as number)
    for (let hart = machine * stride; hart < end; hart++) {
      if (words.state[hart] !== hartState.ready || words.home[hart] !== pcpu) continue
      if ((words.progress[hart] as number) >= least) continue
      least = words.progress[hart] as number
      best = hart
    }
    return best >= 0 && least < this.slowest(machine) + this.tuning.skewMs ? best : -1
  }

  /** A hart that waits elsewhere, of a machine that is owed so much that it goes before another's; -1 for none. */
  #owedHart(other: number): number {
    const { words, stride } = this
    const tag = words.startTag[this.machineOf(other)] as number
    for (let i = 0; i < (words.machineCount[0] as number); i++) {
      const machine = words.order[i] as number
      if ((words.startTag[machine] as number) >= tag) return -1
      if (!this.eligible(machine) || this.farFrom(machine) > tag) continue
      const bound = this.slowest(machine) + this.tuning.skewMs
      const end = machine * stride + (words.harts[machine] as number)
      for (let hart = machine * stride; hart < end; hart++) {
        if (words.state[hart] !== hartState.ready || (words.progress[hart] as number) >= bound) continue
        if (this.next[words.home[hart] as number] !== hart) return hart
      }
    }
    return -1
  }

  /** Gives pCPUs for which nobody at home asks to harts that waited; says when the next will have. */
  protected fillIdle(now: number): void {
    const { words, stride } = this
    for (let i = 0; i < (words.machineCount[0] as number) && this.free > 0; i++) {
      const machine = words.order[i] as number
      if (!this.eligible(machine)) continue
      const slowest = this.slowest(machine)
      const end = machine * stride + (words.harts[machine] as number)
      for (let hart = machine * stride; hart < end && this.free > 0; hart++) {
        // One that still runs, and has lost its pCPU, waits as well.
        if ((words.state[hart] as number) < hartState.ready) continue
        if (this.next[words.home[hart] as number] === hart) continue
        const ahead = (words.progress[hart] as number) - slowest
        if (ahead >= this.tuning.skewMs) {
          // It goes on when the slowest has come closer by a moment.
          const { skewMs, wakeMs } = this.tuning
          this.moveAt = Math.min(this.moveAt, now + ahead - skewMs + wakeMs)
          continue
        }
        const pcpu = this.#idleFor(hart, machine, now)
        if (pcpu < 0) continue
        words.home[hart] = pcpu
        this.next[pcpu] = hart
        this.free--
      }
    }
  }

  /** The idle pCPU with fewest siblings at home, if the hart waited for long enough; else -1, and `#moveAt` is told. */
  #idleFor(hart: number, machine: number, now: number): number {
    const { words } = this
    const here = this.siblingsAt(machine, words.home[hart] as number)
    // Where there are more harts than pCPUs, siblings share pCPUs anyhow.
    const fits = (words.harts[machine] as number) <= this.pcpus
    let best = -1
    let fewest = infinity
    let idleAt = now
    for (let pcpu = 0; pcpu < this.pcpus; pcpu++) {
      if (this.next[pcpu] !== -1) continue
      const siblings = this.siblingsAt(machine, pcpu)
      // A sibling is at home there, and is held since it is ahead: so the pCPU stops often, for short times.
      if (siblings < here && this.#waitsAt(machine, pcpu)) return pcpu
      if (!fits || siblings < here || fewest >= here) idleAt = Math.min(idleAt, words.idleAt[pcpu] as number)
      if (siblings >= fewest) continue
      // Of pCPUs that siblings would share, and others, only these count.
      if (fits && siblings < here && fewest >= here) idleAt = Math.min(now, words.idleAt[pcpu] as number)
      fewest = siblings
      best = pcpu
    }
    const { moveMs, stackMs } = this.tuning
    const readyAt = words.state[hart] === hartState.ready ? (words.readyAt[hart] as number) : now
    // A pause of either is not worth a move.
    let at = Math.max(readyAt, idleAt) + moveMs
    // Siblings that take turns are never ready for long.
    if (fewest < here && here > 1) at = idleAt + moveMs
    else if (fewest >= here && fits) {
      at = Math.max(at, now + stackMs - this.#besideMs(now))
      this.beside = true
    }
    if (at <= now) return best
    if (at < this.moveAt) this.moveAt = at
    return -1
  }

  /** True when a ready hart of the machine is at home on a pCPU. */
  #waitsAt(machine: number, pcpu: number): boolean {
    const { words, stride } = this
    const end = machine * stride + (words.harts[machine] as number)
    for (let hart = machine * stride; hart < end; hart++) {
      if (words.state[hart] === hartState.ready && words.home[hart] === pcpu) return true
    }
    return false
  }

  /** How long harts have waited lately beside idle pCPUs that siblings would have to share. */
  #besideMs(now: number): number {
    const { besideMs, besideAt, beside } = this.words
    const ms = now - (besideAt[0] as number)
    const sum = (besideMs[0] as number) + (beside[0] === 1 ? ms : -ms * forgetRate)
    return Math.min(Math.max(sum, 0), this.tuning.stackMs)
  }

  /** Says when pCPUs without a hart look again. */
  protected noteIdle(now: number): void {
    const { words } = this
    words.besideMs[0] = this.#besideMs(now)
    words.besideAt[0] = now
    words.beside[0] = this.beside ? 1 : 0
    let until = -1
    for (let pcpu = 0; pcpu < this.pcpus; pcpu++) {
      if (words.assigned[pcpu] !== -1) {
        words.idleAt[pcpu] = infinity
        continue
      }
      if (words.idleAt[pcpu] === infinity) words.idleAt[pcpu] = now
      if (until < 0) until = Math.min(this.moveAt, this.fundedNext())
      if (until < (words.until[pcpu] as number)) this.kick(pcpu)
      words.until[pcpu] = until
    }
  }
}
