/**
 * Operands and arithmetic of interpreter handlers: a value is a piece of wasm that can be pushed any number of
 * times and has no effects; operands are read from the record and the hart block where they are pushed.
 */

import type { FunctionBuilder } from '@virga/wasm'
import { isUpperImmediate } from '../isa/encoding.ts'
import type { Format } from '../isa/meaning.ts'
import * as float from './float-path.ts'
import { type Frame, hartField, pushPc } from './frame.ts'
import { signExtend } from './memory-path.ts'
import { pushMulHigh } from './mul-high.ts'
import type { Variant } from './operations.ts'

/** Offsets in a record. */
export const record = { rd: 2, rs1: 3, rs2: 4, immWord: 4, rm: 5, rs3: 6 } as const

/** A value: pushes an i64, or an i32 that is 0 or 1. */
export interface Expression {
  readonly type: 'i32' | 'i64'
  readonly push: () => void
  /** pushes the floating-point number of these bits, as an f32 or f64: where that is at hand */
  readonly pushFloat?: (() => void) | undefined
}

/** The part of a handler's reader that only computes. */
export class ComputationReader {
  protected readonly frame: Frame
  protected readonly variant: Variant
  protected readonly f: FunctionBuilder

  constructor(frame: Frame, variant: Variant) {
    this.frame = frame
    this.variant = variant
    this.f = frame.f
  }

  // Operands

  protected pushRecordByte(offset: number): void {
    this.f.localGet(this.frame.locals.record)
    this.f.i32Load8U(offset)
  }

  private pushRegisterAddress(offset: number): void {
    this.f.localGet(this.frame.locals.hart)
    this.pushRecordByte(offset)
    this.f.i32Add()
  }

  /** The register that the operand field at `offset` of the record names. */
  protected register(offset: number, file: 'x' | 'f'): Expression {
    return this.value(() => {
      this.pushRegisterAddress(offset)
      this.f.i64Load(hartField(file))
    })
  }

  protected value(push: () => void): Expression {
    return { type: 'i64', push }
  }

  rs1(): Expression {
    return this.register(record.rs1, 'x')
  }

  rs2(): Expression {
    return this.register(record.rs2, 'x')
  }

  imm(): Expression {
    const { f } = this
    return this.value(() => {
      f.localGet(this.frame.locals.record)
      f.i64Load32S(record.immWord)
      if (isUpperImmediate(this.variant.instruction.operands)) {
        f.i64Const(-256)
        f.i64And()
        f.i64Const(4)
        f.i64Shl()
      } else {
        f.i64Const(8)
        f.i64ShrS()
      }
    })
  }

  uimm(): Expression {
    return this.value(() => {
      this.pushRecordByte(record.rs1)
      this.f.i32Const(3)
      this.f.i32ShrU()
      this.f.i64ExtendI32U()
    })
  }

  pc(): Expression {
    return this.value(() => pushPc(this.frame))
  }

  nextPc(): Expression {
    return this.add(this.pc(), this.constant(BigInt(this.variant.length)))
  }

  frs1(format: Format): Expression {
    return this.unboxed(format, this.frs1Raw())
  }

  frs2(format: Format): Expression {
    return this.unboxed(format, this.frs2Raw())
  }

  frs3(format: Format): Expression {
    return this.unboxed(format, this.register(record.rs3, 'f'))
  }

  frs1Raw(): Expression {
    return this.register(record.rs1, 'f')
  }

  frs2Raw(): Expression {
    return this.register(record.rs2, 'f')
  }

  protected unboxed(format: Format, raw: Expression): Expression {
    if (format === 'd') return raw
    const bits = this.let(raw)
    return this.let(this.value(() => float.pushUnboxed(this.f, bits.push)))
  }

  setRd(value: Expression): void {
    if (this.variant.rdZero) return
    this.pushRegisterAddress(record.rd)
    this.pushLong(value)
    this.f.i64Store(hartField('x'))
  }

  setFrd(format: Format, value: Expression): void {
    this.pushRegisterAddress(record.rd)
    this.pushLong(value)
    if (format === 's') {
      this.f.i64Const(-4294967296)
      this.f.i64Or()
    }
    this.f.i64Store(hartField('f'))
    this.makeFpDirty()
  }

  /** Puts on record that floating-point state has changed. */
  protected makeFpDirty(): void {
    float.emitDirty(this.frame)
  }

  // Arithmetic

  protected pushLong(value: Expression): void {
    value.push()
    if (value.type === 'i32') this.f.i64ExtendI32U()
  }

  private unary(a: Expression, operate: () => void): Expression {
    return this.value(() => {
      this.pushLong(a)
      operate()
    })
  }

  private binary(a: Expression, b: Expression, operate: () => void): Expression {
    return this.value(() => {
      this.pushLong(a)
      this.pushLong(b)
      operate()
    })
  }

  private comparison(a: Expression, b: Expression, operate: () => void): Expression {
    return { type: 'i32', push: this.binary(a, b, operate).push }
  }

  constant(value: bigint): Expression {
    return this.value(() => this.f.i64Const(value))
  }

  let(value: Expression): Expression {
    const local = this.frame.scratch.take(value.type)
    value.push()
    this.f.localSet(local)
    return this.local(local, value.type)
  }

  protected local(index: number, type: 'i32' | 'i64' = 'i64'): Expression {
    return { type, push: () => this.f.localGet(index) }
  }

  add(a: Expression, b: Expression): Expression {
    return this.binary(a, b, () => this.f.i64Add())
  }

  sub(a: Expression, b: Expression): Expression {
    return this.binary(a, b, () => this.f.i64Sub())
  }

  and(a: Expression, b: Expression): Expression {
    return this.binary(a, b, () => this.f.i64And())
  }

  or(a: Expression, b: Expression): Expression {
    return this.binary(a, b, () => this.f.i64Or())
  }

  xor(a: Expression, b: Expression): Expression {
    return this.binary(a, b, () => this.f.i64Xor())
  }

  not(a: Expression): Expression {
    return this.xor(a, this.constant(-1n))
  }

  shiftLeft(a: Expression, amount: Expression): Expression {
    return this.binary(a, amount, () => this.f.i64Shl())
  }

  shiftRight(a: Expression, amount: Expression): Expression {
    return this.binary(a, amount, () => this.f.i64ShrU())
  }

  shiftRightArithmetic(a: Expression, amount: Expression): Expression {
    return this.binary(a, amount, () => this.f.i64ShrS())
  }

  rotateLeft(a: Expression, amount: Expression): Expression {
    return this.binary(a, amount, () => this.f.i64Rotl())
  }

  rotateRight(a: Expression, amount: Expression): Expression {
    return this.binary(a, amount, () => this.f.i64Rotr())
  }

  mul(a: Expression, b: Expression): Expression {
    return this.binary(a, b, () => this.f.i64Mul())
  }

  private mulHighUnsigned(x: Expression, y: Expression): Expression {
    const { f, frame } = this
    const { mulHighUnsigned } = frame
    if (mulHighUnsigned !== undefined) return this.binary(x, y, () => f.call(mulHighUnsigned))
    const [a, b, carry, middle] = [0, 1, 2, 3].map(() => frame.scratch.take('i64')) as [
      number,
      number,
      number,
      number,
    ]
    x.push()
    f.localSet(a)
    y.push()
    f.localSet(b)
    pushMulHigh(f, { a, b, carry, middle })
    f.localSet(carry)
    return this.local(carry)
  }

  mulHigh(a: Expression, b: Expression, signs: 'ss' | 'su' | 'uu'): Expression {
    const [x, y] = [this.let(a), this.let(b)]
    const unsigned = this.mulHighUnsigned(x, y)
    const correction = (sign: Expression, other: Expression) =>
      this.and(this.shiftRightArithmetic(sign, this.constant(63n)), other)
    if (signs === 'uu') return unsigned
    const once = this.sub(unsigned, correction(x, y))
    return signs === 'su' ? once : this.sub(once, correction(y, x))
  }

  divide(a: Expression, b: Expression, sign: 's' | 'u'): Expression {
    const [x, y] = [this.let(a), this.let(b)]
    return this.guarded(
      y,
      this.constant(-1n),
      sign === 's' ? this.sub(this.constant(0n), x) : undefined,
      this.binary(x, y, () => (sign === 's' ? this.f.i64DivS() : this.f.i64DivU())),
    )
  }

  remainder(a: Expression, b: Expression, sign: 's' | 'u'): Expression {
    const [x, y] = [this.let(a), this.let(b)]
    return this.guarded(
      y,
      x,
      undefined,
      this.binary(x, y, () => (sign === 's' ? this.f.i64RemS() : this.f.i64RemU())),
    )
  }

  /** A division that cannot trap: other results for a divisor of zero and, if given, of minus one. */
  private guarded(
    divisor: Expression,
    ifZero: Expression,
    ifMinusOne: Expression | undefined,
    otherwise: Expression,
  ): Expression {
    const { f } = this
    const result = this.frame.scratch.take('i64')
    divisor.push()
    f.i64Eqz()
    f.if_('i64')
    ifZero.push()
    f.else_()
    if (ifMinusOne !== undefined) {
      divisor.push()
      f.i64Const(-1)
      f.i64Eq()
      f.if_('i64')
      ifMinusOne.push()
      f.else_()
    }
    otherwise.push()
    if (ifMinusOne !== undefined) f.end()
    f.end()
    f.localSet(result)
    return this.local(result)
  }

  signExtend(a: Expression, from: 8 | 16 | 32): Expression {
    return this.unary(a, () => signExtend(this.f, from))
  }

  zeroExtend(a: Expression, from: 8 | 16 | 32): Expression {
    return this.and(a, this.constant((1n << BigInt(from)) - 1n))
  }

  equal(a: Expression, b: Expression): Expression {
    return this.comparison(a, b, () => this.f.i64Eq())
  }

  notEqual(a: Expression, b: Expression): Expression {
    return this.comparison(a, b, () => this.f.i64Ne())
  }

  lessSigned(a: Expression, b: Expression): Expression {
    return this.comparison(a, b, () => this.f.i64LtS())
  }

  lessUnsigned(a: Expression, b: Expression): Expression {
    return this.comparison(a, b, () => this.f.i64LtU())
  }

  countLeadingZeros(a: Expression): Expression {
    return this.unary(a, () => this.f.i64Clz())
  }

  countTrailingZeros(a: Expression): Expression {
    return this.unary(a, () => this.f.i64Ctz())
  }

  popCount(a: Expression): Expression {
    return this.unary(a, () => this.f.i64Popcnt())
  }

  select(condition: Expression, ifTrue: Expression, ifFalse: Expression): Expression {
    return this.value(() => {
      this.pushLong(ifTrue)
      this.pushLong(ifFalse)
      this.pushCondition(condition)
      this.f.select()
    })
  }

  protected pushCondition(condition: Expression): void {
    condition.push()
    if (condition.type === 'i64') this.f.i32WrapI64()
  }
}
