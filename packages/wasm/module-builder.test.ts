/** Modules: what the builder refuses, then indices, imports, globals and names as the engine sees them. */
import { describe, expect, it } from 'vitest'
import { ModuleBuilder } from './index.ts'

describe('illegal moves', () => {
  it('a function import after a definition', () => {
    const module = new ModuleBuilder()
    module.defineFunction({ params: [], results: [] })
    expect(() => module.importFunction('env', 'late', [], [])).toThrow('before any is defined')
  })
  it('a global import after a definition', () => {
    const module = new ModuleBuilder()
    module.global('i32', true, 0)
    expect(() => module.importGlobal('env', 'late', 'i32', true)).toThrow('before any is defined')
  })
  it('a second memory', () => {
    const module = new ModuleBuilder()
    const limits = { initialPages: 1, maximumPages: 1, shared: false }
    module.importMemory('env', 'memory', limits)
    expect(() => module.importMemory('env', 'other', limits)).toThrow('one memory')
  })
  it('a name exported twice', () => {
    const module = new ModuleBuilder()
    module.defineFunction({ export: 'run', params: [], results: [] })
    expect(() => module.exportFunction('run', 0)).toThrow('exported once')
  })
  it('a global that is no number', () => {
    expect(() => new ModuleBuilder().global('funcref', false, 0)).toThrow('numeric')
  })
})

describe('a module', () => {
  it('may be empty', () => {
    expect([...new ModuleBuilder().build()]).toEqual([0, 0x61, 0x73, 0x6d, 1, 0, 0, 0])
  })

  it('gives equal types one index', () => {
    const module = new ModuleBuilder()
    const first = module.type(['i32', 'i64'], ['f64'])
    expect(module.type(['i32'], ['i64'])).not.toBe(first)
    expect(module.type(['i32', 'i64', 'f64'], [])).not.toBe(first)
    expect(module.type(['i32', 'i64'], ['f64'])).toBe(first)
  })

  it('takes functions whose bodies are written in any order, and builds the same bytes twice', () => {
    const module = new ModuleBuilder()
    const first = module.defineFunction({ export: 'first', params: [], results: ['i32'] })
    const second = module.defineFunction({ params: [], results: ['i32'] })
    second.i32Const(41)
    first.call(second.index)
    first.i32Const(1)
    first.i32Add()
    module.exportFunction('again', first.index)
    const bytes = module.build()
    expect(module.build()).toEqual(bytes)
    const { exports } = new WebAssembly.Instance(new WebAssembly.Module(bytes))
    expect((exports.again as () => number)()).toBe(42)
    expect(exports.again).toBe(exports.first)
  })

  it('imports each kind of thing, and counts indices by kind', () => {
    const module = new ModuleBuilder()
    const counter = module.importGlobal('env', 'counter', 'i64', true)
    module.importMemory('env', 'memory', { initialPages: 1, maximumPages: 65536, shared: true })
    const table = module.importTable('env', 'table', { initial: 1, maximum: 10 })
    const log = module.importFunction('env', 'log', ['i64', 'f64'], [])
    const scale = module.global('f64', false, 0.5)
    const offset = module.global('i64', true, -(2n ** 63n))
    const small = module.global('i32', false, 0xffff_ffff)
    const single = module.global('f32', false, 0.25)
    expect([counter, table, log, scale, offset, small, single]).toEqual([0, 0, 0, 1, 2, 3, 4])
    const fn = module.defineFunction({ export: 'run', params: [], results: ['i32', 'f32'] })
    expect(fn.index).toBe(1)
    fn.globalGet(offset)
    fn.i64Const(1)
    fn.i64Add()
    fn.globalSet(counter)
    fn.globalGet(counter)
    fn.globalGet(scale)
    fn.call(log)
    fn.globalGet(small)
    fn.globalGet(single)

    const calls: unknown[] = []
    const env = {
      counter: new WebAssembly.Global({ value: 'i64', mutable: true }, 0n),
      memory: new WebAssembly.Memory({ initial: 1, maximum: 65536, shared: true }),
      table: new WebAssembly.Table({ initial: 1, maximum: 10, element: 'anyfunc' }),
      log: (...operands: unknown[]) => calls.push(operands),
    }
    const { exports } = new WebAssembly.Instance(new WebAssembly.Module(module.build()), { env })
    expect((exports.run as () => unknown)()).toEqual([-1, 0.25])
    expect(calls).toEqual([[-(2n ** 63n) + 1n, 0.5]])
    expect(env.counter.value).toBe(-(2n ** 63n) + 1n)
  })

  it('names functions in stack traces when asked to', () => {
    const stackOf = (nameSection: boolean) => {
      const module = new ModuleBuilder({ nameSection })
      module
        .defineFunction({ name: 'fetch_and_decode', export: 'run', params: [], results: [] })
        .unreachable()
      const { exports } = new WebAssembly.Instance(new WebAssembly.Module(module.build()))
      try {
        ;(exports.run as () => void)()
      } catch (error) {
        return (error as Error).stack
      }
      return undefined
    }
    expect(stackOf(true)).toContain('fetch_and_decode')
    expect(stackOf(false)).toContain('wasm')
    expect(stackOf(false)).not.toContain('fetch_and_decode')
  })

  it('holds a function larger than its first buffer many times over', () => {
    const module = new ModuleBuilder()
    const fn = module.defineFunction({ export: 'run', params: [], results: ['i32'], capacityBytes: 16 })
    fn.i32Const(0)
    for (let index = 0; index < 30_000; index++) {
      fn.i32Const(1)
      fn.i32Add()
    }
    expect(fn.size).toBe(90_002)
    const { exports } = new WebAssembly.Instance(new WebAssembly.Module(module.build()))
    expect((exports.run as () => number)()).toBe(30_000)
  })
})
