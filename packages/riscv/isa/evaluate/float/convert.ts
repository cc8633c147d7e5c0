/** Conversions: between the formats, and between a format and integers. */
import {
  decode,
  type FloatFormat,
  type FloatResult,
  floatFlags,
  infinityBits,
  isZero,
  nanResult,
  signed,
} from './number.ts'
import { type RoundingMode, roundTo, roundToUnit } from './round.ts'

/** The `from` number a in format `to`. @spec riscv-unpriv "Double-Precision Floating-Point Conversion and Move Instructions" */
export function convert(from: FloatFormat, to: FloatFormat, a: bigint, rm: RoundingMode): FloatResult {
  const x = decode(from, a)
  if (x.kind === 'nan') return nanResult(to, x)
  if (x.kind === 'infinite') return { bits: signed(to, x.negative, infinityBits(to)), flags: 0 }
  if (isZero(x)) return { bits: signed(to, x.negative, 0n), flags: 0 }
  return roundTo(to, x.negative, x.magnitude, rm)
}

/**
 * The number a as an integer of `width` bits, as a 64-bit pattern: 32-bit results are sign-extended, unsigned
 * ones too. Out of range gives the nearest end of the range and NV, and a NaN its upper end.
 * @spec riscv-unpriv "Single-Precision Floating-Point Conversion and Move Instructions"
 */
export function toInt(
  format: FloatFormat,
  a: bigint,
  rm: RoundingMode,
  width: 32 | 64,
  isSigned: boolean,
): FloatResult {
  const x = decode(format, a)
  const lowest = isSigned ? -(1n << BigInt(width - 1)) : 0n
  const highest = (1n << BigInt(isSigned ? width - 1 : width)) - 1n
  const extended = (integer: bigint): bigint => BigInt.asUintN(64, BigInt.asIntN(width, integer))
  if (x.kind !== 'finite') {
    const end = x.kind === 'infinite' && x.negative ? lowest : highest
    return { bits: extended(end), flags: floatFlags.NV }
  }
  const { count, inexact } = roundToUnit(x.negative, x.magnitude, 0, rm)
  const integer = x.negative ? -count : count
  if (integer < lowest) return { bits: extended(lowest), flags: floatFlags.NV }
  if (integer > highest) return { bits: extended(highest), flags: floatFlags.NV }
  return { bits: extended(integer), flags: inexact ? floatFlags.NX : 0 }
}

/** The integer in the low `width` bits of `pattern` as a number. */
export function fromInt(
  format: FloatFormat,
  pattern: bigint,
  rm: RoundingMode,
  width: 32 | 64,
  isSigned: boolean,
): FloatResult {
  const integer = isSigned ? BigInt.asIntN(width, pattern) : BigInt.asUintN(width, pattern)
  if (integer === 0n) return { bits: 0n, flags: 0 }
  const negative = integer < 0n
  return roundTo(format, negative, { integer: negative ? -integer : integer, exponent: 0 }, rm)
}
