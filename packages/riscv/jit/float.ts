/**
 * Floating point in compiled code: the host's own instructions, where they give what RISC-V asks for.
 *
 * ```
 *   result := host's operation
 *   exponent of the result − 2 <u limit?     yes: it is right, and raises no flag that is not there
 *                                            no: a function of the module (float-functions.ts), with all its flags
 * ```
 * Why the range: a finite result above the smallest normal numbers came from finite operands, did not overflow and is not
 * tiny, so that NX is the only flag it can raise. Sums are exact where they are tiny.
 * Why `limit`: it is a local of the region that is 0, so that nothing is below it, unless FS is Dirty, frm says to nearest
 * even and NX has accrued, as it has after the first sum of most programs. So one comparison asks all of it. It is looked
 * up where the region is entered, and again whenever something had to be done on the side.
 * Invariant: WebAssembly's NaNs are not RISC-V's; none comes out of here.
 * @spec riscv-unpriv "\"F\" Extension for Single-Precision Floating-Point"
 */

import { defined } from '@virga/base'
import type { Expression } from '../interpreter/computation.ts'
import type { Format, IntegerKind } from '../isa/meaning.ts'
import { type FloatFunctions, pushFusedOf, pushTruncated, pushWithin } from './float-functions.ts'
import {
  bits,
  comparisons,
  conversions,
  floatType,
  operations,
  pushSafe,
  roundings,
} from './float-operations.ts'
import { WordReader } from './words.ts'

/** A number: pushes its bits, or it as an f32 or f64. */
export interface Floating extends Expression {
  readonly pushFloat: () => void
}

/** The reader with floating point on the host. */
export abstract class FloatReader extends WordReader {
  /** the module's; undefined where nothing computes with floating point */
  protected abstract readonly floatFunctions: FloatFunctions | undefined
  /** local: see `limit` above; undefined where nothing needs the floating-point unit */
  protected abstract readonly floatLimit: number | undefined
  /** the instruction's rounding mode: 0 to 4, or 7 for that of frm */
  protected abstract readonly rm: number

  private get functions(): FloatFunctions {
    return defined(this.floatFunctions, 'functions for floating point')
  }

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
    const operands = [this.operand(format, a), this.operand(format, b)]
    return this.rounded(format, {
      operands,
      tiny: operation === 'add' || operation === 'sub',
      push: () => {
        for (const { pushFloat } of operands) pushFloat()
        operations[operation][format](this.f)
      },
      cold: () => this.functions.binary(operation, format),
    })
  }

  override fpSqrt(format: Format, a: Expression): Expression {
    const x = this.operand(format, a)
    return this.rounded(format, {
      operands: [x],
      tiny: false,
      push: () => {
        x.pushFloat()
        operations.sqrt[format](this.f)
      },
      cold: () => this.functions.sqrt(format),
    })
  }

  override fpFma(format: Format, a: Expression, b: Expression, c: Expression): Expression {
    const operands = [a, b, c].map((each) => this.inLocal(format, this.operand(format, each)))
    const fused = () =>
      pushFusedOf(
        this.f,
        format,
        operands.map(({ local }) => local),
      )
    return this.rounded(format, {
      operands,
      tiny: false,
      push: this.functions.fused ? fused : undefined,
      cold: () => this.functions.fma(format),
    })
  }

  override fpCompare(
    operation: 'eq' | 'lt' | 'le',
    format: Format,
    a: Expression,
    b: Expression,
  ): Expression {
    const { f } = this
    const [x, y] = [this.operand(format, a), this.operand(format, b)]
    const result = this.frame.scratch.take('i32')
    const compare = (how: keyof typeof comparisons) => {
      x.pushFloat()
      y.pushFloat()
      comparisons[how][format](f)
    }
    compare(operation)
    f.localTee(result)
    // One of both holds, unless one of the numbers is a NaN.
    if (operation === 'eq') {
      compare('lt')
      f.i32Or()
      compare('gt')
    } else compare(operation === 'lt' ? 'ge' : 'gt')
    f.i32Or()
    f.i32Eqz()
    f.if_(undefined, 'unlikely')
    this.callCold(this.functions.compare(operation, format), [x, y], false)
    f.localSet(result)
    f.end()
    this.makeFpDirty()
    return this.local(result, 'i32')
  }

  override fpMinMax(operation: 'min' | 'max', format: Format, a: Expression, b: Expression): Expression {
    const { f } = this
    const [x, y] = [this.operand(format, a), this.operand(format, b)]
    const result = this.takeFloat(format)
    x.pushFloat()
    y.pushFloat()
    operations[operation][format](f)
    f.localTee(result)
    f.localGet(result)
    comparisons.eq[format](f)
    f.i32Eqz()
    f.if_(undefined, 'unlikely')
    this.callCold(this.functions.minMax(operation, format), [x, y], false)
    f.localSet(result)
    f.end()
    return this.floating(format, result)
  }

  override fpToInteger(format: Format, kind: IntegerKind, a: Expression): Expression {
    const { f } = this
    const x = this.operand(format, a)
    const result = this.frame.scratch.take('i64')
    const callCold = () => {
      this.callCold(this.functions.toInteger(format, kind), [x], true)
      f.localSet(result)
    }
    const round = roundings[this.rm === 7 ? 0 : this.rm]
    if (round === undefined) callCold()
    else {
      const rounded = this.takeFloat('d')
      x.pushFloat()
      if (format === 's') f.f64PromoteF32()
      round(f)
      f.localSet(rounded)
      pushWithin(f, kind, rounded)
      this.pushLimit()
      f.i32Const(0)
      f.i32Ne()
      f.i32And()
      f.if_(undefined, 'likely')
      f.localGet(rounded)
      pushTruncated(f, kind)
      f.localSet(result)
      f.else_()
      callCold()
      f.end()
    }
    this.makeFpDirty()
    return this.local(result)
  }

  override fpFromInteger(format: Format, kind: IntegerKind, a: Expression): Expression {
    const { f } = this
    const narrow = kind === 'w' || kind === 'wu'
    const integer = this.let(a)
    const convert = () => {
      integer.push()
      if (narrow) f.i32WrapI64()
      conversions[kind][format](f)
    }
    const result = this.takeFloat(format)
    if (narrow && format === 'd') {
      // Each 32-bit integer is a double.
      convert()
      f.localSet(result)
      return this.floating(format, result)
    }
    const callCold = () => {
      f.localGet(this.frame.locals.hart)
      integer.push()
      f.i32Const(this.rm)
      f.call(this.functions.fromInteger(format, kind))
      f.localSet(result)
      this.renewLimit()
    }
    if (!this.mayBeNearest) callCold()
    else {
      this.pushLimit()
      f.if_(undefined, 'likely')
      convert()
      f.localSet(result)
      f.else_()
      callCold()
      f.end()
    }
    return this.floating(format, result)
  }

  override fpConvert(to: Format, a: Expression): Expression {
    const { f } = this
    const x = this.operand(to === 's' ? 'd' : 's', a)
    const cold = () => this.functions.convert(to)
    if (to === 's') {
      const push = () => {
        x.pushFloat()
        f.f32DemoteF64()
      }
      return this.rounded('s', { operands: [x], tiny: false, push, cold })
    }
    const result = this.takeFloat('d')
    x.pushFloat()
    f.f64PromoteF32()
    f.localTee(result)
    f.localGet(result)
    f.f64Eq()
    f.i32Eqz()
    f.if_(undefined, 'unlikely')
    this.callCold(cold(), [x], false)
    f.localSet(result)
    f.end()
    return this.floating('d', result)
  }

  /** The number in a local of the format's type. */
  protected floating(format: Format, local: number): Floating {
    const { f } = this
    const pushFloat = () => f.localGet(local)
    const push = () => {
      pushFloat()
      bits.ofFloat[format](f)
    }
    return { type: 'i64', pushFloat, push }
  }

  protected takeFloat(format: Format): number {
    return this.frame.scratch.take(floatType[format])
  }

  /** The number that the value is, at hand as a float. */
  protected operand(format: Format, value: Expression): Floating {
    const { pushFloat } = value
    if (pushFloat !== undefined) return { ...value, pushFloat }
    const local = this.takeFloat(format)
    value.push()
    bits.toFloat[format](this.f)
    this.f.localSet(local)
    return this.floating(format, local)
  }

  private inLocal(format: Format, value: Floating): Floating & { readonly local: number } {
    const local = this.takeFloat(format)
    value.pushFloat()
    this.f.localSet(local)
    return { ...this.floating(format, local), local }
  }

  private pushLimit(): void {
    this.f.localGet(defined(this.floatLimit, 'limit'))
  }

  /** Looks `limit` up again: what was called may have accrued NX. */
  protected renewLimit(): void {
    const { f, floatLimit } = this
    if (floatLimit === undefined) return
    f.localGet(this.frame.locals.hart)
    f.call(this.functions.limit())
    f.localSet(floatLimit)
  }

  /** Calls a function of the module; its result stays on the stack. */
  private callCold(index: number, operands: readonly Floating[], rounds: boolean): void {
    const { f } = this
    f.localGet(this.frame.locals.hart)
    for (const { pushFloat } of operands) pushFloat()
    if (rounds) f.i32Const(this.rm)
    f.call(index)
  }

  /** The host's result where it is in the range, else that of a function of the module. */
  private rounded(
    format: Format,
    {
      operands,
      tiny,
      push,
      cold,
    }: {
      readonly operands: readonly Floating[]
      /** the result may be tiny, or zero */
      readonly tiny: boolean
      /** pushes the host's result; undefined where there is none */
      readonly push: (() => void) | undefined
      /** the function of the module */
      readonly cold: () => number
    },
  ): Floating {
    const { f } = this
    const result = this.takeFloat(format)
    const callCold = () => {
      this.callCold(cold(), operands, true)
      f.localSet(result)
      this.renewLimit()
    }
    if (push === undefined || !this.mayBeNearest) {
      callCold()
      return this.floating(format, result)
    }
    push()
    f.localTee(result)
    pushSafe(f, format, tiny, () => this.pushLimit())
    f.i32Eqz()
    f.if_(undefined, 'unlikely')
    callCold()
    f.end()
    return this.floating(format, result)
  }
}
