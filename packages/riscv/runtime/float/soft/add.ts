/** Addition in integers, any rounding mode. Subtraction is addition of the operand with its sign flipped. */
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
} from './format'
import { roundPack, shiftRightJam } from './round'

/** a + b. @spec riscv-unpriv "Single-Precision Floating-Point Computational Instructions" */
export function softAdd<F>(a: u64, b: u64, rm: i32): u64 {
  if (isSpecial<F>(a) || isSpecial<F>(b)) return addSpecial<F>(a, b)
  if (magnitude<F>(a) < magnitude<F>(b)) return addOrdered<F>(b, a, rm)
  return addOrdered<F>(a, b, rm)
}

function addSpecial<F>(a: u64, b: u64): u64 {
  if (isNaNBits<F>(a) || isNaNBits<F>(b)) return propagateNaN<F>(a, b)
  if (magnitude<F>(a) != infinity<F>()) return b
  if (isSpecial<F>(b) && a != b) return invalid<F>()
  return a
}

/** Finite |a| ≥ |b|. */
function addOrdered<F>(a: u64, b: u64, rm: i32): u64 {
  const negative = isNegative<F>(a)
  const same = negative == isNegative<F>(b)
  if (magnitude<F>(b) == 0) return magnitude<F>(a) == 0 && !same ? cancelledZero<F>(rm) : a
  const exponent = exponentOf<F>(a)
  const distance = exponent - exponentOf<F>(b)
  const larger = significandOf<F>(a)
  let smaller = significandOf<F>(b)
  if (distance != 0) smaller = shiftRightJam(smaller, distance)
  if (same) {
    const sum = larger + smaller
    if (sum >> 63 != 0) return roundPack<F>(negative, exponent + 1, shiftRightJam(sum, 1), rm)
    return roundPack<F>(negative, exponent, sum, rm)
  }
  const difference = larger - smaller
  if (difference == 0) return cancelledZero<F>(rm)
  // A shift of more than one implies distance ≤ 1, where nothing was jammed: the formats leave 10 spare bits.
  const shift = (clz(difference) as i32) - 1
  return roundPack<F>(negative, exponent - shift, difference << shift, rm)
}
