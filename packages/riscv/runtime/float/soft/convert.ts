/** Conversions that round, in integers, any rounding mode: to f32 from f64, to either from 64-bit integers. */
import {
  exponentOf,
  infinity,
  isNaNBits,
  isNegative,
  isSpecial,
  magnitude,
  propagateNaN,
  canonicalNaN,
  significandOf,
  signMask,
} from './format'
import { roundPack, shiftRightJam } from './round'

/** The f64 `a` as an f32. @spec riscv-unpriv "Double-Precision Floating-Point Conversion and Move Instructions" */
export function softNarrow(a: u64, rm: i32): u64 {
  const negative = isNegative<f64>(a)
  if (isNaNBits<f64>(a)) {
    propagateNaN<f64>(a, a)
    return canonicalNaN<f32>()
  }
  const sign: u64 = negative ? signMask<f32>() : 0
  if (isSpecial<f64>(a)) return sign | infinity<f32>()
  if (magnitude<f64>(a) == 0) return sign
  return roundPack<f32>(negative, exponentOf<f64>(a), significandOf<f64>(a), rm)
}

/** ±`size` as `F`. */
export function softFromInteger<F>(negative: bool, size: u64, rm: i32): u64 {
  if (size == 0) return 0
  const zeros = clz(size) as i32
  const significand = zeros == 0 ? shiftRightJam(size, 1) : size << (zeros - 1)
  return roundPack<F>(negative, 63 - zeros, significand, rm)
}
