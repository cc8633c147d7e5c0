/**
 * For tests: everything is compiled at once, on this thread, the first time that it is arrived at, and counts as run,
 * however often its page has changed. There is an end to that: a linker takes so many regions and no more.
 */

import type { RegionHostMaker } from '../engine.ts'
import { buildInterpreter } from '../interpreter/build.ts'
import { createInterpreterReader } from '../testing.ts'
import { compileRegions } from './compile.ts'
import { RegionLinker } from './linker.ts'
import { isFused } from './probe-fused.ts'

const fused = isFused()
const everything = new Uint8Array(256).fill(255)

/** Runs regions that were compiled without waiting. */
export const forcedRegions: RegionHostMaker = wrongRegions((code) => code)

/** The same, but of other code than there is: a compiler with a fault that the test chooses. */
export function wrongRegions(alter: (code: Uint8Array) => Uint8Array): RegionHostMaker {
  return (runtime, memory) => makeLinker(runtime, memory, alter)
}

function makeLinker(
  runtime: WebAssembly.Exports,
  memory: WebAssembly.Memory,
  alter: (code: Uint8Array) => Uint8Array,
): RegionLinker {
  const linker: RegionLinker = new RegionLinker({
    memory,
    runtime,
    freeChanges: Number.POSITIVE_INFINITY,
    send: (request) => {
      const code = alter(request.code)
      const { bytes, regions } = compileRegions([{ ...request, code, ran: everything }], { fused })
      linker.link({
        ids: [request.id],
        module: new WebAssembly.Module(bytes),
        regions,
      })
    },
  })
  return linker
}

/** An interpreter that asks at the first arrival. `memoryPagesMax`: of the memory it is used with. */
export function eagerInterpreter(memoryPagesMax: number): WebAssembly.Module {
  return new WebAssembly.Module(buildInterpreter(memoryPagesMax, { threshold: 1 }) as Uint8Array<ArrayBuffer>)
}

/** The interpreter, and compiled code, as readers of the same programs. `read` gives a file of `dist`. */
export function bothReaders(read: (name: string) => Uint8Array<ArrayBuffer>) {
  const module = (name: string) => new WebAssembly.Module(read(name))
  const runtimeModule = module('runtime.wasm')
  return {
    interpreter: createInterpreterReader({ runtimeModule, interpreterModule: module('interpreter.wasm') }),
    compiled: createInterpreterReader({
      runtimeModule,
      interpreterModule: eagerInterpreter(65536),
      regions: forcedRegions,
    }),
  }
}
