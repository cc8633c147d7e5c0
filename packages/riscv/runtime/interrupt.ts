/** Which interrupts are pending, and which one is taken. @spec riscv-priv "Machine Interrupt (mip and mie) Registers" */
import {
  IRQ_MEI,
  IRQ_MSI,
  IRQ_MTI,
  IRQ_SEI,
  IRQ_SSI,
  IRQ_STI,
  PRV_M,
  PRV_S,
  SEIP,
  STATUS_MIE,
  STATUS_SIE,
} from './fields'
import {
  HART_ATTENTION,
  HART_LINES,
  HART_MIDELEG,
  HART_MIE,
  HART_MIP,
  HART_MSTATUS,
  HART_PRV,
} from './generated/layout'
import { imsic_pending } from './imsic'

/** What `interrupt_to_take` returns when there is none. */
export const NO_INTERRUPT: i32 = -1

/** mip as software reads it: its own bits, the lines of the controllers, and what the interrupt file asks for. */
export function pending_interrupts(hart: u32): i64 {
  const bits = (atomic.load<i32>(hart, HART_MIP) | atomic.load<i32>(hart, HART_LINES)) as i64
  return imsic_pending(hart) ? bits | SEIP : bits
}

/** Number of the interrupt that traps now, or NO_INTERRUPT. Those that trap to M come first. */
export function interrupt_to_take(hart: u32): i32 {
  const ready = pending_interrupts(hart) & load<i64>(hart, HART_MIE)
  if (ready === 0) return NO_INTERRUPT
  const prv = load<i32>(hart, HART_PRV)
  const status = load<i64>(hart, HART_MSTATUS)
  const delegated = load<i64>(hart, HART_MIDELEG)
  const toMachine = ready & ~delegated
  if (toMachine !== 0 && (prv !== PRV_M || (status & STATUS_MIE) !== 0)) return first_of(toMachine)
  const toSupervisor = ready & delegated
  const supervisorTakes = prv < PRV_S || (prv === PRV_S && (status & STATUS_SIE) !== 0)
  return toSupervisor !== 0 && supervisorTakes ? first_of(toSupervisor) : NO_INTERRUPT
}

/** The interrupt of highest priority: external, software, timer; M before S. */
export function first_of(bits: i64): i32 {
  if ((bits >> IRQ_MEI) & 1) return IRQ_MEI
  if ((bits >> IRQ_MSI) & 1) return IRQ_MSI
  if ((bits >> IRQ_MTI) & 1) return IRQ_MTI
  if ((bits >> IRQ_SEI) & 1) return IRQ_SEI
  if ((bits >> IRQ_SSI) & 1) return IRQ_SSI
  return IRQ_STI
}

/** Called when something may have made an interrupt takeable: leaves the interpreter at the next jump if so. */
export function notice_interrupts(hart: u32): void {
  if (interrupt_to_take(hart) !== NO_INTERRUPT) atomic.store<i32>(hart, 1, HART_ATTENTION)
}
