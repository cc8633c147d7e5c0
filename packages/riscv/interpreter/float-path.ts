/** Floating point in handlers: unboxing, the FS gate, rounding modes and accrued flags around runtime calls. */

import type { FunctionBuilder } from '@virga/wasm'
import type { Format, IntegerKind } from '../isa/meaning.ts'
import { type Frame, hartField } from './frame.ts'

/** mstatus.FS, both bits: Off is zero, Dirty is all ones. @spec riscv-priv "Extension Context Status in mstatus Register" */
const FS = 0x6000

/** How the runtime's functions name integer types. */
export const integerNames: Readonly<Record<IntegerKind, string>> = {
  w: 'i32',
  wu: 'u32',
  l: 'i64',
  lu: 'u64',
}

/** Pushes the single in `pushBits`, or the canonical NaN when it is no NaN-box. @spec riscv-unpriv "NaN Boxing of Narrower Values" */
export function pushUnboxed(f: FunctionBuilder, pushBits: () => void): void {
  pushBits()
  f.i64Const(0xffffffff)
  f.i64And()
  f.i64Const(0x7fc00000)
  pushBits()
  f.i64Const(32)
  f.i64ShrU()
  f.i64Const(0xffffffff)
  f.i64Eq()
  f.select()
}

/** Illegal instruction while mstatus.FS is Off. */
export function emitEnabled({ f, locals, exits }: Frame): void {
  f.localGet(locals.hart)
  f.i32Load(hartField('mstatus'))
  f.i32Const(FS)
  f.i32And()
  f.i32Eqz()
  f.brIf(exits.illegal, 'unlikely')
}

/** mstatus.FS becomes Dirty. */
export function emitDirty({ f, locals }: Frame): void {
  f.localGet(locals.hart)
  f.localGet(locals.hart)
  f.i32Load(hartField('mstatus'))
  f.i32Const(FS)
  f.i32Or()
  f.i32Store(hartField('mstatus'))
}

/** The rounding mode of the record (7: frm) in a local; a reserved one is illegal. @spec riscv-unpriv "Floating-Point Control and Status Register" */
export function emitRoundingMode({ f, locals, exits, scratch }: Frame, recordOffset: number): number {
  const mode = scratch.take('i32')
  f.localGet(locals.record)
  f.i32Load8U(recordOffset)
  f.localTee(mode)
  f.i32Const(7)
  f.i32Eq()
  f.if_()
  f.localGet(locals.hart)
  f.i32Load(hartField('frm'))
  f.localSet(mode)
  f.end()
  f.localGet(mode)
  f.i32Const(4)
  f.i32GtU()
  f.brIf(exits.illegal, 'unlikely')
  return mode
}

/** Runs a floating-point call, accrues the flags it raised, and returns the local with its 64-bit result. */
export function emitOperation(
  { f, locals, imports, scratch }: Frame,
  format: Format | 'integer',
  pushCall: () => void,
): number {
  const result = scratch.take('i64')
  pushCall()
  if (format === 's') f.i64ExtendI32U()
  f.localSet(result)
  f.globalGet(imports.floatFlags)
  f.if_()
  f.localGet(locals.hart)
  f.localGet(locals.hart)
  f.i32Load(hartField('fflags'))
  f.globalGet(imports.floatFlags)
  f.i32Or()
  f.i32Store(hartField('fflags'))
  f.i32Const(0)
  f.globalSet(imports.floatFlags)
  f.end()
  return result
}
