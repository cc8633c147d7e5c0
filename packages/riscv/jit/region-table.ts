/**
 * The table that compiled code is called through, and what fills it: a region takes a slot, and gives it back.
 *
 * Why by module: V8 keeps a module's bytes and all code made of it as long as one instance or function of it is
 * referenced, so a module counts in full while a single region of it is in place, and is forgotten with the last.
 * Invariant: a slot is given to another region only after `release`, whose caller has seen to it that no record names it.
 */

import { defined } from '@virga/base'
import type { HashedCode } from './compile.ts'
import type { Content, Contents } from './contents.ts'

/** Makes an instance of a module of regions, which imports these numbers of contents. */
export type Instantiate = (module: WebAssembly.Module, numbers: readonly number[]) => WebAssembly.Exports

/** A module that regions are taken from. */
export interface RegionModule {
  /** the same for the same module, from the same compiler; it is instantiated once while regions of it are in place */
  readonly id: number
  readonly module: WebAssembly.Module
  /** of WebAssembly */
  readonly bytes: number
  /** the code of other pages that it reaches into; it imports the number of each, in this order */
  readonly around: readonly HashedCode[]
}

/** A module that regions are in place of. */
export interface PlacedModule {
  readonly id: number
  readonly bytes: number
  readonly exports: WebAssembly.Exports
  readonly around: readonly Content[]
  /** regions of it in place, and the most that there were */
  placed: number
  placedMost: number
}

/** A region in place. */
export interface PlacedRegion {
  readonly index: number
  readonly module: PlacedModule
  /** entries that lead to it */
  entries: number
}

const tableStep = 1024

/** The slots of one thread. */
export class RegionTable {
  readonly table = new WebAssembly.Table({ element: 'anyfunc', initial: tableStep })
  readonly #instantiate: Instantiate
  readonly #contents: Contents
  readonly #modules = new Map<number, PlacedModule>()
  readonly #free: number[] = []
  #used = 0
  #bytes = 0

  constructor(contents: Contents, instantiate: Instantiate) {
    this.#contents = contents
    this.#instantiate = instantiate
  }

  /** Regions in place. */
  get count(): number {
    return this.#used - this.#free.length
  }

  /** WebAssembly of the modules that a region is in place of. */
  get bytes(): number {
    return this.#bytes
  }

  /** Gives the region that a module exports as `r` and `place` a slot. No entry leads to it yet. */
  take(from: RegionModule, place: number): PlacedRegion {
    const module = this.#modules.get(from.id) ?? this.#add(from)
    const index = this.#free.pop() ?? this.#used++
    if (index >= this.table.length) this.table.grow(tableStep)
    this.table.set(index, defined(module.exports[`r${place}`], 'region'))
    module.placed += 1
    module.placedMost = Math.max(module.placedMost, module.placed)
    return { index, module, entries: 0 }
  }

  /** Takes the slot back. */
  release({ index, module }: PlacedRegion): void {
    this.table.set(index, null)
    this.#free.push(index)
    module.placed -= 1
    if (module.placed > 0) return
    this.#modules.delete(module.id)
    this.#bytes -= module.bytes
    for (const content of module.around) content.holders -= 1
  }

  #add(from: RegionModule): PlacedModule {
    const { id, module, bytes } = from
    const around = from.around.map(({ hash, code }) => this.#contents.ofCode(hash, code))
    for (const content of around) content.holders += 1
    const numbers = around.map(({ number }) => number)
    const added = { id, bytes, around, exports: this.#instantiate(module, numbers), placed: 0, placedMost: 0 }
    this.#modules.set(id, added)
    this.#bytes += bytes
    return added
  }
}
