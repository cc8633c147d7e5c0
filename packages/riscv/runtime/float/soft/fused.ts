/**
 * Fused multiply-add in integers, any rounding mode: a 128-bit product and a 128-bit sum, rounded once.
 *
 * 128-bit numbers are two u64 variables, `high` and `low`, with the leading one at bit 62 of `high`.
 */

import {
  cancelledZero,
  exponentOf,
  infinity,
  invalid,
  isNaNBits,
  isNegative,
  isSpecial,
  magnitude,
  propagateNaN,
  significandOf,
  signMask,
} from './format'
import { multiplyHigh } from './multiply'
import { roundPack, shiftRightJam } from './round'

/** a × b + c. @spec riscv-unpriv "Single-Precision Floating-Point Computational Instructions" */
export function softFused<F>(a: u64, b: u64, c: u64, rm: i32): u64 {
  const sign = (a ^ b) & signMask<F>()
  const zeroProduct = magnitude<F>(a) == 0 || magnitude<F>(b) == 0
  if (isSpecial<F>(a) || isSpecial<F>(b)) return fusedSpecial<F>(a, b, c, sign, zeroProduct)
  if (isNaNBits<F>(c)) return propagateNaN<F>(c, c)
  if (isSpecial<F>(c)) return c
  if (zeroProduct) {
    if (magnitude<F>(c) == 0 && c != sign) return cancelledZero<F>(rm)
    return c
  }
  return fusedFinite<F>(a, b, c, sign != 0, rm)
}

/** The product's operands hold an infinity or a NaN. */
function fusedSpecial<F>(a: u64, b: u64, c: u64, sign: u64, zeroProduct: bool): u64 {
  if (isNaNBits<F>(a) || isNaNBits<F>(b)) {
    if (isNaNBits<F>(c)) propagateNaN<F>(c, c)
    return propagateNaN<F>(a, b)
  }
  // Infinity times zero is invalid whatever is added, a quiet NaN included.
  if (zeroProduct) return invalid<F>()
  if (isNaNBits<F>(c)) return propagateNaN<F>(c, c)
  const product = sign | infinity<F>()
  return isSpecial<F>(c) && c != product ? invalid<F>() : product
}

/** Finite operands and a nonzero product. */
function fusedFinite<F>(a: u64, b: u64, c: u64, negative: bool, rm: i32): u64 {
  const left = significandOf<F>(a)
  const right = significandOf<F>(b) << 1
  let exponent = exponentOf<F>(a) + exponentOf<F>(b) + 1
  let high = multiplyHigh(left, right)
  let low = left * right
  if (high >> 62 == 0) {
    high = (high << 1) | (low >> 63)
    low <<= 1
    exponent -= 1
  }
  if (magnitude<F>(c) == 0) return roundPack<F>(negative, exponent, high | ((low != 0) as u64), rm)
  const addend = significandOf<F>(c)
  const distance = exponent - exponentOf<F>(c)
  const same = negative == isNegative<F>(c)
  if (distance > 0 || (distance == 0 && high >= addend)) {
    return combine<F>(negative, exponent, high, low, addend, 0, distance, same, rm)
  }
  return combine<F>(negative == same, exponent - distance, addend, 0, high, low, -distance, same, rm)
}

/** (high, low) ± (smallHigh, smallLow) >> distance, the first not the smaller; it gives sign and exponent. */
function combine<F>(
  negative: bool,
  exponent: i32,
  high: u64,
  low: u64,
  smallHigh: u64,
  smallLow: u64,
  distance: i32,
  same: bool,
  rm: i32,
): u64 {
  if (distance >= 64) {
    smallLow = shiftRightJam128(smallHigh, smallLow, distance)
    smallHigh = 0
  } else if (distance > 0) {
    smallLow = shiftRightJam(smallLow, distance) | (smallHigh << (64 - distance))
    smallHigh >>= distance
  }
  if (same) {
    low += smallLow
    high += smallHigh + ((low < smallLow) as u64)
    const jammed = high | ((low != 0) as u64)
    if (high >> 63 != 0) return roundPack<F>(negative, exponent + 1, shiftRightJam(jammed, 1), rm)
    return roundPack<F>(negative, exponent, jammed, rm)
  }
  high -= smallHigh + ((low < smallLow) as u64)
  low -= smallLow
  if (high == 0) {
    if (low == 0) return cancelledZero<F>(rm)
    high = low
    low = 0
    exponent -= 64
  }
  const shift = (clz(high) as i32) - 1
  if (shift < 0) return roundPack<F>(negative, exponent + 1, shiftRightJam(high, 1), rm)
  if (shift > 0) high = (high << shift) | (low >> (64 - shift))
  low <<= shift
  return roundPack<F>(negative, exponent - shift, high | ((low != 0) as u64), rm)
}

/** Lower half of (high, low) >> count, jammed, for count ≥ 64: the upper half is then zero. */
function shiftRightJam128(high: u64, low: u64, count: i32): u64 {
  const sticky = (low != 0) as u64
  return (count == 64 ? high : shiftRightJam(high, count - 64)) | sticky
}
