/** Reads and compiles the engine's two WebAssembly modules, which `npm run build` made. */

import { readFile } from 'node:fs/promises'
import { setFlagsFromString } from 'node:v8'
import { ok, type Result, worldError } from '@virga/base'
import type { EngineModules } from '@virga/vmm'
import type { EngineName } from './engine-names.ts'

/**
 * Bytes a WebAssembly function runs in V8's baseline code before it is optimised. The interpreter is one function
 * that lives long, so it should be optimised at once rather than after V8's default of 13 MB.
 */
const tieringBudget = 200_000

/** The compiled modules; the same ones serve every thread. For the JIT, an interpreter that finds what is hot. */
export async function loadEngineModules(engine: EngineName): Promise<Result<EngineModules>> {
  setFlagsFromString(`--wasm-tiering-budget=${tieringBudget}`)
  try {
    const [runtime, interpreter] = await Promise.all(
      ['runtime', engine === 'interpreter' ? 'interpreter' : 'interpreter-profiling'].map(readModule),
    )
    if (runtime === undefined || interpreter === undefined) throw new Error('two modules')
    return ok({ runtimeModule: runtime, interpreterModule: interpreter })
  } catch (cause) {
    return worldError('the engine is not built; run `npm run build` in the project folder', cause)
  }
}

/** The other interpreter of lockstep, made now: whoever needs it can wait for a tenth of a second. */
export async function makeExactModule(): Promise<WebAssembly.Module> {
  const { buildExactInterpreter } = await import('@virga/riscv/interpreter')
  // The builder's bytes are in a buffer of their own.
  return new WebAssembly.Module(buildExactInterpreter(arenaPagesMax) as Uint8Array<ArrayBuffer>)
}

/** Largest memory of a machine, in pages of 64 KiB: all that 32 bits address. */
const arenaPagesMax = 65536

async function readModule(name: string): Promise<WebAssembly.Module> {
  const file = new URL(import.meta.resolve(`@virga/riscv/${name}.wasm`))
  return new WebAssembly.Module(await readFile(file))
}
