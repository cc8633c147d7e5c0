/**
 * The compiler's side of the JIT: takes requests of all pCPUs and answers them with modules. What was compiled for
 * one is kept for the others: their pages hold the same code, and V8 shares what it made of a module.
 */

import { type CachedAnswer, type CachedBatch, decodeBatches, encodeBatch, type Sums } from './code-cache.ts'
import { compileRegions, type RegionRequest } from './compile.ts'
import { type KeptAnswer, KeptCode } from './kept-code.ts'
import type { LinkableBatch } from './linker.ts'
import { isFused } from './probe-fused.ts'
import type { Symbolize } from './region-name.ts'

export { isFused }

/** Where answers outlive the process. */
export interface CodeCache {
  /** reads the file's bytes, as it is now; see code-cache.ts */
  readonly read: () => Uint8Array<ArrayBuffer>
  readonly append: (record: Uint8Array<ArrayBuffer>) => void
  readonly sums: Sums
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
  /** of what is kept for others; see KeptCode */
  readonly keptBytesMax?: number
}

const keptBytesUsual = 32 << 20
/** Requests of one module at most: a module costs more than a region does, but a big batch is late. */
const batchMax = 16

/** Compiles, and remembers. */
export class RegionCompiler {
  readonly #kept: KeptCode
  readonly #options: RegionCompilerOptions
  readonly #fused: boolean
  /** digests of the pages of code that the cache's file has */
  readonly #written = new Set<string>()
  /** what is left of the file */
  #reading: Generator<CachedBatch> | undefined
  #isRead: boolean

  constructor(options: RegionCompilerOptions) {
    this.#options = options
    this.#fused = options.fused ?? isFused()
    this.#kept = new KeptCode(options.keptBytesMax ?? keptBytesUsual)
    this.#isRead = options.cache === undefined
  }

  /** Reads on in the cache's file, about so many milliseconds; false when all of it has been read. */
  readOn(forMs: number): boolean {
    const { now, cache } = this.#options
    const until = now() + forMs
    while (!this.#isRead && cache !== undefined && now() < until) {
      this.#reading ??= decodeBatches(cache.read(), cache.sums, this.#written)
      const { value, done } = this.#reading.next()
      // A copy, so that the file's bytes go with the last of it.
      if (!done) this.#kept.add({ ...value, module: value.module.slice() })
      else {
        this.#reading = undefined
        this.#isRead = true
      }
    }
    return !this.#isRead
  }

  /** Hashes of the code that there are answers for. */
  known(): Int32Array {
    return Int32Array.from(this.#kept.hashes())
  }

  /** Answers requests of one asker, in as many batches as it takes. */
  *answer(requests: readonly RegionRequest[]): Generator<LinkableBatch> {
    const fresh: RegionRequest[] = []
    for (const request of requests) {
      const { hash, code, root, restore, anew } = request
      const alike = anew ? [] : this.#kept.find(hash, code)
      const same = restore ? alike : alike.filter((answer) => answer.root === root)
      if (same.length === 0 && !restore) fresh.push(request)
      else yield* this.#answerFrom(same, request.id)
    }
    for (let at = 0; at < fresh.length; at += batchMax) yield this.#compile(fresh.slice(at, at + batchMax))
  }

  /** The request is answered in full by the last one. */
  *#answerFrom(answers: readonly KeptAnswer[], id: number): Generator<LinkableBatch> {
    for (const answer of answers) {
      yield {
        ids: [],
        module: this.#kept.moduleOf(answer),
        regions: answer.regions.map((each) => ({ ...each, id })),
        restored: true,
      }
    }
    yield { ids: [id], regions: [] }
  }

  #compile(requests: readonly RegionRequest[]): LinkableBatch {
    const { now, symbolize, cache } = this.#options
    const from = now()
    const { bytes, regions, around, instructions } = compileRegions(requests, {
      fused: this.#fused,
      symbolize,
    })
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
    const id = this.#kept.add({ module: bytes, answers, around }, module)
    cache?.append(encodeBatch({ module: bytes, answers, around }, cache.sums, this.#written))
    return {
      ids: requests.map((request) => request.id),
      module: { id, module, bytes: bytes.length, around },
      regions,
      cost: { bytes: bytes.length, instructions, emitMs: emitted - from, moduleMs: made - emitted },
    }
  }
}
