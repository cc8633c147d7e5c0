/**
 * Operands that find mistakes: the edges of each format, and seeded random ones drawn so that cancellation,
 * ties, subnormals, overflow and the ends of the integer ranges come up often.
 */
import { floatFormats, fma, mul, roundingModes } from '../../../packages/riscv/isa/evaluate/float/index.ts'
import type { Bits, Operation, Place } from './operations.ts'

/** A source of numbers that a seed determines. */
export interface Chance {
  /** an integer in [0, limit) */
  below(limit: number): number
  /** 64 bits */
  bits(): bigint
}

/** SplitMix64. */
export function chance(seed: bigint): Chance {
  let state = BigInt.asUintN(64, seed)
  const bits = (): bigint => {
    state = BigInt.asUintN(64, state + 0x9e3779b97f4a7c15n)
    let mixed = state
    mixed = BigInt.asUintN(64, (mixed ^ (mixed >> 30n)) * 0xbf58476d1ce4e5b9n)
    mixed = BigInt.asUintN(64, (mixed ^ (mixed >> 27n)) * 0x94d049bb133111ebn)
    return mixed ^ (mixed >> 31n)
  }
  return { bits, below: (limit) => Number(bits() % BigInt(limit)) }
}

const fields = {
  s: { fraction: 23n, exponentMax: 255, bias: 127, sign: 31n },
  d: { fraction: 52n, exponentMax: 2047, bias: 1023, sign: 63n },
} as const

function pack(f: 's' | 'd', negative: boolean, exponent: number, fraction: bigint): Bits {
  const { fraction: width, exponentMax, sign } = fields[f]
  const field = BigInt(Math.min(Math.max(exponent, 0), exponentMax))
  return (negative ? 1n << sign : 0n) | (field << width) | BigInt.asUintN(Number(width), fraction)
}

/** Edges without sign, fewer if `few`. */
function magnitudeEdges(f: 's' | 'd', few: boolean): Bits[] {
  const { fraction, exponentMax, bias } = fields[f]
  const one = pack(f, false, bias, 0n)
  const quiet = 1n << (fraction - 1n)
  const infinity = pack(f, false, exponentMax, 0n)
  const edges = [0n, 1n, 1n << fraction, one, infinity - 1n, infinity, infinity | quiet, infinity | 1n]
  if (few) return edges
  const powers = [-1, 1, 23, 24, 30, 31, 32, 52, 53, 62, 63, 64].map((power) =>
    pack(f, false, bias + power, 0n),
  )
  return [
    ...edges,
    ...[2n, (1n << fraction) - 1n, (1n << fraction) + 1n, (2n << fraction) - 1n, 2n << fraction],
    ...[one - 1n, one + 1n, one + quiet, one + 2n * quiet + quiet / 2n, infinity - (1n << fraction)],
    ...powers.flatMap((power) => [power, power - 1n, power + 1n]),
    infinity | quiet | 5n,
    infinity | (quiet - 1n),
  ]
}

function integerEdges(): Bits[] {
  const powers = [0n, 7n, 23n, 24n, 25n, 31n, 32n, 52n, 53n, 54n, 62n, 63n]
  const near = powers.flatMap((power) => [-2n, -1n, 0n, 1n, 2n, 3n].map((step) => (1n << power) + step))
  const ties = [24n, 53n].flatMap((width) => [1n << width, 3n << width].map((top) => (top << 3n) + 4n))
  return [...near, ...ties].flatMap((value) => [value, -value]).map((value) => BigInt.asUintN(64, value))
}

function edgesOf(place: Place, few: boolean): Bits[] {
  if (place === 'x') return [...new Set(integerEdges())]
  const { sign } = fields[place]
  return magnitudeEdges(place, few).flatMap((bits) => [bits, bits | (1n << sign)])
}

const edgeTables = {
  few: { s: edgesOf('s', true), d: edgesOf('d', true), x: edgesOf('x', true) },
  all: { s: edgesOf('s', false), d: edgesOf('d', false), x: edgesOf('x', false) },
} as const

/** Every combination of edges: of all for one or two operands, of the few for three. */
export function edgeOperands({ operands }: Operation): Bits[][] {
  const table = edgeTables[operands.length === 3 ? 'few' : 'all']
  let rows: Bits[][] = [[]]
  for (const place of operands) rows = rows.flatMap((row) => table[place].map((edge) => [...row, edge]))
  return rows
}

/** One of the edges of `place`. */
function anEdge(random: Chance, place: Place): Bits {
  const edges = edgeTables.all[place]
  return edges[random.below(edges.length)] ?? 0n
}

/** A fraction with random bits at its top, its bottom, or all through; long runs of zeros make ties and exact results. */
function aFraction(random: Chance, width: bigint): bigint {
  const bits = BigInt.asUintN(Number(width), random.bits())
  const kept = BigInt(random.below(Number(width) + 1))
  switch (random.below(5)) {
    case 0:
      return (bits >> kept) << kept
    case 1:
      return bits >> kept
    case 2:
      return (1n << width) - 1n - (bits >> kept)
    case 3:
      return 1n << BigInt(random.below(Number(width)))
    default:
      return bits
  }
}

/** A number whose exponent field is near one of the format's special places, or anywhere. */
function aFloat(random: Chance, f: 's' | 'd'): Bits {
  const { fraction, exponentMax, bias } = fields[f]
  const wobble = random.below(7) - 3
  const exponents = [
    random.below(exponentMax + 1),
    random.below(4),
    exponentMax - 1 - random.below(4),
    bias + wobble,
    bias + wobble,
    bias + random.below(70) - 2,
    bias + wobble * Number(fraction),
    // where a double becomes a subnormal or an infinite single
    bias - 126 - random.below(26),
    bias + 127 + (wobble >> 1),
    // whose products are near the ends of the range
    (bias >> 1) + wobble,
    bias + (bias >> 1) + wobble,
  ]
  const exponent = exponents[random.below(exponents.length)] ?? 0
  return pack(f, random.below(2) === 1, exponent, aFraction(random, fraction))
}

/** A number near in exponent to `other`: sums with it cancel, quotients are near one. */
function aNeighbour(random: Chance, f: 's' | 'd', other: Bits): Bits {
  const { fraction, exponentMax, sign } = fields[f]
  if (random.below(3) === 0) return other ^ (BigInt(random.below(4)) + ((random.bits() & 1n) << sign))
  const reach = random.below(2) === 0 ? 3 : Number(fraction) + 3
  const exponent = (Number(other >> fraction) & exponentMax) + random.below(2 * reach + 1) - reach
  return pack(f, random.below(2) === 1, exponent, aFraction(random, fraction))
}

/** A number whose product or quotient with `other` is near the smallest normal or the largest number. */
function aPartner(random: Chance, f: 's' | 'd', other: Bits): Bits {
  const { fraction, exponentMax, bias } = fields[f]
  const field = Number(other >> fraction) & exponentMax
  const wanted = random.below(2) === 0 ? random.below(6) - 4 : exponentMax - random.below(5)
  const exponent = random.below(2) === 0 ? wanted + bias - field : field + bias - wanted
  return pack(f, random.below(2) === 1, exponent, aFraction(random, fraction))
}

/** An addend that nearly cancels a × b, or straddles its last bit. */
function anAddend(random: Chance, f: 's' | 'd', a: Bits, b: Bits): Bits {
  const { fraction, exponentMax, bias, sign } = fields[f]
  const format = floatFormats[f]
  const near = mul(format, a, b, roundingModes.RTZ).bits
  switch (random.below(4)) {
    case 0:
      return near ^ (1n << sign) ^ BigInt(random.below(4))
    case 1:
      // what is left of the product when its rounding is taken away, so that the sum is exact or just not
      return fma(format, a, b, near ^ (1n << sign), roundingModes.RTZ).bits ^ BigInt(random.below(2))
    case 2:
      return aNeighbour(random, f, near)
    default: {
      const field = (Number(a >> fraction) & exponentMax) + (Number(b >> fraction) & exponentMax) - bias
      const reach = 2 * Number(fraction) + 6
      // 64 and 128 bits apart is where a sum in 64-bit pieces takes other ways
      const distances = [random.below(2 * reach) - reach, 61 + random.below(7), -61 - random.below(7), 128]
      const exponent = field - (distances[random.below(distances.length)] ?? 0)
      return pack(f, random.below(2) === 1, exponent, aFraction(random, fraction))
    }
  }
}

/** An integer of any length, with runs of zeros or ones at its end. */
function anInteger(random: Chance): Bits {
  const shift = BigInt(random.below(64))
  const bits = random.bits() >> shift
  const kept = BigInt(random.below(64))
  const patterned = [bits, (bits >> kept) << kept, bits | ((1n << kept) - 1n)][random.below(3)] ?? bits
  return BigInt.asUintN(64, random.below(2) === 1 ? -patterned : patterned)
}

/** Operands for one run of `operation`. */
export function randomOperands(random: Chance, { operands }: Operation): Bits[] {
  const row: Bits[] = []
  for (const place of operands) {
    const [a, b] = row
    if (random.below(12) === 0) row.push(anEdge(random, place))
    else if (place === 'x') row.push(anInteger(random))
    else if (a === undefined) row.push(aFloat(random, place))
    else if (b !== undefined) row.push(anAddend(random, place, a, b))
    else row.push([aFloat, aNeighbour, aPartner][random.below(3)]?.(random, place, a) ?? a)
  }
  return row
}
