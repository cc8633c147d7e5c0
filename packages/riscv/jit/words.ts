/**
 * 32-bit arithmetic in compiled code: RV64's W instructions work on low halves and extend their results, and most of
 * these results are only used as low halves again.
 *
 * A value knows how to push its low half as an i32 (`pushLow`), and whether it is nothing but the sign extension of that
 * (`isWord`). A register that was written with such a value is kept as its low half in a local of its own; it is extended
 * where something needs all of it, and at the block's end. So a chain of W instructions is a chain of i32 operations.
 * @spec riscv-unpriv "RV64I Integer Computational Instructions"
 */

import type { FunctionBuilder } from '@virga/wasm'
import type { Expression } from '../interpreter/computation.ts'
import { HandlerReader } from '../interpreter/handler.ts'

/** A value of which the low half is at hand. */
export interface Word extends Expression {
  /** pushes bits 31..0 as an i32 */
  readonly pushLow?: (() => void) | undefined
  /** it is the sign extension of its low half */
  readonly isWord?: boolean
  /** it is below 32: an amount that shifts words too */
  readonly isAmount?: boolean
}

/** Which registers of a block are kept as low halves. Registers are 1..31. */
export class WordRegisters {
  readonly #f: FunctionBuilder
  readonly #locals: Map<number, number>
  readonly #wide: (register: number) => number
  /** their local for the low half is up to date, and the register is its extension */
  readonly #low = new Set<number>()
  /** of these, those whose other local is out of date */
  readonly #narrow = new Set<number>()

  /** `locals`: those for low halves, by register; shared by all blocks. `wide`: the local for the whole register. */
  constructor(f: FunctionBuilder, locals: Map<number, number>, wide: (register: number) => number) {
    this.#f = f
    this.#locals = locals
    this.#wide = wide
  }

  /** Whether the register is known to be the extension of its low half. */
  has(register: number): boolean {
    return this.#low.has(register)
  }

  /** Sets the low half from the i32 on the stack; the rest of the register is out of date then. */
  setLow(register: number): void {
    let local = this.#locals.get(register)
    if (local === undefined) {
      local = this.#f.local('i32')
      this.#locals.set(register, local)
    }
    this.#f.localSet(local)
    this.#low.add(register)
    this.#narrow.add(register)
  }

  /** Sets the register from the i64 on the stack. */
  setWide(register: number): void {
    this.#f.localSet(this.#wide(register))
    this.#low.delete(register)
    this.#narrow.delete(register)
  }

  pushLow(register: number): void {
    if (this.#low.has(register)) this.#f.localGet(this.#lowOf(register))
    else {
      this.#f.localGet(this.#wide(register))
      this.#f.i32WrapI64()
    }
  }

  push(register: number): void {
    if (!this.#narrow.has(register)) {
      this.#f.localGet(this.#wide(register))
      return
    }
    this.#f.localGet(this.#lowOf(register))
    this.#f.i64ExtendI32S()
  }

  /** Extends a register in its local, which is returned. Not to be called on a path that may be left out. */
  widen(register: number): number {
    const wide = this.#wide(register)
    if (this.#narrow.has(register)) {
      this.push(register)
      this.#f.localSet(wide)
      this.#narrow.delete(register)
    }
    return wide
  }

  /** Extends all of them: other blocks know nothing of low halves. */
  widenAll(): void {
    for (const register of [...this.#narrow]) this.widen(register)
  }

  #lowOf(register: number): number {
    // What is narrow has been given a local.
    return this.#locals.get(register) ?? 0
  }
}

/** The reader that computes on low halves where that is enough. */
export abstract class WordReader extends HandlerReader {
  private lowOf(a: Expression): (() => void) | undefined {
    return (a as Word).pushLow
  }

  private isWord(a: Expression): boolean {
    return (a as Word).isWord === true
  }

  private isAmount(a: Expression): boolean {
    return (a as Word).isAmount === true
  }

  /** A value whose low half is an operation on those of its operands, if they are at hand. */
  private withLow(value: Expression, a: Expression, b: Expression, operate: () => void): Word {
    const [x, y] = [this.lowOf(a), this.lowOf(b)]
    if (x === undefined || y === undefined) return value
    const pushLow = () => {
      x()
      y()
      operate()
    }
    return { ...value, pushLow }
  }

  /** The value that is the sign extension of what `pushLow` pushes. */
  protected word(pushLow: () => void): Word {
    const push = () => {
      pushLow()
      this.f.i64ExtendI32S()
    }
    return { type: 'i64', push, pushLow, isWord: true }
  }

  override constant(value: bigint): Word {
    const low = Number(BigInt.asIntN(32, value))
    return {
      ...super.constant(value),
      pushLow: () => this.f.i32Const(low),
      isWord: BigInt(low) === value,
      isAmount: value >= 0n && value < 32n,
    }
  }

  override add(a: Expression, b: Expression): Word {
    return this.withLow(super.add(a, b), a, b, () => this.f.i32Add())
  }

  override sub(a: Expression, b: Expression): Word {
    return this.withLow(super.sub(a, b), a, b, () => this.f.i32Sub())
  }

  override mul(a: Expression, b: Expression): Word {
    return this.withLow(super.mul(a, b), a, b, () => this.f.i32Mul())
  }

  override and(a: Expression, b: Expression): Word {
    const value = this.withLow(super.and(a, b), a, b, () => this.f.i32And())
    return { ...this.bitwise(value, a, b), isAmount: this.isAmount(a) || this.isAmount(b) }
  }

  override or(a: Expression, b: Expression): Word {
    const value = this.withLow(super.or(a, b), a, b, () => this.f.i32Or())
    return this.bitwise(value, a, b)
  }

  override xor(a: Expression, b: Expression): Word {
    const value = this.withLow(super.xor(a, b), a, b, () => this.f.i32Xor())
    return this.bitwise(value, a, b)
  }

  /** Bits of two words make a word: it is cheaper to extend once than both. */
  private bitwise(value: Word, a: Expression, b: Expression): Word {
    const { pushLow } = value
    return pushLow !== undefined && this.isWord(a) && this.isWord(b) ? this.word(pushLow) : value
  }

  override shiftLeft(a: Expression, amount: Expression): Word {
    const value = super.shiftLeft(a, amount)
    return this.isAmount(amount) ? this.withLow(value, a, amount, () => this.f.i32Shl()) : value
  }

  override shiftRight(a: Expression, amount: Expression): Word {
    const value = super.shiftRight(a, amount)
    const { pushZeroExtended } = a as ZeroExtended
    if (pushZeroExtended === undefined || !this.isAmount(amount)) return value
    return this.withLow(value, a, amount, () => this.f.i32ShrU())
  }

  override shiftRightArithmetic(a: Expression, amount: Expression): Word {
    const value = super.shiftRightArithmetic(a, amount)
    if (!this.isWord(a) || !this.isAmount(amount)) return value
    const { pushLow } = this.withLow(value, a, amount, () => this.f.i32ShrS())
    return pushLow === undefined ? value : this.word(pushLow)
  }

  override signExtend(a: Expression, from: 8 | 16 | 32): Word {
    const pushLow = this.lowOf(a)
    return from === 32 && pushLow !== undefined ? this.word(pushLow) : super.signExtend(a, from)
  }

  override zeroExtend(a: Expression, from: 8 | 16 | 32): ZeroExtended {
    const pushLow = this.lowOf(a)
    if (from !== 32 || pushLow === undefined) return super.zeroExtend(a, from)
    const push = () => {
      pushLow()
      this.f.i64ExtendI32U()
    }
    return { type: 'i64', push, pushLow, pushZeroExtended: push }
  }

  private compared(value: Expression, a: Expression, b: Expression, operate: () => void): Expression {
    const [x, y] = [this.lowOf(a), this.lowOf(b)]
    if (x === undefined || y === undefined || !this.isWord(a) || !this.isWord(b)) return value
    const push = () => {
      x()
      y()
      operate()
    }
    return { type: 'i32', push }
  }

  override equal(a: Expression, b: Expression): Expression {
    return this.compared(super.equal(a, b), a, b, () => this.f.i32Eq())
  }

  override notEqual(a: Expression, b: Expression): Expression {
    return this.compared(super.notEqual(a, b), a, b, () => this.f.i32Ne())
  }

  override lessSigned(a: Expression, b: Expression): Expression {
    return this.compared(super.lessSigned(a, b), a, b, () => this.f.i32LtS())
  }

  /** Sign extension keeps the order of unsigned words. */
  override lessUnsigned(a: Expression, b: Expression): Expression {
    return this.compared(super.lessUnsigned(a, b), a, b, () => this.f.i32LtU())
  }
}

/** A low half extended with zeros. */
interface ZeroExtended extends Word {
  readonly pushZeroExtended?: () => void
}
