/**
 * Whether a floating-point result of the host is exact: asked of numbers in the safe range while NX has not accrued yet.
 * @spec riscv-unpriv "Floating-Point Control and Status Register"
 */

import type { FunctionBuilder, ModuleBuilder } from '@virga/wasm'
import type { Format } from '../isa/meaning.ts'
import { comparisons, floatType, operations, pushFused } from './float-operations.ts'

/** What a result is of. */
export type ResultKind = 'sum' | 'product' | 'quotient' | 'root'

/** Defines a function (a, b, result) → 1 when the result, which is in the safe range, is exact. */
export function defineExactTest(
  module: ModuleBuilder,
  { of, format, fused }: { readonly of: ResultKind; readonly format: Format; readonly fused: boolean },
): number {
  if (of === 'sum') return defineSumTest(module, format)
  return format === 's' ? defineSingleTest(module, of) : defineDoubleTest(module, of, fused)
}

const A = 0
const B = 1
const RESULT = 2

function defineTest(module: ModuleBuilder, name: string, format: Format): FunctionBuilder {
  const type = floatType[format]
  return module.defineFunction({ name, params: [type, type, type], results: ['i32'] })
}

/** The two-sum: what the rounding of a + b lost, exactly, is zero. */
function defineSumTest(module: ModuleBuilder, format: Format): number {
  const f = defineTest(module, `exact_sum_${format}`, format)
  const add = () => operations.add[format](f)
  const sub = () => operations.sub[format](f)
  const added = f.local(floatType[format])
  f.localGet(RESULT)
  f.localGet(A)
  sub()
  f.localSet(added)
  f.localGet(A)
  f.localGet(RESULT)
  f.localGet(added)
  sub()
  sub()
  f.localGet(B)
  f.localGet(added)
  sub()
  add()
  if (format === 's') f.f32Const(0)
  else f.f64Const(0)
  comparisons.eq[format](f)
  return f.index
}

/** Two singles' product has a double's bits at most. A root and a quotient are exact when they multiply back. */
function defineSingleTest(module: ModuleBuilder, of: 'product' | 'quotient' | 'root'): number {
  const f = defineTest(module, `exact_${of}_s`, 's')
  const [x, y, z] = factorsOf(of)
  f.localGet(x)
  f.f64PromoteF32()
  f.localGet(y)
  f.f64PromoteF32()
  f.f64Mul()
  f.localGet(z)
  f.f64PromoteF32()
  f.f64Eq()
  return f.index
}

/** The same by fused multiplication, where its last bit cannot be lost in the smallest numbers. */
function defineDoubleTest(
  module: ModuleBuilder,
  of: 'product' | 'quotient' | 'root',
  fused: boolean,
): number {
  const f = defineTest(module, `exact_${of}_d`, 'd')
  if (!fused) {
    f.i32Const(0)
    return f.index
  }
  const [x, y, z] = factorsOf(of)
  f.localGet(z)
  f.f64Abs()
  f.f64Const(2 ** -900)
  f.f64Gt()
  f.localGet(x)
  f.f64x2Splat()
  f.localGet(y)
  f.f64x2Splat()
  f.localGet(z)
  f.f64Neg()
  f.f64x2Splat()
  pushFused(f, 'd')
  f.f64Const(0)
  f.f64Eq()
  f.i32And()
  return f.index
}

/** Parameters x, y, z for which x × y = z says that the result is exact. */
function factorsOf(of: 'product' | 'quotient' | 'root'): readonly [number, number, number] {
  if (of === 'product') return [A, B, RESULT]
  return of === 'quotient' ? [RESULT, B, A] : [RESULT, RESULT, A]
}
