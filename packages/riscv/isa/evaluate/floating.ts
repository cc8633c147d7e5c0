/** Floating-point operations: the FS gate, rounding modes and accrued flags around the exact arithmetic of `float/`. */

import type { Format, IntegerKind, Meaning, SignOperation } from '../meaning.ts'
import { type Execution, raiseInstruction } from './execution.ts'
import * as float from './float/index.ts'
import { dirtyFp, fpEnabled } from './status.ts'
import { cause } from './trap.ts'

export type FloatOperations = Pick<
  Meaning<bigint>,
  | 'frs1'
  | 'frs2'
  | 'frs3'
  | 'frs1Raw'
  | 'frs2Raw'
  | 'setFrd'
  | 'enableFp'
  | 'fpBinary'
  | 'fpSqrt'
  | 'fpFma'
  | 'fpCompare'
  | 'fpMinMax'
  | 'fpSign'
  | 'fpClassify'
  | 'fpToInteger'
  | 'fpFromInteger'
  | 'fpConvert'
>

const BOX = 0xffffffffn << 32n
const CANONICAL_NAN = 0x7fc00000n
const DYNAMIC = 7

const formats = float.floatFormats
const signBits = { s: 1n << 31n, d: 1n << 63n } as const
/** Whose top bit is the sign. */
const signs: Readonly<Record<SignOperation, (a: bigint, b: bigint) => bigint>> = {
  copy: (_a, b) => b,
  opposite: (_a, b) => ~b,
  xor: (a, b) => a ^ b,
}

function withSign(bit: bigint, value: bigint, sign: bigint): bigint {
  return (value & (bit - 1n)) | (sign & bit)
}

const binaries = { add: float.add, sub: float.sub, mul: float.mul, div: float.div } as const
const comparisons = { eq: float.eq, lt: float.lt, le: float.le } as const
const extremes = { min: float.min, max: float.max } as const
const widthOf = (kind: IntegerKind) => (kind.startsWith('w') ? 32 : 64)
const isSigned = (kind: IntegerKind) => !kind.endsWith('u')

/** A single is valid only in a box of ones. @spec riscv-unpriv "NaN Boxing of Narrower Values" */
function unbox(format: Format, value: bigint): bigint {
  if (format === 'd') return value
  return value >> 32n === 0xffffffffn ? value & 0xffffffffn : CANONICAL_NAN
}

export function floatOperations(execution: Execution): FloatOperations {
  const { hart, decoded } = execution
  const register = (index: number) => hart.f[index] ?? 0n

  /** Accrues what an operation raised. Any operation that can raise flags makes FS Dirty, whether it did or not. */
  const accrue = ({ bits: result, flags }: float.FloatResult): bigint => {
    hart.csr.fflags |= BigInt(flags)
    dirtyFp(hart)
    return result
  }
  const unrounded = (operate: () => float.FloatResult): bigint =>
    execution.exception === undefined ? accrue(operate()) : 0n
  const rounded = (operate: (rm: float.RoundingMode) => float.FloatResult): bigint => {
    if (execution.exception !== undefined) return 0n
    const mode = roundingMode(execution)
    return mode === undefined ? 0n : accrue(operate(mode))
  }

  return {
    frs1: (format) => unbox(format, register(decoded.rs1)),
    frs2: (format) => unbox(format, register(decoded.rs2)),
    frs3: (format) => unbox(format, register(decoded.rs3)),
    frs1Raw: () => register(decoded.rs1),
    frs2Raw: () => register(decoded.rs2),
    setFrd: (format, value) => {
      if (execution.exception !== undefined) return
      hart.f[decoded.rd] = format === 's' ? BOX | BigInt.asUintN(32, value) : value
      dirtyFp(hart)
    },
    enableFp: () => {
      if (!fpEnabled(hart)) raiseInstruction(execution, cause.illegal)
    },
    fpBinary: (operation, format, a, b) => rounded((rm) => binaries[operation](formats[format], a, b, rm)),
    fpSqrt: (format, a) => rounded((rm) => float.sqrt(formats[format], a, rm)),
    fpFma: (format, a, b, c) => rounded((rm) => float.fma(formats[format], a, b, c, rm)),
    fpCompare: (operation, format, a, b) => unrounded(() => comparisons[operation](formats[format], a, b)),
    fpMinMax: (operation, format, a, b) => unrounded(() => extremes[operation](formats[format], a, b)),
    fpSign: (operation, format, a, b) => withSign(signBits[format], a, signs[operation](a, b)),
    // classification raises nothing, so it leaves FS as it is
    fpClassify: (format, a) => float.classify(formats[format], a).bits,
    fpToInteger: (format, kind, a) =>
      rounded((rm) => float.toInt(formats[format], a, rm, widthOf(kind), isSigned(kind))),
    fpFromInteger: (format, kind, a) =>
      rounded((rm) => float.fromInt(formats[format], a, rm, widthOf(kind), isSigned(kind))),
    fpConvert: (to, a) => rounded((rm) => float.convert(formats[to === 's' ? 'd' : 's'], formats[to], a, rm)),
  }
}

/** The mode to round in, or undefined after raising. @spec riscv-unpriv "Floating-Point Control and Status Register" */
function roundingMode(execution: Execution): float.RoundingMode | undefined {
  const { rm } = execution.decoded
  const mode = rm === DYNAMIC ? Number(execution.hart.csr.frm) : rm
  const known = Object.values(float.roundingModes).find((each) => each === mode)
  if (known === undefined) raiseInstruction(execution, cause.illegal)
  return known
}
