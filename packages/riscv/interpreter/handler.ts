/**
 * The reader of the instruction table that makes interpreter handlers: results go to the hart block, and what has
 * effects (memory, floating point, system) is emitted where it is called and bound to a local.
 */

import type { FunctionBuilder } from '@virga/wasm'
import { hartExit } from '../hart/layout.ts'
import type {
  AmoOperation,
  CboOperation,
  CsrOperation,
  Format,
  IntegerKind,
  Meaning,
  SignOperation,
  Width,
} from '../isa/meaning.ts'
import { ComputationReader, type Expression, record } from './computation.ts'
import * as float from './float-path.ts'
import { hartField } from './frame.ts'
import { emitAtomicAddress, emitLoad, emitStore, signExtend } from './memory-path.ts'
import { countArrival } from './profile.ts'

/** Emits one handler. */
export class HandlerReader extends ComputationReader implements Meaning<Expression> {
  emit(): void {
    const { f, frame, variant } = this
    variant.instruction.meaning(this)
    f.localGet(frame.locals.record)
    f.i32Const(variant.length * 4)
    f.i32Add()
    f.localSet(frame.locals.record)
    f.br(frame.exits.next)
    frame.scratch.release()
  }

  // Control

  jump(target: Expression): void {
    target.push()
    this.f.localSet(this.frame.locals.target)
    this.f.br(this.frame.exits.jump)
  }

  jumpRelative(): void {
    const { f, frame, variant } = this
    const { locals, exits } = frame
    if (!variant.near) {
      this.jump(this.add(this.pc(), this.imm()))
      return
    }
    const from = frame.profile && frame.scratch.take('i32')
    f.localGet(locals.record)
    if (from !== undefined) f.localTee(from)
    f.localGet(locals.record)
    f.i32Load(record.immWord)
    f.i32Const(8)
    f.i32ShrS()
    f.i32Add()
    f.localSet(locals.record)
    if (from !== undefined) this.countIfBackward(from)
    pushMustLeave(frame)
    f.i32Eqz()
    f.brIf(exits.next)
    this.jump(this.pc())
  }

  /** Near jumps backwards are where loops begin; other places are found from there. */
  private countIfBackward(from: number): void {
    const { f, frame } = this
    f.localGet(frame.locals.record)
    f.localGet(from)
    f.i32LeU()
    f.if_()
    countArrival(frame)
    f.end()
  }

  branch(condition: Expression): void {
    this.pushCondition(condition)
    this.f.if_()
    this.jumpRelative()
    this.f.end()
  }

  // Memory

  protected bind(address: Expression): number {
    const local = this.frame.scratch.take('i64')
    address.push()
    this.f.localSet(local)
    return local
  }

  load(width: Width, sign: 's' | 'u', address: Expression): Expression {
    return this.local(emitLoad(this.frame, width, sign, this.bind(address)))
  }

  store(width: Width, address: Expression, value: Expression): void {
    emitStore(this.frame, width, this.bind(address), value.push)
  }

  /** The local that holds the arena address of an atomic access to the address in a local. */
  protected atomicAddress(width: 32 | 64, address: number, access: 'read' | 'write'): number {
    return emitAtomicAddress(this.frame, width, address, access)
  }

  amo(operation: AmoOperation, width: 32 | 64, address: Expression, value: Expression): Expression {
    const place = this.atomicAddress(width, this.bind(address), 'write')
    const result = this.frame.scratch.take('i64')
    if (operation in readModifyWrite) {
      this.f.localGet(place)
      value.push()
      const [doubleword, word] = readModifyWrite[operation as keyof typeof readModifyWrite]
      this.f[width === 64 ? doubleword : word]()
      signExtend(this.f, width)
      this.f.localSet(result)
    } else {
      this.compareAndSwapLoop(operation as 'min' | 'max' | 'minu' | 'maxu', width, place, value, result)
    }
    return this.local(result)
  }

  /** WebAssembly has no atomic minimum: read, choose, and swap until nobody came between. */
  private compareAndSwapLoop(
    operation: 'min' | 'max' | 'minu' | 'maxu',
    width: 32 | 64,
    place: number,
    value: Expression,
    old: number,
  ): void {
    const { f } = this
    const pushOperand = () => {
      value.push()
      signExtend(f, width)
    }
    const again = f.loop()
    f.localGet(place)
    width === 64 ? f.i64AtomicLoad() : f.i64AtomicLoad32U()
    signExtend(f, width)
    f.localSet(old)
    f.localGet(place)
    f.localGet(old)
    if (width === 32) zeroExtend32(f)
    f.localGet(old)
    pushOperand()
    f.localGet(old)
    pushOperand()
    // Sign extension keeps the order of unsigned words too, so one comparison serves both widths.
    if (operation === 'min') f.i64LtS()
    else if (operation === 'max') f.i64GtS()
    else if (operation === 'minu') f.i64LtU()
    else f.i64GtU()
    f.select()
    width === 64 ? f.i64AtomicRmwCmpxchg() : f.i64AtomicRmw32CmpxchgU()
    signExtend(f, width)
    f.localGet(old)
    f.i64Ne()
    f.brIf(again)
    f.end()
  }

  loadReserved(width: 32 | 64, address: Expression): Expression {
    const { f, frame } = this
    const place = this.atomicAddress(width, this.bind(address), 'read')
    const value = frame.scratch.take('i64')
    f.localGet(place)
    width === 64 ? f.i64AtomicLoad() : f.i64AtomicLoad32U()
    f.localSet(value)
    this.setHart('reservationAddr', () => f.localGet(place))
    this.setHart('reservationValid', () => f.i32Const(1))
    f.localGet(frame.locals.hart)
    f.localGet(value)
    f.i64Store(hartField('reservationValue'))
    return this.signExtendTo(width, this.local(value))
  }

  storeConditional(width: 32 | 64, address: Expression, value: Expression): Expression {
    const { f, frame } = this
    const { locals } = frame
    const place = this.atomicAddress(width, this.bind(address), 'write')
    const failed = frame.scratch.take('i32')
    f.localGet(locals.hart)
    f.i32Load(hartField('reservationValid'))
    f.localGet(locals.hart)
    f.i32Load(hartField('reservationAddr'))
    f.localGet(place)
    f.i32Eq()
    f.i32And()
    f.if_('i32')
    f.localGet(place)
    f.localGet(locals.hart)
    f.i64Load(hartField('reservationValue'))
    value.push()
    width === 64 ? f.i64AtomicRmwCmpxchg() : f.i64AtomicRmw32CmpxchgU()
    f.localGet(locals.hart)
    f.i64Load(hartField('reservationValue'))
    f.i64Ne()
    f.else_()
    f.i32Const(1)
    f.end()
    f.localSet(failed)
    this.setHart('reservationValid', () => f.i32Const(0))
    return this.local(failed, 'i32')
  }

  private signExtendTo(width: 32 | 64, value: Expression): Expression {
    return width === 32 ? this.signExtend(value, 32) : value
  }

  private setHart(field: string, push: () => void): void {
    this.f.localGet(this.frame.locals.hart)
    push()
    this.f.i32Store(hartField(field))
  }

  fence(): void {
    const { f } = this
    const pushField = (mask: number) => {
      this.imm().push()
      f.i64Const(mask)
      f.i64And()
      f.i64Eqz()
      f.i32Eqz()
    }
    // Only "earlier writes before later reads" needs a barrier on a host with total store order; an atomic
    // read-modify-write of a private word is one, and cheaper than atomic.fence.
    pushField(0x50)
    pushField(0x0a)
    f.i32And()
    f.if_()
    f.localGet(this.frame.locals.hart)
    f.i32Const(0)
    f.i32AtomicRmwAdd(hartField('scratch'))
    f.drop()
    f.end()
  }

  fenceI(): void {
    this.callWithHart('fence_i')
    this.jump(this.nextPc())
  }

  cbo(operation: CboOperation): void {
    const { f, frame } = this
    f.localGet(frame.locals.hart)
    f.i32Const({ inval: 0, clean: 1, flush: 2, zero: 4 }[operation])
    this.rs1().push()
    f.call(frame.imports.call('cbo'))
    this.checkException()
  }

  // Floating point

  enableFp(): void {
    float.emitEnabled(this.frame)
  }

  /** The local that holds the rounding mode of this instruction. */
  protected roundingMode(): number {
    return float.emitRoundingMode(this.frame, record.rm)
  }

  private floatResult(format: Format | 'integer', pushCall: () => void): Expression {
    return this.local(float.emitOperation(this.frame, format, pushCall))
  }

  private pushFloats(format: Format, ...values: readonly Expression[]): void {
    for (const value of values) {
      value.push()
      if (format === 's') this.f.i32WrapI64()
    }
  }

  private floatCall(format: Format, name: string): void {
    this.f.call(this.frame.imports.call(`${format === 's' ? 'f32' : 'f64'}_${name}`))
  }

  fpBinary(
    operation: 'add' | 'sub' | 'mul' | 'div',
    format: Format,
    a: Expression,
    b: Expression,
  ): Expression {
    const rounding = this.roundingMode()
    return this.floatResult(format, () => {
      this.pushFloats(format, a, b)
      this.f.localGet(rounding)
      this.floatCall(format, operation)
    })
  }

  fpSqrt(format: Format, a: Expression): Expression {
    const rounding = this.roundingMode()
    return this.floatResult(format, () => {
      this.pushFloats(format, a)
      this.f.localGet(rounding)
      this.floatCall(format, 'sqrt')
    })
  }

  fpFma(format: Format, a: Expression, b: Expression, c: Expression): Expression {
    const rounding = this.roundingMode()
    return this.floatResult(format, () => {
      this.pushFloats(format, a, b, c)
      this.f.localGet(rounding)
      this.floatCall(format, 'fma')
    })
  }

  fpCompare(operation: 'eq' | 'lt' | 'le', format: Format, a: Expression, b: Expression): Expression {
    const result = this.floatResult('integer', () => {
      this.pushFloats(format, a, b)
      this.floatCall(format, operation)
      this.f.i64ExtendI32U()
    })
    this.makeFpDirty()
    return result
  }

  fpMinMax(operation: 'min' | 'max', format: Format, a: Expression, b: Expression): Expression {
    return this.floatResult(format, () => {
      this.pushFloats(format, a, b)
      this.floatCall(format, operation)
    })
  }

  fpSign(operation: SignOperation, format: Format, a: Expression, b: Expression): Expression {
    const bit = 1n << (format === 's' ? 31n : 63n)
    if (a === b && operation === 'opposite') return this.xor(a, this.constant(bit))
    const [x, y] = [this.let(a), this.let(b)]
    const signs = { copy: y, opposite: this.not(y), xor: this.xor(x, y) }
    return this.or(this.and(x, this.constant(bit - 1n)), this.and(signs[operation], this.constant(bit)))
  }

  fpClassify(format: Format, a: Expression): Expression {
    return this.floatResult('integer', () => {
      this.pushFloats(format, a)
      this.floatCall(format, 'class')
      this.f.i64ExtendI32U()
    })
  }

  fpToInteger(format: Format, kind: IntegerKind, a: Expression): Expression {
    const rounding = this.roundingMode()
    const result = this.floatResult('integer', () => {
      this.pushFloats(format, a)
      this.f.localGet(rounding)
      this.floatCall(format, `to_${float.integerNames[kind]}`)
    })
    this.makeFpDirty()
    return result
  }

  fpFromInteger(format: Format, kind: IntegerKind, a: Expression): Expression {
    const rounding = this.roundingMode()
    return this.floatResult(format, () => {
      a.push()
      this.f.localGet(rounding)
      this.f.call(this.frame.imports.call(`${float.integerNames[kind]}_to_${format === 's' ? 'f32' : 'f64'}`))
    })
  }

  fpConvert(to: Format, a: Expression): Expression {
    const rounding = this.roundingMode()
    return this.floatResult(to, () => {
      this.pushFloats(to === 's' ? 'd' : 's', a)
      if (to === 's') this.f.localGet(rounding)
      this.floatCall(to === 's' ? 'd' : 's', to === 's' ? 'to_f32' : 'to_f64')
    })
  }

  // System

  private callWithHart(name: string): void {
    this.f.localGet(this.frame.locals.hart)
    this.f.call(this.frame.imports.call(name))
  }

  private checkException(): void {
    const { f, frame } = this
    f.localGet(frame.locals.hart)
    f.i32Load(hartField('excCause'))
    f.i32Const(-1)
    f.i32Ne()
    f.brIf(frame.exits.exception)
  }

  /** For calls that may read counters: this instruction, already counted by the dispatch, has not retired yet. */
  private saveCounters(): void {
    this.setHart('icount', () => {
      this.f.localGet(this.frame.locals.icount)
      this.f.i32Const(1 + this.takenAhead)
      this.f.i32Add()
    })
  }

  /** Instructions behind this one that are counted already. */
  protected readonly takenAhead: number = 0

  /** Pushes what is done with the CSR: 1 read, 2 write, 3 both. */
  protected pushCsrAccess(operation: CsrOperation): void {
    const { f, variant } = this
    if (operation === 'write') {
      f.i32Const(variant.rdZero ? 2 : 3)
    } else {
      f.i32Const(3)
      f.i32Const(1)
      this.pushRecordByte(record.rs1)
      f.select()
    }
  }

  /** A write may change the mode's rules, the TLB context or what is pending: it goes the long way round. */
  protected goOnAfterCsr(access: number): void {
    const { f } = this
    f.localGet(access)
    f.i32Const(2)
    f.i32And()
    f.if_()
    this.jump(this.nextPc())
    f.end()
  }

  csr(operation: CsrOperation, operand: Expression): void {
    const { f, frame } = this
    const access = frame.scratch.take('i32')
    const old = frame.scratch.take('i64')
    this.pushCsrAccess(operation)
    f.localSet(access)
    this.saveCounters()
    f.localGet(frame.locals.hart)
    this.imm().push()
    f.i32WrapI64()
    f.i32Const({ write: 0, set: 1, clear: 2 }[operation])
    operand.push()
    f.localGet(access)
    f.call(frame.imports.call('csr'))
    f.localSet(old)
    this.checkException()
    this.setRd(this.local(old))
    this.goOnAfterCsr(access)
  }

  ecall(): void {
    this.callWithHart('ecall')
    this.f.i32Eqz()
    this.f.brIf(this.frame.exits.exception)
    this.setPc(this.pc())
    this.frame.exits.leave(hartExit.sbi)
  }

  ebreak(): void {
    const { f, frame } = this
    this.setHart('excCause', () => f.i32Const(3))
    f.localGet(frame.locals.hart)
    this.pc().push()
    f.i64Store(hartField('excTval'))
    f.br(frame.exits.exception)
  }

  private setPc(pc: Expression): void {
    this.f.localGet(this.frame.locals.hart)
    pc.push()
    this.f.i64Store(hartField('pc'))
  }

  private trapReturn(name: 'mret' | 'sret'): void {
    const { f, frame } = this
    this.saveCounters()
    this.callWithHart(name)
    this.checkException()
    f.localGet(frame.locals.hart)
    f.i64Load(hartField('pc'))
    f.localSet(frame.locals.target)
    f.br(frame.exits.jump)
  }

  mret(): void {
    this.trapReturn('mret')
  }

  sret(): void {
    this.trapReturn('sret')
  }

  wfi(): void {
    const { f, frame } = this
    const sleep = frame.scratch.take('i32')
    this.saveCounters()
    this.callWithHart('wfi')
    f.localSet(sleep)
    this.checkException()
    f.localGet(sleep)
    f.if_()
    this.setPc(this.nextPc())
    frame.exits.leave(hartExit.wfi)
    f.end()
  }

  fenceVma(): void {
    const { f, frame } = this
    const pushNamed = (offset: number) => {
      this.pushRecordByte(offset)
      f.i32Const(0)
      f.i32Ne()
    }
    f.localGet(frame.locals.hart)
    this.rs1().push()
    this.rs2().push()
    pushNamed(record.rs1)
    pushNamed(record.rs2)
    f.i32Const(1)
    f.i32Shl()
    f.i32Or()
    f.call(frame.imports.call('sfence_vma'))
    this.checkException()
    this.jump(this.nextPc())
  }

  fenceInval(): void {
    this.callWithHart('sinval_check')
    this.checkException()
  }
}

const readModifyWrite = {
  swap: ['i64AtomicRmwXchg', 'i64AtomicRmw32XchgU'],
  add: ['i64AtomicRmwAdd', 'i64AtomicRmw32AddU'],
  xor: ['i64AtomicRmwXor', 'i64AtomicRmw32XorU'],
  and: ['i64AtomicRmwAnd', 'i64AtomicRmw32AndU'],
  or: ['i64AtomicRmwOr', 'i64AtomicRmw32OrU'],
} as const

function zeroExtend32(f: FunctionBuilder): void {
  f.i64Const(0xffffffff)
  f.i64And()
}

/** Pushes something other than 0 when the interpreter must leave at the next jump: someone wants attention, or the slice is over. */
export function pushMustLeave({
  f,
  locals,
}: {
  readonly f: FunctionBuilder
  readonly locals: { readonly hart: number; readonly icount: number }
}): void {
  // All ones where the slice is over. The load comes last, so that the host reads it where it is needed.
  f.localGet(locals.icount)
  f.i32Const(1)
  f.i32Sub()
  f.i32Const(31)
  f.i32ShrS()
  f.localGet(locals.hart)
  f.i32Load(hartField('attention'))
  f.i32Or()
}
