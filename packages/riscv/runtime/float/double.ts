/**
 * Double-precision arithmetic on 64-bit patterns: a native path where its exactness and its flags are proven,
 * else `soft/`.
 *
 * As in single.ts, a native path needs RNE, a range without overflow and tininess, and an exact test for NX.
 * There is no wider native format, so the test multiplies significands as integers: what rounding dropped shows
 * in the low 64 bits of the product. A fused multiply-add is native where the engine turns out to have one.
 * README.md has the proofs.
 */
import { RNE, isExactSoFar, raiseInexact } from './flags'
import { softAdd } from './soft/add'
import { softDivide, softSquareRoot } from './soft/divide'
import { softFused } from './soft/fused'
import { softMultiply } from './soft/multiply'

/** Below this no sum of two magnitudes, and no step of TwoSum on them, overflows: 2^1022. */
const SUM_LIMIT: f64 = reinterpret<f64>(0x7fd0_0000_0000_0000)

/** The exponent field. */
function exponentField(bits: i64): i64 {
  return (bits >> 52) & 0x7ff
}

/** The significand of a normal number as a 53-bit integer. */
function significand(bits: i64): i64 {
  return (bits & 0xf_ffff_ffff_ffff) | 0x10_0000_0000_0000
}

/** Magnitude in [2^-509, 2^511): products and quotients of two such are normal and finite. */
function isModerate(bits: i64): bool {
  return ((exponentField(bits) - 514) as u64) < 1020
}

/** Exponent field below which an addend leaves a fused sum of central factors finite: 2^977. */
const ADDEND_LIMIT: i64 = 2000

/** Magnitude in [2^-400, 2^401): of the product of two such, the error is normal too. */
function isCentral(bits: i64): bool {
  return ((exponentField(bits) - 623) as u64) <= 800
}

/** x × y + z by the engine's relaxed instruction: rounded once or twice, as the processor has it. */
function relaxedMultiplyAdd(x: f64, y: f64, z: f64): f64 {
  const sum = v128.relaxed_madd<f64>(f64x2.splat(x), f64x2.splat(y), f64x2.splat(z))
  return f64x2.extract_lane(sum, 0)
}

/**
 * Whether this engine rounds once, found out when the module starts: (1 + 2^-27)(1 - 2^-27) - 1 is -2^-54, but 0
 * if the product is rounded first. An engine does the same always. @spec wasm-core "Relaxed Operations"
 */
const isFused: bool = relaxedMultiplyAdd(1.000000007450580596923828125, 0.999999992549419403076171875, -1) != 0

/** fadd.d. */
export function f64_add(a: i64, b: i64, rm: i32): i64 {
  const x = reinterpret<f64>(a)
  const y = reinterpret<f64>(b)
  if (rm == RNE && abs<f64>(x) + abs<f64>(y) < SUM_LIMIT) {
    const sum = x + y
    const yPart = sum - x
    if (isExactSoFar()) raiseInexact(x - (sum - yPart) + (y - yPart) != 0)
    return reinterpret<i64>(sum)
  }
  return softAdd<f64>(a as u64, b as u64, rm) as i64
}

/** fsub.d. A NaN's sign is of no consequence, so flipping that of `b` is exact for every operand. */
export function f64_sub(a: i64, b: i64, rm: i32): i64 {
  return f64_add(a, b ^ 0x8000_0000_0000_0000, rm)
}

/** fmul.d. */
export function f64_mul(a: i64, b: i64, rm: i32): i64 {
  if (rm == RNE && isModerate(a) && isModerate(b)) {
    const product = reinterpret<i64>(reinterpret<f64>(a) * reinterpret<f64>(b))
    const low = significand(a) * significand(b)
    // Rounding drops 52 bits of a product below 2^105, else 53.
    const carried = exponentField(product) != exponentField(a) + exponentField(b) - 1023
    if (isExactSoFar()) raiseInexact(low << (carried ? 11 : 12) != 0)
    return product
  }
  return softMultiply<f64>(a as u64, b as u64, rm) as i64
}

/** fdiv.d. */
export function f64_div(a: i64, b: i64, rm: i32): i64 {
  if (rm == RNE && isModerate(a) && isModerate(b)) {
    const quotient = reinterpret<i64>(reinterpret<f64>(a) / reinterpret<f64>(b))
    // Exact iff quotient × b is a. Aligned, the two differ by less than 2^53, so 64 bits tell.
    const shift = exponentField(a) - exponentField(b) - exponentField(quotient) + (1023 + 52)
    if (isExactSoFar()) raiseInexact(significand(quotient) * significand(b) != significand(a) << shift)
    return quotient
  }
  return softDivide<f64>(a as u64, b as u64, rm) as i64
}

/** fsqrt.d. */
export function f64_sqrt(a: i64, rm: i32): i64 {
  // Positive, normal and finite, in one comparison of sign and exponent.
  if (rm == RNE && (((a >> 52) - 1) as u64) < 0x7fe) {
    const root = reinterpret<i64>(sqrt<f64>(reinterpret<f64>(a)))
    // Exact iff root × root is a. Aligned, the two differ by less than 2^54, so 64 bits tell.
    const shift = exponentField(a) - 2 * exponentField(root) + (1023 + 52)
    if (isExactSoFar()) raiseInexact(significand(root) * significand(root) != significand(a) << shift)
    return root
  }
  return softSquareRoot<f64>(a as u64, rm) as i64
}

/** fmadd.d: a × b + c. For fmsub, fnmsub and fnmadd the caller flips the signs of `a` and `c`. */
export function f64_fma(a: i64, b: i64, c: i64, rm: i32): i64 {
  if (rm == RNE && isFused && isCentral(a) && isCentral(b) && exponentField(c) < ADDEND_LIMIT) {
    const x = reinterpret<f64>(a)
    const y = reinterpret<f64>(b)
    const z = reinterpret<f64>(c)
    const result = relaxedMultiplyAdd(x, y, z)
    if (isExactSoFar()) raiseInexact(!isFusedExact(x, y, z, result))
    return reinterpret<i64>(result)
  }
  return softFused<f64>(a as u64, b as u64, c as u64, rm) as i64
}

/** Whether `result`, x × y + z rounded once, is that sum itself. */
function isFusedExact(x: f64, y: f64, z: f64, result: f64): bool {
  // The sum in three parts, without error: product and z give sum and sumError, the product's own error is left.
  const product = x * y
  const productError = relaxedMultiplyAdd(x, y, -product)
  const sum = product + z
  const zPart = sum - product
  const sumError = product - (sum - zPart) + (z - zPart)
  // The parts less the result. Result and sum are within two steps, or one is zero: no error in their difference.
  const difference = sum - result
  const rest = difference + sumError
  const errorPart = rest - difference
  const restError = difference - (rest - errorPart) + (sumError - errorPart)
  return rest == -productError && restError == 0
}
