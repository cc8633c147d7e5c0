/**
 * Formats, and what a bit pattern of one means. A finite number is sign, integer and power of two, so arithmetic
 * on it is arithmetic on BigInts and is exact.
 */

/** A binary interchange format. @spec ieee-754 "Binary interchange formats" */
export interface FloatFormat {
  readonly exponentBits: number
  readonly fractionBits: number
}

/** The formats of the F and D extensions, by the suffix of their instructions. */
export const floatFormats = {
  s: { exponentBits: 8, fractionBits: 23 },
  d: { exponentBits: 11, fractionBits: 52 },
} as const satisfies Record<string, FloatFormat>

/** What an operation gives: a pattern (or an integer, or 0 and 1), and the flags it raised, as in `fflags`. */
export interface FloatResult {
  readonly bits: bigint
  readonly flags: number
}

/** Bits of `fflags`. @spec riscv-unpriv "Floating-Point Control and Status Register" */
export const floatFlags = { NX: 1, UF: 2, OF: 4, DZ: 8, NV: 16 } as const

/** The magnitude `integer` × 2^`exponent`. */
export interface Magnitude {
  readonly integer: bigint
  readonly exponent: number
}

/** What a pattern stands for. `negative` is the sign bit, also of zeros and NaNs. */
export type FloatValue =
  | { readonly kind: 'finite'; readonly negative: boolean; readonly magnitude: Magnitude }
  | { readonly kind: 'infinite'; readonly negative: boolean }
  | { readonly kind: 'nan'; readonly negative: boolean; readonly signaling: boolean }

/** Exponent of the format's smallest normal number. */
export function exponentMin(format: FloatFormat): number {
  return 2 - 2 ** (format.exponentBits - 1)
}

/** Exponent of the format's largest numbers. */
export function exponentMax(format: FloatFormat): number {
  return 2 ** (format.exponentBits - 1) - 1
}

/** Takes a pattern apart. Bits above the format's width are ignored. */
export function decode(format: FloatFormat, bits: bigint): FloatValue {
  const { exponentBits, fractionBits } = format
  const fraction = BigInt.asUintN(fractionBits, bits)
  const field = Number(BigInt.asUintN(exponentBits, bits >> BigInt(fractionBits)))
  const negative = ((bits >> BigInt(exponentBits + fractionBits)) & 1n) === 1n
  if (field === 2 ** exponentBits - 1) {
    if (fraction === 0n) return { kind: 'infinite', negative }
    return { kind: 'nan', negative, signaling: fraction >> BigInt(fractionBits - 1) === 0n }
  }
  const integer = field === 0 ? fraction : fraction + (1n << BigInt(fractionBits))
  const exponent = exponentMin(format) + Math.max(field, 1) - 1 - fractionBits
  return { kind: 'finite', negative, magnitude: { integer, exponent } }
}

/** Whether the pattern's value is a zero of either sign. */
export function isZero(value: FloatValue): boolean {
  return value.kind === 'finite' && value.magnitude.integer === 0n
}

/** The sign bit where `negative`, over the other fields given. */
export function signed(format: FloatFormat, negative: boolean, rest: bigint): bigint {
  return negative ? rest | (1n << BigInt(format.exponentBits + format.fractionBits)) : rest
}

/** +infinity. */
export function infinityBits(format: FloatFormat): bigint {
  return ((1n << BigInt(format.exponentBits)) - 1n) << BigInt(format.fractionBits)
}

/** The one NaN that arithmetic produces. @spec riscv-unpriv "NaN Generation and Propagation" */
export function canonicalNaN(format: FloatFormat): bigint {
  return infinityBits(format) | (1n << BigInt(format.fractionBits - 1))
}

/** The result of an operation that has a NaN among `values`: the canonical NaN, and NV if one of them signals. */
export function nanResult(format: FloatFormat, ...values: readonly FloatValue[]): FloatResult {
  const signals = values.some((value) => value.kind === 'nan' && value.signaling)
  return { bits: canonicalNaN(format), flags: signals ? floatFlags.NV : 0 }
}

/** The result of an operation without a meaning, such as ∞ - ∞. */
export function invalidResult(format: FloatFormat): FloatResult {
  return { bits: canonicalNaN(format), flags: floatFlags.NV }
}
