/**
 * The two interchange formats, as bit patterns in the low bits of a u64.
 *
 * Every function takes the format as its type parameter `F`, f32 or f64, which the compiler resolves: both get
 * their own code with constants. An f32 pattern has zeros above bit 31.
 */
import { NV, RDN, raise } from '../flags'

/** Stored significand bits. */
export function fractionBits<F>(): i32 {
  return sizeof<F>() == 4 ? 23 : 52
}

/** Exponent bias. */
export function bias<F>(): i32 {
  return sizeof<F>() == 4 ? 127 : 1023
}

/** +infinity; also the largest magnitude that is not a NaN. */
export function infinity<F>(): u64 {
  return sizeof<F>() == 4 ? 0x7f80_0000 : 0x7ff0_0000_0000_0000
}

/** The sign bit alone, which is -0. */
export function signMask<F>(): u64 {
  return sizeof<F>() == 4 ? 0x8000_0000 : 0x8000_0000_0000_0000
}

/** The one NaN that arithmetic produces. @spec riscv-unpriv "NaN Generation and Propagation" */
export function canonicalNaN<F>(): u64 {
  return sizeof<F>() == 4 ? 0x7fc0_0000 : 0x7ff8_0000_0000_0000
}

/** `bits` without its sign. */
export function magnitude<F>(bits: u64): u64 {
  return bits & (signMask<F>() - 1)
}

/** Whether the sign bit is set. */
export function isNegative<F>(bits: u64): bool {
  return (bits & signMask<F>()) != 0
}

/** Whether `bits` is a NaN of either kind. */
export function isNaNBits<F>(bits: u64): bool {
  return magnitude<F>(bits) > infinity<F>()
}

/** Whether `bits` is a NaN whose quiet bit is clear. */
export function isSignaling<F>(bits: u64): bool {
  const quiet = (1 as u64) << (fractionBits<F>() - 1)
  return isNaNBits<F>(bits) && (bits & quiet) == 0
}

/** Whether `bits` is an infinity or a NaN. */
export function isSpecial<F>(bits: u64): bool {
  return magnitude<F>(bits) >= infinity<F>()
}

/** Raise NV and return the canonical NaN. */
export function invalid<F>(): u64 {
  raise(NV)
  return canonicalNaN<F>()
}

/** The NaN result of an operation with a NaN among `a` and `b`; NV if either signals. */
export function propagateNaN<F>(a: u64, b: u64): u64 {
  if (isSignaling<F>(a) || isSignaling<F>(b)) raise(NV)
  return canonicalNaN<F>()
}

/** The zero that x - x gives. */
export function cancelledZero<F>(rm: i32): u64 {
  return rm == RDN ? signMask<F>() : 0
}

/** Significand of a finite nonzero number, leading one at bit 62. */
export function significandOf<F>(bits: u64): u64 {
  const field = magnitude<F>(bits)
  const hidden = (1 as u64) << fractionBits<F>()
  if (field < hidden) return field << (clz(field) - 1)
  return ((field & (hidden - 1)) | hidden) << (62 - fractionBits<F>())
}

/** Exponent of a finite nonzero number: its value is significandOf × 2^(exponentOf - 62). */
export function exponentOf<F>(bits: u64): i32 {
  const field = magnitude<F>(bits)
  const biased = (field >> fractionBits<F>()) as i32
  if (biased != 0) return biased - bias<F>()
  return 64 - bias<F>() - fractionBits<F>() - (clz(field) as i32)
}
