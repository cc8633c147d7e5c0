/**
 * The integer paths by themselves, under the names of the functions that fall back on them. Not part of the
 * runtime: an entry for tests, since a native path would otherwise hide the integer one for ordinary operands.
 */
import { softAdd } from './add'
import { softFromInteger, softNarrow } from './convert'
import { softDivide, softSquareRoot } from './divide'
import { softFused } from './fused'
import { softMultiply } from './multiply'

export { float_flags } from '../flags'

/** fadd.s. */
export function f32_add(a: i32, b: i32, rm: i32): i32 {
  return softAdd<f32>(a as u32, b as u32, rm) as i32
}

/** fmul.s. */
export function f32_mul(a: i32, b: i32, rm: i32): i32 {
  return softMultiply<f32>(a as u32, b as u32, rm) as i32
}

/** fdiv.s. */
export function f32_div(a: i32, b: i32, rm: i32): i32 {
  return softDivide<f32>(a as u32, b as u32, rm) as i32
}

/** fsqrt.s. */
export function f32_sqrt(a: i32, rm: i32): i32 {
  return softSquareRoot<f32>(a as u32, rm) as i32
}

/** fmadd.s. */
export function f32_fma(a: i32, b: i32, c: i32, rm: i32): i32 {
  return softFused<f32>(a as u32, b as u32, c as u32, rm) as i32
}

/** fcvt.s.d. */
export function f64_to_f32(a: i64, rm: i32): i32 {
  return softNarrow(a, rm) as i32
}

/** fcvt.s.lu. */
export function u64_to_f32(x: i64, rm: i32): i32 {
  return softFromInteger<f32>(false, x, rm) as i32
}

/** fadd.d. */
export function f64_add(a: i64, b: i64, rm: i32): i64 {
  return softAdd<f64>(a, b, rm)
}

/** fmul.d. */
export function f64_mul(a: i64, b: i64, rm: i32): i64 {
  return softMultiply<f64>(a, b, rm)
}

/** fdiv.d. */
export function f64_div(a: i64, b: i64, rm: i32): i64 {
  return softDivide<f64>(a, b, rm)
}

/** fsqrt.d. */
export function f64_sqrt(a: i64, rm: i32): i64 {
  return softSquareRoot<f64>(a, rm)
}

/** fmadd.d. */
export function f64_fma(a: i64, b: i64, c: i64, rm: i32): i64 {
  return softFused<f64>(a, b, c, rm)
}

/** fcvt.d.lu. */
export function u64_to_f64(x: i64, rm: i32): i64 {
  return softFromInteger<f64>(false, x, rm)
}
