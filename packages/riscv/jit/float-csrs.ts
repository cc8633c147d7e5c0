/**
 * fflags, frm and fcsr in compiled code, where programs that compute quadruples or check for errors read and write them
 * all the time. What they are is in runtime/csr-float.ts; here it is for a number that is known.
 * @spec riscv-unpriv "Floating-Point Control and Status Register"
 */

import type { FunctionBuilder } from '@virga/wasm'
import { hartField } from '../interpreter/frame.ts'

const csrNumber = { fflags: 1, frm: 2, fcsr: 3 } as const
const flagsMask = 31
const roundingMask = 7
const roundingShift = 5

/** Pushes the register as an i64. */
export function pushFloatCsr(f: FunctionBuilder, number: number, hart: number): void {
  f.localGet(hart)
  f.i64Load32U(hartField(number === csrNumber.frm ? 'frm' : 'fflags'))
  if (number !== csrNumber.fcsr) return
  f.localGet(hart)
  f.i64Load32U(hartField('frm'))
  f.i64Const(roundingShift)
  f.i64Shl()
  f.i64Or()
}

/** Writes the register; `push` pushes an i64, as often as it is asked to. */
export function storeFloatCsr(f: FunctionBuilder, number: number, hart: number, push: () => void): void {
  if (number !== csrNumber.frm) {
    f.localGet(hart)
    push()
    f.i64Const(flagsMask)
    f.i64And()
    f.i64Store32(hartField('fflags'))
  }
  if (number === csrNumber.fflags) return
  f.localGet(hart)
  push()
  if (number === csrNumber.fcsr) {
    f.i64Const(roundingShift)
    f.i64ShrU()
  }
  f.i64Const(roundingMask)
  f.i64And()
  f.i64Store32(hartField('frm'))
}
