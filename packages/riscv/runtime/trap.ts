/** Trap entry: exceptions and interrupts, to M-mode or, where delegated, to S-mode. */
import { select_contexts } from './context'
import {
  PRV_M,
  PRV_S,
  STATUS_MIE,
  STATUS_MPIE,
  STATUS_MPP,
  STATUS_MPP_SHIFT,
  STATUS_SIE,
  STATUS_SPIE,
  STATUS_SPP,
} from './fields'
import {
  HART_EXC_CAUSE,
  HART_EXC_TVAL,
  HART_MCAUSE,
  HART_MEDELEG,
  HART_MEPC,
  HART_MIDELEG,
  HART_MSTATUS,
  HART_MTVAL,
  HART_MTVEC,
  HART_PC,
  HART_PRV,
  HART_RESERVATION_VALID,
  HART_SCAUSE,
  HART_SEPC,
  HART_STAT_EXCEPTIONS,
  HART_STAT_INTERRUPTS,
  HART_STVAL,
  HART_STVEC,
} from './generated/layout'
import { interrupt_to_take, NO_INTERRUPT } from './interrupt'

/** Sizes of the two statistics tables. */
const COUNTED_INTERRUPTS: i32 = 16
const COUNTED_EXCEPTIONS: i32 = 24
const INTERRUPT_BIT: i64 = 1 << 63
const VECTORED: i64 = 1
const MODE_MASK: i64 = 3

/** Takes the raised exception at the instruction at pc. @spec riscv-priv "Supervisor Trap Vector Base Address" */
export function trap(hart: u32): void {
  const cause = load<i32>(hart, HART_EXC_CAUSE)
  store<i32>(hart, -1, HART_EXC_CAUSE)
  if (cause < COUNTED_EXCEPTIONS) count(hart + HART_STAT_EXCEPTIONS + (cause << 2))
  enter_trap(hart, cause, false, load<i64>(hart, HART_EXC_TVAL))
}

/** Takes the interrupt that is due, if any, before the instruction at pc. */
export function take_interrupt(hart: u32): void {
  const cause = interrupt_to_take(hart)
  if (cause === NO_INTERRUPT) return
  if (cause < COUNTED_INTERRUPTS) count(hart + HART_STAT_INTERRUPTS + (cause << 2))
  enter_trap(hart, cause, true, 0)
}

function count(counter: u32): void {
  store<i32>(counter, load<i32>(counter) + 1)
}

function enter_trap(hart: u32, cause: i32, interrupt: bool, tval: i64): void {
  const delegation = interrupt ? load<i64>(hart, HART_MIDELEG) : load<i64>(hart, HART_MEDELEG)
  const delegated = load<i32>(hart, HART_PRV) !== PRV_M && ((delegation >> cause) & 1) !== 0
  const code = interrupt ? (cause as i64) | INTERRUPT_BIT : (cause as i64)
  if (delegated) enter_supervisor(hart, code, tval)
  else enter_machine(hart, code, tval)
  store<i32>(hart, 0, HART_RESERVATION_VALID)
  select_contexts(hart)
}

function enter_supervisor(hart: u32, code: i64, tval: i64): void {
  const status = load<i64>(hart, HART_MSTATUS)
  const enabledBefore = (status & STATUS_SIE) !== 0 ? STATUS_SPIE : 0
  const privilegeBefore = load<i32>(hart, HART_PRV) === PRV_S ? STATUS_SPP : 0
  const kept = status & ~(STATUS_SIE | STATUS_SPIE | STATUS_SPP)
  store<i64>(hart, kept | enabledBefore | privilegeBefore, HART_MSTATUS)
  store<i64>(hart, load<i64>(hart, HART_PC), HART_SEPC)
  store<i64>(hart, code, HART_SCAUSE)
  store<i64>(hart, tval, HART_STVAL)
  store<i32>(hart, PRV_S, HART_PRV)
  store<i64>(hart, vector(load<i64>(hart, HART_STVEC), code), HART_PC)
}

function enter_machine(hart: u32, code: i64, tval: i64): void {
  const status = load<i64>(hart, HART_MSTATUS)
  const enabledBefore = (status & STATUS_MIE) !== 0 ? STATUS_MPIE : 0
  const privilegeBefore = (load<i32>(hart, HART_PRV) as i64) << STATUS_MPP_SHIFT
  const kept = status & ~(STATUS_MIE | STATUS_MPIE | STATUS_MPP)
  store<i64>(hart, kept | enabledBefore | privilegeBefore, HART_MSTATUS)
  store<i64>(hart, load<i64>(hart, HART_PC), HART_MEPC)
  store<i64>(hart, code, HART_MCAUSE)
  store<i64>(hart, tval, HART_MTVAL)
  store<i32>(hart, PRV_M, HART_PRV)
  store<i64>(hart, vector(load<i64>(hart, HART_MTVEC), code), HART_PC)
}

/** Where a trap with cause `code` goes: only interrupts are vectored. */
function vector(tvec: i64, code: i64): i64 {
  const base = tvec & ~MODE_MASK
  return (tvec & MODE_MASK) === VECTORED && code < 0 ? base + ((code & 63) << 2) : base
}
