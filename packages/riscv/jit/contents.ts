/**
 * Code that a linker knows of: 4 KiB each, wherever they are decoded, and what has been compiled of it.
 *
 * Invariant: two contents differ in their code.
 */

import { isSame } from './code-cache.ts'
import type { DecodedPages } from './decoded-pages.ts'
import type { PlacedRegion } from './region-table.ts'

/** Code that something was asked or compiled for. */
export interface Content {
  /** from 1; no other content ever has it */
  readonly number: number
  readonly hash: number
  readonly code: Uint8Array
  /** a bit for each halfword: it was run */
  readonly ran: Uint8Array
  /** by byte offset */
  readonly entries: Map<number, { readonly region: PlacedRegion; readonly entry: number }>
  /** decoded pages that hold it, or held it: arena addresses */
  readonly pages: Set<number>
  /** a request is under way; another would be for the same code */
  waiting: boolean
  /** places that got hot meanwhile */
  readonly refused: Set<number>
  /** one of its hot places was come to in this epoch; see epochs.ts */
  used: boolean
  /** the next request is to be compiled even if it was before: in a module that has too little in use */
  anew: boolean
  /** the frame that it was found in, if that one's code changes often: only the last content of it is kept */
  readonly restlessFrame: number | undefined
  /** modules in place that reach into this code; it is not forgotten while there are any */
  holders: number
  /** no longer known; what is under way for it comes too late */
  isForgotten: boolean
}

/** All contents of one memory. */
export class Contents {
  readonly #pages: DecodedPages
  readonly #byHash = new Map<number, Content[]>()
  readonly #restless = new Map<number, Content>()
  #count = 0
  #lastNumber = 0

  constructor(pages: DecodedPages) {
    this.#pages = pages
  }

  get count(): number {
    return this.#count
  }

  *[Symbol.iterator](): Generator<Content> {
    for (const alike of this.#byHash.values()) yield* alike
  }

  /** What is known of the code of a decoded page, whose hash this is. */
  find(page: number, hash: number): Content | undefined {
    return this.#byHash.get(hash)?.find(({ code }) => this.#pages.holds(page, code))
  }

  /** The content that is kept for a frame whose code changes often. */
  ofRestless(frame: number): Content | undefined {
    return this.#restless.get(frame)
  }

  /** Makes the code of a decoded page known, which it was not. */
  add(page: number, hash: number, restlessFrame: number | undefined): Content {
    return this.#add(hash, this.#pages.codeOf(page), restlessFrame)
  }

  /** The content of this code, on a boundary of four bytes, known or made known. */
  ofCode(hash: number, code: Uint8Array): Content {
    const known = this.#byHash.get(hash)?.find((each) => isSame(each.code, code))
    return known ?? this.#add(hash, code, undefined)
  }

  #add(hash: number, code: Uint8Array, restlessFrame: number | undefined): Content {
    this.#lastNumber += 1
    const content: Content = {
      number: this.#lastNumber,
      hash,
      code,
      ran: new Uint8Array(code.length / 2 / 8),
      entries: new Map(),
      pages: new Set(),
      waiting: false,
      refused: new Set(),
      used: true,
      anew: false,
      restlessFrame,
      holders: 0,
      isForgotten: false,
    }
    this.#byHash.set(hash, [...(this.#byHash.get(hash) ?? []), content])
    if (restlessFrame !== undefined) this.#restless.set(restlessFrame, content)
    this.#count += 1
    return content
  }

  /** Forgets one, of which no region is in place, unless somebody holds it. */
  forget(content: Content): void {
    const { hash, restlessFrame, holders } = content
    if (holders > 0) return
    const others = (this.#byHash.get(hash) ?? []).filter((each) => each !== content)
    if (others.length > 0) this.#byHash.set(hash, others)
    else this.#byHash.delete(hash)
    if (restlessFrame !== undefined && this.#restless.get(restlessFrame) === content)
      this.#restless.delete(restlessFrame)
    content.isForgotten = true
    this.#count -= 1
  }
}
