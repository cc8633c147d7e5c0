/**
 * Compiled code in place: contents, the regions of each, and the records of decoded pages that start them, in step.
 *
 * Invariants: each record that starts a region is in one of the `pages` of the region's content; a region in place has
 * an entry, so that it is found; a slot is released when no record names it. Nothing else leads to a region: compiled
 * code asks the record at each jump (interpreter/chain.ts, region.ts). Called while no region runs.
 */

import type { CompiledRegion } from './compile.ts'
import { type Content, Contents } from './contents.ts'
import { DecodedPages } from './decoded-pages.ts'
import { type Instantiate, type PlacedRegion, type RegionModule, RegionTable } from './region-table.ts'

/** The compiled code of one thread. */
export class PlacedCode {
  readonly pages: DecodedPages
  readonly contents: Contents
  readonly regions: RegionTable

  constructor(memory: WebAssembly.Memory, instantiate: Instantiate) {
    this.pages = new DecodedPages(memory)
    this.contents = new Contents(this.pages)
    this.regions = new RegionTable(this.contents, instantiate)
  }

  /** Puts regions of a content in place, on every page that holds it. They take over the entries that they have. */
  place(content: Content, module: RegionModule, regions: readonly CompiledRegion[]): void {
    const former = new Set<PlacedRegion>()
    for (const { place, entries } of regions) {
      const region = this.regions.take(module, place)
      for (const [entry, offset] of entries.entries()) {
        const before = content.entries.get(offset)?.region
        if (before !== undefined) former.add(before)
        if (before !== undefined) before.entries -= 1
        content.entries.set(offset, { region, entry })
        region.entries += 1
      }
    }
    for (const page of content.pages) this.patch(content, page)
    for (const region of former) if (region.entries === 0) this.regions.release(region)
  }

  /** Makes the entries' records start their regions, if the page holds the code still. */
  patch(content: Content, page: number): void {
    if (!this.#stillHolds(content, page)) return
    for (const [offset, { region, entry }] of content.entries)
      this.pages.startRegion(page, offset, region.index, entry)
  }

  /** The same on every page; places of `others` that are no entries get this heat. */
  patchAll(content: Content, others: ReadonlySet<number>, to: number): void {
    for (const page of content.pages) {
      this.patch(content, page)
      if (!content.pages.has(page)) continue
      for (const offset of others) if (!content.entries.has(offset)) this.pages.setHeat(page, offset, to)
    }
  }

  /** Gives the entries' records back to the interpreter, and sets the heat of their places. */
  giveBack(content: Content, to: number, offsets: readonly number[] = [...content.entries.keys()]): void {
    for (const page of content.pages) {
      if (!this.#stillHolds(content, page)) continue
      for (const offset of offsets) {
        this.pages.endRegion(page, offset)
        this.pages.setHeat(page, offset, to)
      }
    }
  }

  /** Takes regions of a content out: those that `isGone` says so of. Returns how many. */
  remove(content: Content, isGone: (region: PlacedRegion) => boolean): number {
    const gone = [...content.entries].filter(([, { region }]) => isGone(region))
    const offsets = gone.map(([offset]) => offset)
    this.giveBack(content, 0, offsets)
    for (const offset of offsets) content.entries.delete(offset)
    const regions = new Set(gone.map(([, { region }]) => region))
    for (const region of regions) this.regions.release(region)
    return regions.size
  }

  /** Forgets a content, and takes its regions out. Returns how many. */
  drop(content: Content): number {
    const dropped = this.remove(content, () => true)
    this.contents.forget(content)
    return dropped
  }

  #stillHolds(content: Content, page: number): boolean {
    const holds = this.pages.holds(page, content.code)
    if (!holds) content.pages.delete(page)
    return holds
  }
}
