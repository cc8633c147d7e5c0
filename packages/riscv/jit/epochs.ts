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
 * it says anything.
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
}

export const usualBounds: Bounds = {
  regionsMax: 16_384,
  bytesMax: 32 << 20,
  contentsMax: 4096,
}

/** Of a bound: where an epoch begins. */
const startShare = 3 / 4
/** An epoch says something after this many wishes for code that is not there, for each region that may be in place. */
const wishesPerRegion = 1 / 16
/** A module of which less than this is left, of the regions that were in place, is not worth its bytes. */
const moduleShare = 1 / 2

/** The epochs of one thread. */
export class RegionEpochs {
  readonly #code: PlacedCode
  readonly #bounds: Bounds
  readonly #recallHeat: number
  readonly #wishesMin: number
  #begun = false
  #wishes = 0

  /** `recallHeat` is that of a place that the next arrival makes hot. */
  constructor(code: PlacedCode, bounds: Bounds, recallHeat: number) {
    this.#code = code
    this.#bounds = bounds
    this.#recallHeat = recallHeat
    this.#wishesMin = bounds.regionsMax * wishesPerRegion
  }

  /** Somebody wants more code: may it come? What has to go for it has gone then; `dropped`: how many regions. */
  makeRoom(): { readonly hasRoom: boolean; readonly dropped: number } {
    const fill = this.#fill()
    if (fill < startShare) return { hasRoom: true, dropped: 0 }
    if (!this.#begun) this.#begin()
    this.#wishes += 1
    if (fill < 1) return { hasRoom: true, dropped: 0 }
    if (this.#wishes < this.#wishesMin) return { hasRoom: false, dropped: 0 }
    const dropped = this.#end()
    const left = this.#fill()
    if (left >= startShare) this.#begin()
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

  #begin(): void {
    this.#begun = true
    this.#wishes = 0
    for (const content of this.#code.contents) {
      content.used = false
      this.#code.giveBack(content, this.#recallHeat)
    }
  }

  #end(): number {
    const contents = [...this.#code.contents]
    this.#begun = false
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
