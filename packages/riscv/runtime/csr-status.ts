/** mstatus and sstatus, and the views of interrupt state that depend on delegation: sie and sip. */
import { select_contexts } from './context'
import {
  ALL_IRQS,
  SEIP,
  SSIP,
  STATUS_FS,
  STATUS_MIE,
  STATUS_MPIE,
  STATUS_MPP,
  STATUS_MPP_SHIFT,
  STATUS_MPRV,
  STATUS_MXR,
  STATUS_SD,
  STATUS_SIE,
  STATUS_SPIE,
  STATUS_SPP,
  STATUS_SUM,
  STATUS_SXL_64,
  STATUS_TSR,
  STATUS_TVM,
  STATUS_TW,
  STATUS_UXL_64,
  STIP,
} from './fields'
import { HART_MIDELEG, HART_MIE, HART_MIP, HART_MSTATUS } from './generated/layout'
import { notice_interrupts } from './interrupt'
import { has_supervisor_timer } from './timer'

const SSTATUS_WRITABLE: i64 = STATUS_SIE | STATUS_SPIE | STATUS_SPP | STATUS_FS | STATUS_SUM | STATUS_MXR
const MSTATUS_WRITABLE: i64 =
  SSTATUS_WRITABLE | STATUS_MIE | STATUS_MPIE | STATUS_MPP | STATUS_MPRV | STATUS_TVM | STATUS_TW | STATUS_TSR
/** Fields that choose how loads and stores are translated. */
const TRANSLATION_FIELDS: i64 = STATUS_SUM | STATUS_MXR | STATUS_MPRV | STATUS_MPP

/** The fields that read as constants or follow from others. */
function derived_status(status: i64): i64 {
  return STATUS_UXL_64 | ((status & STATUS_FS) === STATUS_FS ? STATUS_SD : 0)
}

/** @spec riscv-priv "Machine Status (mstatus and mstatush) Registers" */
export function read_mstatus(hart: u32): i64 {
  const status = load<i64>(hart, HART_MSTATUS)
  return (status & MSTATUS_WRITABLE) | derived_status(status) | STATUS_SXL_64
}

/** @spec riscv-priv "Supervisor Status (sstatus) Register" */
export function read_sstatus(hart: u32): i64 {
  const status = load<i64>(hart, HART_MSTATUS)
  return (status & SSTATUS_WRITABLE) | derived_status(status)
}

/** Writes mstatus. MPP = 2 is no privilege level and becomes U. */
export function write_mstatus(hart: u32, value: i64): void {
  const reservedPrivilege = (value & STATUS_MPP) === (2 as i64) << STATUS_MPP_SHIFT
  replace_status(hart, MSTATUS_WRITABLE, reservedPrivilege ? value & ~STATUS_MPP : value)
}

/** Writes sstatus. */
export function write_sstatus(hart: u32, value: i64): void {
  replace_status(hart, SSTATUS_WRITABLE, value)
}

function replace_status(hart: u32, mask: i64, value: i64): void {
  const before = load<i64>(hart, HART_MSTATUS)
  const after = (before & ~mask) | (value & mask)
  store<i64>(hart, after, HART_MSTATUS)
  if (((before ^ after) & TRANSLATION_FIELDS) !== 0) select_contexts(hart)
  if ((after & ~before & (STATUS_SIE | STATUS_MIE)) !== 0) notice_interrupts(hart)
}

/** Marks the floating-point state dirty. */
export function dirty_float(hart: u32): void {
  store<i64>(hart, load<i64>(hart, HART_MSTATUS) | STATUS_FS, HART_MSTATUS)
}

/** Writes mie. */
export function write_mie(hart: u32, value: i64): void {
  store<i64>(hart, value & ALL_IRQS, HART_MIE)
  notice_interrupts(hart)
}

/** sie: the delegated bits of mie. @spec riscv-priv "Supervisor Interrupt (sip and sie) Registers" */
export function read_sie(hart: u32): i64 {
  return load<i64>(hart, HART_MIE) & load<i64>(hart, HART_MIDELEG)
}

/** Writes sie. */
export function write_sie(hart: u32, value: i64): void {
  const delegated = load<i64>(hart, HART_MIDELEG)
  write_mie(hart, (load<i64>(hart, HART_MIE) & ~delegated) | (value & delegated))
}

/** The bits of mip that software has set, without the controllers' lines: what set and clear operations modify. */
export function software_pending(hart: u32): i64 {
  return atomic.load<i32>(hart, HART_MIP) as i64
}

/** Writes mip: SSIP, SEIP, and STIP unless stimecmp drives it. */
export function write_mip(hart: u32, value: i64): void {
  replace_pending(hart, has_supervisor_timer(hart) ? SSIP | SEIP : SSIP | SEIP | STIP, value)
}

/** Writes sip: SSIP, if it is delegated. */
export function write_sip(hart: u32, value: i64): void {
  replace_pending(hart, SSIP & load<i64>(hart, HART_MIDELEG), value)
}

/** Other threads set bits of mip at any time, so only the bits of `mask` may be touched. */
function replace_pending(hart: u32, mask: i64, value: i64): void {
  const set = (value & mask) as i32
  const clear = (~value & mask) as i32
  if (set !== 0) atomic.or<i32>(hart, set, HART_MIP)
  if (clear !== 0) atomic.and<i32>(hart, ~clear, HART_MIP)
  notice_interrupts(hart)
}
