/**
 * Conversions between floating point and integers.
 *
 * To an integer, all is native in every mode: f32 widens exactly, WebAssembly rounds an f64 to an integral value
 * in four directions, and the fifth follows from truncation. From an integer, the native conversion rounds to
 * nearest even and is exact in every mode if the significant bits fit.
 */
import { NV, NX, RDN, RNE, RTZ, RUP, raise, raiseInexact } from './flags'
import { softFromInteger } from './soft/convert'

/** x rounded to an integral value. */
function roundToIntegral(x: f64, rm: i32): f64 {
  if (rm == RTZ) return trunc<f64>(x)
  if (rm == RNE) return nearest<f64>(x)
  if (rm == RDN) return floor<f64>(x)
  if (rm == RUP) return ceil<f64>(x)
  const whole = trunc<f64>(x)
  return abs<f64>(x - whole) >= 0.5 ? whole + copysign<f64>(1, x) : whole
}

/** Bits from the first one of `size` to its last. */
function significantBits(size: u64): i32 {
  return 64 - (clz(size) as i32) - (ctz(size) as i32)
}

/** What an unrepresentable x converts to: `high` if it is above the range or NaN, else `low`. */
function saturate(x: f64, low: i64, high: i64): i64 {
  raise(NV)
  return x < 0 ? low : high
}

/** To a signed 32-bit integer. @spec riscv-unpriv "Single-Precision Floating-Point Conversion and Move Instructions" */
function toI32(x: f64, rm: i32): i64 {
  const whole = roundToIntegral(x, rm)
  if (!(whole >= -2147483648.0 && whole <= 2147483647.0)) return saturate(x, i32.MIN_VALUE, i32.MAX_VALUE)
  raiseInexact(whole != x)
  return whole as i32 as i64
}

/** To an unsigned 32-bit integer, sign-extended as every 32-bit result is. */
function toU32(x: f64, rm: i32): i64 {
  const whole = roundToIntegral(x, rm)
  if (!(whole >= 0 && whole <= 4294967295.0)) return saturate(x, 0, -1)
  raiseInexact(whole != x)
  return whole as u32 as i32 as i64
}

/** To a signed 64-bit integer. */
function toI64(x: f64, rm: i32): i64 {
  const whole = roundToIntegral(x, rm)
  if (!(whole >= -9223372036854775808.0 && whole < 9223372036854775808.0)) {
    return saturate(x, i64.MIN_VALUE, i64.MAX_VALUE)
  }
  raiseInexact(whole != x)
  return whole as i64
}

/** To an unsigned 64-bit integer. */
function toU64(x: f64, rm: i32): i64 {
  const whole = roundToIntegral(x, rm)
  if (!(whole >= 0 && whole < 18446744073709551616.0)) return saturate(x, 0, -1)
  raiseInexact(whole != x)
  return whole as u64 as i64
}

/** fcvt.w.s. */
export function f32_to_i32(a: i32, rm: i32): i64 {
  return toI32(reinterpret<f32>(a) as f64, rm)
}

/** fcvt.wu.s. */
export function f32_to_u32(a: i32, rm: i32): i64 {
  return toU32(reinterpret<f32>(a) as f64, rm)
}

/** fcvt.l.s. */
export function f32_to_i64(a: i32, rm: i32): i64 {
  return toI64(reinterpret<f32>(a) as f64, rm)
}

/** fcvt.lu.s. */
export function f32_to_u64(a: i32, rm: i32): i64 {
  return toU64(reinterpret<f32>(a) as f64, rm)
}

/** fcvt.w.d. */
export function f64_to_i32(a: i64, rm: i32): i64 {
  return toI32(reinterpret<f64>(a), rm)
}

/** fcvt.wu.d. */
export function f64_to_u32(a: i64, rm: i32): i64 {
  return toU32(reinterpret<f64>(a), rm)
}

/** fcvt.l.d. */
export function f64_to_i64(a: i64, rm: i32): i64 {
  return toI64(reinterpret<f64>(a), rm)
}

/** fcvt.lu.d. */
export function f64_to_u64(a: i64, rm: i32): i64 {
  return toU64(reinterpret<f64>(a), rm)
}

/** fcvt.s.l. */
export function i64_to_f32(x: i64, rm: i32): i32 {
  const size = (x < 0 ? -x : x) as u64
  const exact = significantBits(size) <= 24
  if (!exact && rm != RNE) return softFromInteger<f32>(x < 0, size, rm) as i32
  if (!exact) raise(NX)
  return reinterpret<i32>(x as f32)
}

/** fcvt.s.lu. */
export function u64_to_f32(x: i64, rm: i32): i32 {
  const exact = significantBits(x) <= 24
  if (!exact && rm != RNE) return softFromInteger<f32>(false, x, rm) as i32
  if (!exact) raise(NX)
  return reinterpret<i32>(x as u64 as f32)
}

/** fcvt.s.w: the low 32 bits of `x`. */
export function i32_to_f32(x: i64, rm: i32): i32 {
  return i64_to_f32(x as i32 as i64, rm)
}

/** fcvt.s.wu: the low 32 bits of `x`. */
export function u32_to_f32(x: i64, rm: i32): i32 {
  return i64_to_f32(x as u32 as i64, rm)
}

/** fcvt.d.l. */
export function i64_to_f64(x: i64, rm: i32): i64 {
  const size = (x < 0 ? -x : x) as u64
  const exact = significantBits(size) <= 53
  if (!exact && rm != RNE) return softFromInteger<f64>(x < 0, size, rm) as i64
  if (!exact) raise(NX)
  return reinterpret<i64>(x as f64)
}

/** fcvt.d.lu. */
export function u64_to_f64(x: i64, rm: i32): i64 {
  const exact = significantBits(x) <= 53
  if (!exact && rm != RNE) return softFromInteger<f64>(false, x, rm) as i64
  if (!exact) raise(NX)
  return reinterpret<i64>(x as u64 as f64)
}

/** fcvt.d.w: the low 32 bits of `x`; exact in every mode. */
export function i32_to_f64(x: i64, _rm: i32): i64 {
  return reinterpret<i64>(x as i32 as f64)
}

/** fcvt.d.wu: the low 32 bits of `x`; exact in every mode. */
export function u32_to_f64(x: i64, _rm: i32): i64 {
  return reinterpret<i64>(x as u32 as f64)
}
