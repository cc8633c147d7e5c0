/** The machine CSRs. @spec riscv-priv "Machine-Level ISA" */
import { drop_contexts } from './context'
import { read_counter, write_counter, write_mcountinhibit } from './csr-counters'
import {
  CSR_MARCHID,
  CSR_MCAUSE,
  CSR_MCONFIGPTR,
  CSR_MCOUNTEREN,
  CSR_MCOUNTINHIBIT,
  CSR_MEDELEG,
  CSR_MENVCFG,
  CSR_MEPC,
  CSR_MHARTID,
  CSR_MIDELEG,
  CSR_MIE,
  CSR_MIMPID,
  CSR_MIP,
  CSR_MISA,
  CSR_MSCRATCH,
  CSR_MSTATUS,
  CSR_MTVAL,
  CSR_MTVEC,
  CSR_MVENDORID,
  CSR_PMPADDR0,
  CSR_PMPADDR15,
  CSR_PMPCFG0,
  CSR_PMPCFG2,
  counter_of,
} from './csr-number'
import { read_mstatus, write_mie, write_mip, write_mstatus } from './csr-status'
import { COUNTEREN_MASK, EPC_MASK, legal_cbie, SENVCFG_WRITABLE, TVEC_MASK } from './csr-supervisor'
import { raise_illegal } from './exception'
import { ENVCFG_ADUE, ENVCFG_PBMTE, ENVCFG_STCE, SUPERVISOR_IRQS } from './fields'
import {
  HART_HART_ID,
  HART_MCAUSE,
  HART_MCOUNTEREN,
  HART_MCOUNTINHIBIT,
  HART_MEDELEG,
  HART_MENVCFG,
  HART_MEPC,
  HART_MHPMEVENT,
  HART_MIDELEG,
  HART_MIE,
  HART_MSCRATCH,
  HART_MTVAL,
  HART_MTVEC,
  HART_PMPADDR,
  HART_PMPCFG,
} from './generated/layout'
import { flush_all } from './hart'
import { notice_interrupts, pending_interrupts } from './interrupt'
import { pmp_address_locked, write_pmp_config } from './pmp'
import { update_supervisor_timer } from './timer'

/** RV64 (MXL = 2) with A, C, D, F, I, M, S and U. @spec riscv-priv "Machine ISA (misa) Register" */
const MISA: i64 = (2 << 62) | 0x14112d
/** Exceptions that can be delegated: all that exist but the environment call from M-mode. */
const MEDELEG_WRITABLE: i64 = 0xb3ff
const MENVCFG_WRITABLE: i64 = SENVCFG_WRITABLE | ENVCFG_ADUE | ENVCFG_PBMTE | ENVCFG_STCE
/** pmpaddr holds bits 55..2 of an address. */
const PMPADDR_MASK: i64 = (1 << 54) - 1
/** The first and last of mcounteren's neighbours that select events; the two before it do not exist. */
const FIRST_EVENT: u32 = 0x323
const LAST_EVENT: u32 = 0x33f

/** Raises an illegal-instruction exception if `number` does not exist. */
export function read_machine(hart: u32, number: u32): i64 {
  switch (number) {
    case CSR_MSTATUS:
      return read_mstatus(hart)
    case CSR_MISA:
      return MISA
    case CSR_MEDELEG:
      return load<i64>(hart, HART_MEDELEG)
    case CSR_MIDELEG:
      return load<i64>(hart, HART_MIDELEG)
    case CSR_MIE:
      return load<i64>(hart, HART_MIE)
    case CSR_MTVEC:
      return load<i64>(hart, HART_MTVEC)
    case CSR_MCOUNTEREN:
      return load<i64>(hart, HART_MCOUNTEREN)
    case CSR_MENVCFG:
      return load<i64>(hart, HART_MENVCFG)
    case CSR_MCOUNTINHIBIT:
      return load<i64>(hart, HART_MCOUNTINHIBIT)
    case CSR_MSCRATCH:
      return load<i64>(hart, HART_MSCRATCH)
    case CSR_MEPC:
      return load<i64>(hart, HART_MEPC)
    case CSR_MCAUSE:
      return load<i64>(hart, HART_MCAUSE)
    case CSR_MTVAL:
      return load<i64>(hart, HART_MTVAL)
    case CSR_MIP:
      return pending_interrupts(hart)
    case CSR_PMPCFG0:
      return load<i64>(hart, HART_PMPCFG)
    case CSR_PMPCFG2:
      return load<i64>(hart, HART_PMPCFG + 8)
  }
  if (is_pmp_address(number)) return load<i64>(hart + ((number - CSR_PMPADDR0) << 3), HART_PMPADDR)
  if (is_event(number)) return load<i64>(hart + (counter_of(number) << 3), HART_MHPMEVENT)
  raise_illegal(hart)
  return 0
}

/** Writes a machine CSR that `read_machine` has just found. */
export function write_machine(hart: u32, number: u32, value: i64): void {
  switch (number) {
    case CSR_MSTATUS:
      write_mstatus(hart, value)
      break
    case CSR_MEDELEG:
      store<i64>(hart, value & MEDELEG_WRITABLE, HART_MEDELEG)
      break
    case CSR_MIDELEG:
      store<i64>(hart, value & SUPERVISOR_IRQS, HART_MIDELEG)
      notice_interrupts(hart)
      break
    case CSR_MIE:
      write_mie(hart, value)
      break
    case CSR_MTVEC:
      store<i64>(hart, value & TVEC_MASK, HART_MTVEC)
      break
    case CSR_MCOUNTEREN:
      store<i64>(hart, value & COUNTEREN_MASK, HART_MCOUNTEREN)
      break
    case CSR_MENVCFG:
      write_menvcfg(hart, value)
      break
    case CSR_MCOUNTINHIBIT:
      write_mcountinhibit(hart, value)
      break
    case CSR_MSCRATCH:
      store<i64>(hart, value, HART_MSCRATCH)
      break
    case CSR_MEPC:
      store<i64>(hart, value & EPC_MASK, HART_MEPC)
      break
    case CSR_MCAUSE:
      store<i64>(hart, value, HART_MCAUSE)
      break
    case CSR_MTVAL:
      store<i64>(hart, value, HART_MTVAL)
      break
    case CSR_MIP:
      write_mip(hart, value)
      break
    case CSR_PMPCFG0:
      write_pmp_config(hart, 0, value)
      flush_all(hart)
      break
    case CSR_PMPCFG2:
      write_pmp_config(hart, 8, value)
      flush_all(hart)
      break
    default:
      if (is_pmp_address(number)) write_pmp_address(hart, number - CSR_PMPADDR0, value)
      else if (is_event(number)) store<i64>(hart + (counter_of(number) << 3), value, HART_MHPMEVENT)
  }
}

function is_pmp_address(number: u32): bool {
  return number >= CSR_PMPADDR0 && number <= CSR_PMPADDR15
}

function is_event(number: u32): bool {
  return number >= FIRST_EVENT && number <= LAST_EVENT
}

/** @spec riscv-priv "Physical Memory Protection CSRs" */
function write_pmp_address(hart: u32, index: u32, value: i64): void {
  if (pmp_address_locked(hart, index)) return
  store<i64>(hart + (index << 3), value & PMPADDR_MASK, HART_PMPADDR)
  flush_all(hart)
}

/** @spec riscv-priv "Machine Environment Configuration (menvcfg) Register" */
function write_menvcfg(hart: u32, value: i64): void {
  const before = load<i64>(hart, HART_MENVCFG)
  const after = legal_cbie(value & MENVCFG_WRITABLE)
  store<i64>(hart, after, HART_MENVCFG)
  if (((before ^ after) & (ENVCFG_ADUE | ENVCFG_PBMTE)) !== 0) drop_contexts(hart)
  update_supervisor_timer(hart)
  notice_interrupts(hart)
}

/** mcycle, minstret and mhpmcounter3..31 are at the start of their block; `time` has no machine view. */
export function read_machine_counter(hart: u32, number: u32): i64 {
  const offset = number & 0xff
  if (offset < 32 && offset !== 1) return read_counter(hart, offset)
  raise_illegal(hart)
  return 0
}

/** Writes a counter that `read_machine_counter` has just found. */
export function write_machine_counter(hart: u32, number: u32, value: i64): void {
  write_counter(hart, counter_of(number), value)
}

/** mvendorid, marchid, mimpid and mconfigptr are zero, which says nothing. */
export function read_machine_information(hart: u32, number: u32): i64 {
  switch (number) {
    case CSR_MHARTID:
      return load<u32>(hart, HART_HART_ID)
    case CSR_MVENDORID:
    case CSR_MARCHID:
    case CSR_MIMPID:
    case CSR_MCONFIGPTR:
      return 0
  }
  raise_illegal(hart)
  return 0
}
