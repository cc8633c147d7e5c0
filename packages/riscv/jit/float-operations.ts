/** The host's floating-point operations by name, and the numbers that are known to be rounded as RISC-V asks. */

import type { FunctionBuilder } from '@virga/wasm'
import type { Format, IntegerKind } from '../isa/meaning.ts'

type Emit = (f: FunctionBuilder) => void

/** WebAssembly's type of a format. */
export const floatType = { s: 'f32', d: 'f64' } as const

/** Operations on one or two numbers. */
export const operations: Readonly<
  Record<
    'add' | 'sub' | 'mul' | 'div' | 'min' | 'max' | 'sqrt' | 'neg' | 'abs' | 'copysign',
    Record<Format, Emit>
  >
> = {
  add: { s: (f) => f.f32Add(), d: (f) => f.f64Add() },
  sub: { s: (f) => f.f32Sub(), d: (f) => f.f64Sub() },
  mul: { s: (f) => f.f32Mul(), d: (f) => f.f64Mul() },
  div: { s: (f) => f.f32Div(), d: (f) => f.f64Div() },
  min: { s: (f) => f.f32Min(), d: (f) => f.f64Min() },
  max: { s: (f) => f.f32Max(), d: (f) => f.f64Max() },
  sqrt: { s: (f) => f.f32Sqrt(), d: (f) => f.f64Sqrt() },
  neg: { s: (f) => f.f32Neg(), d: (f) => f.f64Neg() },
  abs: { s: (f) => f.f32Abs(), d: (f) => f.f64Abs() },
  copysign: { s: (f) => f.f32Copysign(), d: (f) => f.f64Copysign() },
}

/** Comparisons, which push 0 or 1. */
export const comparisons: Readonly<Record<'eq' | 'lt' | 'le' | 'gt' | 'ge', Record<Format, Emit>>> = {
  eq: { s: (f) => f.f32Eq(), d: (f) => f.f64Eq() },
  lt: { s: (f) => f.f32Lt(), d: (f) => f.f64Lt() },
  le: { s: (f) => f.f32Le(), d: (f) => f.f64Le() },
  gt: { s: (f) => f.f32Gt(), d: (f) => f.f64Gt() },
  ge: { s: (f) => f.f32Ge(), d: (f) => f.f64Ge() },
}

/** To an integer, by rounding mode: to nearest even, towards zero, down, up. */
export const roundings: readonly Emit[] = [
  (f) => f.f64Nearest(),
  (f) => f.f64Trunc(),
  (f) => f.f64Floor(),
  (f) => f.f64Ceil(),
]

/** Of an integer. */
export const conversions: Readonly<Record<IntegerKind, Record<Format, Emit>>> = {
  w: { s: (f) => f.f32ConvertI32S(), d: (f) => f.f64ConvertI32S() },
  wu: { s: (f) => f.f32ConvertI32U(), d: (f) => f.f64ConvertI32U() },
  l: { s: (f) => f.f32ConvertI64S(), d: (f) => f.f64ConvertI64S() },
  lu: { s: (f) => f.f32ConvertI64U(), d: (f) => f.f64ConvertI64U() },
}

/** From an i64 with a number's bits, and to one. */
export const bits = {
  toFloat: {
    s: (f: FunctionBuilder) => {
      f.i32WrapI64()
      f.f32ReinterpretI32()
    },
    d: (f: FunctionBuilder) => f.f64ReinterpretI64(),
  },
  ofFloat: {
    s: (f: FunctionBuilder) => {
      f.i32ReinterpretF32()
      f.i64ExtendI32U()
    },
    d: (f: FunctionBuilder) => f.i64ReinterpretF64(),
  },
} as const

/** With three vectors on the stack: a × b + c of their first lanes. */
export function pushFused(f: FunctionBuilder, format: Format): void {
  if (format === 's') {
    f.f32x4RelaxedMadd()
    f.f32x4ExtractLane(0)
  } else {
    f.f64x2RelaxedMadd()
    f.f64x2ExtractLane(0)
  }
}

/**
 * What `pushSafe` compares with where all may be safe. It bounds both formats: a double's exponent is below it up to
 * 2^1001, and a single's, with three bits of its significand, for all finite numbers.
 */
export const floatLimit = 0x7e8
/** The same number stands for the exponent of the second smallest normal numbers. */
const firstSafe = { s: 16, d: 2 } as const

/**
 * With a result on the stack: pushes 1 when it is finite, not very large, and not tiny (unless `tiny`), and `pushLimit`
 * pushes `floatLimit`. Of the smallest normal numbers some were tiny before they were rounded.
 */
export function pushSafe(f: FunctionBuilder, format: Format, tiny: boolean, pushLimit: () => void): void {
  if (format === 's') {
    f.i32ReinterpretF32()
    f.i32Const(20)
    f.i32ShrU()
  } else {
    f.i64ReinterpretF64()
    f.i64Const(52)
    f.i64ShrU()
    f.i32WrapI64()
  }
  f.i32Const(0x7ff)
  f.i32And()
  if (!tiny) {
    f.i32Const(firstSafe[format])
    f.i32Sub()
  }
  pushLimit()
  f.i32LtU()
}
