/** Function bodies: what the builder refuses, then control, calls and constants run by the engine. */
import { describe, expect, it } from 'vitest'
import { type FunctionBuilder, type Label, ModuleBuilder, type ValType } from './index.ts'

function started(params: readonly ValType[] = [], results: readonly ValType[] = []) {
  const module = new ModuleBuilder()
  return { module, fn: module.defineFunction({ export: 'run', params, results }) }
}

/** Builds a function of i32s and gives it as a JavaScript function. */
function compiled(
  paramCount: number,
  build: (fn: FunctionBuilder) => void,
): (...operands: number[]) => number {
  const { module, fn } = started(
    Array.from({ length: paramCount }, () => 'i32'),
    ['i32'],
  )
  build(fn)
  const { exports } = new WebAssembly.Instance(new WebAssembly.Module(module.build()))
  return exports.run as (...operands: number[]) => number
}

describe('illegal moves', () => {
  it('a branch to a closed block', () => {
    const { fn } = started()
    const label = fn.block()
    fn.end()
    expect(() => fn.br(label)).toThrow('open block')
  })
  it('a branch to a closed block while another is open at its depth', () => {
    const { fn } = started()
    const stale = fn.block()
    fn.end()
    fn.block()
    expect(() => fn.br(stale)).toThrow('open block')
    expect(() => fn.brTable([stale], stale)).toThrow('open block')
  })
  it('an else outside an if, and a second else', () => {
    const { fn } = started()
    expect(() => fn.else_()).toThrow('inside an if')
    fn.block()
    expect(() => fn.else_()).toThrow('inside an if')
    fn.if_()
    fn.else_()
    expect(() => fn.else_()).toThrow('inside an if')
  })
  it('an end without a block', () => {
    expect(() => started().fn.end()).toThrow('open block')
  })
  it('a module with a block still open', () => {
    const { module, fn } = started()
    fn.loop()
    expect(() => fn.finish()).toThrow('closed in function 0')
    expect(() => module.build()).toThrow('closed in function 0')
  })
  it.each([2 ** 32, -(2 ** 31) - 1, 0.5])('i32Const(%d)', (value) => {
    expect(() => started().fn.i32Const(value)).toThrow('32-bit')
  })
  it.each([2 ** 53, 2n ** 64n])('i64Const(%d)', (value) => {
    expect(() => started().fn.i64Const(value)).toThrow('integer')
  })
  it('a vector that is too short', () => {
    expect(() => started().fn.v128Const(new Uint8Array(15))).toThrow('sixteen')
  })
})

describe('structured control', () => {
  it('if and else with results', () => {
    const run = compiled(1, (fn) => {
      fn.localGet(0)
      fn.if_('i32')
      fn.i32Const(10)
      fn.else_()
      fn.i32Const(20)
      fn.end()
    })
    expect([run(1), run(0)]).toEqual([10, 20])
  })

  it('a loop that counts', () => {
    const run = compiled(1, (fn) => {
      const sum = fn.local('i32')
      const done = fn.block()
      const again = fn.loop()
      fn.localGet(0)
      fn.i32Eqz()
      fn.brIf(done)
      fn.localGet(sum)
      fn.localGet(0)
      fn.i32Add()
      fn.localSet(sum)
      fn.localGet(0)
      fn.i32Const(1)
      fn.i32Sub()
      fn.localSet(0)
      fn.br(again)
      fn.end()
      fn.end()
      fn.localGet(sum)
    })
    expect(run(100)).toBe(5050)
  })

  it('a table of 300 cases, each its own way out', () => {
    const run = compiled(1, (fn) => {
      const otherwise = fn.block()
      const cases: Label[] = []
      for (let index = 0; index < 300; index++) cases.unshift(fn.block())
      fn.localGet(0)
      fn.brTable(cases, otherwise)
      for (let index = 0; index < 300; index++) {
        fn.end()
        fn.i32Const(index * 3)
        fn.return_()
      }
      fn.end()
      fn.i32Const(-1)
    })
    expect([0, 1, 127, 128, 299, 300, -1].map((index) => run(index))).toEqual([0, 3, 381, 384, 897, -1, -1])
  })

  it('select, drop, tee and nop', () => {
    const run = compiled(1, (fn) => {
      const copy = fn.local('i32')
      fn.i32Const(7)
      fn.i32Const(8)
      fn.nop()
      fn.localGet(0)
      fn.localTee(copy)
      fn.select()
      fn.localGet(copy)
      fn.drop()
    })
    expect([run(1), run(0)]).toEqual([7, 8])
  })
})

describe('calls', () => {
  it('return_call runs a million deep in constant stack', () => {
    const { module, fn } = started(['i32', 'i32'], ['i32'])
    fn.localGet(0)
    fn.i32Eqz()
    fn.if_()
    fn.localGet(1)
    fn.return_()
    fn.end()
    fn.localGet(0)
    fn.i32Const(1)
    fn.i32Sub()
    fn.localGet(1)
    fn.i32Const(2)
    fn.i32Add()
    fn.returnCall(fn.index)
    const { exports } = new WebAssembly.Instance(new WebAssembly.Module(module.build()))
    expect((exports.run as (count: number, sum: number) => number)(1_000_000, 0)).toBe(2_000_000)
  })

  it('call_indirect and return_call_indirect reach functions in either table', () => {
    const [first, second] = [0, 1].map(() => new WebAssembly.Table({ initial: 4, element: 'anyfunc' }))
    const module = new ModuleBuilder()
    const indices = ['first', 'second'].map((name) => module.importTable('env', name, { initial: 4 }))
    const unary = module.type(['i32'], ['i32'])
    const double = module.defineFunction({ export: 'double', params: ['i32'], results: ['i32'] })
    double.localGet(0)
    double.i32Const(2)
    double.i32Mul()
    for (const [name, emit] of [
      ['call', (fn: FunctionBuilder) => fn.callIndirect(unary, indices[1])],
      ['tail', (fn: FunctionBuilder) => fn.returnCallIndirect(unary, indices[0])],
    ] as const) {
      const fn = module.defineFunction({ export: name, params: ['i32', 'i32'], results: ['i32'] })
      fn.localGet(0)
      fn.localGet(1)
      emit(fn)
    }
    const { exports } = new WebAssembly.Instance(new WebAssembly.Module(module.build()), {
      env: { first, second } as Record<string, WebAssembly.Table>,
    })
    first?.set(3, exports.double)
    second?.set(2, exports.double)
    const call = exports.call as (operand: number, slot: number) => number
    const tail = exports.tail as (operand: number, slot: number) => number
    expect([call(21, 2), tail(22, 3)]).toEqual([42, 44])
    expect(() => call(21, 3)).toThrow(WebAssembly.RuntimeError)
    expect(() => tail(21, 2)).toThrow(WebAssembly.RuntimeError)
  })

  it('unreachable traps', () => {
    const { module, fn } = started()
    fn.unreachable()
    const { exports } = new WebAssembly.Instance(new WebAssembly.Module(module.build()))
    expect(exports.run).toThrow(WebAssembly.RuntimeError)
  })
})

describe('locals and constants', () => {
  it('locals of mixed types keep their indices and start at zero', () => {
    const { module, fn } = started(['i64'], ['f64'])
    const indices = (['i32', 'i32', 'f64', 'i32', 'f64', 'v128'] as const).map((type) => fn.local(type))
    expect(indices).toEqual([1, 2, 3, 4, 5, 6])
    fn.f64Const(2.5)
    fn.localSet(5)
    fn.localGet(3)
    fn.localGet(5)
    fn.f64Add()
    const { exports } = new WebAssembly.Instance(new WebAssembly.Module(module.build()))
    expect((exports.run as (value: bigint) => number)(0n)).toBe(2.5)
  })

  it.each([0, -1, 2 ** 31 - 1, -(2 ** 31), 2 ** 31, 2 ** 32 - 1])('i32Const(%d)', (value) => {
    expect(compiled(0, (fn) => fn.i32Const(value))()).toBe(value | 0)
  })

  it.each<number | bigint>([
    0,
    -1,
    2 ** 31,
    -(2 ** 40) - 1,
    Number.MAX_SAFE_INTEGER,
    Number.MIN_SAFE_INTEGER,
    2n ** 63n - 1n,
    2n ** 63n,
    2n ** 64n - 1n,
    -(2n ** 63n),
  ])('i64Const(%d)', (value) => {
    const { module, fn } = started([], ['i64'])
    fn.i64Const(value)
    const { exports } = new WebAssembly.Instance(new WebAssembly.Module(module.build()))
    expect((exports.run as () => bigint)()).toBe(BigInt.asIntN(64, BigInt(value)))
  })

  it('size counts the bytes of code', () => {
    const { fn } = started()
    fn.i32Const(0)
    fn.drop()
    expect(fn.size).toBe(3)
  })
})
