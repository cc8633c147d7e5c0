/**
 * Rounding, once for every operation: an exact magnitude to a multiple of a power of two, and to a format.
 */
import {
  exponentMax,
  exponentMin,
  type FloatFormat,
  type FloatResult,
  floatFlags,
  infinityBits,
  type Magnitude,
  signed,
} from './number.ts'

/** Values of `frm`: to nearest even, to zero, down, up, to nearest with ties away from zero. */
export const roundingModes = { RNE: 0, RTZ: 1, RDN: 2, RUP: 3, RMM: 4 } as const
export type RoundingMode = (typeof roundingModes)[keyof typeof roundingModes]

/** Bits of a positive integer. */
function bitLength(integer: bigint): number {
  return integer.toString(2).length
}

/** ±magnitude in units of 2^`unit`, rounded to an integer, and whether that changed it. */
export function roundToUnit(
  negative: boolean,
  { integer, exponent }: Magnitude,
  unit: number,
  rm: RoundingMode,
): { readonly count: bigint; readonly inexact: boolean } {
  if (exponent >= unit) return { count: integer << BigInt(exponent - unit), inexact: false }
  const divisor = 1n << BigInt(unit - exponent)
  const floor = integer / divisor
  const twiceRest = 2n * (integer % divisor)
  if (twiceRest === 0n) return { count: floor, inexact: false }
  const odd = floor % 2n === 1n
  const away = [
    twiceRest > divisor || (twiceRest === divisor && odd),
    false,
    negative,
    !negative,
    twiceRest >= divisor,
  ][rm]
  return { count: away ? floor + 1n : floor, inexact: true }
}

/**
 * ±magnitude, not zero, in `format`. The magnitude may stand for an irrational or endless one that it is cut off
 * from, if its last bit is 1 and it has at least three bits more than the format.
 * Flags: NX; OF; UF when inexact and tiny after rounding. @spec ieee-754 "Underflow"
 */
export function roundTo(
  format: FloatFormat,
  negative: boolean,
  magnitude: Magnitude,
  rm: RoundingMode,
): FloatResult {
  const { fractionBits } = format
  const smallest = exponentMin(format)
  const leading = bitLength(magnitude.integer) - 1 + magnitude.exponent
  const unit = Math.max(leading, smallest) - fractionBits
  const { count, inexact } = roundToUnit(negative, magnitude, unit, rm)
  // Units of the format are too coarse below its normal range; tininess is judged as if they went on shrinking.
  const fine = roundToUnit(negative, magnitude, leading - fractionBits, rm).count
  const tiny = leading < smallest && bitLength(fine) - 1 + leading - fractionBits < smallest
  const carry = bitLength(count === 0n ? 1n : count) - 1 + unit
  if (carry > exponentMax(format)) return overflow(format, negative, rm)
  // A count is fraction plus hidden bit: adding it to the field below its own carries as the encoding wants.
  const field = BigInt(unit + fractionBits - smallest)
  const bits = signed(format, negative, (field << BigInt(fractionBits)) + count)
  return { bits, flags: (inexact ? floatFlags.NX : 0) | (inexact && tiny ? floatFlags.UF : 0) }
}

/** The result of a finite operation that is too large. @spec ieee-754 "Overflow" */
function overflow(format: FloatFormat, negative: boolean, rm: RoundingMode): FloatResult {
  const { RNE, RMM, RDN } = roundingModes
  const toInfinity = rm === RNE || rm === RMM || (rm !== roundingModes.RTZ && (rm === RDN) === negative)
  const bits = infinityBits(format) - (toInfinity ? 0n : 1n)
  return { bits: signed(format, negative, bits), flags: floatFlags.OF | floatFlags.NX }
}
