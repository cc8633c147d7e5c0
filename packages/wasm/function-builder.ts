/**
 * One function body under construction. Why: structured control, locals and balance are state; everything else is
 * inherited from the opcode table through `InstructionEmitter`.
 * Invariants: `open` holds one label for each block, loop and if not yet ended, outermost first.
 * @spec wasm-core "Control Instructions"
 */

import { assert } from '@virga/base'
import type { ByteWriter } from './byte-writer.ts'
import { InstructionEmitter } from './instructions.ts'
import { OPCODES } from './opcodes.ts'
import { EMPTY_BLOCK_CODE, type Signature, VALUE_TYPE_CODES, type ValType } from './value-types.ts'

declare const labelBrand: unique symbol

/** An open block, loop or if, as a target of branches. Opaque: depth in the low bits, a serial number above. */
export type Label = number & { readonly [labelBrand]: true }

const DEPTH_BITS = 16
const DEPTH_MASK = (1 << DEPTH_BITS) - 1
// Serials repeat after this many, which keeps a label a small integer and still catches nearly every stale one.
const SERIAL_MASK = (1 << 14) - 1

/** What a function is, apart from its code. */
export interface FunctionOptions extends Signature {
  /** For the name section; by default the exported name. */
  readonly name?: string
  /** The name under which the function is exported, if it is. */
  readonly export?: string
  /** Room for code allocated at once; it grows when needed. */
  readonly capacityBytes?: number
}

/** How often a condition is expected to be not 0. @spec wasm-branch-hinting "Branch Hints" */
export type Expected = 'likely' | 'unlikely'

export class FunctionBuilder extends InstructionEmitter implements Signature {
  /** Index of the function in its module. */
  readonly index: number
  readonly params: readonly ValType[]
  readonly results: readonly ValType[]
  private readonly locals: ValType[] = []
  private readonly open: Label[] = []
  private readonly openers: number[] = []
  /** where hinted instructions are, in `code`, and what is expected of them */
  private readonly hints: { readonly at: number; readonly expected: Expected }[] = []
  private serial = 0

  constructor(index: number, options: FunctionOptions) {
    super(options.capacityBytes)
    this.index = index
    this.params = options.params
    this.results = options.results
  }

  /** Bytes of code emitted so far. */
  get size(): number {
    return this.code.length
  }

  /** Adds a local, zero at entry, and returns its index (parameters come first). May be called at any time. */
  local(type: ValType): number {
    return this.params.length + this.locals.push(type) - 1
  }

  /** Opens a block; a branch to it goes to its end. */
  block(result?: ValType): Label {
    return this.opened(OPCODES.block.code, result)
  }

  /** Opens a loop; a branch to it goes to its start. */
  loop(result?: ValType): Label {
    return this.opened(OPCODES.loop.code, result)
  }

  /** Pops an i32 and opens a block that runs when it is not 0; a branch to it goes to its end. */
  if_(result?: ValType, expected?: Expected): Label {
    this.hint(expected)
    return this.opened(OPCODES.if.code, result)
  }

  /** Starts the other arm of the innermost if. */
  else_(): void {
    const innermost = this.openers.length - 1
    assert(this.openers[innermost] === OPCODES.if.code, 'else is directly inside an if')
    this.openers[innermost] = OPCODES.else.code
    this.code.byte(OPCODES.else.code)
  }

  /** Closes the innermost block, loop or if. */
  end(): void {
    assert(this.open.length > 0, 'end closes an open block')
    this.open.pop()
    this.openers.pop()
    this.code.byte(OPCODES.end.code)
  }

  br(label: Label): void {
    this.code.byte(OPCODES.br.code)
    this.target(label)
  }

  /** Pops an i32 and branches when it is not 0. */
  brIf(label: Label, expected?: Expected): void {
    this.hint(expected)
    this.code.byte(OPCODES.br_if.code)
    this.target(label)
  }

  /** Pops an i32 and branches to the label at that index, or to `otherwise` past the last one (unsigned). */
  brTable(labels: readonly Label[], otherwise: Label): void {
    this.code.byte(OPCODES.br_table.code)
    this.code.u32(labels.length)
    for (const label of labels) this.target(label)
    this.target(otherwise)
  }

  /** Asserts that everything opened is closed. `ModuleBuilder.build` calls it. */
  finish(): void {
    assert(this.open.length === 0, `every block is closed in function ${this.index}`)
  }

  /** Appends the function's entry in the code section: size, locals, code. @spec wasm-core "Code Section" */
  writeBody(out: ByteWriter, scratch: ByteWriter): void {
    this.finish()
    scratch.length = 0
    this.writeLocals(scratch)
    out.u32(scratch.length + this.code.length + 1)
    out.append(scratch)
    out.append(this.code)
    out.byte(OPCODES.end.code)
  }

  /**
   * Appends the function's entry in the section of branch hints and returns true, or false when it has none. Offsets
   * count from the function's locals.
   */
  writeHints(out: ByteWriter, scratch: ByteWriter): boolean {
    if (this.hints.length === 0) return false
    scratch.length = 0
    this.writeLocals(scratch)
    out.u32(this.index)
    out.u32(this.hints.length)
    for (const { at, expected } of this.hints) {
      out.u32(scratch.length + at)
      out.byte(1)
      out.byte(expected === 'likely' ? 1 : 0)
    }
    return true
  }

  private hint(expected: Expected | undefined): void {
    if (expected !== undefined) this.hints.push({ at: this.code.length, expected })
  }

  private writeLocals(out: ByteWriter): void {
    const runs: { type: ValType; count: number }[] = []
    for (const type of this.locals) {
      const last = runs.at(-1)
      if (last?.type === type) last.count++
      else runs.push({ type, count: 1 })
    }
    out.u32(runs.length)
    for (const run of runs) {
      out.u32(run.count)
      out.byte(VALUE_TYPE_CODES[run.type])
    }
  }

  private opened(code: number, result: ValType | undefined): Label {
    const depth = this.open.length
    assert(depth <= DEPTH_MASK, 'blocks nest no deeper than a label can say')
    this.serial = (this.serial + 1) & SERIAL_MASK
    const label = ((this.serial << DEPTH_BITS) | depth) as Label
    this.open.push(label)
    this.openers.push(code)
    this.code.byte(code)
    this.code.byte(result === undefined ? EMPTY_BLOCK_CODE : VALUE_TYPE_CODES[result])
    return label
  }

  private target(label: Label): void {
    const depth = label & DEPTH_MASK
    assert(this.open[depth] === label, 'a branch goes to an open block of this function')
    this.code.u32(this.open.length - 1 - depth)
  }
}
