/** Multiplication in integers, any rounding mode, and the 128-bit product it shares with fused multiply-add. */
import {
  exponentOf,
  infinity,
  invalid,
  isNaNBits,
  isSpecial,
  magnitude,
  propagateNaN,
  significandOf,
  signMask,
} from './format'
import { roundPack } from './round'

/** Upper 64 bits of the unsigned 128-bit product. */
export function multiplyHigh(a: u64, b: u64): u64 {
  const aLow = a & 0xffff_ffff
  const aHigh = a >> 32
  const bLow = b & 0xffff_ffff
  const bHigh = b >> 32
  const cross = aHigh * bLow + ((aLow * bLow) >> 32)
  const middle = aLow * bHigh + (cross & 0xffff_ffff)
  return aHigh * bHigh + (cross >> 32) + (middle >> 32)
}

/** a × b. @spec riscv-unpriv "Single-Precision Floating-Point Computational Instructions" */
export function softMultiply<F>(a: u64, b: u64, rm: i32): u64 {
  const sign = (a ^ b) & signMask<F>()
  if (isSpecial<F>(a) || isSpecial<F>(b)) {
    if (isNaNBits<F>(a) || isNaNBits<F>(b)) return propagateNaN<F>(a, b)
    if (magnitude<F>(a) == 0 || magnitude<F>(b) == 0) return invalid<F>()
    return sign | infinity<F>()
  }
  if (magnitude<F>(a) == 0 || magnitude<F>(b) == 0) return sign
  const exponent = exponentOf<F>(a) + exponentOf<F>(b)
  const left = significandOf<F>(a)
  const right = significandOf<F>(b) << 1
  const product = multiplyHigh(left, right) | ((left * right != 0) as u64)
  // Significands in [1, 2) multiply to [1, 4): the leading one is at bit 61 or 62 of the upper half.
  if (product >> 62 != 0) return roundPack<F>(sign != 0, exponent + 1, product, rm)
  return roundPack<F>(sign != 0, exponent, product << 1, rm)
}
