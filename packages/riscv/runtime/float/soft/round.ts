/**
 * From an exact number to a format: the one place that rounds and that decides overflow and underflow.
 *
 * A number arrives as sign, exponent and a 63-bit significand with its leading one at bit 62. Bits lost below
 * bit 0 have been *jammed*: bit 0 is set if any of them was. The formats drop at least 10 bits, so that a jammed
 * bit never reaches the half-way position and rounding is as from the exact value.
 */
import { NX, OF, RDN, RMM, RNE, RUP, UF, raise } from '../flags'
import { bias, fractionBits, infinity, signMask } from './format'

/** `x >> count`, bit 0 set if any one was shifted out. `count` ≥ 1. */
export function shiftRightJam(x: u64, count: i32): u64 {
  if (count >= 64) return (x != 0) as u64
  return (x >> count) | (((x << (64 - count)) != 0) as u64)
}

/** What rounding adds to the dropped bits, whose all-ones value is `mask`, before truncating. */
function roundingIncrement(negative: bool, rm: i32, mask: u64): u64 {
  if (rm == RNE || rm == RMM) return (mask >> 1) + 1
  if (rm == RDN) return negative ? mask : 0
  if (rm == RUP) return negative ? 0 : mask
  return 0
}

/**
 * Round ±significand × 2^(exponent - 62) to `F`; raise NX, UF (tininess after rounding) and OF as due.
 * `exponent` is within ±3000, which every operation on finite numbers of either format respects.
 * @spec riscv-unpriv "Subnormal Arithmetic"
 */
export function roundPack<F>(negative: bool, exponent: i32, significand: u64, rm: i32): u64 {
  const dropped = 62 - fractionBits<F>()
  const mask = ((1 as u64) << dropped) - 1
  const increment = roundingIncrement(negative, rm, mask)
  // The leading one of a normal number carries into the exponent field, so the field starts one lower.
  let field = exponent + bias<F>() - 1
  let tiny = false
  if (field < 0) {
    // Tiny unless rounding with an unbounded exponent reaches the smallest normal number.
    tiny = field < -1 || (significand + increment) >> 63 == 0
    significand = shiftRightJam(significand, -field)
    field = 0
  }
  const rest = significand & mask
  let rounded = (significand + increment) >> dropped
  if (rm == RNE && rest == (mask >> 1) + 1) rounded &= ~(1 as u64)
  if (rest != 0) raise(tiny ? NX | UF : NX)
  let packed = ((field as u64) << fractionBits<F>()) + rounded
  if (packed >= infinity<F>()) {
    raise(NX | OF)
    packed = increment != 0 ? infinity<F>() : infinity<F>() - 1
  }
  return negative ? packed | signMask<F>() : packed
}
