/**
 * Single-precision arithmetic on raw 32-bit patterns (already unboxed): a native path where its exactness and
 * its flags are proven, else `soft/`.
 *
 * Native operations round to nearest even. Each native path therefore needs RNE, a range in which the result can
 * neither overflow nor be tiny (so that only NX is left to decide), and an exact test for NX. NaN fails every
 * range test, so no native path returns one. Products of two f32 are exact in f64, which settles multiplication,
 * division and square root; addition uses the error term of TwoSum. README.md has the proofs.
 */
import { RNE, isExactSoFar, raiseInexact } from './flags'
import { softNarrow } from './soft/convert'
import { softAdd } from './soft/add'
import { softDivide, softSquareRoot } from './soft/divide'
import { canonicalNaN, isNaNBits, propagateNaN } from './soft/format'
import { softFused } from './soft/fused'
import { softMultiply } from './soft/multiply'

/** Below this no sum of two magnitudes, and no step of TwoSum on them, overflows: 2^126. */
const SUM_LIMIT: f32 = reinterpret<f32>(0x7e80_0000)
/** Smallest normal f32, 2^-126; a result above it in magnitude is not tiny. */
const NORMAL_MIN: f32 = reinterpret<f32>(0x0080_0000)

/** Whether a rounded result is neither tiny, zero, infinite nor NaN. */
function isSettled(x: f32): bool {
  const size = abs<f32>(x)
  return size > NORMAL_MIN && size < (Infinity as f32)
}

/** fadd.s. */
export function f32_add(a: i32, b: i32, rm: i32): i32 {
  const x = reinterpret<f32>(a)
  const y = reinterpret<f32>(b)
  if (rm == RNE && abs<f32>(x) + abs<f32>(y) < SUM_LIMIT) {
    const sum = x + y
    const yPart = sum - x
    if (isExactSoFar()) raiseInexact(x - (sum - yPart) + (y - yPart) != 0)
    return reinterpret<i32>(sum)
  }
  return softAdd<f32>(a as u32 as u64, b as u32 as u64, rm) as i32
}

/** fsub.s. A NaN's sign is of no consequence, so flipping that of `b` is exact for every operand. */
export function f32_sub(a: i32, b: i32, rm: i32): i32 {
  return f32_add(a, b ^ 0x8000_0000, rm)
}

/** fmul.s. */
export function f32_mul(a: i32, b: i32, rm: i32): i32 {
  if (rm == RNE) {
    const product = (reinterpret<f32>(a) as f64) * (reinterpret<f32>(b) as f64)
    const rounded = product as f32
    if (isSettled(rounded)) {
      if (isExactSoFar()) raiseInexact((rounded as f64) != product)
      return reinterpret<i32>(rounded)
    }
  }
  return softMultiply<f32>(a as u32 as u64, b as u32 as u64, rm) as i32
}

/** fdiv.s. */
export function f32_div(a: i32, b: i32, rm: i32): i32 {
  if (rm == RNE) {
    const x = reinterpret<f32>(a)
    const y = reinterpret<f32>(b)
    const quotient = x / y
    // A quotient by zero or of an infinity is infinite or NaN, one by an infinity is zero: all go the slow way.
    if (isSettled(quotient)) {
      if (isExactSoFar()) raiseInexact((quotient as f64) * (y as f64) != (x as f64))
      return reinterpret<i32>(quotient)
    }
  }
  return softDivide<f32>(a as u32 as u64, b as u32 as u64, rm) as i32
}

/** fsqrt.s. */
export function f32_sqrt(a: i32, rm: i32): i32 {
  const x = reinterpret<f32>(a)
  if (rm == RNE && x >= 0 && x < (Infinity as f32)) {
    const root = sqrt<f32>(x)
    if (isExactSoFar()) raiseInexact((root as f64) * (root as f64) != (x as f64))
    return reinterpret<i32>(root)
  }
  return softSquareRoot<f32>(a as u32 as u64, rm) as i32
}

/**
 * fmadd.s: a × b + c. For fmsub, fnmsub and fnmadd the caller flips the signs of `a` and `c`.
 *
 * The exact product plus `c` is rounded to odd in f64, which has more than twice the bits and a far wider range,
 * so that rounding it once more to f32 is as rounding the exact sum.
 */
export function f32_fma(a: i32, b: i32, c: i32, rm: i32): i32 {
  if (rm == RNE) {
    const product = (reinterpret<f32>(a) as f64) * (reinterpret<f32>(b) as f64)
    const addend = reinterpret<f32>(c) as f64
    const sum = product + addend
    const part = sum - product
    const error = product - (sum - part) + (addend - part)
    const odd = error == 0 ? sum : roundToOdd(sum, error)
    const rounded = odd as f32
    if (isSettled(rounded)) {
      if (isExactSoFar()) raiseInexact((rounded as f64) != odd)
      return reinterpret<i32>(rounded)
    }
  }
  return softFused<f32>(a as u32 as u64, b as u32 as u64, c as u32 as u64, rm) as i32
}

/** sum + error, `sum` being that rounded to nearest and `error` not zero, rounded to odd instead. */
function roundToOdd(sum: f64, error: f64): f64 {
  const bits = reinterpret<i64>(sum)
  if ((bits & 1) != 0) return sum
  // The neighbour on the error's side: one further from zero if the signs agree, else one nearer.
  return reinterpret<f64>((bits ^ reinterpret<i64>(error)) < 0 ? bits - 1 : bits + 1)
}

/** fcvt.s.d: the f64 `a` as an f32. */
export function f64_to_f32(a: i64, rm: i32): i32 {
  if (rm == RNE) {
    const x = reinterpret<f64>(a)
    const rounded = x as f32
    if (isSettled(rounded)) {
      if (isExactSoFar()) raiseInexact((rounded as f64) != x)
      return reinterpret<i32>(rounded)
    }
  }
  return softNarrow(a as u64, rm) as i32
}

/** fcvt.d.s: the f32 `a` as an f64, always exact. */
export function f32_to_f64(a: i32): i64 {
  const bits = a as u32 as u64
  if (isNaNBits<f32>(bits)) {
    propagateNaN<f32>(bits, bits)
    return canonicalNaN<f64>() as i64
  }
  return reinterpret<i64>(reinterpret<f32>(a) as f64)
}
