/**
 * Traps: into the handler and out of it again.
 * @spec riscv-priv "Machine Trap Delegation (medeleg and mideleg) Registers" @spec riscv-priv "Trap Entry"
 */

import {
  bit,
  bits,
  type Hart,
  type HypervisorCsrValues,
  MACHINE,
  type Privilege,
  SUPERVISOR,
  USER,
  withBits,
} from './hart.ts'
import {
  GVA,
  HSTATUS_GVA,
  HSTATUS_SPV,
  HSTATUS_SPVP,
  MIE,
  MPIE,
  MPRV,
  MPV,
  previousPrivilege,
  SIE,
  SPIE,
  SPP,
} from './status.ts'

/** Exception codes. @spec riscv-priv "Machine Cause (mcause) Register" */
export const cause = {
  fetchAccess: 1,
  illegal: 2,
  breakpoint: 3,
  loadMisaligned: 4,
  loadAccess: 5,
  storeMisaligned: 6,
  storeAccess: 7,
  ecallFromU: 8,
  ecallFromS: 9,
  ecallFromVs: 10,
  ecallFromM: 11,
  fetchPage: 12,
  loadPage: 13,
  storePage: 15,
  fetchGuestPage: 20,
  loadGuestPage: 21,
  virtualInstruction: 22,
  storeGuestPage: 23,
} as const

/** An exception about to be taken. */
export interface Exception {
  readonly cause: number
  readonly tval: bigint
  /** the guest-physical address of a guest-page fault, shifted right by 2 */
  readonly tval2?: bigint
  /** tval is a guest virtual address */
  readonly guestAddress?: boolean
}

const INTERRUPT = 1n << 63n
const STCE = 63
const STIP = 5

/** Where a trap is handled. */
export type Handler = 'M' | 'S' | 'VS'

function handlerOf(hart: Hart, code: number, delegated: bigint, guestDelegated: bigint): Handler {
  if (hart.privilege === MACHINE || !bit(delegated, code)) return 'M'
  return hart.virtual && bit(guestDelegated, code) ? 'VS' : 'S'
}

/** Takes an exception at hart.pc. Returns who handles it. */
export function takeException(hart: Hart, exception: Exception): Handler {
  const handler = handlerOf(hart, exception.cause, hart.csr.medeleg, hart.hypervisor?.hedeleg ?? 0n)
  enter(hart, handler, BigInt(exception.cause), exception)
  return handler
}

/** mip as software reads it: its own bits, the controllers' lines, and the Sstc comparison. */
export function pendingBits(hart: Hart): bigint {
  const pending = hart.csr.mip | hart.lines
  return bit(hart.csr.menvcfg, STCE)
    ? withBits(pending, STIP, STIP, hart.time >= hart.csr.stimecmp ? 1n : 0n)
    : pending
}

/** Order in which simultaneous interrupts are taken: external, software, timer; M before S. */
const INTERRUPT_ORDER = [11, 3, 7, 9, 1, 5] as const

/**
 * The interrupt to take before the next instruction, or undefined.
 * With V = 1 only interrupts for M and HS are considered: the guest's own (hvip) play no part in classification.
 */
export function pendingInterrupt(hart: Hart): number | undefined {
  const { csr, privilege } = hart
  const enabled = pendingBits(hart) & csr.mie
  const machine = privilege < MACHINE || bit(csr.mstatus, MIE) ? enabled & ~csr.mideleg : 0n
  const below = privilege < SUPERVISOR || hart.virtual
  const supervisor = below || (privilege === SUPERVISOR && bit(csr.mstatus, SIE)) ? enabled & csr.mideleg : 0n
  return (
    INTERRUPT_ORDER.find((code) => bit(machine, code)) ??
    INTERRUPT_ORDER.find((code) => bit(supervisor, code))
  )
}

/** Takes an interrupt at hart.pc. */
export function takeInterrupt(hart: Hart, code: number): void {
  enter(hart, bit(hart.csr.mideleg, code) ? 'S' : 'M', INTERRUPT | BigInt(code), { cause: code, tval: 0n })
}

function enter(hart: Hart, handler: Handler, code: bigint, exception: Exception): void {
  hart.reservation = undefined
  switch (handler) {
    case 'M':
      enterMachine(hart, code, exception)
      break
    case 'S':
      enterSupervisor(hart, code, exception)
      break
    case 'VS':
      if (hart.hypervisor !== undefined) enterGuestSupervisor(hart, hart.hypervisor, code, exception)
  }
}

function vector(tvec: bigint, code: bigint): bigint {
  const base = tvec & ~3n
  const offset = bits(tvec, 1, 0) === 1n && (code & INTERRUPT) !== 0n ? (code & ~INTERRUPT) * 4n : 0n
  return BigInt.asUintN(64, base + offset)
}

function enterMachine(hart: Hart, code: bigint, exception: Exception): void {
  const { csr } = hart
  csr.mepc = hart.pc
  csr.mcause = code
  csr.mtval = exception.tval
  let status = withBits(csr.mstatus, MPIE, MPIE, bits(csr.mstatus, MIE, MIE))
  status = withBits(status, MIE, MIE, 0n)
  status = withBits(status, 12, 11, BigInt(hart.privilege))
  if (hart.hypervisor !== undefined) {
    status = withBits(status, MPV, MPV, hart.virtual ? 1n : 0n)
    status = withBits(status, GVA, GVA, exception.guestAddress === true ? 1n : 0n)
    hart.hypervisor.mtval2 = exception.tval2 ?? 0n
    hart.hypervisor.mtinst = 0n
  }
  csr.mstatus = status
  setMode(hart, MACHINE, false)
  hart.pc = vector(csr.mtvec, code)
}

function enterSupervisor(hart: Hart, code: bigint, exception: Exception): void {
  const { csr, hypervisor } = hart
  csr.sepc = hart.pc
  csr.scause = code
  csr.stval = exception.tval
  csr.mstatus = pushStatus(csr.mstatus, hart.privilege)
  if (hypervisor !== undefined) {
    let status = withBits(hypervisor.hstatus, HSTATUS_SPV, HSTATUS_SPV, hart.virtual ? 1n : 0n)
    if (hart.virtual) status = withBits(status, HSTATUS_SPVP, HSTATUS_SPVP, BigInt(hart.privilege))
    hypervisor.hstatus = withBits(status, HSTATUS_GVA, HSTATUS_GVA, exception.guestAddress === true ? 1n : 0n)
    hypervisor.htval = exception.tval2 ?? 0n
    hypervisor.htinst = 0n
  }
  setMode(hart, SUPERVISOR, false)
  hart.pc = vector(csr.stvec, code)
}

function enterGuestSupervisor(
  hart: Hart,
  csr: HypervisorCsrValues,
  code: bigint,
  exception: Exception,
): void {
  csr.vsepc = hart.pc
  csr.vscause = code
  csr.vstval = exception.tval
  csr.vsstatus = pushStatus(csr.vsstatus, hart.privilege)
  setMode(hart, SUPERVISOR, true)
  hart.pc = vector(csr.vstvec, code)
}

/** The supervisor's stack of interrupt enable and privilege, on entry. */
function pushStatus(status: bigint, from: Privilege): bigint {
  const saved = withBits(status, SPIE, SPIE, bits(status, SIE, SIE))
  return withBits(withBits(saved, SIE, SIE, 0n), SPP, SPP, BigInt(from))
}

/** The same stack on return: SPP becomes U. */
function popStatus(status: bigint): bigint {
  const restored = withBits(status, SIE, SIE, bits(status, SPIE, SPIE))
  return withBits(withBits(restored, SPIE, SPIE, 1n), SPP, SPP, 0n)
}

function setMode(hart: Hart, privilege: Privilege, virtual: boolean): void {
  hart.privilege = privilege
  hart.virtual = virtual
}

/** Returns from an M-mode handler; the privilege check has been made. @spec riscv-priv "Trap-Return Instructions" */
export function returnFromMachine(hart: Hart): bigint {
  const { csr } = hart
  const to = previousPrivilege(hart)
  const virtual = to !== MACHINE && bit(csr.mstatus, MPV)
  let status = withBits(csr.mstatus, MIE, MIE, bits(csr.mstatus, MPIE, MPIE))
  status = withBits(status, MPIE, MPIE, 1n)
  status = withBits(status, 12, 11, 0n)
  status = withBits(status, MPV, MPV, 0n)
  if (to !== MACHINE) status = withBits(status, MPRV, MPRV, 0n)
  csr.mstatus = status
  setMode(hart, to, virtual)
  return csr.mepc
}

/** Returns from an S-mode or VS-mode handler; the privilege checks have been made. */
export function returnFromSupervisor(hart: Hart): bigint {
  const { csr, hypervisor } = hart
  if (hart.virtual && hypervisor !== undefined) {
    const to = bit(hypervisor.vsstatus, SPP) ? SUPERVISOR : USER
    hypervisor.vsstatus = popStatus(hypervisor.vsstatus)
    setMode(hart, to, true)
    return hypervisor.vsepc
  }
  const to = bit(csr.mstatus, SPP) ? SUPERVISOR : USER
  csr.mstatus = withBits(popStatus(csr.mstatus), MPRV, MPRV, 0n)
  const virtual = hypervisor !== undefined && bit(hypervisor.hstatus, HSTATUS_SPV)
  if (hypervisor !== undefined)
    hypervisor.hstatus = withBits(hypervisor.hstatus, HSTATUS_SPV, HSTATUS_SPV, 0n)
  setMode(hart, to, virtual)
  return csr.sepc
}
