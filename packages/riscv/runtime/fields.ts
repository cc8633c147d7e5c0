/** Privilege levels, causes, and bit fields of CSRs and page table entries, as the specification numbers them. */

export const PRV_U: i32 = 0
export const PRV_S: i32 = 1
export const PRV_M: i32 = 3

/** Exception causes. @spec riscv-priv "Machine Cause (mcause) Register" */
export const CAUSE_FETCH_ACCESS: i32 = 1
export const CAUSE_ILLEGAL: i32 = 2
export const CAUSE_LOAD_MISALIGNED: i32 = 4
export const CAUSE_LOAD_ACCESS: i32 = 5
export const CAUSE_STORE_MISALIGNED: i32 = 6
export const CAUSE_STORE_ACCESS: i32 = 7
export const CAUSE_ECALL_FROM_U: i32 = 8
export const CAUSE_FETCH_PAGE: i32 = 12
export const CAUSE_LOAD_PAGE: i32 = 13
export const CAUSE_STORE_PAGE: i32 = 15

/** Interrupt numbers, and so bits of mip and mie. @spec riscv-priv "Machine Interrupt (mip and mie) Registers" */
export const IRQ_SSI: i32 = 1
export const IRQ_MSI: i32 = 3
export const IRQ_STI: i32 = 5
export const IRQ_MTI: i32 = 7
export const IRQ_SEI: i32 = 9
export const IRQ_MEI: i32 = 11
export const SSIP: i64 = 1 << 1
export const STIP: i64 = 1 << 5
export const SEIP: i64 = 1 << 9
/** The interrupts that exist for S-mode: what mideleg can delegate. */
export const SUPERVISOR_IRQS: i64 = 0x222
/** Every interrupt that exists: what mie can enable. */
export const ALL_IRQS: i64 = 0xaaa

/** mstatus. @spec riscv-priv "Machine Status (mstatus and mstatush) Registers" */
export const STATUS_SIE: i64 = 1 << 1
export const STATUS_MIE: i64 = 1 << 3
export const STATUS_SPIE: i64 = 1 << 5
export const STATUS_MPIE: i64 = 1 << 7
export const STATUS_SPP: i64 = 1 << 8
export const STATUS_MPP: i64 = 3 << 11
export const STATUS_MPP_SHIFT: i64 = 11
export const STATUS_FS: i64 = 3 << 13
export const STATUS_MPRV: i64 = 1 << 17
export const STATUS_SUM: i64 = 1 << 18
export const STATUS_MXR: i64 = 1 << 19
export const STATUS_TVM: i64 = 1 << 20
export const STATUS_TW: i64 = 1 << 21
export const STATUS_TSR: i64 = 1 << 22
export const STATUS_SUM_SHIFT: i64 = 18
export const STATUS_MXR_SHIFT: i64 = 19
/** UXL and SXL: 64 bits, read-only. */
export const STATUS_UXL_64: i64 = 2 << 32
export const STATUS_SXL_64: i64 = 2 << 34
export const STATUS_SD: i64 = 1 << 63

/** menvcfg and senvcfg. @spec riscv-priv "Machine Environment Configuration (menvcfg) Register" */
export const ENVCFG_FIOM: i64 = 1
export const ENVCFG_CBIE_SHIFT: i64 = 4
export const ENVCFG_CBIE: i64 = 3 << 4
export const ENVCFG_CBCFE: i64 = 1 << 6
export const ENVCFG_CBZE: i64 = 1 << 7
export const ENVCFG_ADUE: i64 = 1 << 61
export const ENVCFG_PBMTE: i64 = 1 << 62
export const ENVCFG_STCE: i64 = 1 << 63

/** Page table entries. @spec riscv-priv "Sv39: Page-Based 39-bit Virtual-Memory System" */
export const PTE_V: i64 = 1
export const PTE_R: i64 = 2
export const PTE_W: i64 = 4
export const PTE_X: i64 = 8
export const PTE_U: i64 = 16
export const PTE_G: i64 = 32
export const PTE_A: i64 = 64
export const PTE_D: i64 = 128
export const PTE_RESERVED: i64 = 0x7f << 54
export const PTE_PBMT: i64 = 3 << 61
export const PTE_N: i64 = 1 << 63
/** The page number inside an entry, once shifted right by 10. */
export const PPN_MASK: i64 = (1 << 44) - 1
