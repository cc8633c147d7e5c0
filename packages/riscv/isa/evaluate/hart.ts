/**
 * The evaluator's hart: one plain object, all registers as unsigned BigInt bit patterns.
 *
 * Why: the evaluator is the oracle that the fast engine is compared with, so it shares nothing with it: neither
 * the hart block's layout nor the runtime's code. What the specification leaves to the implementation (which
 * CSR bits exist, how illegal values are legalised) is stated here and in `csrs.ts`, and must agree.
 */

/** U, S and M; with `virtual` set, 0 is VU-mode and 1 is VS-mode. @spec riscv-priv "Privilege Levels" */
export type Privilege = 0 | 1 | 3

export const USER: Privilege = 0
export const SUPERVISOR: Privilege = 1
export const MACHINE: Privilege = 3

/** What LR remembers: SC stores only if the same address still holds the same value. */
export interface Reservation {
  /** physical address, naturally aligned */
  readonly address: bigint
  /** the value that was read, zero-extended */
  readonly value: bigint
}

/** CSRs that are storage of their own; views (sstatus, sie, fcsr …) are computed from these. */
export interface CsrValues {
  fflags: bigint
  frm: bigint
  mstatus: bigint
  medeleg: bigint
  mideleg: bigint
  mie: bigint
  /** the software-writable pending bits; `lines` and the timer comparison are ORed in when it is read */
  mip: bigint
  mtvec: bigint
  mcounteren: bigint
  mcountinhibit: bigint
  mscratch: bigint
  mepc: bigint
  mcause: bigint
  mtval: bigint
  menvcfg: bigint
  mcycle: bigint
  minstret: bigint
  stvec: bigint
  scounteren: bigint
  senvcfg: bigint
  sscratch: bigint
  sepc: bigint
  scause: bigint
  stval: bigint
  stimecmp: bigint
  satp: bigint
  mhpmcounter: bigint[]
  mhpmevent: bigint[]
  pmpcfg: bigint[]
  pmpaddr: bigint[]
}

/** CSRs of the hypervisor extension, modelled so that instructions can be classified with V = 1. */
export interface HypervisorCsrValues {
  hstatus: bigint
  hedeleg: bigint
  hideleg: bigint
  hie: bigint
  hvip: bigint
  hcounteren: bigint
  henvcfg: bigint
  htimedelta: bigint
  htval: bigint
  htinst: bigint
  hgatp: bigint
  hgeie: bigint
  mtval2: bigint
  mtinst: bigint
  vsstatus: bigint
  vsie: bigint
  vstvec: bigint
  vsscratch: bigint
  vsepc: bigint
  vscause: bigint
  vstval: bigint
  vsatp: bigint
  vstimecmp: bigint
}

/** Everything one hart is. */
export interface Hart {
  /** x[0] is always 0n */
  x: bigint[]
  /** NaN-boxed */
  f: bigint[]
  pc: bigint
  privilege: Privilege
  /** the virtualisation mode V */
  virtual: boolean
  reservation: Reservation | undefined
  csr: CsrValues
  /** present on a hart with the hypervisor extension */
  hypervisor: HypervisorCsrValues | undefined
  hartId: bigint
  /** interrupt bits driven by controllers, in mip's positions */
  lines: bigint
  /** ticks of the time CSR */
  time: bigint
}

const zeros = (count: number) => new Array<bigint>(count).fill(0n)

/** UXL = SXL = 2: all modes are 64 bits wide and these fields cannot be written. */
const RESET_MSTATUS = (2n << 34n) | (2n << 32n)

function resetHypervisor(): HypervisorCsrValues {
  return {
    hstatus: 2n << 32n,
    hedeleg: 0n,
    hideleg: 0n,
    hie: 0n,
    hvip: 0n,
    hcounteren: 0n,
    henvcfg: 0n,
    htimedelta: 0n,
    htval: 0n,
    htinst: 0n,
    hgatp: 0n,
    hgeie: 0n,
    mtval2: 0n,
    mtinst: 0n,
    vsstatus: 2n << 32n,
    vsie: 0n,
    vstvec: 0n,
    vsscratch: 0n,
    vsepc: 0n,
    vscause: 0n,
    vstval: 0n,
    vsatp: 0n,
    vstimecmp: 0n,
  }
}

/** A hart after reset: M-mode, pc 0, everything zero that may be. @spec riscv-priv "Reset" */
export function resetHart(options: { readonly hypervisor?: boolean } = {}): Hart {
  return {
    x: zeros(32),
    f: zeros(32),
    pc: 0n,
    privilege: MACHINE,
    virtual: false,
    reservation: undefined,
    csr: {
      fflags: 0n,
      frm: 0n,
      mstatus: RESET_MSTATUS,
      medeleg: 0n,
      mideleg: 0n,
      mie: 0n,
      mip: 0n,
      mtvec: 0n,
      mcounteren: 0n,
      mcountinhibit: 0n,
      mscratch: 0n,
      mepc: 0n,
      mcause: 0n,
      mtval: 0n,
      menvcfg: 0n,
      mcycle: 0n,
      minstret: 0n,
      stvec: 0n,
      scounteren: 0n,
      senvcfg: 0n,
      sscratch: 0n,
      sepc: 0n,
      scause: 0n,
      stval: 0n,
      stimecmp: 0n,
      satp: 0n,
      mhpmcounter: zeros(32),
      mhpmevent: zeros(32),
      pmpcfg: zeros(2),
      pmpaddr: zeros(16),
    },
    hypervisor: options.hypervisor === true ? resetHypervisor() : undefined,
    hartId: 0n,
    lines: 0n,
    time: 0n,
  }
}

/** A copy that shares nothing with the original. */
export function copyHart(hart: Hart): Hart {
  const { csr, hypervisor } = hart
  return {
    ...hart,
    x: [...hart.x],
    f: [...hart.f],
    csr: {
      ...csr,
      mhpmcounter: [...csr.mhpmcounter],
      mhpmevent: [...csr.mhpmevent],
      pmpcfg: [...csr.pmpcfg],
      pmpaddr: [...csr.pmpaddr],
    },
    hypervisor: hypervisor && { ...hypervisor },
  }
}

export const MASK64 = (1n << 64n) - 1n

/** Bits `hi..lo` of a value. */
export function bits(value: bigint, hi: number, lo: number): bigint {
  return (value >> BigInt(lo)) & ((1n << BigInt(hi - lo + 1)) - 1n)
}

/** Whether a bit is set. */
export function bit(value: bigint, position: number): boolean {
  return ((value >> BigInt(position)) & 1n) === 1n
}

/** The value with bits `hi..lo` replaced. */
export function withBits(value: bigint, hi: number, lo: number, field: bigint): bigint {
  const ones = ((1n << BigInt(hi - lo + 1)) - 1n) << BigInt(lo)
  return (value & ~ones) | ((field << BigInt(lo)) & ones)
}
