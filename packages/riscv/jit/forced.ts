/**
 * For tests: everything is compiled at once, on this thread, the first time that it is arrived at, and counts as run,
 * however often its page has changed.
 */

import { defined } from '@virga/base'
import type { RegionHostMaker } from '../engine.ts'
import { buildInterpreter } from '../interpreter/build.ts'
import { createInterpreterReader } from '../testing.ts'
import { compileRegions } from './compile.ts'
import type { Bounds } from './epochs.ts'
import { RegionLinker } from './linker.ts'
import { isFused } from './probe-fused.ts'

const fused = isFused()
/** Arrivals before a place is compiled. */
const eagerThreshold = 1
const everything = new Uint8Array(256).fill(255)

/** Runs regions that were compiled without waiting. */
export const forcedRegions: RegionHostMaker = wrongRegions((code) => code)

/** The same, but of other code than there is: a compiler with a fault that the test chooses. */
export function wrongRegions(alter: (code: Uint8Array) => Uint8Array): RegionHostMaker {
  return (runtime, memory) => makeLinker({ runtime, memory, alter })
}

/** What a test sees of regions with bounds. */
export interface BoundedRegions {
  readonly regions: RegionHostMaker
  readonly counts: () => RegionLinker['counts']
  /** requests that were compiled so far */
  readonly compiled: () => number
}

/** Regions that were compiled without waiting, and that have bounds; and after `freeChanges`, pages that are restless. */
export function boundedRegions(bounds: Partial<Bounds>, freeChanges?: number): BoundedRegions {
  let linker: RegionLinker | undefined
  let compiled = 0
  const alter = (code: Uint8Array) => {
    compiled += 1
    return code
  }
  return {
    regions: (runtime, memory) => {
      linker = makeLinker({ runtime, memory, alter, bounds, freeChanges })
      return linker
    },
    counts: () => defined(linker, 'a linker').counts,
    compiled: () => compiled,
  }
}

interface ForcedParts {
  readonly runtime: WebAssembly.Exports
  readonly memory: WebAssembly.Memory
  readonly alter: (code: Uint8Array) => Uint8Array
  readonly bounds?: Partial<Bounds>
  readonly freeChanges?: number | undefined
}

function makeLinker({ runtime, memory, alter, bounds = {}, freeChanges }: ForcedParts): RegionLinker {
  const linker: RegionLinker = new RegionLinker({
    memory,
    runtime,
    freeChanges: freeChanges ?? Number.POSITIVE_INFINITY,
    threshold: eagerThreshold,
    bounds,
    send: (request) => {
      const code = alter(request.code)
      const around = request.around?.map((each) => ({ ...each, ran: everything }))
      const { bytes, regions, ...made } = compileRegions(
        [{ ...request, code, ran: everything, ...(around && { around }) }],
        { fused },
      )
      linker.link({
        ids: [request.id],
        module: {
          id: request.id,
          module: new WebAssembly.Module(bytes),
          bytes: bytes.length,
          around: made.around,
        },
        regions,
      })
    },
  })
  return linker
}

/** An interpreter that asks at the first arrival, or a later one. `memoryPagesMax`: of the memory it is used with. */
export function eagerInterpreter(memoryPagesMax: number, threshold = eagerThreshold): WebAssembly.Module {
  return new WebAssembly.Module(buildInterpreter(memoryPagesMax, { threshold }) as Uint8Array<ArrayBuffer>)
}

/** Arrivals after which most pages around a place have been seen, and can be compiled with it. */
const laterThreshold = 3

/**
 * The interpreter, and compiled code, as readers of the same programs; `later`: compiled when the pages around have been
 * seen. `read` gives a file of `dist`.
 */
export function allReaders(read: (name: string) => Uint8Array<ArrayBuffer>) {
  const module = (name: string) => new WebAssembly.Module(read(name))
  const runtimeModule = module('runtime.wasm')
  const after = (threshold: number) =>
    createInterpreterReader({
      runtimeModule,
      interpreterModule: eagerInterpreter(65536, threshold),
      regions: forcedRegions,
    })
  return {
    interpreter: createInterpreterReader({ runtimeModule, interpreterModule: module('interpreter.wasm') }),
    compiled: after(eagerThreshold),
    later: after(laterThreshold),
  }
}
