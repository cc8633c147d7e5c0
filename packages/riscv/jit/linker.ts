/**
 * One pCPU's side of the JIT: hears from the interpreter what is hot, asks for it to be compiled, and puts compiled
 * code where the interpreter finds it.
 *
 * Why by content: a region belongs to 4 KiB of code, wherever they are. Harts, processes and a page that was decoded
 * anew share what was compiled once. A record that starts a region is part of the decoded page, so all that makes
 * the page be decoded anew (fence.i over changed code, eviction) drops its regions too, exactly.
 * Invariants: called on the thread that runs the harts, between slices or from the interpreter; a record is only
 * overwritten while the page's snapshot is the code that was compiled.
 */

import { defined } from '@virga/base'
import type { RegionHost } from '../engine.ts'
import { codePage, hartOffset } from '../hart/layout.ts'
import { pseudo, regionRecord } from '../interpreter/pseudo.ts'
import { ChangingPages } from './changing-pages.ts'
import type { CompiledRegion, RegionRequest } from './compile.ts'
import type { HotPlace } from './region-name.ts'

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
  readonly module?: WebAssembly.Module
  /** the same for the same module, from the same compiler; it is instantiated once */
  readonly moduleId?: number
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
}

/** Code that something was asked or compiled for. */
interface Content {
  readonly hash: number
  readonly code: Uint8Array
  readonly ran: Uint8Array
  readonly entries: Map<number, { readonly index: number; readonly entry: number }>
  /** decoded pages that hold it: arena addresses */
  readonly pages: Set<number>
  /** a request is under way; another would be for the same code */
  waiting: boolean
  /** places that got hot meanwhile */
  readonly refused: Set<number>
}

/** Requests under way at most: more would be stale when they are answered. */
const pendingMax = 32
/** Contents remembered at most, 4.3 KiB each. */
const contentsMax = 8192
/** Regions linked at most. */
const regionsMax = 30_000
const tableStep = 1024
/** A place that was arrived at this often is compiled along with a hot one beside it. */
const warmArrivals = 32
const told = 255
/** Heat that a place gets back that was hot while a request for its code was under way. */
const askAgain = 192
const pageBytes = 4096
const halfwords = pageBytes / 2

/** The regions of one thread. */
export class RegionLinker implements RegionHost {
  readonly table = new WebAssembly.Table({ element: 'anyfunc', initial: tableStep })
  readonly #parts: LinkerParts
  readonly #bytes: Uint8Array
  readonly #words: Int32Array
  readonly #contents = new Map<number, Content[]>()
  readonly #changing: ChangingPages
  /** contents of pages that change often, by frame: one each */
  readonly #restless = new Map<number, Content>()
  readonly #pending = new Map<number, { content: Content; hart: number }>()
  #known: ReadonlySet<number> = new Set()
  readonly #instances = new Map<number, WebAssembly.Exports>()
  #contentCount = 0
  #regionCount = 0
  #lastId = 0
  #exits: WebAssembly.Exports | undefined

  constructor(parts: LinkerParts) {
    this.#parts = parts
    this.#changing = new ChangingPages(parts.freeChanges)
    this.#bytes = new Uint8Array(parts.memory.buffer)
    this.#words = new Int32Array(parts.memory.buffer)
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
    const early = this.#bytes[page + codePage.heat + (root >> 1)] !== told
    if (early && !this.#known.has(this.#hash(page))) return
    const content = this.#contentOf(page)
    if (content === undefined) return
    if (content === 'later') {
      this.#setHeat(page, root, 0)
      return
    }
    content.pages.add(page)
    if (content.entries.has(root)) {
      this.#patch(content, page)
      return
    }
    if (early && content.entries.size > 0) return
    if (content.waiting) {
      content.refused.add(root)
      return
    }
    if (this.#pending.size >= pendingMax || this.#regionCount >= regionsMax) {
      this.#setHeat(page, root, 0)
      return
    }
    this.#lastId += 1
    content.waiting = true
    this.#pending.set(this.#lastId, { content, hart: hart >>> 0 })
    this.#noteRan(content, page)
    this.#parts.send({
      id: this.#lastId,
      hash: content.hash,
      root,
      code: content.code,
      ran: content.ran.slice(),
      warm: this.#warmIn(page).filter((offset) => !content.entries.has(offset)),
      compiled: [...content.entries.keys()],
      ...(early && { restore: true }),
      ...(this.#parts.withPlaces && { at: this.#placeOf(hart >>> 0) }),
    })
  }

  /** Where the hart is; the interpreter has stored its pc. */
  #placeOf(hart: number): HotPlace {
    const longs = new BigUint64Array(this.#bytes.buffer)
    const read = (field: string) => defined(longs[(hart + defined(hartOffset[field], field)) / 8], field)
    return {
      page: BigInt.asUintN(64, read('pc') & -4096n),
      mode: this.#words[(hart + defined(hartOffset.prv, 'prv')) / 4] ?? 0,
      trapVector: read('stvec'),
    }
  }

  /** Puts a compiled batch in place, on every page that still holds its code. */
  link({ ids, module, moduleId, regions, cost, restored }: LinkableBatch): void {
    if (module !== undefined)
      this.#linkRegions(this.#instantiate(module, moduleId), regions, restored ?? false)
    if (cost !== undefined) this.#countCost(defined(ids[0], 'request'), cost)
    for (const id of ids) {
      const { content } = defined(this.#pending.get(id), 'request')
      this.#pending.delete(id)
      content.waiting = false
      for (const page of content.pages) this.#patch(content, page)
      content.refused.clear()
    }
  }

  /** What a module exports; a module that answers for many pages comes with each of them. */
  #instantiate(module: WebAssembly.Module, moduleId: number | undefined): WebAssembly.Exports {
    const known = moduleId === undefined ? undefined : this.#instances.get(moduleId)
    if (known !== undefined) return known
    const { memory, runtime } = this.#parts
    const { exports } = new WebAssembly.Instance(module, {
      env: { memory },
      runtime: { ...runtime },
      jit: { ...defined(this.#exits, 'what regions end in') },
    })
    if (moduleId !== undefined) this.#instances.set(moduleId, exports)
    return exports
  }

  #linkRegions(exports: WebAssembly.Exports, regions: readonly CompiledRegion[], restored: boolean): void {
    const { table } = this
    for (const { id, place, entries } of regions) {
      const { content, hart } = defined(this.#pending.get(id), 'request')
      const index = this.#regionCount
      this.#regionCount += 1
      if (index >= table.length) table.grow(tableStep)
      table.set(index, exports[`r${place}`])
      for (const [entry, offset] of entries.entries()) content.entries.set(offset, { index, entry })
      this.#count(hart, 'statRegions', 1)
      if (restored) this.#count(hart, 'statRegionsRestored', 1)
    }
  }

  #setHeat(page: number, offset: number, heat: number): void {
    this.#bytes[page + codePage.heat + (offset >> 1)] = heat
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

  /** Makes the entries' records start their regions, if the page holds the same code still. */
  #patch(content: Content, page: number): void {
    if (!this.#holds(page, content.code)) {
      content.pages.delete(page)
      return
    }
    const records = page + codePage.records
    for (const [offset, { index, entry }] of content.entries) {
      const word = (records + offset * 4) >>> 2
      this.#words[word] = pseudo.region | (entry << (regionRecord.entry * 8))
      this.#words[word + regionRecord.index / 4] = index
      this.#setHeat(page, offset, told)
    }
    for (const offset of content.refused) {
      if (!content.entries.has(offset)) this.#setHeat(page, offset, askAgain)
    }
  }

  /** What is known of the code in a decoded page; undefined when there is no room to know more. */
  #contentOf(page: number): Content | 'later' | undefined {
    const frame = this.#words[(page + codePage.source) >>> 2] ?? 0
    const epoch = this.#words[(page + codePage.epoch) >>> 2] ?? 0
    if (this.#changing.isTooEarly(frame, epoch)) return 'later'
    const hash = this.#hash(page)
    const alike = this.#contents.get(hash) ?? []
    const known = alike.find(({ code }) => this.#holds(page, code))
    if (known !== undefined) return known
    if (!this.#changing.isWorthwhile(frame, epoch, hash)) return 'later'
    this.#forgetFormer(frame)
    if (this.#contentCount >= contentsMax) return undefined
    const content: Content = {
      hash,
      code: this.#bytes.slice(page, page + pageBytes),
      ran: new Uint8Array(halfwords / 8),
      entries: new Map(),
      pages: new Set(),
      waiting: false,
      refused: new Set(),
    }
    this.#contents.set(hash, [...alike, content])
    this.#contentCount += 1
    if (this.#changing.isRestless(frame)) this.#restless.set(frame, content)
    return content
  }

  /** Of a page that changes often, the code before; what runs of it goes on. */
  #forgetFormer(frame: number): void {
    const former = this.#restless.get(frame)
    if (former === undefined) return
    this.#restless.delete(frame)
    const others = (this.#contents.get(former.hash) ?? []).filter((each) => each !== former)
    if (others.length > 0) this.#contents.set(former.hash, others)
    else this.#contents.delete(former.hash)
    this.#contentCount -= 1
  }

  #hash(page: number): number {
    let hash = 0x811c9dc5
    for (let word = page >>> 2, end = word + pageBytes / 4; word < end; word++) {
      hash = Math.imul(hash ^ (this.#words[word] ?? 0), 0x01000193)
      hash ^= hash >>> 15
    }
    return hash
  }

  #holds(page: number, code: Uint8Array): boolean {
    const words = new Int32Array(code.buffer, code.byteOffset, pageBytes / 4)
    const first = page >>> 2
    for (let i = 0; i < words.length; i++) if (words[i] !== this.#words[first + i]) return false
    return true
  }

  /** Adds what has a record to what is known to have run. */
  #noteRan({ ran }: Content, page: number): void {
    const first = (page + codePage.records) >>> 2
    for (let i = 0; i < halfwords; i++) {
      if (((this.#words[first + i * 2] ?? 0) & 0xffff) !== 0)
        ran[i >> 3] = (ran[i >> 3] ?? 0) | (1 << (i & 7))
    }
  }

  #warmIn(page: number): number[] {
    const warm: number[] = []
    for (let i = 0; i < halfwords; i++) {
      if ((this.#bytes[page + codePage.heat + i] ?? 0) >= warmArrivals) warm.push(i * 2)
    }
    return warm
  }
}
