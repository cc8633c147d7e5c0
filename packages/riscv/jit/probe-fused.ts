/**
 * Whether the host multiplies and adds with one rounding. WebAssembly's `relaxed_madd` promises nothing, so it is asked
 * where code will run, with products whose last bits tell.
 */

import { ModuleBuilder } from '@virga/wasm'
import type { Format } from '../isa/meaning.ts'
import { pushFusedOf } from './float-functions.ts'

type Fused = (a: number, b: number, c: number) => number

/** a × b + c is not zero exactly when it is rounded once: (1 + e) × (1 − e) − 1 = −e², and two kin of it. */
const questions: Readonly<
  Record<Format, readonly (readonly [a: number, b: number, c: number, sum: number])[]>
> = {
  s: questionsFor(2 ** -13),
  d: questionsFor(2 ** -27),
}

function questionsFor(e: number): [number, number, number, number][] {
  return [
    [1 + e, 1 - e, -1, -(e * e)],
    [-(1 + e), 1 - e, 1, e * e],
    [1 + e, 1 + e, -(1 + 2 * e), e * e],
  ]
}

/** Asks both formats. */
export function isFused(): boolean {
  const module = new ModuleBuilder()
  for (const format of ['s', 'd'] as const) {
    const type = format === 's' ? 'f32' : 'f64'
    const f = module.defineFunction({ export: format, params: [type, type, type], results: [type] })
    pushFusedOf(f, format, [0, 1, 2])
  }
  const { exports } = new WebAssembly.Instance(new WebAssembly.Module(module.build()))
  return (['s', 'd'] as const).every((format) =>
    questions[format].every(([a, b, c, sum]) => (exports[format] as Fused)(a, b, c) === sum),
  )
}
