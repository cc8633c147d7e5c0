/**
 * The reader of the instruction table that makes compiled code: the interpreter's, but with its operands known.
 * Registers are locals, immediates constants, and pc is the page's address plus a constant.
 */

import { assert } from '@virga/base'
import { type Expression, record } from '../interpreter/computation.ts'
import type { Frame } from '../interpreter/frame.ts'
import { hartField } from '../interpreter/frame.ts'
import { isUpperImmediate } from '../isa/encoding.ts'
import type { Format } from '../isa/meaning.ts'
import type { Placed } from './facts.ts'
import { FloatReader, type HostFloat } from './float.ts'

/** What the reader needs of the function around it. */
export interface Surroundings {
  readonly frame: Frame
  /** the local that holds the register: 0..31 x, 32..63 f */
  readonly registerLocal: (number: number) => number
  /** local: address of the page */
  readonly pageBase: number
  /** ends the path: control goes to a byte offset of this page (which may lie outside of it) */
  readonly goTo: (offset: number) => void
  /** ends the path: control leaves the region for a byte offset of this page */
  readonly leaveFor: (offset: number) => void
  /** instructions of the block behind this one */
  readonly behind: number
  /** ends the path: control goes to the address in the local */
  readonly goToComputed: (target: number) => void
  /** what an earlier instruction of the block has seen to already; reset at each block */
  readonly floatSeen: {
    enabled: boolean
    dirty: boolean
    /** registers that hold a boxed single */
    readonly singles: Set<number>
  }
  readonly hostFloat: HostFloat | undefined
}

/** Emits one instruction of a region. */
export class RegionReader extends FloatReader {
  private readonly surroundings: Surroundings
  private readonly placed: Placed
  protected readonly hostFloat: HostFloat | undefined
  protected readonly rm: number
  protected override readonly takenAhead: number

  constructor(surroundings: Surroundings, placed: Placed) {
    const { instruction, length, rd } = placed.decoded
    super(surroundings.frame, { instruction, length, rdZero: rd === 0, near: false })
    this.surroundings = surroundings
    this.placed = placed
    this.hostFloat = surroundings.hostFloat
    this.rm = placed.decoded.rm
    this.takenAhead = surroundings.behind
  }

  override emit(): void {
    this.placed.decoded.instruction.meaning(this)
    this.frame.scratch.release()
  }

  protected override register(offset: number, file: 'x' | 'f'): Expression {
    const { rs1, rs2, rs3 } = this.placed.decoded
    const number = offset === record.rs1 ? rs1 : offset === record.rs2 ? rs2 : rs3
    if (file === 'f') return this.floatRegister(number)
    if (number === 0) return this.constant(0n)
    return this.local(this.surroundings.registerLocal(number))
  }

  private floatRegister(number: number): Expression {
    const { f } = this
    const pushFloat = () => f.localGet(this.surroundings.registerLocal(number + 32))
    const push = () => {
      pushFloat()
      f.i64ReinterpretF64()
    }
    return { type: 'i64', push, pushFloat }
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
    if (format === 'd' || !this.surroundings.floatSeen.singles.has(number)) return this.unboxed(format, raw)
    return this.and(raw, this.constant(0xffffffffn))
  }

  override imm(): Expression {
    const { imm, instruction } = this.placed.decoded
    return this.value(() => this.f.i64Const(isUpperImmediate(instruction.operands) ? imm * 4096 : imm))
  }

  override uimm(): Expression {
    return this.constant(BigInt(this.placed.decoded.rs1))
  }

  protected override pushCsrAccess(): void {
    const writes = this.placed.facts.flow === 'leave'
    this.f.i32Const(writes ? (this.variant.rdZero && this.placed.facts.uses.has('csr.write') ? 2 : 3) : 1)
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
    this.pushLong(value)
    this.f.localSet(this.surroundings.registerLocal(rd))
  }

  override setFrd(format: Format, value: Expression): void {
    const { f } = this
    const { singles } = this.surroundings.floatSeen
    const { rd } = this.placed.decoded
    if (format === 'd' && value.pushFloat !== undefined) value.pushFloat()
    else {
      this.pushLong(value)
      if (format === 's') {
        f.i64Const(-4294967296)
        f.i64Or()
      }
      f.f64ReinterpretI64()
    }
    f.localSet(this.surroundings.registerLocal(rd + 32))
    if (format === 's') singles.add(rd)
    else singles.delete(rd)
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
    const { floatSeen } = this.surroundings
    if (!floatSeen.enabled) super.enableFp()
    floatSeen.enabled = true
  }

  protected override onOnePath<T>(emit: () => T): T {
    const { floatSeen } = this.surroundings
    const { dirty } = floatSeen
    const value = emit()
    floatSeen.dirty = dirty
    return value
  }

  protected override makeFpDirty(): void {
    const { floatSeen } = this.surroundings
    if (!floatSeen.dirty) super.makeFpDirty()
    floatSeen.dirty = true
  }

  protected override roundingMode(): number {
    const { f, frame } = this
    const { rm } = this.placed.decoded
    assert(rm <= 4 || rm === 7, 'a reserved rounding mode is not compiled')
    const mode = frame.scratch.take('i32')
    if (rm === 7) {
      f.localGet(frame.locals.hart)
      f.i32Load(hartField('frm'))
      f.localTee(mode)
      f.i32Const(4)
      f.i32GtU()
      f.brIf(frame.exits.illegal, 'unlikely')
    } else {
      f.i32Const(rm)
      f.localSet(mode)
    }
    return mode
  }
}
