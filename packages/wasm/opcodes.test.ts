/** Each entry of the opcode table, emitted through its method, must be accepted by the engine and print as itself. */
import { describe, expect, it } from 'vitest'
import { type FunctionBuilder, ModuleBuilder, printWat } from './index.ts'
import { methodName } from './instructions.ts'
import { type ImmediateKind, type Mnemonic, OPCODES, type Opcode } from './opcodes.ts'

const MNEMONICS = Object.keys(OPCODES) as Mnemonic[]

/** Arguments for a method of each kind; structured control is emitted below. */
const ARGUMENTS: { readonly [K in ImmediateKind]: readonly unknown[] } = {
  none: [],
  zero: [],
  zeroZero: [],
  local: [0],
  global: [0],
  function: [0],
  memory: [129],
  atomic: [129],
  lane: [1],
  i32: [-5],
  i64: [-5],
  f32: [1.5],
  f64: [1.5],
  v128: [new Uint8Array(16)],
  typeTable: [0, 0],
  block: [],
  label: [],
  labels: [],
}

const STRUCTURED: Readonly<Record<string, (fn: FunctionBuilder) => void>> = {
  block: (fn) => {
    fn.block()
    fn.end()
  },
  loop: (fn) => {
    fn.loop()
    fn.end()
  },
  if: (fn) => {
    fn.if_()
    fn.end()
  },
  else: (fn) => {
    fn.if_()
    fn.else_()
    fn.end()
  },
  end: (fn) => {
    fn.block()
    fn.end()
  },
  br: (fn) => {
    fn.br(fn.block())
    fn.end()
  },
  br_if: (fn) => {
    const label = fn.block()
    fn.unreachable()
    fn.brIf(label)
    fn.unreachable()
    fn.end()
  },
  br_table: (fn) => {
    const label = fn.block()
    fn.unreachable()
    fn.brTable([label], label)
    fn.end()
  },
}

/** A module whose one function is `mnemonic` between two `unreachable`s, so that it needs no operands. */
function moduleWith(mnemonic: Mnemonic): Uint8Array<ArrayBuffer> {
  const module = new ModuleBuilder()
  module.importMemory('env', 'memory', { initialPages: 1, maximumPages: 1, shared: false })
  module.importTable('env', 'table', { initial: 1 })
  module.global('i32', true, 0)
  const fn = module.defineFunction({ params: [], results: [] })
  fn.local('i32')
  fn.unreachable()
  const structured = STRUCTURED[mnemonic]
  if (structured !== undefined) structured(fn)
  else emit(fn, mnemonic, ARGUMENTS[OPCODES[mnemonic].immediate])
  fn.unreachable()
  return module.build()
}

function emit(fn: FunctionBuilder, mnemonic: Mnemonic, immediates: readonly unknown[]): void {
  const methods = fn as unknown as Record<string, (...immediates: readonly unknown[]) => void>
  methods[methodName(mnemonic)]?.(...immediates)
}

describe('the opcode table', () => {
  it('has no code twice', () => {
    const codes = Object.values<Opcode>(OPCODES).map(({ prefix, code }) => `${prefix}:${code}`)
    expect(new Set(codes).size).toBe(codes.length)
  })

  it.each(MNEMONICS)('%s is valid and prints as itself', (mnemonic) => {
    const bytes = moduleWith(mnemonic)
    expect(WebAssembly.validate(bytes)).toBe(true)
    expect(printWat(bytes).split(/[\s()]+/)).toContain(mnemonic)
  })

  it.each(MNEMONICS.filter((mnemonic) => OPCODES[mnemonic].immediate === 'memory'))(
    '%s takes every smaller alignment and the largest offset, and no greater alignment',
    (mnemonic) => {
      const natural = OPCODES[mnemonic].alignLog2
      const module = new ModuleBuilder()
      module.importMemory('env', 'memory', { initialPages: 1, maximumPages: 1, shared: false })
      const fn = module.defineFunction({ params: [], results: [] })
      for (let alignLog2 = 0; alignLog2 <= natural; alignLog2++) {
        fn.unreachable()
        emit(fn, mnemonic, [2 ** 32 - 1, alignLog2])
      }
      fn.unreachable()
      expect(() => emit(fn, mnemonic, [0, natural + 1])).toThrow('alignment')
      expect(WebAssembly.validate(module.build())).toBe(true)
    },
  )
})
