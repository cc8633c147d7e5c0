/** The upper half of a 128-bit product, which WebAssembly cannot do in one instruction. */

import type { FunctionBuilder, ModuleBuilder } from '@virga/wasm'

/** Locals (i64): the operands, and two to work in. */
export interface MulHighLocals {
  readonly a: number
  readonly b: number
  readonly carry: number
  readonly middle: number
}

/** Pushes the upper 64 bits of the unsigned product a × b, from four products of 32-bit halves. */
export function pushMulHigh(f: FunctionBuilder, { a, b, carry, middle }: MulHighLocals): void {
  const half = (value: number, part: 'low' | 'high') => {
    f.localGet(value)
    if (part === 'high') {
      f.i64Const(32)
      f.i64ShrU()
    } else {
      f.i64Const(0xffffffff)
      f.i64And()
    }
  }
  const product = (x: 'low' | 'high', y: 'low' | 'high') => {
    half(a, x)
    half(b, y)
    f.i64Mul()
  }
  product('high', 'low')
  product('low', 'low')
  f.i64Const(32)
  f.i64ShrU()
  f.i64Add()
  f.localSet(carry)
  product('low', 'high')
  half(carry, 'low')
  f.i64Add()
  f.localSet(middle)
  product('high', 'high')
  half(carry, 'high')
  f.i64Add()
  half(middle, 'high')
  f.i64Add()
}

/** Defines (a, b) → upper 64 bits of the unsigned product; gives its index. */
export function defineMulHigh(module: ModuleBuilder): number {
  const f = module.defineFunction({ name: 'mulhu', params: ['i64', 'i64'], results: ['i64'] })
  pushMulHigh(f, { a: 0, b: 1, carry: f.local('i64'), middle: f.local('i64') })
  return f.index
}
