/**
 * The compiler's side of the JIT: takes requests of all pCPUs and answers them with modules. What was compiled for
 * one is kept for the others: their pages hold the same code, and V8 shares what it made of a module.
 */

import { type CompiledRegion, compileRegions, type RegionRequest } from './compile.ts'
import type { LinkableBatch } from './linker.ts'
import { isFused } from './probe-fused.ts'
import type { Symbolize } from './region-name.ts'

/** A request answered before. */
interface Kept {
  readonly code: Uint8Array
  readonly module: WebAssembly.Module
  readonly regions: readonly CompiledRegion[]
}

/** Answers kept for other pCPUs at most. */
const keptMax = 8192
/** Requests of one module at most: a module costs more than a region does, but a big batch is late. */
const batchMax = 16

/** Compiles, and remembers. */
export class RegionCompiler {
  readonly #kept = new Map<string, Kept>()
  readonly #now: () => number
  readonly #symbolize: Symbolize | undefined
  readonly #fused = isFused()

  /**
   * `now`: milliseconds by the clock that compiling is charged by, best this thread's processor time. With `symbolize`,
   * functions are named after the guest's code.
   */
  constructor(now: () => number, symbolize?: Symbolize) {
    this.#now = now
    this.#symbolize = symbolize
  }

  /** Answers requests of one asker, in as many batches as it takes. */
  *answer(requests: readonly RegionRequest[]): Generator<LinkableBatch> {
    const fresh: RegionRequest[] = []
    for (const request of requests) {
      const kept = this.#kept.get(keyOf(request))
      if (kept === undefined || !sameBytes(kept.code, request.code)) fresh.push(request)
      else yield answerFrom(kept, request.id)
    }
    for (let at = 0; at < fresh.length; at += batchMax) yield this.#compile(fresh.slice(at, at + batchMax))
  }

  #compile(requests: readonly RegionRequest[]): LinkableBatch {
    const from = this.#now()
    const { bytes, regions, instructions } = compileRegions(requests, {
      fused: this.#fused,
      symbolize: this.#symbolize,
    })
    const emitted = this.#now()
    const module = new WebAssembly.Module(bytes)
    const made = this.#now()
    for (const request of requests) {
      this.#keep(request, {
        code: request.code,
        module,
        regions: regions.filter(({ id }) => id === request.id),
      })
    }
    return {
      ids: requests.map(({ id }) => id),
      module,
      regions,
      cost: { bytes: bytes.length, instructions, emitMs: emitted - from, moduleMs: made - emitted },
    }
  }

  #keep(request: RegionRequest, answer: Kept): void {
    if (this.#kept.size >= keptMax) this.#kept.clear()
    this.#kept.set(keyOf(request), answer)
  }
}

function answerFrom({ module, regions }: Kept, id: number): LinkableBatch {
  return { ids: [id], module, regions: regions.map((each) => ({ ...each, id })) }
}

function keyOf({ hash, root }: RegionRequest): string {
  return `${hash}:${root}`
}

function sameBytes(a: Uint8Array, b: Uint8Array): boolean {
  return a.every((byte, index) => byte === b[index])
}
