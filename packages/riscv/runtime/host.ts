/**
 * What the runtime asks of the thread that runs the hart: imports of module "host" (named after this file).
 * They are JavaScript, so nothing hot calls them except a read of `time`.
 */

/** The `time` CSR now: ticks of 10 MHz since the machine started, an integer. */
export declare function clock(): f64

/** Asks the VMM to back guest-physical address `gpa`. 0: mapped now, walk again; 1: no memory is there. */
export declare function slat_fault(hart: u32, gpa: f64, write: u32): u32

/** An access of 1 << log2 bytes outside memory. 0: done, data in HART_MMIO_VALUE; 1: access fault. */
export declare function mmio(hart: u32, gpa: f64, log2: u32, write: u32): u32
