/**
 * Raising exceptions, and the kinds of memory access. A function that fails sets the cause and the value here and
 * returns its failure value; the interpreter then stores the pc and calls `trap`.
 */
import {
  CAUSE_FETCH_ACCESS,
  CAUSE_FETCH_PAGE,
  CAUSE_ILLEGAL,
  CAUSE_LOAD_ACCESS,
  CAUSE_LOAD_PAGE,
} from './fields'
import { HART_EXC_CAUSE, HART_EXC_TVAL } from './generated/layout'

/** Kinds of access; each number is also the distance from the load's cause to that kind's, see `access_fault`. */
export const READ: i32 = 0
export const WRITE: i32 = 1
export const FETCH: i32 = 2

/** Makes `cause` the pending exception of `hart`, with `tval` for xtval. */
export function raise(hart: u32, cause: i32, tval: i64): void {
  store<i32>(hart, cause, HART_EXC_CAUSE)
  store<i64>(hart, tval, HART_EXC_TVAL)
}

/** Whether an exception has been raised and not yet taken. */
export function raised(hart: u32): bool {
  return load<i32>(hart, HART_EXC_CAUSE) >= 0
}

/** Illegal-instruction exception; the interpreter fills in the instruction as xtval. */
export function raise_illegal(hart: u32): void {
  raise(hart, CAUSE_ILLEGAL, 0)
}

/** Access-fault exception of an access of kind `kind` at virtual address `addr`. */
export function raise_access_fault(hart: u32, addr: i64, kind: i32): void {
  raise(hart, kind === FETCH ? CAUSE_FETCH_ACCESS : CAUSE_LOAD_ACCESS + 2 * kind, addr)
}

/** Page-fault exception of an access of kind `kind` at virtual address `addr`. */
export function raise_page_fault(hart: u32, addr: i64, kind: i32): void {
  raise(hart, kind === FETCH ? CAUSE_FETCH_PAGE : CAUSE_LOAD_PAGE + 2 * kind, addr)
}
