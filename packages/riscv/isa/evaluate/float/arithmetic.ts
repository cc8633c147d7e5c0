/** Arithmetic: the special values as RISC-V has them, the finite ones exactly and then rounded once. */
import {
  decode,
  type FloatFormat,
  type FloatResult,
  type FloatValue,
  floatFlags,
  infinityBits,
  invalidResult,
  isZero,
  type Magnitude,
  nanResult,
  signed,
} from './number.ts'
import { type RoundingMode, roundingModes, roundTo } from './round.ts'

/** Bits by which quotients and roots are computed beyond their operands: more than either format has. */
const extraBits = 130n

/** a + b. @spec ieee-754 "Arithmetic operations" */
export function add(format: FloatFormat, a: bigint, b: bigint, rm: RoundingMode): FloatResult {
  return sum(format, decode(format, a), decode(format, b), rm)
}

/** a - b. */
export function sub(format: FloatFormat, a: bigint, b: bigint, rm: RoundingMode): FloatResult {
  const subtrahend = decode(format, b)
  return sum(format, decode(format, a), { ...subtrahend, negative: !subtrahend.negative }, rm)
}

/** a × b. */
export function mul(format: FloatFormat, a: bigint, b: bigint, rm: RoundingMode): FloatResult {
  return single(format, product(format, decode(format, a), decode(format, b)), rm)
}

/** a × b + c, rounded once. @spec ieee-754 "Arithmetic operations" */
export function fma(format: FloatFormat, a: bigint, b: bigint, c: bigint, rm: RoundingMode): FloatResult {
  const x = decode(format, a)
  const y = decode(format, b)
  const addend = decode(format, c)
  const exact = product(format, x, y)
  if ('kind' in exact) return sum(format, exact, addend, rm, [x, y, addend])
  // ∞ × 0 is invalid, NaN addend or not; a NaN factor raises what any of the three does.
  return exact.flags !== 0 ? exact : nanResult(format, addend)
}

/** a / b. */
export function div(format: FloatFormat, a: bigint, b: bigint, rm: RoundingMode): FloatResult {
  const x = decode(format, a)
  const y = decode(format, b)
  if (x.kind === 'nan' || y.kind === 'nan') return nanResult(format, x, y)
  const negative = x.negative !== y.negative
  if (x.kind === y.kind && (x.kind === 'infinite' || (isZero(x) && isZero(y)))) return invalidResult(format)
  if (x.kind === 'infinite') return { bits: signed(format, negative, infinityBits(format)), flags: 0 }
  if (y.kind === 'infinite' || isZero(x)) return { bits: signed(format, negative, 0n), flags: 0 }
  if (isZero(y)) return { bits: signed(format, negative, infinityBits(format)), flags: floatFlags.DZ }
  const dividend = x.magnitude.integer << extraBits
  const divisor = y.magnitude.integer
  const exponent = x.magnitude.exponent - y.magnitude.exponent - Number(extraBits)
  return roundTo(format, negative, cutOff(dividend / divisor, dividend % divisor !== 0n, exponent), rm)
}

/** Square root of a. */
export function sqrt(format: FloatFormat, a: bigint, rm: RoundingMode): FloatResult {
  const x = decode(format, a)
  if (x.kind === 'nan') return nanResult(format, x)
  if (isZero(x)) return { bits: signed(format, x.negative, 0n), flags: 0 }
  if (x.negative) return invalidResult(format)
  if (x.kind === 'infinite') return { bits: infinityBits(format), flags: 0 }
  const odd = x.magnitude.exponent % 2 !== 0
  const radicand = (odd ? 2n : 1n) * (x.magnitude.integer << (2n * extraBits))
  const root = integerRoot(radicand)
  const exponent = (x.magnitude.exponent - (odd ? 1 : 0)) / 2 - Number(extraBits)
  return roundTo(format, false, cutOff(root, root * root !== radicand, exponent), rm)
}

/** A magnitude of which only the bits of `integer` are known, and whether there are more. */
function cutOff(integer: bigint, more: boolean, exponent: number): Magnitude {
  return { integer: 2n * integer + (more ? 1n : 0n), exponent: exponent - 1 }
}

/** Floor of the square root, by Newton's iteration from above. */
function integerRoot(radicand: bigint): bigint {
  let root = 1n << BigInt(Math.ceil(radicand.toString(2).length / 2))
  for (;;) {
    const next = (root + radicand / root) / 2n
    if (next >= root) return root
    root = next
  }
}

/** The exact product, or the result if there is none. */
function product(format: FloatFormat, x: FloatValue, y: FloatValue): FloatValue | FloatResult {
  if (x.kind === 'nan' || y.kind === 'nan') return nanResult(format, x, y)
  const negative = x.negative !== y.negative
  if (x.kind === 'finite' && y.kind === 'finite') {
    const integer = x.magnitude.integer * y.magnitude.integer
    const exponent = x.magnitude.exponent + y.magnitude.exponent
    return { kind: 'finite', negative, magnitude: { integer, exponent } }
  }
  return isZero(x) || isZero(y) ? invalidResult(format) : { kind: 'infinite', negative }
}

/** A value, which may be wider than the format, as a result. */
function single(format: FloatFormat, value: FloatValue | FloatResult, rm: RoundingMode): FloatResult {
  if (!('kind' in value)) return value
  if (value.kind === 'nan') return nanResult(format, value)
  if (value.kind === 'infinite')
    return { bits: signed(format, value.negative, infinityBits(format)), flags: 0 }
  if (isZero(value)) return { bits: signed(format, value.negative, 0n), flags: 0 }
  return roundTo(format, value.negative, value.magnitude, rm)
}

/** x + y, rounded once; `operands` are those whose NaNs count. */
function sum(
  format: FloatFormat,
  x: FloatValue,
  y: FloatValue,
  rm: RoundingMode,
  operands: readonly FloatValue[] = [x, y],
): FloatResult {
  if (x.kind === 'nan' || y.kind === 'nan') return nanResult(format, ...operands)
  if (x.kind === 'infinite' && y.kind === 'infinite' && x.negative !== y.negative)
    return invalidResult(format)
  if (x.kind === 'infinite') return single(format, x, rm)
  if (y.kind === 'infinite') return single(format, y, rm)
  const exponent = Math.min(x.magnitude.exponent, y.magnitude.exponent)
  const total =
    signedInteger(x.negative, x.magnitude, exponent) + signedInteger(y.negative, y.magnitude, exponent)
  if (total === 0n) {
    const bothZero = isZero(x) && isZero(y)
    const agree = bothZero && x.negative === y.negative
    return { bits: signed(format, agree ? x.negative : rm === roundingModes.RDN, 0n), flags: 0 }
  }
  return roundTo(format, total < 0n, { integer: total < 0n ? -total : total, exponent }, rm)
}

function signedInteger(negative: boolean, magnitude: Magnitude, exponent: number): bigint {
  const integer = magnitude.integer << BigInt(magnitude.exponent - exponent)
  return negative ? -integer : integer
}
