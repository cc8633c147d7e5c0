/**
 * The reader of the instruction table that makes compiled code: the interpreter's, but with its operands known.
 * Registers are locals, immediates constants, and pc is the page's address plus a constant.
 */

import { defined } from '@virga/base'
import { type Expression, record } from '../interpreter/computation.ts'
import type { Frame } from '../interpreter/frame.ts'
import { hartField } from '../interpreter/frame.ts'
import { loadDataContext } from '../interpreter/memory-path.ts'
import { isUpperImmediate } from '../isa/encoding.ts'
import type { CboOperation, CsrOperation, Format, SignOperation, Width } from '../isa/meaning.ts'
import type { AccessGroup } from './accesses.ts'
import { type Access, type Placed, writesCsr } from './facts.ts'
import { type Floating, FloatReader } from './float.ts'
import { pushFloatCsr, storeFloatCsr } from './float-csrs.ts'
import type { FloatFunctions } from './float-functions.ts'
import { bits, operations } from './float-operations.ts'
import { loadBytes, pushArenaAddress, storeBytes } from './memory.ts'
import type { SingleRegisters } from './singles.ts'
import type { Word, WordRegisters } from './words.ts'

/** A register of the floating-point file: all of it as a double, or the single that it was set to. */
interface FloatRegister extends Floating {
  readonly pushSingle: (() => void) | undefined
}

/** What an earlier instruction of the block has seen to already. */
export interface FloatSeen {
  enabled: boolean
  dirty: boolean
  /** frm holds no reserved mode */
  modeValid: boolean
}

/** Locals of groups of accesses that are begun. */
export interface GroupLocals {
  readonly find: (group: AccessGroup | undefined) => number | undefined
  readonly begin: (group: AccessGroup) => number
}

/** What the reader needs of the function around it. */
export interface Surroundings {
  readonly frame: Frame
  /** the local that holds the register: 32..63 for f */
  readonly registerLocal: (number: number) => number
  /** integer registers, all of each or the low half */
  readonly words: WordRegisters
  readonly singles: SingleRegisters
  /** local: address of the page */
  readonly pageBase: number
  /** ends the path: control goes to a byte offset of this page (which may lie outside of it) */
  readonly goTo: (offset: number) => void
  /** ends the path: control leaves the region for a byte offset of this page */
  readonly leaveFor: (offset: number) => void
  /** ends the path before the instruction: the interpreter is to do it */
  readonly bail: () => void
  /** instructions of the block behind this one */
  readonly behind: number
  /** for a plain load or store: those that one look in the TLB serves */
  readonly group: AccessGroup | undefined
  /** locals that hold the arena address of the first byte of a group that is begun */
  readonly groupLocals: GroupLocals
  /** ends the path: control goes to the address in the local */
  readonly goToComputed: (target: number) => void
  readonly floatSeen: FloatSeen
  /** see FloatReader */
  readonly floatLimit: number | undefined
  readonly floatFunctions: FloatFunctions | undefined
}

/** Whether something that the instruction does, besides accesses to memory, may raise an exception here. */
export function mayRaise({ facts, decoded }: Placed, { enabled, modeValid }: FloatSeen): boolean {
  const { uses } = facts
  if (uses.has('csr') || uses.has('cbo')) return true
  if (uses.has('floatCsr')) return !enabled
  return uses.has('enableFp') && (!enabled || (decoded.rm === 7 && !modeValid))
}

/** Emits one instruction of a region. */
export class RegionReader extends FloatReader {
  private readonly surroundings: Surroundings
  private readonly placed: Placed
  protected readonly floatFunctions: FloatFunctions | undefined
  protected readonly floatLimit: number | undefined
  protected readonly rm: number
  protected override readonly takenAhead: number

  constructor(surroundings: Surroundings, placed: Placed) {
    const { instruction, length, rd } = placed.decoded
    super(surroundings.frame, { instruction, length, rdZero: rd === 0, near: false })
    this.surroundings = surroundings
    this.placed = placed
    this.floatFunctions = surroundings.floatFunctions
    this.floatLimit = surroundings.floatLimit
    this.rm = placed.decoded.rm
    this.takenAhead = surroundings.behind
  }

  override emit(): void {
    this.placed.decoded.instruction.meaning(this)
    this.frame.scratch.release()
  }

  override load(_width: Width, sign: 's' | 'u'): Expression {
    const { f, frame } = this
    const { bytes } = this.access
    const offset = this.pushPlace()
    if (this.placed.facts.writes === 'frd') {
      const format = bytes === 4 ? 's' : 'd'
      const number = this.takeFloat(format)
      if (format === 's') f.f32Load(offset, 0)
      else f.f64Load(offset, 0)
      f.localSet(number)
      return this.floating(format, number)
    }
    if (bytes === 4 && sign === 's') {
      const low = frame.scratch.take('i32')
      f.i32Load(offset, 0)
      f.localSet(low)
      return this.word(() => f.localGet(low))
    }
    const result = frame.scratch.take('i64')
    loadBytes(f, bytes, sign, offset)
    f.localSet(result)
    return this.local(result)
  }

  override store(_width: Width, _address: Expression, value: Expression): void {
    const offset = this.pushPlace()
    const { bytes } = this.access
    const { pushLow, pushFloat, pushSingle } = value as Word & FloatRegister
    if (bytes === 4 && pushSingle !== undefined) {
      pushSingle()
      this.f.f32Store(offset, 0)
      return
    }
    if (bytes === 8 && pushFloat !== undefined) {
      pushFloat()
      this.f.f64Store(offset, 0)
      return
    }
    if (bytes === 4 && pushLow !== undefined) {
      pushLow()
      this.f.i32Store(offset, 0)
      return
    }
    value.push()
    storeBytes(this.f, bytes, offset)
  }

  override cbo(operation: CboOperation): void {
    super.cbo(operation)
    loadDataContext(this.frame)
  }

  private get access(): Access {
    return defined(this.placed.facts.access, 'a plain access')
  }

  /** Pushes an arena address; what is accessed is the returned number of bytes behind it. */
  private pushPlace(): number {
    const { f, frame } = this
    const { group, groupLocals, bail } = this.surroundings
    const { base, first, end, kind, count } = defined(group, 'group of a plain access')
    const { imm } = this.placed.decoded
    const known = groupLocals.find(group)
    if (known !== undefined) {
      f.localGet(known)
      return imm - first
    }
    let address = base === 0 ? undefined : this.surroundings.words.widen(base)
    if (address === undefined || first !== 0) {
      const sum = frame.scratch.take('i64')
      if (address === undefined) f.i64Const(first)
      else {
        f.localGet(address)
        f.i64Const(first)
        f.i64Add()
      }
      f.localSet(sum)
      address = sum
    }
    pushArenaAddress(frame, { address, count: end - first, kind }, bail)
    if (count > 1) f.localTee(groupLocals.begin(defined(group, 'group')))
    return imm - first
  }

  protected override atomicAddress(width: 32 | 64, address: number, access: 'read' | 'write'): number {
    const place = this.frame.scratch.take('i32')
    const kind = access === 'read' ? 'load' : 'store'
    pushArenaAddress(this.frame, { address, count: width / 8, kind, aligned: true }, this.surroundings.bail)
    this.f.localSet(place)
    return place
  }

  protected override register(offset: number, file: 'x' | 'f'): Expression {
    const { rs1, rs2, rs3 } = this.placed.decoded
    const number = offset === record.rs1 ? rs1 : offset === record.rs2 ? rs2 : rs3
    if (file === 'f') return this.floatRegister(number)
    if (number === 0) return this.constant(0n)
    const { words } = this.surroundings
    const value: Word = {
      type: 'i64',
      push: () => words.push(number),
      pushLow: () => words.pushLow(number),
      isWord: words.has(number),
    }
    return value
  }

  private floatRegister(number: number): FloatRegister {
    const { f } = this
    const { singles } = this.surroundings
    const pushFloat = () => singles.pushWide(number)
    const push = () => {
      pushFloat()
      f.i64ReinterpretF64()
    }
    const pushSingle = singles.isUnboxed(number) ? () => singles.pushSingle(number) : undefined
    return { type: 'i64', push, pushFloat, pushSingle }
  }

  override frs1(format: Format): Expression {
    return this.floatOperand(format, this.placed.decoded.rs1)
  }

  override frs2(format: Format): Expression {
    return this.floatOperand(format, this.placed.decoded.rs2)
  }

  override frs3(format: Format): Expression {
    return this.floatOperand(format, this.placed.decoded.rs3)
  }

  private floatOperand(format: Format, number: number): Expression {
    const raw = this.floatRegister(number)
    if (format === 'd') return raw
    const { f } = this
    const { singles } = this.surroundings
    if (!singles.has(number)) {
      this.unboxed('s', raw).push()
      bits.toFloat.s(f)
      singles.learn(number)
    }
    const pushFloat = () => singles.pushSingle(number)
    const push = () => {
      pushFloat()
      bits.ofFloat.s(f)
    }
    return { type: 'i64', push, pushFloat }
  }

  override fpSign(operation: SignOperation, format: Format, a: Expression, b: Expression): Expression {
    const { f } = this
    const { rs1, rs2 } = this.placed.decoded
    const [x, y] = [this.operand(format, a), this.operand(format, b)]
    const alike = a === b || rs1 === rs2
    if (alike && operation === 'copy') return x
    if (!alike && operation === 'xor') return super.fpSign(operation, format, x, y)
    const result = this.takeFloat(format)
    x.pushFloat()
    if (alike) operations[operation === 'opposite' ? 'neg' : 'abs'][format](f)
    else {
      y.pushFloat()
      if (operation === 'opposite') operations.neg[format](f)
      operations.copysign[format](f)
    }
    f.localSet(result)
    return this.floating(format, result)
  }

  override imm(): Expression {
    const { imm, instruction } = this.placed.decoded
    return this.constant(BigInt(isUpperImmediate(instruction.operands) ? imm * 4096 : imm))
  }

  override uimm(): Expression {
    return this.constant(BigInt(this.placed.decoded.rs1))
  }

  protected override pushCsrAccess(): void {
    const { facts, decoded } = this.placed
    const writes = writesCsr(facts, decoded.rs1)
    this.f.i32Const(writes ? (this.variant.rdZero && facts.uses.has('csr.write') ? 2 : 3) : 1)
  }

  protected override goOnAfterCsr(): void {
    const { decoded, facts, offset } = this.placed
    if (facts.flow === 'leave') this.surroundings.leaveFor(offset + decoded.length)
  }

  override pc(): Expression {
    return this.inPage(this.placed.offset)
  }

  override nextPc(): Expression {
    return this.inPage(this.placed.offset + this.placed.decoded.length)
  }

  private inPage(offset: number): Expression {
    return this.value(() => {
      this.f.localGet(this.surroundings.pageBase)
      this.f.i64Const(offset)
      this.f.i64Add()
    })
  }

  override setRd(value: Expression): void {
    const { rd } = this.placed.decoded
    if (rd === 0) return
    const { words } = this.surroundings
    const { isWord, pushLow } = value as Word
    if (value.type === 'i32') {
      // 0 or 1: a word, too.
      value.push()
      words.setLow(rd)
      return
    }
    if (isWord && pushLow !== undefined) {
      pushLow()
      words.setLow(rd)
      return
    }
    this.pushLong(value)
    words.setWide(rd)
  }

  override setFrd(format: Format, value: Expression): void {
    const { singles } = this.surroundings
    const { rd } = this.placed.decoded
    this.operand(format, value).pushFloat()
    if (format === 's') singles.set(rd)
    else singles.setWide(rd)
    this.makeFpDirty()
  }

  override jump(target: Expression): void {
    const local = this.frame.scratch.take('i64')
    target.push()
    this.f.localSet(local)
    this.surroundings.goToComputed(local)
  }

  override jumpRelative(): void {
    this.surroundings.goTo(this.placed.offset + this.placed.decoded.imm)
  }

  override enableFp(): void {
    const { f, floatLimit } = this
    const { floatSeen } = this.surroundings
    const asksMode = this.rm === 7 && !floatSeen.modeValid
    if (floatSeen.enabled && !asksMode) return
    // Where the limit is set, FS is Dirty and frm is in order.
    if (floatLimit !== undefined) {
      f.localGet(floatLimit)
      f.i32Eqz()
      f.if_(undefined, 'unlikely')
    }
    if (!floatSeen.enabled) super.enableFp()
    if (asksMode) this.checkMode()
    if (floatLimit !== undefined) f.end()
    floatSeen.enabled = true
    if (asksMode) floatSeen.modeValid = true
  }

  /** Illegal instruction while frm holds a reserved mode. */
  private checkMode(): void {
    const { f, frame } = this
    f.localGet(frame.locals.hart)
    f.i32Load(hartField('frm'))
    f.i32Const(4)
    f.i32GtU()
    f.brIf(frame.exits.illegal, 'unlikely')
  }

  protected override makeFpDirty(): void {
    const { f, floatLimit } = this
    const { floatSeen } = this.surroundings
    if (floatSeen.dirty) return
    floatSeen.dirty = true
    if (floatLimit === undefined) {
      super.makeFpDirty()
      return
    }
    f.localGet(floatLimit)
    f.i32Eqz()
    f.if_(undefined, 'unlikely')
    super.makeFpDirty()
    this.renewLimit()
    f.end()
  }

  override csr(operation: CsrOperation, operand: Expression): void {
    if (!this.placed.facts.uses.has('floatCsr')) {
      super.csr(operation, operand)
      return
    }
    this.enableFp()
    const { f } = this
    const { imm, rs1 } = this.placed.decoded
    const old = this.frame.scratch.take('i64')
    pushFloatCsr(f, imm, this.frame.locals.hart)
    f.localSet(old)
    if (writesCsr(this.placed.facts, rs1)) {
      const value = this.let(this.changed(operation, this.local(old), operand))
      storeFloatCsr(f, imm, this.frame.locals.hart, value.push)
      this.makeFpDirty()
      this.renewLimit()
      this.surroundings.floatSeen.modeValid = false
    }
    this.setRd(this.local(old))
  }

  private changed(operation: CsrOperation, old: Expression, operand: Expression): Expression {
    if (operation === 'write') return operand
    return operation === 'set' ? this.or(old, operand) : this.and(old, this.not(operand))
  }
}
