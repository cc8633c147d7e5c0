/**
 * The compiler's side of the JIT: takes requests of all pCPUs and answers them with modules. What was compiled for
 * one is kept for the others: their pages hold the same code, and V8 shares what it made of a module.
 */

import { defined } from '@virga/base'
import { type CachedAnswer, type Checksum, decodeBatches, encodeBatch } from './code-cache.ts'
import { compileRegions, type RegionRequest } from './compile.ts'
import type { LinkableBatch } from './linker.ts'
import { isFused } from './probe-fused.ts'
import type { Symbolize } from './region-name.ts'

export { isFused }

/** A request answered before. */
interface Kept {
  readonly code: Uint8Array
  readonly root: number
  readonly made: Made
  readonly regions: CachedAnswer['regions']
}

/** A module, or the bytes to make it of when it is first wanted. */
interface Made {
  readonly id: number
  module?: WebAssembly.Module
  readonly bytes?: Uint8Array<ArrayBuffer>
}

/** Where answers outlive the process. */
export interface CodeCache {
  /** the file's bytes, as it was when this process began; see code-cache.ts */
  readonly stored: Uint8Array<ArrayBuffer>
  readonly append: (record: Uint8Array<ArrayBuffer>) => void
  readonly checksum: Checksum
}

/** How to compile. */
export interface RegionCompilerOptions {
  /** milliseconds by the clock that compiling is charged by, best this thread's processor time */
  readonly now: () => number
  /** functions are named after the guest's code */
  readonly symbolize?: Symbolize | undefined
  readonly cache?: CodeCache | undefined
  /** see isFused */
  readonly fused?: boolean
}

/** Answers kept for others at most; the oldest go. */
const keptMax = 16384
/** Requests of one module at most: a module costs more than a region does, but a big batch is late. */
const batchMax = 16

/** Compiles, and remembers. */
export class RegionCompiler {
  /** by the code's hash */
  readonly #kept = new Map<number, Kept[]>()
  #keptCount = 0
  #lastModule = 0
  readonly #options: RegionCompilerOptions
  readonly #fused: boolean

  constructor(options: RegionCompilerOptions) {
    this.#options = options
    this.#fused = options.fused ?? isFused()
    const { cache } = options
    if (cache === undefined) return
    for (const { module, answers } of decodeBatches(cache.stored, cache.checksum)) {
      const made: Made = { id: this.#lastModule++, bytes: module }
      for (const { hash, ...answer } of answers) this.#keep(hash, { ...answer, made })
    }
  }

  /** Hashes of the code that there are answers for. */
  known(): Int32Array {
    return Int32Array.from(this.#kept.keys())
  }

  /** Answers requests of one asker, in as many batches as it takes. */
  *answer(requests: readonly RegionRequest[]): Generator<LinkableBatch> {
    const fresh: RegionRequest[] = []
    for (const request of requests) {
      const alike = (this.#kept.get(request.hash) ?? []).filter(({ code }) => sameBytes(code, request.code))
      const same = request.restore ? alike : alike.filter(({ root }) => root === request.root).slice(0, 1)
      if (same.length === 0 && !request.restore) fresh.push(request)
      else yield* answerFrom(same, request.id)
    }
    for (let at = 0; at < fresh.length; at += batchMax) yield this.#compile(fresh.slice(at, at + batchMax))
  }

  #compile(requests: readonly RegionRequest[]): LinkableBatch {
    const { now, symbolize, cache } = this.#options
    const from = now()
    const { bytes, regions, instructions } = compileRegions(requests, { fused: this.#fused, symbolize })
    const emitted = now()
    const module = new WebAssembly.Module(bytes)
    const made = now()
    const answers = requests.map(
      ({ id, hash, root, code }): CachedAnswer => ({
        hash,
        root,
        code,
        regions: regions.filter((each) => each.id === id).map(({ place, entries }) => ({ place, entries })),
      }),
    )
    const moduleId = this.#lastModule++
    for (const { hash, ...answer } of answers) this.#keep(hash, { ...answer, made: { id: moduleId, module } })
    cache?.append(encodeBatch({ module: bytes, answers }, cache.checksum))
    return {
      ids: requests.map(({ id }) => id),
      module,
      moduleId,
      regions,
      cost: { bytes: bytes.length, instructions, emitMs: emitted - from, moduleMs: made - emitted },
    }
  }

  #keep(hash: number, answer: Kept): void {
    const alike = this.#kept.get(hash) ?? []
    const again = alike.some(({ root, code }) => root === answer.root && sameBytes(code, answer.code))
    if (again) return
    this.#kept.set(hash, [...alike, answer])
    this.#keptCount += 1
    for (const [oldest, kept] of this.#kept) {
      if (this.#keptCount <= keptMax) break
      this.#kept.delete(oldest)
      this.#keptCount -= kept.length
    }
  }
}

/** The request is answered in full by the last one. */
function* answerFrom(answers: readonly Kept[], id: number): Generator<LinkableBatch> {
  for (const { made, regions } of answers) {
    made.module ??= new WebAssembly.Module(defined(made.bytes, 'bytes of a module that was kept'))
    yield {
      ids: [],
      module: made.module,
      moduleId: made.id,
      regions: regions.map((each) => ({ ...each, id })),
      restored: true,
    }
  }
  yield { ids: [id], regions: [] }
}

function sameBytes(a: Uint8Array, b: Uint8Array): boolean {
  return a.every((byte, index) => byte === b[index])
}
