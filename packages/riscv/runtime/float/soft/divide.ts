/**
 * Division and square root, any rounding mode: the native operation gives 53 bits of the result, integers then
 * make it exact.
 *
 * WebAssembly's f64 division and square root are correctly rounded, so on significands scaled to 53-bit integers
 * the native result is within one half of the true one. The remainder is then smaller than 2^54 and comes out
 * right modulo 2^64; its sign corrects the estimate to the floor, its size gives the bits below.
 */
import { DZ, raise } from '../flags'
import {
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
import { roundPack } from './round'

/** a / b. @spec riscv-unpriv "Single-Precision Floating-Point Computational Instructions" */
export function softDivide<F>(a: u64, b: u64, rm: i32): u64 {
  const sign = (a ^ b) & signMask<F>()
  if (isSpecial<F>(a) || isSpecial<F>(b)) {
    if (isNaNBits<F>(a) || isNaNBits<F>(b)) return propagateNaN<F>(a, b)
    if (!isSpecial<F>(a)) return sign
    return isSpecial<F>(b) ? invalid<F>() : sign | infinity<F>()
  }
  if (magnitude<F>(b) == 0) {
    if (magnitude<F>(a) == 0) return invalid<F>()
    raise(DZ)
    return sign | infinity<F>()
  }
  if (magnitude<F>(a) == 0) return sign
  let exponent = exponentOf<F>(a) - exponentOf<F>(b)
  let dividend = significandOf<F>(a) >> 10
  const divisor = significandOf<F>(b) >> 10
  if (dividend < divisor) {
    dividend <<= 1
    exponent -= 1
  }
  let quotient = ((dividend as f64) / (divisor as f64) * 4503599627370496.0) as u64
  let remainder = ((dividend << 52) - quotient * divisor) as i64
  if (remainder < 0) {
    quotient -= 1
    remainder += divisor
  }
  const scaled = (remainder as u64) << 10
  const low = scaled / divisor
  const sticky = (low * divisor != scaled) as u64
  return roundPack<F>(sign != 0, exponent, (quotient << 10) | low | sticky, rm)
}

/** Square root of a. @spec riscv-unpriv "Single-Precision Floating-Point Computational Instructions" */
export function softSquareRoot<F>(a: u64, rm: i32): u64 {
  if (isNaNBits<F>(a)) return propagateNaN<F>(a, a)
  if (magnitude<F>(a) == 0) return a
  if (isNegative<F>(a)) return invalid<F>()
  if (isSpecial<F>(a)) return a
  const exponent = exponentOf<F>(a)
  // An even exponent halves exactly, so an odd one lends its factor of two to the significand.
  const radicand = (significandOf<F>(a) >> 10) << (exponent & 1)
  let root = sqrt<f64>((radicand as f64) * 4503599627370496.0) as u64
  let remainder = ((radicand << 52) - root * root) as i64
  if (remainder < 0) {
    root -= 1
    remainder += (root << 1) + 1
  }
  // No root is exactly half-way between two 53-bit integers: its square would not be an integer.
  const half: u64 = (remainder as u64) > root ? 0x200 : 0
  return roundPack<F>(false, exponent >> 1, (root << 10) | half | ((remainder != 0) as u64), rm)
}
