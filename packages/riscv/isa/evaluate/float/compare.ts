/** Comparison, minimum, maximum and classification. */
import {
  canonicalNaN,
  decode,
  exponentMin,
  type FloatFormat,
  type FloatResult,
  type FloatValue,
  floatFlags,
  isZero,
  nanResult,
} from './number.ts'

/** a = b; quiet: only a signaling NaN is invalid. @spec riscv-unpriv "Single-Precision Floating-Point Compare Instructions" */
export function eq(format: FloatFormat, a: bigint, b: bigint): FloatResult {
  const x = decode(format, a)
  const y = decode(format, b)
  const order = compare(x, y)
  return { bits: order === 0 ? 1n : 0n, flags: nanResult(format, x, y).flags }
}

/** a < b; any NaN is invalid. */
export function lt(format: FloatFormat, a: bigint, b: bigint): FloatResult {
  const order = compare(decode(format, a), decode(format, b))
  return { bits: order === -1 ? 1n : 0n, flags: order === undefined ? floatFlags.NV : 0 }
}

/** a ≤ b; any NaN is invalid. */
export function le(format: FloatFormat, a: bigint, b: bigint): FloatResult {
  const order = compare(decode(format, a), decode(format, b))
  return { bits: order === -1 || order === 0 ? 1n : 0n, flags: order === undefined ? floatFlags.NV : 0 }
}

/** The lesser; a number rather than a NaN; -0 rather than +0. @spec ieee-754 "minimumNumber" */
export function min(format: FloatFormat, a: bigint, b: bigint): FloatResult {
  return choose(format, a, b, (x, y) => compare(x, y) === -1 || (compare(x, y) === 0 && x.negative))
}

/** The greater; a number rather than a NaN; +0 rather than -0. @spec ieee-754 "maximumNumber" */
export function max(format: FloatFormat, a: bigint, b: bigint): FloatResult {
  return choose(format, a, b, (x, y) => compare(x, y) === 1 || (compare(x, y) === 0 && !x.negative))
}

/** The mask of fclass. @spec riscv-unpriv "Single-Precision Floating-Point Classify Instruction" */
export function classify(format: FloatFormat, a: bigint): FloatResult {
  return { bits: 1n << BigInt(classOf(format, decode(format, a))), flags: 0 }
}

function classOf(format: FloatFormat, value: FloatValue): number {
  if (value.kind === 'nan') return value.signaling ? 8 : 9
  if (value.kind === 'infinite') return value.negative ? 0 : 7
  if (isZero(value)) return value.negative ? 3 : 4
  const { integer, exponent } = value.magnitude
  const subnormal =
    exponent === exponentMin(format) - format.fractionBits && integer >> BigInt(format.fractionBits) === 0n
  if (subnormal) return value.negative ? 2 : 5
  return value.negative ? 1 : 6
}

function choose(
  format: FloatFormat,
  a: bigint,
  b: bigint,
  first: (x: FloatValue, y: FloatValue) => boolean,
): FloatResult {
  const x = decode(format, a)
  const y = decode(format, b)
  const { flags } = nanResult(format, x, y)
  if (x.kind === 'nan') return { bits: y.kind === 'nan' ? canonicalNaN(format) : b, flags }
  return { bits: y.kind === 'nan' || first(x, y) ? a : b, flags }
}

/** -1, 0 or 1 as x is below, equal to or above y; undefined with a NaN. Zeros are equal. */
function compare(x: FloatValue, y: FloatValue): -1 | 0 | 1 | undefined {
  if (x.kind === 'nan' || y.kind === 'nan') return undefined
  if (x.kind === 'infinite' || y.kind === 'infinite') {
    const left = infinitySign(x)
    const right = infinitySign(y)
    return left === right ? 0 : left < right ? -1 : 1
  }
  const exponent = Math.min(x.magnitude.exponent, y.magnitude.exponent)
  const left = (x.negative ? -1n : 1n) * (x.magnitude.integer << BigInt(x.magnitude.exponent - exponent))
  const right = (y.negative ? -1n : 1n) * (y.magnitude.integer << BigInt(y.magnitude.exponent - exponent))
  return left === right ? 0 : left < right ? -1 : 1
}

function infinitySign(value: FloatValue): number {
  if (value.kind !== 'infinite') return 0
  return value.negative ? -1 : 1
}
