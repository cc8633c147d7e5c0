/** Addresses of the CSRs that exist. packages/riscv/isa/csr.ts has the same with names and documentation. */
export const CSR_FFLAGS: u32 = 0x001
export const CSR_FRM: u32 = 0x002
export const CSR_FCSR: u32 = 0x003

export const CSR_SSTATUS: u32 = 0x100
export const CSR_SIE: u32 = 0x104
export const CSR_STVEC: u32 = 0x105
export const CSR_SCOUNTEREN: u32 = 0x106
export const CSR_SENVCFG: u32 = 0x10a
export const CSR_SSCRATCH: u32 = 0x140
export const CSR_SEPC: u32 = 0x141
export const CSR_SCAUSE: u32 = 0x142
export const CSR_STVAL: u32 = 0x143
export const CSR_SIP: u32 = 0x144
export const CSR_STIMECMP: u32 = 0x14d
export const CSR_SISELECT: u32 = 0x150
export const CSR_SIREG: u32 = 0x151
export const CSR_STOPEI: u32 = 0x15c
export const CSR_SATP: u32 = 0x180

export const CSR_MSTATUS: u32 = 0x300
export const CSR_MISA: u32 = 0x301
export const CSR_MEDELEG: u32 = 0x302
export const CSR_MIDELEG: u32 = 0x303
export const CSR_MIE: u32 = 0x304
export const CSR_MTVEC: u32 = 0x305
export const CSR_MCOUNTEREN: u32 = 0x306
export const CSR_MENVCFG: u32 = 0x30a
export const CSR_MCOUNTINHIBIT: u32 = 0x320
export const CSR_MSCRATCH: u32 = 0x340
export const CSR_MEPC: u32 = 0x341
export const CSR_MCAUSE: u32 = 0x342
export const CSR_MTVAL: u32 = 0x343
export const CSR_MIP: u32 = 0x344
export const CSR_PMPCFG0: u32 = 0x3a0
export const CSR_PMPCFG2: u32 = 0x3a2
export const CSR_PMPADDR0: u32 = 0x3b0
export const CSR_PMPADDR15: u32 = 0x3bf

export const CSR_TSELECT: u32 = 0x7a0
export const CSR_TDATA3: u32 = 0x7a3

export const CSR_STOPI: u32 = 0xdb0
export const CSR_MVENDORID: u32 = 0xf11
export const CSR_MARCHID: u32 = 0xf12
export const CSR_MIMPID: u32 = 0xf13
export const CSR_MHARTID: u32 = 0xf14
export const CSR_MCONFIGPTR: u32 = 0xf15

/** Number of the counter, 0..31, that `number` is in the block of 32 at `base`; counters are the low 5 bits. */
export function counter_of(number: u32): u32 {
  return number & 31
}
