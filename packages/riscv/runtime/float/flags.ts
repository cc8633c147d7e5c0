/**
 * Accrued exception flags, and the rounding modes, of this WebAssembly instance.
 *
 * Why a global: an instance belongs to one worker and runs one hart at a time, so flags need neither a hart
 * pointer nor memory. Whoever runs a hart moves this global into and out of that hart's `fflags`; see README.
 */

/** Flags raised since the owner last cleared this, in the layout of `fflags`. */
export let float_flags: i32 = 0

/** Inexact. @spec riscv-unpriv "Floating-Point Control and Status Register" */
export const NX: i32 = 1
/** Underflow. */
export const UF: i32 = 2
/** Overflow. */
export const OF: i32 = 4
/** Divide by zero. */
export const DZ: i32 = 8
/** Invalid operation. */
export const NV: i32 = 16

/** Round to nearest, ties to even. The values are those of `frm`. */
export const RNE: i32 = 0
/** Round towards zero. */
export const RTZ: i32 = 1
/** Round down. */
export const RDN: i32 = 2
/** Round up. */
export const RUP: i32 = 3
/** Round to nearest, ties away from zero. */
export const RMM: i32 = 4

/** Accrue `flags`. */
export function raise(flags: i32): void {
  float_flags |= flags
}

/**
 * Whether NX has still to be decided: it stays raised, so while it is, the proof of exactness can be left out.
 * Only of use to a caller that leaves the flags standing between operations.
 */
export function isExactSoFar(): bool {
  return (float_flags & NX) == 0
}

/** Accrue NX if `inexact`. No branch: on ordinary data it would be a coin toss. */
export function raiseInexact(inexact: bool): void {
  float_flags |= inexact as i32
}
