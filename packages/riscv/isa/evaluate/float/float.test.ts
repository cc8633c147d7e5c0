/**
 * The oracle against this engine's own arithmetic, which is IEEE 754 double rounded to nearest even, and against
 * values worked out by hand where JavaScript has no say: other modes, flags, integers, NaNs.
 */
import { describe, expect, it } from 'vitest'
import {
  add,
  classify,
  convert,
  div,
  eq,
  type FloatResult,
  floatFlags,
  floatFormats,
  fma,
  fromInt,
  le,
  lt,
  max,
  min,
  mul,
  type RoundingMode,
  roundingModes,
  sqrt,
  sub,
  toInt,
} from './index.ts'

const { s, d } = floatFormats
const { RNE, RTZ, RDN, RUP, RMM } = roundingModes
const { NX, UF, OF, DZ, NV } = floatFlags
const view = new DataView(new ArrayBuffer(8))

/** The pattern of x; of a NaN, whose pattern is the engine's own affair, the canonical one. */
function bitsOf(x: number): bigint {
  if (Number.isNaN(x)) return 0x7ff8_0000_0000_0000n
  view.setFloat64(0, x)
  return view.getBigUint64(0)
}

function singleBitsOf(x: number): bigint {
  if (Number.isNaN(x)) return 0x7fc0_0000n
  view.setFloat32(0, x)
  return BigInt(view.getUint32(0))
}

/** Numbers of every kind, and their negatives. */
const magnitudes = [
  ...[0, 5e-324, 2.5e-310, 2.2250738585072014e-308, 1e-160, 1e-17, 0.1, 0.5, 1, 1 + 2 ** -52, 1.5, 3, 7],
  ...[1e8 + 1 / 3, 2 ** 53 - 1, 2 ** 53, 1e17, 1e160, 1.7976931348623157e308, Number.POSITIVE_INFINITY],
]
const numbers = [...magnitudes, ...magnitudes.map((x) => -x), Number.NaN]
const pairs = numbers.flatMap((a) => numbers.map((b) => [a, b] as const))

describe('double arithmetic to nearest even is that of the engine', () => {
  it.each([
    { name: 'add', ours: add, theirs: (a: number, b: number) => a + b },
    { name: 'sub', ours: sub, theirs: (a: number, b: number) => a - b },
    { name: 'mul', ours: mul, theirs: (a: number, b: number) => a * b },
    { name: 'div', ours: div, theirs: (a: number, b: number) => a / b },
  ])('$name', ({ ours, theirs }) => {
    for (const [a, b] of pairs) {
      expect([a, b, ours(d, bitsOf(a), bitsOf(b), RNE).bits]).toEqual([a, b, bitsOf(theirs(a, b))])
    }
  })

  it('sqrt', () => {
    for (const a of numbers) expect([a, sqrt(d, bitsOf(a), RNE).bits]).toEqual([a, bitsOf(Math.sqrt(a))])
  })

  it('conversion to single', () => {
    for (const a of numbers) {
      expect([a, convert(d, s, bitsOf(a), RNE).bits]).toEqual([a, singleBitsOf(Math.fround(a))])
    }
  })

  it('comparison', () => {
    for (const [a, b] of pairs) {
      const ours = [lt, le, eq].map((compare) => compare(d, bitsOf(a), bitsOf(b)).bits === 1n)
      expect([a, b, ...ours]).toEqual([a, b, a < b, a <= b, a === b])
    }
  })

  it('minimum and maximum of two numbers', () => {
    for (const [a, b] of pairs.filter((pair) => !pair.some(Number.isNaN))) {
      expect(min(d, bitsOf(a), bitsOf(b)).bits).toBe(bitsOf(Math.min(a, b)))
      expect(max(d, bitsOf(a), bitsOf(b)).bits).toBe(bitsOf(Math.max(a, b)))
    }
  })
})

const one = 0x3f800000n
const singleMax = 0x7f7fffffn
const infinity = 0x7f800000n
const quiet = 0x7fc00000n
const signaling = 0x7f800001n
const smallestNormal = 0x00800000n
const negative = (bits: bigint): bigint => bits | 0x80000000n

const expectation = (bits: bigint, flags: number): FloatResult => ({ bits, flags })

describe('rounding', () => {
  const modes: readonly RoundingMode[] = [RNE, RTZ, RDN, RUP, RMM]

  it('takes a tie each its own way', () => {
    // 1 + 2^-24 is half-way from 1 to the next single
    const results = modes.map((rm) => add(s, one, 0x33800000n, rm).bits)
    expect(results).toEqual([one, one, one, one + 1n, one + 1n])
    const mirrored = modes.map((rm) => sub(s, negative(one), 0x33800000n, rm).bits)
    expect(mirrored).toEqual([one, one, one + 1n, one, one + 1n].map(negative))
  })

  it('overflows to infinity or to the largest number', () => {
    const results = modes.map((rm) => add(s, singleMax, singleMax, rm))
    const ends = [infinity, singleMax, singleMax, infinity, infinity]
    expect(results).toEqual(ends.map((bits) => expectation(bits, OF | NX)))
  })

  it('judges tininess after rounding', () => {
    // (1 - 2^-24) × 2^-126 rounds up to the smallest normal; with an unbounded exponent it is exact, hence tiny
    expect(mul(s, smallestNormal, 0x3f7fffffn, RNE)).toEqual(expectation(smallestNormal, UF | NX))
    // (2^-126 - 2^-149) × (1 + 2^-23) lies closer: rounded to 24 bits it is the smallest normal already
    expect(mul(s, smallestNormal - 1n, one + 1n, RNE)).toEqual(expectation(smallestNormal, NX))
    // an exact subnormal is no underflow
    expect(mul(s, smallestNormal, 0x3f000000n, RNE)).toEqual(expectation(0x00400000n, 0))
  })

  it('gives x - x the sign of the mode', () => {
    expect(modes.map((rm) => sub(s, one, one, rm).bits)).toEqual([0n, 0n, negative(0n), 0n, 0n])
  })
})

describe('special values', () => {
  it.each([
    { what: '∞ - ∞', result: sub(s, infinity, infinity, RNE), expected: expectation(quiet, NV) },
    { what: '0 × ∞', result: mul(s, 0n, infinity, RNE), expected: expectation(quiet, NV) },
    { what: '0 / 0', result: div(s, 0n, 0n, RNE), expected: expectation(quiet, NV) },
    { what: '1 / -0', result: div(s, one, negative(0n), RNE), expected: expectation(negative(infinity), DZ) },
    { what: '√-1', result: sqrt(s, negative(one), RNE), expected: expectation(quiet, NV) },
    { what: '√-0', result: sqrt(s, negative(0n), RNE), expected: expectation(negative(0n), 0) },
    { what: 'a quiet NaN', result: add(s, quiet + 5n, one, RNE), expected: expectation(quiet, 0) },
    { what: 'a signaling NaN', result: add(s, one, signaling, RNE), expected: expectation(quiet, NV) },
    { what: '0 × ∞ + NaN', result: fma(s, 0n, infinity, quiet, RNE), expected: expectation(quiet, NV) },
    {
      what: '-0 × 1 + -0',
      result: fma(s, negative(0n), one, negative(0n), RNE),
      expected: expectation(negative(0n), 0),
    },
    { what: 'min with a NaN', result: min(s, quiet, one), expected: expectation(one, 0) },
    { what: 'min with a signaling NaN', result: min(s, signaling, one), expected: expectation(one, NV) },
    { what: 'eq with a quiet NaN', result: eq(s, quiet, quiet), expected: expectation(0n, 0) },
    { what: 'lt with a quiet NaN', result: lt(s, quiet, one), expected: expectation(0n, NV) },
  ])('$what', ({ result, expected }) => {
    expect(result).toEqual(expected)
  })

  it('fma rounds once', () => {
    // (1 + 2^-23)² - 1 - 2^-22 is 2^-46, which rounding the product would have lost
    expect(fma(s, one + 1n, one + 1n, negative(one + 2n), RNE)).toEqual(expectation(0x28800000n, 0))
  })

  it('are told apart by classify', () => {
    const ordered = [
      negative(infinity),
      negative(one),
      negative(1n),
      negative(0n),
      0n,
      1n,
      one,
      infinity,
      signaling,
      quiet,
    ]
    expect(ordered.map((bits) => classify(s, bits).bits)).toEqual(
      ordered.map((_, index) => 1n << BigInt(index)),
    )
  })
})

describe('integers', () => {
  it.each([
    {
      what: '-2.5 to w, every mode',
      results: [RNE, RTZ, RDN, RUP, RMM].map((rm) => toInt(s, 0xc0200000n, rm, 32, true)),
      integers: [-2n, -2n, -3n, -2n, -3n],
      flags: NX,
    },
    {
      what: '-0.5 to wu',
      results: [RNE, RTZ].map((rm) => toInt(s, 0xbf000000n, rm, 32, false)),
      integers: [0n, 0n],
      flags: NX,
    },
    {
      what: '-1 to wu and lu',
      results: [32, 64].map((width) => toInt(s, negative(one), RNE, width as 32 | 64, false)),
      integers: [0n, 0n],
      flags: NV,
    },
    {
      what: 'NaN to w and wu',
      results: [true, false].map((signed) => toInt(s, quiet, RNE, 32, signed)),
      integers: [2n ** 31n - 1n, -1n],
      flags: NV,
    },
    {
      what: '2^32 - 1 to wu',
      results: [toInt(d, bitsOf(2 ** 32 - 1), RNE, 32, false)],
      integers: [-1n],
      flags: 0,
    },
    {
      what: '-2^63 to l',
      results: [toInt(d, bitsOf(-(2 ** 63)), RNE, 64, true)],
      integers: [-(2n ** 63n)],
      flags: 0,
    },
    {
      what: '2^63 to l',
      results: [toInt(d, bitsOf(2 ** 63), RNE, 64, true)],
      integers: [2n ** 63n - 1n],
      flags: NV,
    },
  ])('$what', ({ results, integers, flags }) => {
    expect(results).toEqual(integers.map((bits) => expectation(BigInt.asUintN(64, bits), flags)))
  })

  it('become numbers, rounded', () => {
    expect(fromInt(s, 2n ** 24n + 1n, RNE, 64, true)).toEqual(expectation(singleBitsOf(2 ** 24), NX))
    expect(fromInt(s, 2n ** 24n + 1n, RUP, 64, true)).toEqual(expectation(singleBitsOf(2 ** 24 + 2), NX))
    expect(fromInt(d, 2n ** 64n - 1n, RNE, 32, true)).toEqual(expectation(bitsOf(-1), 0))
    expect(fromInt(d, 2n ** 64n - 1n, RTZ, 64, false)).toEqual(expectation(bitsOf(2 ** 64 - 2048), NX))
  })
})
