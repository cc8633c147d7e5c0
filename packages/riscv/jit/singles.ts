/**
 * Singles in compiled code. A register holds 64 bits, and a single in it is boxed: ones above it. Within a block a register
 * that was written with a single, or read as one, has the number itself in a local of its own; it is boxed where something
 * needs all of the register, and at the block's end.
 * @spec riscv-unpriv "NaN Boxing of Narrower Values"
 */

import type { FunctionBuilder } from '@virga/wasm'

const box = 0xffffffffn << 32n

/** Which floating-point registers of a block have a single at hand. Registers are 0..31. */
export class SingleRegisters {
  readonly #f: FunctionBuilder
  readonly #locals: Map<number, number>
  readonly #wide: (register: number) => number
  /** what the register is as a single is in its local */
  readonly #known = new Set<number>()
  /** of these, those whose other local is out of date */
  readonly #unboxed = new Set<number>()

  /** `locals`: those for singles, by register; shared by all blocks. `wide`: the f64 local for the whole register. */
  constructor(f: FunctionBuilder, locals: Map<number, number>, wide: (register: number) => number) {
    this.#f = f
    this.#locals = locals
    this.#wide = wide
  }

  has(register: number): boolean {
    return this.#known.has(register)
  }

  isUnboxed(register: number): boolean {
    return this.#unboxed.has(register)
  }

  /** Sets the register to the f32 on the stack, boxed. */
  set(register: number): void {
    this.learn(register)
    this.#unboxed.add(register)
  }

  /** Takes the f32 on the stack for what the register, which stays as it is, is as a single. */
  learn(register: number): void {
    let local = this.#locals.get(register)
    if (local === undefined) {
      local = this.#f.local('f32')
      this.#locals.set(register, local)
    }
    this.#f.localSet(local)
    this.#known.add(register)
  }

  /** Sets the register from the f64 on the stack. */
  setWide(register: number): void {
    this.#f.localSet(this.#wide(register))
    this.#known.delete(register)
    this.#unboxed.delete(register)
  }

  /** Pushes the f32; the register must have one. */
  pushSingle(register: number): void {
    // What is known has been given a local.
    this.#f.localGet(this.#locals.get(register) ?? 0)
  }

  /** Pushes all 64 bits as an f64. */
  pushWide(register: number): void {
    if (!this.#unboxed.has(register)) {
      this.#f.localGet(this.#wide(register))
      return
    }
    this.pushSingle(register)
    this.#f.i32ReinterpretF32()
    this.#f.i64ExtendI32U()
    this.#f.i64Const(BigInt.asIntN(64, box))
    this.#f.i64Or()
    this.#f.f64ReinterpretI64()
  }

  /** Boxes all of them: other blocks know nothing of singles. Not to be called on a path that may be left out. */
  boxAll(): void {
    for (const register of this.#unboxed) {
      this.pushWide(register)
      this.#f.localSet(this.#wide(register))
    }
    this.#unboxed.clear()
  }
}
