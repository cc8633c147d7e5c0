/**
 * Decides which compiled code has to go when there is too much of it: what was not come to in the last epoch.
 *
 * ```
 *  below 3/4 of a bound ──► 3/4: an epoch begins: all records are given back to the interpreter, nothing is dropped
 *        ▲                    │   what is arrived at is in place again after that arrival (`hot` finds it compiled)
 *        │                    ▼
 *        └── the rest ◄── bound reached: what was not arrived at since loses its slots, and its code is forgotten
 * ```
 * Why so: a count of entries would cost each of them an instruction or two; giving records back costs once an epoch, and
 * each place in use one call. What is all in use at a bound stays, and nothing is added: an epoch has to be long before
 * it says anything. It is measured in instructions, so that a machine that sleeps forgets nothing.
 */

import type { Content } from './contents.ts'
import type { PlacedCode } from './placed-code.ts'

/** How much compiled code a thread may have. What comes with one answer may go beyond. */
export interface Bounds {
  readonly regionsMax: number
  /** of WebAssembly */
  readonly bytesMax: number
  /** pages of code that are known of */
  readonly contentsMax: number
  /** an epoch says something after so many instructions of the guest */
  readonly epochInstructions: number
}

/**
 * A boot has 1,600 regions of 4 MB in 500 pages. Ten programs of Debian's after it (python3, perl, openssl, xz, sqlite3,
 * stress-ng) made 9,600 regions of 39 MB in minutes, and the process never had more than 385 MiB besides its guest's
 * memory; with 24 MiB it had no more of its instructions compiled. The other two are what code that is cut up more
 * finely would reach first. An epoch is some tenths of a second that a hart is busy.
 */
export const usualBounds: Bounds = {
  regionsMax: 8_000,
  bytesMax: 16 << 20,
  contentsMax: 4096,
  epochInstructions: 100e6,
}

/** Of a bound: where an epoch begins. */
const startShare = 3 / 4
/** A module of which less than this is left, of the regions that were in place, is not worth its bytes. */
const moduleShare = 1 / 2

/** What the epochs of a thread look after. */
export interface EpochParts {
  readonly code: PlacedCode
  readonly bounds: Bounds
  /** heat of a place that the next arrival makes hot */
  readonly recallHeat: number
  /** how many of the guest's instructions the thread has run, idle time apart; slice by slice is enough */
  readonly instructions: () => number
}

/** The epochs of one thread. */
export class RegionEpochs {
  readonly #code: PlacedCode
  readonly #bounds: Bounds
  readonly #recallHeat: number
  readonly #instructions: () => number
  /** instructions when the epoch began, if one has */
  #begunAt: number | undefined

  constructor({ code, bounds, recallHeat, instructions }: EpochParts) {
    this.#code = code
    this.#bounds = bounds
    this.#recallHeat = recallHeat
    this.#instructions = instructions
  }

  /** Somebody wants more code: may it come? What has to go for it has gone then; `dropped`: how many regions. */
  makeRoom(): { readonly hasRoom: boolean; readonly dropped: number } {
    const fill = this.#fill()
    if (fill < startShare) return { hasRoom: true, dropped: 0 }
    this.#begunAt ??= this.#begin()
    if (fill < 1) return { hasRoom: true, dropped: 0 }
    if (this.#instructions() - this.#begunAt < this.#bounds.epochInstructions)
      return { hasRoom: false, dropped: 0 }
    const dropped = this.#end()
    const left = this.#fill()
    this.#begunAt = left < startShare ? undefined : this.#begin()
    return { hasRoom: left < 1, dropped }
  }

  /** How full it is: 1 where a bound is reached. */
  #fill(): number {
    const { contents, regions } = this.#code
    const { regionsMax, contentsMax } = this.#bounds
    return Math.max(regions.count / regionsMax, contents.count / contentsMax, this.#bytesFill())
  }

  #bytesFill(): number {
    return this.#code.regions.bytes / this.#bounds.bytesMax
  }

  /** Returns when that was. */
  #begin(): number {
    for (const content of this.#code.contents) {
      content.used = false
      this.#code.giveBack(content, this.#recallHeat)
    }
    return this.#instructions()
  }

  #end(): number {
    const contents = [...this.#code.contents]
    const unused = contents.filter(({ used, waiting }) => !used && !waiting)
    let dropped = 0
    for (const content of unused) dropped += this.#code.drop(content)
    // What is left may be spread over modules that stay for it alone: it moves to new ones, by being compiled anew.
    if (this.#bytesFill() < startShare) return dropped
    for (const content of contents) if (!content.isForgotten) dropped += this.#removeScattered(content)
    return dropped
  }

  #removeScattered(content: Content): number {
    const removed = this.#code.remove(
      content,
      ({ module }) => module.placed < module.placedMost * moduleShare,
    )
    if (removed > 0) content.anew = true
    return removed
  }
}
