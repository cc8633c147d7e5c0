/**
 * The reader of the instruction table that makes compiled code: the interpreter's, but with its operands known.
 * Registers are locals, immediates constants, and pc is the page's address plus a constant.
 */

import { assert } from '@virga/base'
import { type Expression, record } from '../interpreter/computation.ts'
import type { Frame } from '../interpreter/frame.ts'
import { hartField } from '../interpreter/frame.ts'
import { HandlerReader } from '../interpreter/handler.ts'
import { isUpperImmediate } from '../isa/encoding.ts'
import type { Format } from '../isa/meaning.ts'
import type { Placed } from './facts.ts'

/** What the reader needs of the function around it. */
export interface Surroundings {
  readonly frame: Frame
  /** the local that holds the register: 0..31 x, 32..63 f */
  readonly registerLocal: (number: number) => number
  /** local: address of the page */
  readonly pageBase: number
  /** ends the path: control goes to a byte offset of this page (which may lie outside of it) */
  readonly goTo: (offset: number) => void
  /** ends the path: control goes to the address in the local */
  readonly goToComputed: (target: number) => void
  /** what an earlier instruction of the block has seen to already; reset at each block */
  readonly floatSeen: { enabled: boolean; dirty: boolean }
}

/** Emits one instruction of a region. */
export class RegionReader extends HandlerReader {
  private readonly surroundings: Surroundings
  private readonly placed: Placed

  constructor(surroundings: Surroundings, placed: Placed) {
    const { instruction, length, rd } = placed.decoded
    super(surroundings.frame, { instruction, length, rdZero: rd === 0, near: false })
    this.surroundings = surroundings
    this.placed = placed
  }

  override emit(): void {
    this.placed.decoded.instruction.meaning(this)
    this.frame.scratch.release()
  }

  protected override register(offset: number, file: 'x' | 'f'): Expression {
    const { rs1, rs2, rs3 } = this.placed.decoded
    const number = offset === record.rs1 ? rs1 : offset === record.rs2 ? rs2 : rs3
    if (file === 'x' && number === 0) return this.constant(0n)
    return this.local(this.surroundings.registerLocal(file === 'x' ? number : number + 32))
  }

  override imm(): Expression {
    const { imm, instruction } = this.placed.decoded
    return this.value(() => this.f.i64Const(isUpperImmediate(instruction.operands) ? imm * 4096 : imm))
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
    this.pushLong(value)
    if (format === 's') {
      this.f.i64Const(-4294967296)
      this.f.i64Or()
    }
    this.f.localSet(this.surroundings.registerLocal(this.placed.decoded.rd + 32))
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
      f.brIf(frame.exits.illegal)
    } else {
      f.i32Const(rm)
      f.localSet(mode)
    }
    return mode
  }
}
