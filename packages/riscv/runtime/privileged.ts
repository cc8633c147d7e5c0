/** The privileged instructions that are not fences or CSR accesses. @spec riscv-priv "Trap-Return Instructions" */
import { select_contexts } from './context'
import { raise, raise_illegal } from './exception'
import {
  CAUSE_ECALL_FROM_U,
  PRV_M,
  PRV_S,
  PRV_U,
  STATUS_MIE,
  STATUS_MPIE,
  STATUS_MPP,
  STATUS_MPP_SHIFT,
  STATUS_MPRV,
  STATUS_SIE,
  STATUS_SPIE,
  STATUS_SPP,
  STATUS_TSR,
  STATUS_TW,
} from './fields'
import {
  FLAG_SBI_BY_VMM,
  HART_FLAGS,
  HART_MEPC,
  HART_MIE,
  HART_MSTATUS,
  HART_PC,
  HART_PRV,
  HART_SEPC,
} from './generated/layout'
import { notice_interrupts, pending_interrupts } from './interrupt'
import { update_supervisor_timer } from './timer'

/** Returns from a trap taken in M-mode. */
export function mret(hart: u32): void {
  if (load<i32>(hart, HART_PRV) !== PRV_M) {
    raise_illegal(hart)
    return
  }
  const status = load<i64>(hart, HART_MSTATUS)
  const prv = ((status & STATUS_MPP) >> STATUS_MPP_SHIFT) as i32
  const enabled = (status & STATUS_MPIE) !== 0 ? STATUS_MIE : 0
  const kept = status & ~(STATUS_MIE | STATUS_MPP | (prv === PRV_M ? 0 : STATUS_MPRV))
  finish_return(hart, kept | enabled | STATUS_MPIE, prv, load<i64>(hart, HART_MEPC))
}

/** Returns from a trap taken in S-mode. */
export function sret(hart: u32): void {
  const status = load<i64>(hart, HART_MSTATUS)
  const from = load<i32>(hart, HART_PRV)
  if (from === PRV_U || (from === PRV_S && (status & STATUS_TSR) !== 0)) {
    raise_illegal(hart)
    return
  }
  const prv = (status & STATUS_SPP) !== 0 ? PRV_S : PRV_U
  const enabled = (status & STATUS_SPIE) !== 0 ? STATUS_SIE : 0
  const kept = status & ~(STATUS_SIE | STATUS_SPP | STATUS_MPRV)
  finish_return(hart, kept | enabled | STATUS_SPIE, prv, load<i64>(hart, HART_SEPC))
}

function finish_return(hart: u32, status: i64, prv: i32, pc: i64): void {
  store<i64>(hart, status, HART_MSTATUS)
  store<i32>(hart, prv, HART_PRV)
  store<i64>(hart, pc, HART_PC)
  select_contexts(hart)
  notice_interrupts(hart)
}

/**
 * Wait for interrupt. 1: nothing that is enabled is pending, so leave and sleep; 0: go on, or illegal.
 * @spec riscv-priv "Wait for Interrupt"
 */
export function wfi(hart: u32): u32 {
  const prv = load<i32>(hart, HART_PRV)
  if (prv === PRV_U || (prv === PRV_S && (load<i64>(hart, HART_MSTATUS) & STATUS_TW) !== 0)) {
    raise_illegal(hart)
    return 0
  }
  update_supervisor_timer(hart)
  if ((pending_interrupts(hart) & load<i64>(hart, HART_MIE)) === 0) return 1
  notice_interrupts(hart)
  return 0
}

/** Environment call. 1: it is an SBI call for the VMM; 0: the exception of the current privilege is raised. */
export function ecall(hart: u32): u32 {
  const prv = load<i32>(hart, HART_PRV)
  if (prv === PRV_S && (load<u32>(hart, HART_FLAGS) & FLAG_SBI_BY_VMM) !== 0) return 1
  raise(hart, CAUSE_ECALL_FROM_U + prv, 0)
  return 0
}
