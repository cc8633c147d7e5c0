/**
 * One pCPU's side of the JIT: hears from the interpreter what is hot, asks for it to be compiled, and puts compiled
 * code where the interpreter finds it.
 *
 * Why by content: a region belongs to 4 KiB of code, wherever they are. Harts, processes and a page that was decoded
 * anew share what was compiled once. A record that starts a region is part of the decoded page, so all that makes
 * the page be decoded anew (fence.i over changed code, eviction) drops its regions too, exactly.
 * Invariants: called on the thread that runs the harts, between slices or from the interpreter, and never while a region
 * runs; a record is only overwritten while the page's snapshot is the code that was compiled; what is in place has
 * bounds (epochs.ts decides what has to go).
 */

import { defined } from '@virga/base'
import type { RegionHost } from '../engine.ts'
import { codePage, hartOffset, heat } from '../hart/layout.ts'
import { ChangingPages } from './changing-pages.ts'
import type { AroundPage, CompiledRegion, RegionRequest } from './compile.ts'
import type { Content } from './contents.ts'
import { type Bounds, RegionEpochs, usualBounds } from './epochs.ts'
import { PlacedCode } from './placed-code.ts'
import type { HotPlace } from './region-name.ts'
import type { RegionModule } from './region-table.ts'

/** What a batch cost the compiler. */
export interface CompileCost {
  /** of WebAssembly */
  readonly bytes: number
  /** of the guest */
  readonly instructions: number
  /** from code to bytes */
  readonly emitMs: number
  /** from bytes to a module, which is V8's */
  readonly moduleMs: number
}

/** What comes back for a batch of requests. */
export interface LinkableBatch {
  /** the requests that this answers, each in full */
  readonly ids: readonly number[]
  /** absent where there are no regions */
  readonly module?: RegionModule
  readonly regions: readonly CompiledRegion[]
  /** it was made before, by whichever process */
  readonly restored?: boolean
  /** absent when it was compiled before, for somebody else */
  readonly cost?: CompileCost
}

/** What a linker is made of. */
export interface LinkerParts {
  readonly memory: WebAssembly.Memory
  readonly runtime: WebAssembly.Exports
  /** asks for a region; the answer comes to `link`, now or later */
  readonly send: (request: RegionRequest) => void
  /** requests say where the code got hot, for names */
  readonly withPlaces?: boolean
  /** changes of a page before its code has to wait to be compiled; see ChangingPages */
  readonly freeChanges?: number
  readonly bounds?: Partial<Bounds>
  /** arrivals at a place after which the interpreter calls `hot` */
  readonly threshold?: number
}

/** Pages around a hot one that a request brings along, at most. */
const aroundMax = 4
/** Requests under way at most: more would be stale when they are answered. */
const pendingMax = 32
/** Heat that a place gets back that was hot while a request for its code was under way. */
const askAgain = 192

/** The regions of one thread. */
export class RegionLinker implements RegionHost {
  readonly #parts: LinkerParts
  readonly #words: Int32Array
  readonly #longs: BigUint64Array
  readonly #code: PlacedCode
  readonly #epochs: RegionEpochs
  readonly #changing: ChangingPages
  readonly #pending = new Map<number, { readonly content: Content; readonly hart: number }>()
  #known: ReadonlySet<number> = new Set()
  readonly #harts = new Set<number>()
  #lastId = 0
  #exits: WebAssembly.Exports | undefined

  constructor(parts: LinkerParts) {
    this.#parts = parts
    this.#changing = new ChangingPages(parts.freeChanges)
    this.#words = new Int32Array(parts.memory.buffer)
    this.#longs = new BigUint64Array(parts.memory.buffer)
    this.#code = new PlacedCode(parts.memory, (module, numbers) => this.#instantiate(module, numbers))
    this.#epochs = new RegionEpochs({
      code: this.#code,
      bounds: { ...usualBounds, ...parts.bounds },
      recallHeat: (parts.threshold ?? heat.hot) - 1,
      instructions: () => this.#instructions(),
    })
  }

  get table(): WebAssembly.Table {
    return this.#code.regions.table
  }

  /** What is in place, in the terms of its bounds. */
  get counts(): { readonly regions: number; readonly bytes: number; readonly contents: number } {
    const { regions, contents } = this.#code
    return { regions: regions.count, bytes: regions.bytes, contents: contents.count }
  }

  /** Takes the hashes of the code that something was made of before. */
  learn(known: Iterable<number>): void {
    this.#known = new Set(known)
  }

  /** Takes what regions end in. */
  connect(exits: WebAssembly.Exports): void {
    this.#exits = exits
  }

  /** The interpreter's call: `record` was arrived at often, or (its heat says so) a first few times. */
  hot(hart: number, record: number, recordBase: number): void {
    const page = (recordBase >>> 0) - codePage.records
    const root = (record - recordBase) >> 2
    const { pages } = this.#code
    const early = pages.heatOf(page, root) !== heat.told
    if (early && !this.#known.has(pages.hashOf(page))) return
    const content = this.#contentOf(hart >>> 0, page)
    if (content === undefined) {
      if (!early) pages.setHeat(page, root, 0)
      return
    }
    this.#recognize(page, content)
    content.used = true
    if (content.entries.has(root)) this.#code.patch(content, page)
    else if (!early || content.entries.size === 0) this.#want(hart >>> 0, content, page, root, early)
  }

  /** Asks for a place of a page to be compiled, if it may be now. */
  #want(hart: number, content: Content, page: number, root: number, early: boolean): void {
    if (content.waiting) {
      content.refused.add(root)
      return
    }
    const isBusy = this.#pending.size >= pendingMax
    if (isBusy || !this.#hasRoom(hart)) {
      if (isBusy || !early) this.#code.pages.setHeat(page, root, 0)
      return
    }
    this.#lastId += 1
    content.waiting = true
    this.#pending.set(this.#lastId, { content, hart })
    this.#code.pages.noteRan(page, content.ran)
    const anew = content.anew && !early
    this.#parts.send({
      id: this.#lastId,
      hash: content.hash,
      root,
      code: content.code,
      ran: content.ran.slice(),
      warm: this.#code.pages.warmIn(page).filter((offset) => !content.entries.has(offset)),
      compiled: [...content.entries.keys()],
      ...(!early && { around: this.#around(hart, page) }),
      ...(early && { restore: true }),
      ...(anew && { anew: true }),
      ...(this.#parts.withPlaces && { at: this.#placeOf(hart) }),
    })
  }

  #recognize(page: number, content: Content): void {
    content.pages.add(page)
    this.#code.pages.setContent(page, content.number)
  }

  /** The pages that this one leads to directly, as far as the hart has them at hand: those that it does most often. */
  #around(hart: number, page: number): AroundPage[] {
    const { pages } = this.#code
    const references = new Map<number, number>()
    pages.visitDistances(page, (distance) => references.set(distance, (references.get(distance) ?? 0) + 1))
    const most = [...references].sort(([, a], [, b]) => b - a).slice(0, aroundMax)
    const here = this.#read(hart, 'pc') & -4096n
    const recordsOf = this.#parts.runtime.fetched_records as (hart: number, pc: bigint) => number
    return most.flatMap(([distance]) => {
      const records = recordsOf(hart, here + BigInt(distance * 4096)) >>> 0
      if (records === 0) return []
      const beside = records - codePage.records
      const content = this.#contentOf(hart, beside)
      if (content === undefined) return []
      this.#recognize(beside, content)
      pages.noteRan(beside, content.ran)
      return [{ distance, hash: content.hash, code: content.code, ran: content.ran.slice() }]
    })
  }

  /** Where the hart is; the interpreter has stored its pc. */
  #placeOf(hart: number): HotPlace {
    return {
      page: BigInt.asUintN(64, this.#read(hart, 'pc') & -4096n),
      mode: this.#words[(hart + defined(hartOffset.prv, 'prv')) / 4] ?? 0,
      trapVector: this.#read(hart, 'stvec'),
    }
  }

  #read(hart: number, field: string): bigint {
    return defined(this.#longs[(hart + defined(hartOffset[field], field)) / 8], field)
  }

  /** What the harts that were heard of have run, up to their last slices. */
  #instructions(): number {
    let sum = 0
    for (const hart of this.#harts) sum += Number(this.#read(hart, 'retired'))
    return sum
  }

  /** Puts a compiled batch in place, on every page that still holds its code. */
  link({ ids, module, regions, cost, restored }: LinkableBatch): void {
    for (const [id, ofContent] of Map.groupBy(regions, (region) => region.id)) {
      const { content, hart } = defined(this.#pending.get(id), 'request')
      if (content.isForgotten) continue
      this.#code.place(content, defined(module, 'module of regions'), ofContent)
      this.#count(hart, 'statRegions', ofContent.length)
      if (restored) this.#count(hart, 'statRegionsRestored', ofContent.length)
    }
    if (cost !== undefined) this.#countCost(defined(ids[0], 'request'), cost)
    for (const id of ids) {
      const { content } = defined(this.#pending.get(id), 'request')
      this.#pending.delete(id)
      content.waiting = false
      content.used = true
      this.#code.patchAll(content, content.refused, askAgain)
      content.refused.clear()
    }
  }

  #instantiate(module: WebAssembly.Module, numbers: readonly number[]): WebAssembly.Exports {
    const { memory, runtime } = this.#parts
    return new WebAssembly.Instance(module, {
      env: { memory },
      content: { ...numbers },
      runtime: { ...runtime },
      jit: { ...defined(this.#exits, 'what regions end in') },
    }).exports
  }

  /** The whole batch is counted on the hart that asked first: a pCPU's harts add up. */
  #countCost(id: number, { bytes, instructions, emitMs, moduleMs }: CompileCost): void {
    const { hart } = defined(this.#pending.get(id), 'request')
    this.#count(hart, 'statRegionBytes', bytes)
    this.#count(hart, 'statRegionSource', instructions)
    this.#count(hart, 'statRegionEmitMicroseconds', Math.round(emitMs * 1000))
    this.#count(hart, 'statRegionModuleMicroseconds', Math.round(moduleMs * 1000))
  }

  #count(hart: number, field: string, amount: number): void {
    const index = (hart + defined(hartOffset[field], field)) >>> 2
    this.#words[index] = (this.#words[index] ?? 0) + amount
  }

  #hasRoom(hart: number): boolean {
    this.#harts.add(hart)
    const { hasRoom, dropped } = this.#epochs.makeRoom()
    this.#count(hart, 'statRegionsDropped', dropped)
    return hasRoom
  }

  /** What is known of the code in a decoded page; undefined when it is not yet to be known, or there is no room. */
  #contentOf(hart: number, page: number): Content | undefined {
    const { pages, contents } = this.#code
    const [frame, epoch] = [pages.frameOf(page), pages.epochOf(page)]
    if (this.#changing.isTooEarly(frame, epoch)) return undefined
    const hash = pages.hashOf(page)
    const known = contents.find(page, hash)
    if (known !== undefined) return known
    if (!this.#changing.isWorthwhile(frame, epoch, hash)) return undefined
    const former = contents.ofRestless(frame)
    if (former !== undefined) this.#count(hart, 'statRegionsDropped', this.#code.drop(former))
    if (!this.#hasRoom(hart)) return undefined
    return contents.add(page, hash, this.#changing.isRestless(frame) ? frame : undefined)
  }
}
