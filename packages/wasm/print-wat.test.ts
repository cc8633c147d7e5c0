/** Golden text of modules and of immediates. */
import { describe, expect, it } from 'vitest'
import { type FunctionBuilder, ModuleBuilder, printWat } from './index.ts'

/** The lines of a module with one function. */
function codeOf(build: (fn: FunctionBuilder) => void): string[] {
  const module = new ModuleBuilder()
  const fn = module.defineFunction({ params: ['i32', 'i64'], results: [] })
  build(fn)
  const lines = printWat(module.build(), { functions: [fn.index] }).split('\n')
  return lines.slice(1, -2).map((line) => line.slice(2))
}

describe('a whole module', () => {
  const module = new ModuleBuilder({ nameSection: true })
  module.importMemory('env', 'memory', { initialPages: 1, maximumPages: 65536, shared: true })
  module.importTable('env', 'regions', { initial: 16 })
  module.importTable('env', 'more', { initial: 0, maximum: 8 })
  module.importGlobal('env', 'hart', 'i32', false)
  const exit = module.importFunction('env', 'exit "now"', ['i64'], [])
  module.global('i64', true, -1)
  module.global('f32', false, 0.1)
  const sum = module.defineFunction({ name: 'sum', export: 'run', params: ['i32'], results: ['i64'] })
  const total = sum.local('i64')
  sum.local('i32')
  const done = sum.block()
  const again = sum.loop()
  sum.localGet(0)
  sum.brTable([done, again], done)
  sum.end()
  sum.end()
  sum.localGet(0)
  sum.if_('i64')
  sum.i64Const(1)
  sum.else_()
  sum.localGet(total)
  sum.call(exit)
  sum.i32Const(3)
  sum.returnCallIndirect(module.type(['i32'], ['i64']), 1)
  sum.end()
  module.defineFunction({ params: [], results: [] }).unreachable()

  it('prints its declarations and code', () => {
    expect(printWat(module.build())).toBe(`\
(module
  (type (;0;) (func (param i64)))
  (type (;1;) (func (param i32) (result i64)))
  (type (;2;) (func))
  (import "env" "memory" (memory (;0;) 1 65536 shared))
  (import "env" "regions" (table (;0;) 16 funcref))
  (import "env" "more" (table (;1;) 0 8 funcref))
  (import "env" "hart" (global (;0;) i32))
  (import "env" "exit \\u{22}now\\u{22}" (func (;0;) (type 0)))
  (global (;1;) (mut i64) (i64.const -1))
  (global (;2;) f32 (f32.const 0.1))
  (export "run" (func 1))
  (func (;1;) (type 1) (param i32) (result i64) ;; sum
    (local i64 i32)
    block ;; @1
      loop ;; @2
        local.get 0
        br_table 1 0 1 ;; @1 @2 @1
      end
    end
    local.get 0
    if (result i64) ;; @1
      i64.const 1
    else
      local.get 1
      call 0 ;; env.exit "now"
      i32.const 3
      return_call_indirect 1 (type 1)
    end
  )
  (func (;2;) (type 2)
    unreachable
  )
)
`)
  })

  it('prints only the functions asked for, in the order asked for', () => {
    const text = printWat(module.build(), { functions: [2, 1, 2] })
    const heads = text.split('\n').filter((line) => line.startsWith('(func'))
    expect(heads).toEqual([
      '(func (;2;) (type 2)',
      '(func (;1;) (type 1) (param i32) (result i64) ;; sum',
      '(func (;2;) (type 2)',
    ])
  })
})

describe('immediates', () => {
  it('leaves out what is the default', () => {
    expect(
      codeOf((fn) => {
        fn.i64Load()
        fn.i64Load(8)
        fn.i64Load(2 ** 32 - 1, 0)
        fn.i32Store16(0, 0)
        fn.i64AtomicRmw32CmpxchgU(16)
        fn.callIndirect(0)
        fn.callIndirect(0, 2)
        fn.memoryFill()
        fn.memoryCopy()
        fn.atomicFence()
      }),
    ).toEqual([
      'i64.load',
      'i64.load offset=8',
      'i64.load offset=4294967295 align=1',
      'i32.store16 align=1',
      'i64.atomic.rmw32.cmpxchg_u offset=16',
      'call_indirect (type 0)',
      'call_indirect 2 (type 0)',
      'memory.fill',
      'memory.copy',
      'atomic.fence',
    ])
  })

  it('prints constants exactly', () => {
    expect(
      codeOf((fn) => {
        fn.i32Const(0xffff_ffff)
        fn.i64Const(2n ** 63n)
        fn.f32Const(0.1)
        fn.f32Const(16777216)
        fn.f32Const(3.4028234663852886e38)
        fn.f32Const(2 ** -149)
        fn.f64Const(0.1)
        fn.f64Const(-0)
        fn.f64Const(Number.POSITIVE_INFINITY)
        fn.f64Const(Number.NEGATIVE_INFINITY)
        fn.f64Const(Number.NaN)
        fn.v128Const(Uint8Array.from({ length: 16 }, (_, index) => index))
        fn.i8x16ExtractLaneU(15)
      }),
    ).toEqual([
      'i32.const -1',
      'i64.const -9223372036854775808',
      'f32.const 0.1',
      'f32.const 16777216',
      'f32.const 3.4028235e+38',
      'f32.const 1e-45',
      'f64.const 0.1',
      'f64.const -0',
      'f64.const inf',
      'f64.const -inf',
      'f64.const nan',
      'v128.const i32x4 0x03020100 0x07060504 0x0b0a0908 0x0f0e0d0c',
      'i8x16.extract_lane_u 15',
    ])
  })
})

describe('what no builder writes', () => {
  it('is refused', () => {
    expect(() => printWat(Uint8Array.of(1, 2, 3, 4))).toThrow('WebAssembly module')
    expect(() => printWat(Uint8Array.of(0, 0x61, 0x73, 0x6d, 1, 0, 0, 0, 5, 0))).toThrow('section 5')
  })
})
