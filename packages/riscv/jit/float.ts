/**
 * Floating point by the host's own instructions, where they give what RISC-V asks for; else the runtime's software.
 *
 * ```
 *   result := host's operation
 *   result in the safe range, and rounding to nearest even, and (NX accrued already, or the result is exact)?
 *     yes: it is right, and raises no flag that is not there      no: the runtime's function, with all its flags
 * ```
 * Why the safe range: a finite result above the smallest normal number came from finite operands, did not overflow
 * and is not tiny, so that NX is the only flag it can raise. Sums are exact where they are tiny.
 * Why NX: it stays once it is there, as it does after the first sum of most programs. Until then a residual says
 * whether a result is exact, so that programs that count in doubles are fast too.
 * Invariant: WebAssembly's NaNs are not RISC-V's; none comes out of here.
 * @spec riscv-unpriv "\"F\" Extension for Single-Precision Floating-Point"
 */

import type { FunctionBuilder, ModuleBuilder } from '@virga/wasm'
import type { Expression } from '../interpreter/computation.ts'
import { hartField } from '../interpreter/frame.ts'
import type { Format, IntegerKind } from '../isa/meaning.ts'
import { WordReader } from './words.ts'

/** A number in a local of type f32 or f64. */
interface Floating extends Expression {
  readonly pushFloat: () => void
}

/** Functions (a, b, result) → 1 when the result is exact, which is known of results in the safe range. */
export interface ExactTests {
  readonly sum: number
  readonly product: number
  readonly quotient: number
  readonly root: number
}

/** What the host's floating point can be used for, in one module. */
export interface HostFloat {
  readonly exact: Readonly<Record<Format, ExactTests>>
  /** whether `relaxed_madd` rounds once: see probe-fused.ts */
  readonly fused: boolean
}

const accruedNX = 1n
const frmMask = 0xffffffffn << 32n

/** Bits of the format, shifted left by one so that the sign is gone. */
const ranges = {
  s: { smallestNormal: 0x0080_0000 * 2, infinity: 0x7f80_0000 * 2 },
  d: { smallestNormal: 0x0010_0000_0000_0000n * 2n, infinity: 0x7ff0_0000_0000_0000n * 2n },
} as const

/** Integers by kind: the numbers between which truncation does not overflow, both excluded. */
const integerLimits: Readonly<Record<IntegerKind, readonly [above: number, below: number]>> = {
  w: [-(2 ** 31) - 1, 2 ** 31],
  wu: [-1, 2 ** 32],
  // The doubles next to −2⁶³ are 1024 apart, so this one is excluded by what comes after it.
  l: [-(2 ** 63) - 2048, 2 ** 63],
  lu: [-1, 2 ** 64],
}

/** The reader with floating point on the host. */
export abstract class FloatReader extends WordReader {
  /** what this module can use; undefined: always the runtime */
  protected abstract readonly hostFloat: HostFloat | undefined
  /** the instruction's rounding mode: 0 to 4, or 7 for that of frm */
  protected abstract readonly rm: number

  /** Emits what only one of two paths does: the other has not seen to it. */
  protected abstract onOnePath<T>(emit: () => T): T

  /** Whether the host's rounding may be the instruction's. */
  private get mayBeNearest(): boolean {
    return this.rm === 0 || this.rm === 7
  }

  override fpBinary(
    operation: 'add' | 'sub' | 'mul' | 'div',
    format: Format,
    a: Expression,
    b: Expression,
  ): Expression {
    const host = this.hostFloat
    const slow = () => super.fpBinary(operation, format, a, b)
    if (host === undefined || !this.mayBeNearest) return slow()
    const [x, y] = [this.operand(format, a), this.operand(format, b)]
    const sum = operation === 'add' || operation === 'sub'
    const result = this.take(format)
    x.pushFloat()
    y.pushFloat()
    operations[operation][format](this.f)
    this.f.localSet(result)
    const test = host.exact[format][sum ? 'sum' : operation === 'mul' ? 'product' : 'quotient']
    this.pushSafe(format, result, sum)
    this.pushRoundedRight(() => {
      x.pushFloat()
      y.pushFloat()
      if (operation === 'sub') format === 's' ? this.f.f32Neg() : this.f.f64Neg()
      this.f.localGet(result)
      this.f.call(test)
    })
    this.f.i32And()
    return this.orElse(format, result, slow)
  }

  override fpSqrt(format: Format, a: Expression): Expression {
    const host = this.hostFloat
    const slow = () => super.fpSqrt(format, a)
    if (host === undefined || !this.mayBeNearest) return slow()
    const x = this.operand(format, a)
    const result = this.take(format)
    x.pushFloat()
    if (format === 's') this.f.f32Sqrt()
    else this.f.f64Sqrt()
    this.f.localSet(result)
    this.pushSafe(format, result, false)
    this.pushRoundedRight(() => {
      x.pushFloat()
      x.pushFloat()
      this.f.localGet(result)
      this.f.call(host.exact[format].root)
    })
    this.f.i32And()
    return this.orElse(format, result, slow)
  }

  override fpFma(format: Format, a: Expression, b: Expression, c: Expression): Expression {
    const { f } = this
    const slow = () => super.fpFma(format, a, b, c)
    if (!this.hostFloat?.fused || !this.mayBeNearest) return slow()
    const operands = [a, b, c].map((each) => this.operand(format, each))
    const result = this.take(format)
    for (const { pushFloat } of operands) {
      pushFloat()
      if (format === 's') f.f32x4Splat()
      else f.f64x2Splat()
    }
    pushFused(f, format)
    f.localSet(result)
    this.pushSafe(format, result, false)
    this.pushRoundedRight(undefined)
    f.i32And()
    return this.orElse(format, result, slow)
  }

  override fpCompare(
    operation: 'eq' | 'lt' | 'le',
    format: Format,
    a: Expression,
    b: Expression,
  ): Expression {
    const { f } = this
    const slow = () => super.fpCompare(operation, format, a, b)
    if (this.hostFloat === undefined) return slow()
    const [x, y] = [this.operand(format, a), this.operand(format, b)]
    const result = this.frame.scratch.take('i64')
    this.pushNumbers(format, x, y)
    f.if_('i64', 'likely')
    x.pushFloat()
    y.pushFloat()
    comparisons[operation][format](f)
    f.i64ExtendI32U()
    f.else_()
    this.onOnePath(slow).push()
    f.end()
    f.localSet(result)
    this.makeFpDirty()
    return this.local(result)
  }

  override fpMinMax(operation: 'min' | 'max', format: Format, a: Expression, b: Expression): Expression {
    const { f } = this
    const slow = () => super.fpMinMax(operation, format, a, b)
    if (this.hostFloat === undefined) return slow()
    const [x, y] = [this.operand(format, a), this.operand(format, b)]
    const result = this.take(format)
    x.pushFloat()
    y.pushFloat()
    operations[operation][format](f)
    f.localSet(result)
    this.pushNumbers(format, x, y)
    return this.orElse(format, result, slow)
  }

  override fpToInteger(format: Format, kind: IntegerKind, a: Expression): Expression {
    const { f } = this
    const slow = () => super.fpToInteger(format, kind, a)
    if (this.hostFloat === undefined || this.rm === 4) return slow()
    const number = this.take('d')
    const rounded = this.take('d')
    this.operand(format, a).pushFloat()
    if (format === 's') f.f64PromoteF32()
    f.localTee(number)
    roundings[this.rm === 7 ? 0 : this.rm]?.(f)
    f.localSet(rounded)
    const [above, below] = integerLimits[kind]
    f.localGet(rounded)
    f.f64Const(above)
    f.f64Gt()
    f.localGet(rounded)
    f.f64Const(below)
    f.f64Lt()
    f.i32And()
    this.pushRoundedRight(() => {
      f.localGet(rounded)
      f.localGet(number)
      f.f64Eq()
    }, this.rm !== 7)
    f.i32And()
    const result = this.frame.scratch.take('i64')
    f.if_('i64', 'likely')
    f.localGet(rounded)
    if (kind === 'lu') f.i64TruncF64U()
    else f.i64TruncF64S()
    if (kind === 'wu') f.i64Extend32S()
    f.else_()
    this.onOnePath(slow).push()
    f.end()
    f.localSet(result)
    this.makeFpDirty()
    return this.local(result)
  }

  override fpFromInteger(format: Format, kind: IntegerKind, a: Expression): Expression {
    const { f } = this
    const slow = () => super.fpFromInteger(format, kind, a)
    if (this.hostFloat === undefined || !this.mayBeNearest) return slow()
    const integer = this.let(a)
    const result = this.take(format)
    const narrow = kind === 'w' || kind === 'wu'
    integer.push()
    if (narrow) f.i32WrapI64()
    conversions[kind][format](f)
    f.localSet(result)
    if (narrow && format === 'd') {
      // Each 32-bit integer is a double.
      return this.floating('d', result)
    }
    const exactBits = format === 's' ? 24n : 53n
    this.pushRoundedRight(() => {
      integer.push()
      if (kind === 'w') f.i64Extend32S()
      if (kind === 'wu') {
        f.i64Const(0xffffffff)
        f.i64And()
      }
      f.i64Const(kind === 'lu' ? 0n : 2n ** exactBits)
      f.i64Add()
      f.i64Const(2n ** (exactBits + (kind === 'lu' ? 0n : 1n)))
      f.i64LeU()
    })
    return this.orElse(format, result, slow)
  }

  override fpConvert(to: Format, a: Expression): Expression {
    const { f } = this
    const slow = () => super.fpConvert(to, a)
    if (this.hostFloat === undefined || !this.mayBeNearest) return slow()
    const x = this.operand(to === 's' ? 'd' : 's', a)
    const result = this.take(to)
    x.pushFloat()
    if (to === 'd') {
      f.f64PromoteF32()
      f.localSet(result)
      this.pushNumbers('s', x)
      return this.orElse('d', result, slow)
    }
    f.f32DemoteF64()
    f.localSet(result)
    this.pushSafe('s', result, false)
    this.pushRoundedRight(() => {
      f.localGet(result)
      f.f64PromoteF32()
      x.pushFloat()
      f.f64Eq()
    })
    f.i32And()
    return this.orElse('s', result, slow)
  }

  private take(format: Format): number {
    return this.frame.scratch.take(format === 's' ? 'f32' : 'f64')
  }

  /** The number in a local of the format's type. */
  private floating(format: Format, local: number): Floating {
    const { f } = this
    return {
      type: 'i64',
      pushFloat: () => f.localGet(local),
      push: () => {
        f.localGet(local)
        if (format === 's') {
          f.i32ReinterpretF32()
          f.i64ExtendI32U()
        } else f.i64ReinterpretF64()
      },
    }
  }

  private operand(format: Format, value: Expression): Floating {
    const { pushFloat } = value
    if (pushFloat !== undefined) return { ...value, pushFloat }
    const local = this.take(format)
    this.pushBits(format, value)
    this.f.localSet(local)
    return this.floating(format, local)
  }

  private pushBits(format: Format, value: Expression): void {
    const { f } = this
    value.push()
    if (format === 's') {
      f.i32WrapI64()
      f.f32ReinterpretI32()
    } else f.f64ReinterpretI64()
  }

  /** With the condition for the host's result on the stack: that, or what `slow` gives. */
  private orElse(format: Format, result: number, slow: () => Expression): Floating {
    const { f } = this
    f.i32Eqz()
    f.if_(undefined, 'unlikely')
    this.pushBits(format, this.onOnePath(slow))
    f.localSet(result)
    f.end()
    return this.floating(format, result)
  }

  /** Pushes 1 for a finite result that is not tiny; `tiny`: which may be tiny, or zero. */
  private pushSafe(format: Format, result: number, tiny: boolean): void {
    const { f } = this
    f.localGet(result)
    if (format === 's') {
      const { smallestNormal, infinity } = ranges.s
      const from = tiny ? 0 : smallestNormal + 1
      f.i32ReinterpretF32()
      f.i32Const(1)
      f.i32Shl()
      f.i32Const(from | 0)
      f.i32Sub()
      f.i32Const((infinity - from) | 0)
      f.i32LtU()
      return
    }
    const { smallestNormal, infinity } = ranges.d
    const from = tiny ? 0n : smallestNormal + 1n
    f.i64ReinterpretF64()
    f.i64Const(1)
    f.i64Shl()
    f.i64Const(from)
    f.i64Sub()
    f.i64Const(BigInt.asIntN(64, infinity - from))
    f.i64LtU()
  }

  /**
   * Pushes 1 when rounding is to nearest even, and NX is accrued already or `pushExact` pushes 1. `modeKnown`: the
   * instruction says how it rounds.
   */
  private pushRoundedRight(pushExact: (() => void) | undefined, modeKnown = this.rm !== 7): void {
    const { f, frame } = this
    f.localGet(frame.locals.hart)
    f.i64Load(hartField('fflags'))
    f.i64Const(BigInt.asIntN(64, modeKnown ? accruedNX : accruedNX | frmMask))
    f.i64And()
    f.i64Const(accruedNX)
    f.i64Eq()
    if (pushExact === undefined) return
    f.if_('i32', 'likely')
    f.i32Const(1)
    f.else_()
    pushExact()
    if (!modeKnown) {
      f.localGet(frame.locals.hart)
      f.i32Load(hartField('frm'))
      f.i32Eqz()
      f.i32And()
    }
    f.end()
  }

  /** Pushes 1 when none is a NaN. */
  private pushNumbers(format: Format, ...values: readonly Floating[]): void {
    const { f } = this
    for (const [index, { pushFloat }] of values.entries()) {
      pushFloat()
      pushFloat()
      comparisons.eq[format](f)
      if (index > 0) f.i32And()
    }
  }
}

type Emit = (f: FunctionBuilder) => void

const operations: Readonly<
  Record<'add' | 'sub' | 'mul' | 'div' | 'min' | 'max', Readonly<Record<Format, Emit>>>
> = {
  add: { s: (f) => f.f32Add(), d: (f) => f.f64Add() },
  sub: { s: (f) => f.f32Sub(), d: (f) => f.f64Sub() },
  mul: { s: (f) => f.f32Mul(), d: (f) => f.f64Mul() },
  div: { s: (f) => f.f32Div(), d: (f) => f.f64Div() },
  min: { s: (f) => f.f32Min(), d: (f) => f.f64Min() },
  max: { s: (f) => f.f32Max(), d: (f) => f.f64Max() },
}

const comparisons: Readonly<Record<'eq' | 'lt' | 'le', Readonly<Record<Format, Emit>>>> = {
  eq: { s: (f) => f.f32Eq(), d: (f) => f.f64Eq() },
  lt: { s: (f) => f.f32Lt(), d: (f) => f.f64Lt() },
  le: { s: (f) => f.f32Le(), d: (f) => f.f64Le() },
}

/** To an integer, by rounding mode: to nearest even, towards zero, down, up. */
const roundings: readonly Emit[] = [
  (f) => f.f64Nearest(),
  (f) => f.f64Trunc(),
  (f) => f.f64Floor(),
  (f) => f.f64Ceil(),
]

const conversions: Readonly<Record<IntegerKind, Readonly<Record<Format, Emit>>>> = {
  w: { s: (f) => f.f32ConvertI32S(), d: (f) => f.f64ConvertI32S() },
  wu: { s: (f) => f.f32ConvertI32U(), d: (f) => f.f64ConvertI32U() },
  l: { s: (f) => f.f32ConvertI64S(), d: (f) => f.f64ConvertI64S() },
  lu: { s: (f) => f.f32ConvertI64U(), d: (f) => f.f64ConvertI64U() },
}

/** With three vectors on the stack: a × b + c of their first lanes. */
export function pushFused(f: FunctionBuilder, format: Format): void {
  if (format === 's') {
    f.f32x4RelaxedMadd()
    f.f32x4ExtractLane(0)
  } else {
    f.f64x2RelaxedMadd()
    f.f64x2ExtractLane(0)
  }
}

/** Defines the tests for exactness of both formats. */
export function defineExactTests(module: ModuleBuilder, fused: boolean): HostFloat['exact'] {
  return {
    s: {
      sum: defineSumTest(module, 's'),
      product: defineSingleTest(module, 'product'),
      quotient: defineSingleTest(module, 'quotient'),
      root: defineSingleTest(module, 'root'),
    },
    d: {
      sum: defineSumTest(module, 'd'),
      product: defineDoubleTest(module, 'product', fused),
      quotient: defineDoubleTest(module, 'quotient', fused),
      root: defineDoubleTest(module, 'root', fused),
    },
  }
}

const A = 0
const B = 1
const RESULT = 2

function defineTest(module: ModuleBuilder, name: string, format: Format): FunctionBuilder {
  const type = format === 's' ? 'f32' : 'f64'
  return module.defineFunction({ name, params: [type, type, type], results: ['i32'] })
}

/** The two-sum: what the rounding of a + b lost, exactly, is zero. */
function defineSumTest(module: ModuleBuilder, format: Format): number {
  const f = defineTest(module, `exact_sum_${format}`, format)
  const add = () => operations.add[format](f)
  const sub = () => operations.sub[format](f)
  const added = f.local(format === 's' ? 'f32' : 'f64')
  f.localGet(RESULT)
  f.localGet(A)
  sub()
  f.localSet(added)
  f.localGet(A)
  f.localGet(RESULT)
  f.localGet(added)
  sub()
  sub()
  f.localGet(B)
  f.localGet(added)
  sub()
  add()
  if (format === 's') f.f32Const(0)
  else f.f64Const(0)
  comparisons.eq[format](f)
  return f.index
}

/** Two singles' product has a double's bits at most. A root and a quotient are exact when they multiply back. */
function defineSingleTest(module: ModuleBuilder, of: 'product' | 'quotient' | 'root'): number {
  const f = defineTest(module, `exact_${of}_s`, 's')
  const [x, y, z] = factorsOf(of)
  f.localGet(x)
  f.f64PromoteF32()
  f.localGet(y)
  f.f64PromoteF32()
  f.f64Mul()
  f.localGet(z)
  f.f64PromoteF32()
  f.f64Eq()
  return f.index
}

/** The same by fused multiplication, where its last bit cannot be lost in the smallest numbers. */
function defineDoubleTest(
  module: ModuleBuilder,
  of: 'product' | 'quotient' | 'root',
  fused: boolean,
): number {
  const f = defineTest(module, `exact_${of}_d`, 'd')
  if (!fused) {
    f.i32Const(0)
    return f.index
  }
  const [x, y, z] = factorsOf(of)
  f.localGet(z)
  f.f64Abs()
  f.f64Const(2 ** -900)
  f.f64Gt()
  f.localGet(x)
  f.f64x2Splat()
  f.localGet(y)
  f.f64x2Splat()
  f.localGet(z)
  f.f64Neg()
  f.f64x2Splat()
  pushFused(f, 'd')
  f.f64Const(0)
  f.f64Eq()
  f.i32And()
  return f.index
}

/** Parameters x, y, z for which x × y = z says that the result is exact. */
function factorsOf(of: 'product' | 'quotient' | 'root'): readonly [number, number, number] {
  if (of === 'product') return [A, B, RESULT]
  return of === 'quotient' ? [RESULT, B, A] : [RESULT, RESULT, A]
}
