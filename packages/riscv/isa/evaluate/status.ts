/**
 * Fields of mstatus and its views, and small questions about them.
 * @spec riscv-priv "Machine Status (mstatus and mstatush) Registers"
 */

import { bit, bits, type Hart, MACHINE, type Privilege, SUPERVISOR, USER, withBits } from './hart.ts'

/** Bit positions in mstatus (sstatus and vsstatus share them). */
export const SIE = 1
export const MIE = 3
export const SPIE = 5
export const MPIE = 7
export const SPP = 8
export const MPRV = 17
export const SUM = 18
export const MXR = 19
export const TVM = 20
export const TW = 21
export const TSR = 22
export const GVA = 38
export const MPV = 39

/** Bit positions in hstatus. @spec riscv-priv "Hypervisor Status Register (hstatus)" */
export const HSTATUS_GVA = 6
export const HSTATUS_SPV = 7
export const HSTATUS_SPVP = 8
export const HSTATUS_HU = 9
export const HSTATUS_VTVM = 20
export const HSTATUS_VTW = 21
export const HSTATUS_VTSR = 22

const SD = 1n << 63n
const FS_DIRTY = 3n << 13n

const mask = (...positions: readonly number[]) =>
  positions.reduce((all, position) => all | (1n << BigInt(position)), 0n)

/** Bits that software may write in mstatus; MPV and GVA exist with the hypervisor extension only. */
const MSTATUS_WRITABLE = mask(SIE, MIE, SPIE, MPIE, SPP, 11, 12, 13, 14, MPRV, SUM, MXR, TVM, TW, TSR)
const SSTATUS_WRITABLE = mask(SIE, SPIE, SPP, 13, 14, SUM, MXR)
/** sstatus also shows UXL. */
const SSTATUS_VISIBLE = SSTATUS_WRITABLE | (3n << 32n)

/** SD is not stored: it says whether FS is Dirty. */
export function readMstatus(hart: Hart): bigint {
  return withDirtySummary(hart.csr.mstatus)
}

export function readSstatus(hart: Hart): bigint {
  return withDirtySummary(hart.csr.mstatus & SSTATUS_VISIBLE)
}

function withDirtySummary(status: bigint): bigint {
  return bits(status, 14, 13) === 3n ? status | SD : status & ~SD
}

/** MPP cannot hold 2, which is no privilege level: such a write makes it U. */
export function writeMstatus(hart: Hart, value: bigint): void {
  const writable = hart.hypervisor === undefined ? MSTATUS_WRITABLE : MSTATUS_WRITABLE | mask(GVA, MPV)
  const old = hart.csr.mstatus
  const legal = bits(value, 12, 11) === 2n ? withBits(value, 12, 11, 0n) : value
  hart.csr.mstatus = (old & ~writable) | (legal & writable)
}

export function writeSstatus(hart: Hart, value: bigint): void {
  hart.csr.mstatus = (hart.csr.mstatus & ~SSTATUS_WRITABLE) | (value & SSTATUS_WRITABLE)
}

/** vsstatus: what a guest sees as its sstatus. @spec riscv-priv "Virtual Supervisor Status Register (vsstatus)" */
export function readVsstatus(status: bigint): bigint {
  return withDirtySummary(status)
}

export function legalVsstatus(old: bigint, value: bigint): bigint {
  return (old & ~SSTATUS_WRITABLE) | (value & SSTATUS_WRITABLE)
}

/** FP instructions and CSRs are legal unless FS is Off; with V = 1 both FS fields count. */
export function fpEnabled(hart: Hart): boolean {
  if (bits(hart.csr.mstatus, 14, 13) === 0n) return false
  return !hart.virtual || bits(hart.hypervisor?.vsstatus ?? 0n, 14, 13) !== 0n
}

/** Marks the FP state as changed: FS becomes Dirty, in both fields when V = 1. */
export function dirtyFp(hart: Hart): void {
  hart.csr.mstatus |= FS_DIRTY
  if (hart.virtual && hart.hypervisor !== undefined) hart.hypervisor.vsstatus |= FS_DIRTY
}

/** The privilege and V with which loads and stores go: MPRV borrows those of the last trap. */
export function dataPrivilege(hart: Hart): { readonly privilege: Privilege; readonly virtual: boolean } {
  if (hart.privilege !== MACHINE || !bit(hart.csr.mstatus, MPRV)) {
    return { privilege: hart.privilege, virtual: hart.virtual }
  }
  const privilege = previousPrivilege(hart)
  return { privilege, virtual: privilege !== MACHINE && bit(hart.csr.mstatus, MPV) }
}

/** mstatus.MPP as a privilege. */
export function previousPrivilege(hart: Hart): Privilege {
  switch (bits(hart.csr.mstatus, 12, 11)) {
    case 0n:
      return USER
    case 1n:
      return SUPERVISOR
    default:
      return MACHINE
  }
}
