/**
 * Floating point where the host's first answer may not do: the functions of a module that compiled code calls for the
 * rest. They look more closely (was the result exact? is it a zero that nothing was lost in?) and otherwise do what the
 * interpreter does: the runtime's software, and its flags.
 *
 * Why functions: what is rare is written once a module, so that a region has a comparison and a call for it.
 * Each is made when it is asked for first.
 * @spec riscv-unpriv "\"F\" Extension for Single-Precision Floating-Point"
 */

import type { FunctionBuilder, ModuleBuilder } from '@virga/wasm'
import { integerNames } from '../interpreter/float-path.ts'
import { hartField, type Imports } from '../interpreter/frame.ts'
import type { Format, IntegerKind } from '../isa/meaning.ts'
import { defineExactTest, type ResultKind } from './float-exact.ts'
import {
  comparisons,
  conversions,
  floatLimit,
  floatType,
  operations,
  pushFused,
  pushSafe,
} from './float-operations.ts'

/** mstatus.FS, both bits: all ones is Dirty. */
const dirtyFS = 0x6000
const accruedNX = 1n
const frmMask = 0xffffffffn << 32n
const dynamic = 7

// Parameters of all functions: the hart, then operands, then the instruction's rounding mode.
const HART = 0
const A = 1

/** How a function is made. */
interface Plan {
  readonly operands: readonly ('f32' | 'f64' | 'i64')[]
  readonly result: 'i32' | 'i64' | 'f32' | 'f64'
  readonly rounds: boolean
  /** pushes the host's result and returns if it will do; `rounding` is a local with the mode */
  readonly quick?: ((f: FunctionBuilder, rounding: number) => void) | undefined
  /** the runtime's function */
  readonly runtime: string
}

/** Which function of the runtime does what a key of `Facts.uses` stands for, such as `fpBinary.add.d`. */
export function runtimeFloat(use: string): string | undefined {
  const [operation, ...chosen] = use.split('.')
  const [first, second] = chosen as [string, string]
  const name = (format: string) => (format === 's' ? 'f32' : 'f64')
  switch (operation) {
    case 'fpBinary':
    case 'fpCompare':
    case 'fpMinMax':
      return `${name(second)}_${first}`
    case 'fpSqrt':
      return `${name(first)}_sqrt`
    case 'fpFma':
      return `${name(first)}_fma`
    case 'fpClassify':
      return `${name(first)}_class`
    case 'fpToInteger':
      return `${name(first)}_to_${integerNames[second as IntegerKind]}`
    case 'fpFromInteger':
      return `${integerNames[second as IntegerKind]}_to_${name(first)}`
    case 'fpConvert':
      return first === 's' ? 'f64_to_f32' : 'f32_to_f64'
    default:
      return undefined
  }
}

/** Integers by kind: the numbers between which truncation does not overflow, both excluded. */
const integerLimits: Readonly<Record<IntegerKind, readonly [above: number, below: number]>> = {
  w: [-(2 ** 31) - 1, 2 ** 31],
  wu: [-1, 2 ** 32],
  // The doubles next to −2⁶³ are 1024 apart, so this one is excluded by what comes after it.
  l: [-(2 ** 63) - 2048, 2 ** 63],
  lu: [-1, 2 ** 64],
}

/** Pushes what the integer in a local of the kind is, as an i64, from a rounded double that is within the limits. */
export function pushTruncated(f: FunctionBuilder, kind: IntegerKind): void {
  if (kind === 'lu') f.i64TruncF64U()
  else f.i64TruncF64S()
  if (kind === 'wu') f.i64Extend32S()
}

/** Pushes 1 when the double in a local is within the limits of the kind. */
export function pushWithin(f: FunctionBuilder, kind: IntegerKind, rounded: number): void {
  const [above, below] = integerLimits[kind]
  f.localGet(rounded)
  f.f64Const(above)
  f.f64Gt()
  f.localGet(rounded)
  f.f64Const(below)
  f.f64Lt()
  f.i32And()
}

/**
 * Pushes `floatLimit` where a result in the safe range is right as it is, else 0: FS is Dirty, frm says to nearest even,
 * and NX has accrued, which is the only flag that such a result can raise.
 */
export function pushFloatLimit(f: FunctionBuilder, hart: number): void {
  f.localGet(hart)
  f.i32Load(hartField('mstatus'))
  f.i32Const(dirtyFS)
  f.i32And()
  f.i32Const(dirtyFS)
  f.i32Eq()
  f.localGet(hart)
  f.i64Load(hartField('fflags'))
  f.i64Const(BigInt.asIntN(64, accruedNX | frmMask))
  f.i64And()
  f.i64Const(accruedNX)
  f.i64Eq()
  f.i32And()
  f.i32Const(floatLimit)
  f.i32Mul()
}

/** The functions of one module. */
export class FloatFunctions {
  /** whether `relaxed_madd` rounds once: see probe-fused.ts */
  readonly fused: boolean
  readonly #module: ModuleBuilder
  readonly #imports: Imports
  readonly #made = new Map<string, number>()

  constructor(module: ModuleBuilder, imports: Imports, fused: boolean) {
    this.#module = module
    this.#imports = imports
    this.fused = fused
  }

  /** (hart) → what `pushFloatLimit` pushes */
  limit(): number {
    return this.#once('limit', () => {
      const f = this.#module.defineFunction({ name: 'float_limit', params: ['i32'], results: ['i32'] })
      pushFloatLimit(f, HART)
      return f.index
    })
  }

  /** (hart, a, b, rm) → result */
  binary(operation: 'add' | 'sub' | 'mul' | 'div', format: Format): number {
    const type = floatType[format]
    const kind = ({ add: 'sum', sub: 'sum', mul: 'product', div: 'quotient' } as const)[operation]
    return this.#define({
      operands: [type, type],
      result: type,
      rounds: true,
      runtime: `${type}_${operation}`,
      quick: (f, rounding) => {
        const [a, b] = [A, A + 1]
        const push = () => {
          f.localGet(a)
          f.localGet(b)
          operations[operation][format](f)
        }
        const pushOperands = () => {
          f.localGet(a)
          f.localGet(b)
          if (operation === 'sub') operations.neg[format](f)
        }
        // A product with zero is zero, and so is zero divided; elsewhere zero is what is left of a tiny result.
        const zeros = kind === 'product' ? [a, b] : kind === 'quotient' ? [a] : []
        this.#returnIfRight(f, { format, kind, rounding, push, pushOperands, zeros })
      },
    })
  }

  /** (hart, a, rm) → result */
  sqrt(format: Format): number {
    const type = floatType[format]
    return this.#define({
      operands: [type],
      result: type,
      rounds: true,
      runtime: `${type}_sqrt`,
      quick: (f, rounding) => {
        const push = () => {
          f.localGet(A)
          operations.sqrt[format](f)
        }
        const pushOperands = () => {
          f.localGet(A)
          f.localGet(A)
        }
        this.#returnIfRight(f, { format, kind: 'root', rounding, push, pushOperands, zeros: [A] })
      },
    })
  }

  /** (hart, a, b, c, rm) → result */
  fma(format: Format): number {
    const type = floatType[format]
    return this.#define({
      operands: [type, type, type],
      result: type,
      rounds: true,
      runtime: `${type}_fma`,
      quick: this.fused
        ? (f, rounding) => {
            const push = () => pushFusedOf(f, format, [A, A + 1, A + 2])
            this.#returnIfRight(f, { format, kind: undefined, rounding, push, zeros: [] })
          }
        : undefined,
    })
  }

  /** (hart, a, b) → 0 or 1 */
  compare(operation: 'eq' | 'lt' | 'le', format: Format): number {
    const type = floatType[format]
    return this.#define({
      operands: [type, type],
      result: 'i32',
      rounds: false,
      runtime: `${type}_${operation}`,
    })
  }

  /** (hart, a, b) → result */
  minMax(operation: 'min' | 'max', format: Format): number {
    const type = floatType[format]
    return this.#define({
      operands: [type, type],
      result: type,
      rounds: false,
      runtime: `${type}_${operation}`,
    })
  }

  /** (hart, a, rm) → result */
  toInteger(format: Format, kind: IntegerKind): number {
    return this.#define({
      operands: [floatType[format]],
      result: 'i64',
      rounds: true,
      runtime: `${floatType[format]}_to_${integerNames[kind]}`,
      quick: (f) => {
        // A whole number is the same in every mode.
        const number = f.local('f64')
        f.localGet(A)
        if (format === 's') f.f64PromoteF32()
        f.localTee(number)
        f.localGet(number)
        f.f64Trunc()
        f.f64Eq()
        pushWithin(f, kind, number)
        f.i32And()
        f.if_()
        f.localGet(number)
        pushTruncated(f, kind)
        f.return_()
        f.end()
      },
    })
  }

  /** (hart, integer, rm) → result */
  fromInteger(format: Format, kind: IntegerKind): number {
    const type = floatType[format]
    return this.#define({
      operands: ['i64'],
      result: type,
      rounds: true,
      runtime: `${integerNames[kind]}_to_${type}`,
      quick: (f) => {
        // So is an integer that has no more bits than the format.
        const exactBits = format === 's' ? 24n : 53n
        f.localGet(A)
        if (kind === 'w') f.i64Extend32S()
        if (kind === 'wu') {
          f.i64Const(0xffffffff)
          f.i64And()
        }
        f.i64Const(kind === 'lu' ? 0n : 2n ** exactBits)
        f.i64Add()
        f.i64Const(2n ** (exactBits + (kind === 'lu' ? 0n : 1n)))
        f.i64LeU()
        f.if_()
        f.localGet(A)
        if (kind === 'w' || kind === 'wu') f.i32WrapI64()
        conversions[kind][format](f)
        f.return_()
        f.end()
      },
    })
  }

  /** (hart, a, rm) → result in the other format */
  convert(to: Format): number {
    const from = to === 's' ? 'd' : 's'
    return this.#define({
      operands: [floatType[from]],
      result: floatType[to],
      // A double has room for every single.
      rounds: to === 's',
      runtime: `${floatType[from]}_to_${floatType[to]}`,
      quick:
        to === 'd'
          ? undefined
          : (f) => {
              // What comes back as it was has lost nothing; a NaN does not.
              f.localGet(A)
              f.f32DemoteF64()
              f.f64PromoteF32()
              f.localGet(A)
              f.f64Eq()
              f.if_()
              f.localGet(A)
              f.f32DemoteF64()
              f.return_()
              f.end()
            },
    })
  }

  #once(name: string, make: () => number): number {
    const made = this.#made.get(name) ?? make()
    this.#made.set(name, made)
    return made
  }

  #define({ operands, result, rounds, quick, runtime }: Plan): number {
    return this.#once(runtime, () => {
      const params = ['i32', ...operands, ...(rounds ? (['i32'] as const) : [])] as const
      const f = this.#module.defineFunction({ name: `cold_${runtime}`, params, results: [result] })
      const rounding = params.length - 1
      if (rounds) resolveRounding(f, rounding)
      quick?.(f, rounding)
      for (const [index, type] of operands.entries()) {
        f.localGet(A + index)
        if (type === 'f32') f.i32ReinterpretF32()
        if (type === 'f64') f.i64ReinterpretF64()
      }
      if (rounds) f.localGet(rounding)
      f.call(this.#imports.call(runtime))
      accrue(f, this.#imports.floatFlags)
      if (result === 'f32') f.f32ReinterpretI32()
      if (result === 'f64') f.f64ReinterpretI64()
      return f.index
    })
  }

  /** Returns the host's result where it is in the safe range and exact or not the first that is not. */
  #returnIfRight(
    f: FunctionBuilder,
    {
      format,
      kind,
      rounding,
      push,
      pushOperands,
      zeros,
    }: {
      readonly format: Format
      readonly kind: ResultKind | undefined
      readonly rounding: number
      readonly push: () => void
      readonly pushOperands?: () => void
      /** operands that make the result a zero that is exact */
      readonly zeros: readonly number[]
    },
  ): void {
    const result = f.local(floatType[format])
    f.localGet(rounding)
    f.i32Eqz()
    f.if_()
    push()
    f.localTee(result)
    pushSafe(f, format, kind === 'sum', () => f.i32Const(floatLimit))
    f.if_()
    f.localGet(HART)
    f.i32Load(hartField('fflags'))
    f.i32Const(Number(accruedNX))
    f.i32And()
    if (kind !== undefined && pushOperands !== undefined) {
      const test = this.#once(`exact ${kind} ${format}`, () =>
        defineExactTest(this.#module, { of: kind, format, fused: this.fused }),
      )
      pushOperands()
      f.localGet(result)
      f.call(test)
      f.i32Or()
    }
    f.if_()
    f.localGet(result)
    f.return_()
    f.end()
    f.end()
    for (const zero of zeros) {
      for (const local of [zero, result]) {
        f.localGet(local)
        pushZero(f, format)
        comparisons.eq[format](f)
      }
      f.i32And()
      f.if_()
      f.localGet(result)
      f.return_()
      f.end()
    }
    f.end()
  }
}

/** With three locals: pushes a × b + c, rounded once. */
export function pushFusedOf(f: FunctionBuilder, format: Format, locals: readonly number[]): void {
  for (const local of locals) {
    f.localGet(local)
    if (format === 's') f.f32x4Splat()
    else f.f64x2Splat()
  }
  pushFused(f, format)
}

function pushZero(f: FunctionBuilder, format: Format): void {
  if (format === 's') f.f32Const(0)
  else f.f64Const(0)
}

/** Puts frm in the local where the instruction says that it counts. */
function resolveRounding(f: FunctionBuilder, rounding: number): void {
  f.localGet(rounding)
  f.i32Const(dynamic)
  f.i32Eq()
  f.if_()
  f.localGet(HART)
  f.i32Load(hartField('frm'))
  f.localSet(rounding)
  f.end()
}

/** Accrues the flags that the runtime has raised; leaves the stack alone. */
function accrue(f: FunctionBuilder, floatFlags: number): void {
  f.globalGet(floatFlags)
  f.if_()
  f.localGet(HART)
  f.localGet(HART)
  f.i32Load(hartField('fflags'))
  f.globalGet(floatFlags)
  f.i32Or()
  f.i32Store(hartField('fflags'))
  f.i32Const(0)
  f.globalSet(floatFlags)
  f.end()
}
