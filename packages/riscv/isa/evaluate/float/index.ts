/**
 * Floating point as the definitions have it: exact arithmetic on BigInts, then one rounding. Slow, and the judge
 * of `runtime/float`, with which it shares neither code nor method.
 */
export { add, div, fma, mul, sqrt, sub } from './arithmetic.ts'
export { classify, eq, le, lt, max, min } from './compare.ts'
export { convert, fromInt, toInt } from './convert.ts'
export { type FloatFormat, type FloatResult, floatFlags, floatFormats } from './number.ts'
export { type RoundingMode, roundingModes } from './round.ts'
