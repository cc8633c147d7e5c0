/** fflags, frm and fcsr. @spec riscv-unpriv "Floating-Point Control and Status Register" */
import { CSR_FFLAGS, CSR_FRM } from './csr-number'
import { dirty_float } from './csr-status'
import { raise_illegal } from './exception'
import { STATUS_FS } from './fields'
import { HART_FFLAGS, HART_FRM, HART_MSTATUS } from './generated/layout'

const FLAGS_MASK: i32 = 31
const ROUNDING_MASK: i32 = 7
const ROUNDING_SHIFT: i32 = 5

/** Illegal while the floating-point unit is off. */
export function read_float(hart: u32, number: u32): i64 {
  if (number === 0 || (load<i64>(hart, HART_MSTATUS) & STATUS_FS) === 0) {
    raise_illegal(hart)
    return 0
  }
  const flags = load<i32>(hart, HART_FFLAGS)
  const rounding = load<i32>(hart, HART_FRM)
  if (number === CSR_FFLAGS) return flags
  return number === CSR_FRM ? rounding : (rounding << ROUNDING_SHIFT) | flags
}

/** Makes the floating-point state dirty. */
export function write_float(hart: u32, number: u32, value: i64): void {
  const bits = value as i32
  if (number !== CSR_FRM) store<i32>(hart, bits & FLAGS_MASK, HART_FFLAGS)
  if (number !== CSR_FFLAGS) {
    const rounding = number === CSR_FRM ? bits : bits >> ROUNDING_SHIFT
    store<i32>(hart, rounding & ROUNDING_MASK, HART_FRM)
  }
  dirty_float(hart)
}
