/** Comparison, minimum, maximum and classification, both formats. None of them rounds. */
import { NV, raise } from './flags'
import { canonicalNaN, fractionBits, infinity, isNaNBits, isNegative, isSignaling, magnitude } from './soft/format'

/** Minimum or maximum when there is a NaN among the two: the other one, if that is a number. */
function extremumOfNaN<F>(a: u64, b: u64): u64 {
  if (isSignaling<F>(a) || isSignaling<F>(b)) raise(NV)
  if (!isNaNBits<F>(a)) return a
  return isNaNBits<F>(b) ? canonicalNaN<F>() : b
}

/** The mask that fclass writes. @spec riscv-unpriv "Single-Precision Floating-Point Classify Instruction" */
function classify<F>(bits: u64): i32 {
  const size = magnitude<F>(bits)
  if (size > infinity<F>()) return isSignaling<F>(bits) ? 1 << 8 : 1 << 9
  // Counted outwards from zero: 0 zero, 1 subnormal, 2 normal, 3 infinite.
  let rank = 2
  if (size == 0) rank = 0
  else if (size >> fractionBits<F>() == 0) rank = 1
  else if (size == infinity<F>()) rank = 3
  return isNegative<F>(bits) ? 1 << (3 - rank) : 1 << (4 + rank)
}

/** feq.s: 1 or 0; a quiet comparison. */
export function f32_eq(a: i32, b: i32): i32 {
  const x = reinterpret<f32>(a)
  const y = reinterpret<f32>(b)
  if ((x != x || y != y) && (isSignaling<f32>(a as u32) || isSignaling<f32>(b as u32))) raise(NV)
  return (x == y) as i32
}

/** flt.s: 1 or 0; any NaN is invalid. */
export function f32_lt(a: i32, b: i32): i32 {
  const x = reinterpret<f32>(a)
  const y = reinterpret<f32>(b)
  if (x != x || y != y) raise(NV)
  return (x < y) as i32
}

/** fle.s: 1 or 0; any NaN is invalid. */
export function f32_le(a: i32, b: i32): i32 {
  const x = reinterpret<f32>(a)
  const y = reinterpret<f32>(b)
  if (x != x || y != y) raise(NV)
  return (x <= y) as i32
}

/** fmin.s. The native operation puts -0 below +0, as is wanted. */
export function f32_min(a: i32, b: i32): i32 {
  const x = reinterpret<f32>(a)
  const y = reinterpret<f32>(b)
  if (x != x || y != y) return extremumOfNaN<f32>(a as u32, b as u32) as i32
  return reinterpret<i32>(min<f32>(x, y))
}

/** fmax.s. */
export function f32_max(a: i32, b: i32): i32 {
  const x = reinterpret<f32>(a)
  const y = reinterpret<f32>(b)
  if (x != x || y != y) return extremumOfNaN<f32>(a as u32, b as u32) as i32
  return reinterpret<i32>(max<f32>(x, y))
}

/** fclass.s. */
export function f32_class(a: i32): i32 {
  return classify<f32>(a as u32)
}

/** feq.d: 1 or 0; a quiet comparison. */
export function f64_eq(a: i64, b: i64): i32 {
  const x = reinterpret<f64>(a)
  const y = reinterpret<f64>(b)
  if ((x != x || y != y) && (isSignaling<f64>(a) || isSignaling<f64>(b))) raise(NV)
  return (x == y) as i32
}

/** flt.d: 1 or 0; any NaN is invalid. */
export function f64_lt(a: i64, b: i64): i32 {
  const x = reinterpret<f64>(a)
  const y = reinterpret<f64>(b)
  if (x != x || y != y) raise(NV)
  return (x < y) as i32
}

/** fle.d: 1 or 0; any NaN is invalid. */
export function f64_le(a: i64, b: i64): i32 {
  const x = reinterpret<f64>(a)
  const y = reinterpret<f64>(b)
  if (x != x || y != y) raise(NV)
  return (x <= y) as i32
}

/** fmin.d. */
export function f64_min(a: i64, b: i64): i64 {
  const x = reinterpret<f64>(a)
  const y = reinterpret<f64>(b)
  if (x != x || y != y) return extremumOfNaN<f64>(a, b) as i64
  return reinterpret<i64>(min<f64>(x, y))
}

/** fmax.d. */
export function f64_max(a: i64, b: i64): i64 {
  const x = reinterpret<f64>(a)
  const y = reinterpret<f64>(b)
  if (x != x || y != y) return extremumOfNaN<f64>(a, b) as i64
  return reinterpret<i64>(max<f64>(x, y))
}

/** fclass.d. */
export function f64_class(a: i64): i32 {
  return classify<f64>(a)
}
