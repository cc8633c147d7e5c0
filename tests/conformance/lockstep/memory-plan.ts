/**
 * Where the parts of a lockstep program are, and the bits of page tables and CSRs that its makers share.
 *
 * ```
 *  0x80000000  harness, descriptors and bodies       virtual = physical, 2 MiB leaves
 *  0x81000000  data pages 0..4                       0x3fc0000000 + n and its upper-half twin, 4 KiB leaves
 *  0x81008000  page tables: roots for 3, 4 and 5 levels (code for S, code for U), leaves
 *  0x81020000  frame of the trap handler: saved state, log
 * ```
 */

/** Physical addresses. */
export const place = {
  program: 0x8000_0000,
  data: 0x8100_0000,
  tables: 0x8100_8000,
  frame: 0x8102_0000,
  uart: 0x1000_0000,
  finisher: 0x10_0000,
  /** nothing answers here */
  nowhere: 0x4000_0000_0000n,
} as const

/** Data pages: two that always work, two with random permissions, one that is not mapped. */
export const dataPages = 5
export const pageBytes = 4096

/** Where translated programs see the data pages: below the canonical hole, and above it. */
export const dataVirtual = [0x3f_c000_0000n, 0xffff_ffff_c000_0000n] as const

/** Bits of a page-table entry. @spec riscv-priv "Addressing and Memory Protection" */
export const pte = { v: 1n, r: 2n, w: 4n, x: 8n, u: 16n, g: 32n, a: 64n, d: 128n } as const

/** CSR numbers. @spec riscv-priv "CSR Listing" */
export const csr = {
  fflags: 0x001,
  frm: 0x002,
  fcsr: 0x003,
  sstatus: 0x100,
  sie: 0x104,
  stvec: 0x105,
  scounteren: 0x106,
  sscratch: 0x140,
  sepc: 0x141,
  scause: 0x142,
  stval: 0x143,
  sip: 0x144,
  satp: 0x180,
  mstatus: 0x300,
  medeleg: 0x302,
  mideleg: 0x303,
  mie: 0x304,
  mtvec: 0x305,
  mcounteren: 0x306,
  menvcfg: 0x30a,
  mscratch: 0x340,
  mepc: 0x341,
  mcause: 0x342,
  mtval: 0x343,
  mip: 0x344,
  pmpcfg0: 0x3a0,
  pmpaddr0: 0x3b0,
  mhartid: 0xf14,
} as const

/** Fields of mstatus. @spec riscv-priv "Machine Status (mstatus and mstatush) Registers" */
export const status = {
  fs: 3n << 13n,
  mpp: 3n << 11n,
  mprv: 1n << 17n,
  sum: 1n << 18n,
  mxr: 1n << 19n,
} as const
