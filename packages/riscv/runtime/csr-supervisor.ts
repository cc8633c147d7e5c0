/** The supervisor CSRs. @spec riscv-priv "Supervisor-Level ISA" */
import { enter_address_space } from './context'
import {
  CSR_SATP,
  CSR_SCAUSE,
  CSR_SCOUNTEREN,
  CSR_SENVCFG,
  CSR_SEPC,
  CSR_SIE,
  CSR_SIP,
  CSR_SSCRATCH,
  CSR_SSTATUS,
  CSR_STIMECMP,
  CSR_STVAL,
  CSR_STVEC,
} from './csr-number'
import { read_sie, read_sstatus, write_sie, write_sip, write_sstatus } from './csr-status'
import { raise_illegal } from './exception'
import {
  ENVCFG_CBCFE,
  ENVCFG_CBIE,
  ENVCFG_CBIE_SHIFT,
  ENVCFG_CBZE,
  ENVCFG_FIOM,
  PRV_M,
  PRV_S,
  STATUS_TVM,
} from './fields'
import {
  HART_MCOUNTEREN,
  HART_MIDELEG,
  HART_MSTATUS,
  HART_PRV,
  HART_SATP,
  HART_SCAUSE,
  HART_SCOUNTEREN,
  HART_SENVCFG,
  HART_SEPC,
  HART_SSCRATCH,
  HART_STIMECMP,
  HART_STVAL,
  HART_STVEC,
} from './generated/layout'
import { notice_interrupts, pending_interrupts } from './interrupt'
import { has_supervisor_timer, update_supervisor_timer } from './timer'

/** Fields of senvcfg that exist; menvcfg has them too. */
export const SENVCFG_WRITABLE: i64 = ENVCFG_FIOM | ENVCFG_CBIE | ENVCFG_CBCFE | ENVCFG_CBZE
/** Addresses in xepc are even. */
export const EPC_MASK: i64 = ~1
/** Bit 1 of xtvec is part of a mode that does not exist. */
export const TVEC_MASK: i64 = ~2
/** xcounteren has a bit for each of 32 counters. */
export const COUNTEREN_MASK: i64 = 0xffffffff
const TIME_BIT: i64 = 2

/** Raises an illegal-instruction exception if `number` does not exist or is not accessible now. */
export function read_supervisor(hart: u32, number: u32): i64 {
  switch (number) {
    case CSR_SSTATUS:
      return read_sstatus(hart)
    case CSR_SEPC:
      return load<i64>(hart, HART_SEPC)
    case CSR_SCAUSE:
      return load<i64>(hart, HART_SCAUSE)
    case CSR_STVAL:
      return load<i64>(hart, HART_STVAL)
    case CSR_SATP:
      return read_satp(hart)
    case CSR_SIE:
      return read_sie(hart)
    case CSR_SIP:
      return pending_interrupts(hart) & load<i64>(hart, HART_MIDELEG)
    case CSR_STIMECMP:
      return read_stimecmp(hart)
    case CSR_SSCRATCH:
      return load<i64>(hart, HART_SSCRATCH)
    case CSR_STVEC:
      return load<i64>(hart, HART_STVEC)
    case CSR_SCOUNTEREN:
      return load<i64>(hart, HART_SCOUNTEREN)
    case CSR_SENVCFG:
      return load<i64>(hart, HART_SENVCFG)
    default:
      raise_illegal(hart)
      return 0
  }
}

/** Writes a supervisor CSR that `read_supervisor` has just found accessible. */
export function write_supervisor(hart: u32, number: u32, value: i64): void {
  switch (number) {
    case CSR_SSTATUS:
      write_sstatus(hart, value)
      break
    case CSR_SEPC:
      store<i64>(hart, value & EPC_MASK, HART_SEPC)
      break
    case CSR_SCAUSE:
      store<i64>(hart, value, HART_SCAUSE)
      break
    case CSR_STVAL:
      store<i64>(hart, value, HART_STVAL)
      break
    case CSR_SATP:
      write_satp(hart, value)
      break
    case CSR_SIE:
      write_sie(hart, value)
      break
    case CSR_SIP:
      write_sip(hart, value)
      break
    case CSR_STIMECMP:
      write_stimecmp(hart, value)
      break
    case CSR_SSCRATCH:
      store<i64>(hart, value, HART_SSCRATCH)
      break
    case CSR_STVEC:
      store<i64>(hart, value & TVEC_MASK, HART_STVEC)
      break
    case CSR_SCOUNTEREN:
      store<i64>(hart, value & COUNTEREN_MASK, HART_SCOUNTEREN)
      break
    case CSR_SENVCFG:
      store<i64>(hart, legal_cbie(value & SENVCFG_WRITABLE), HART_SENVCFG)
      break
  }
}

/** CBIE = 2 is reserved and becomes 0. @spec riscv-unpriv "Cache-Block Management Operations" */
export function legal_cbie(value: i64): i64 {
  return (value & ENVCFG_CBIE) === (2 as i64) << ENVCFG_CBIE_SHIFT ? value & ~ENVCFG_CBIE : value
}

/** @spec riscv-priv "Supervisor Address Translation and Protection (satp) Register" */
function read_satp(hart: u32): i64 {
  if (load<i32>(hart, HART_PRV) === PRV_S && (load<i64>(hart, HART_MSTATUS) & STATUS_TVM) !== 0) {
    raise_illegal(hart)
  }
  return load<i64>(hart, HART_SATP)
}

/** A write of a mode other than bare, Sv39, Sv48 and Sv57 has no effect. */
function write_satp(hart: u32, value: i64): void {
  const mode = value >>> 60
  if (mode !== 0 && (mode < 8 || mode > 10)) return
  store<i64>(hart, value, HART_SATP)
  enter_address_space(hart)
}

/** @spec riscv-priv "Sstc" */
function read_stimecmp(hart: u32): i64 {
  const accessible = has_supervisor_timer(hart) && (load<i64>(hart, HART_MCOUNTEREN) & TIME_BIT) !== 0
  if (!accessible && load<i32>(hart, HART_PRV) !== PRV_M) raise_illegal(hart)
  return load<i64>(hart, HART_STIMECMP)
}

function write_stimecmp(hart: u32, value: i64): void {
  store<i64>(hart, value, HART_STIMECMP)
  update_supervisor_timer(hart)
  notice_interrupts(hart)
}
