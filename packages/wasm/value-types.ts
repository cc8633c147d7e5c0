/**
 * Value types, function signatures and their binary codes. Why: builder and printer must agree on them, so they
 * are written once.
 */

import { defined } from '@virga/base'

/** Each value type and its code in the binary format. @spec wasm-core "Types" */
export const VALUE_TYPE_CODES = {
  i32: 0x7f,
  i64: 0x7e,
  f32: 0x7d,
  f64: 0x7c,
  v128: 0x7b,
  funcref: 0x70,
} as const

/** The type of a parameter, result, local or global. */
export type ValType = keyof typeof VALUE_TYPE_CODES

/** What a function takes and gives. */
export interface Signature {
  readonly params: readonly ValType[]
  readonly results: readonly ValType[]
}

/** The code of a block that gives no result. */
export const EMPTY_BLOCK_CODE = 0x40

const NAMES = new Map<number, ValType>(
  Object.entries(VALUE_TYPE_CODES).map(([name, code]) => [code, name as ValType]),
)

/** The value type with this code; an unknown code is our mistake and throws. */
export function valueTypeOf(code: number): ValType {
  return defined(NAMES.get(code), `value type with code ${code}`)
}
