/**
 * Operands that a particular step of the runtime needs in order to be wrong, and that chance would seldom draw.
 * A mismatch that is ever found gets its entry here.
 */
import type { Bits } from './operations.ts'

/** Operands of one operation, compared in every rounding mode. */
export interface NamedCase {
  readonly why: string
  readonly operation: string
  readonly operands: readonly Bits[]
}

export const namedCases: readonly NamedCase[] = [
  {
    why: 'the product errs by exactly half a unit, the addend by a little less: their sum, rounded, looks exact',
    // (2^52 + 1) × 3 - (1 - 2^-53)
    operation: 'fmadd.d',
    operands: [0x4330_0000_0000_0001n, 0x4008_0000_0000_0000n, 0xbfef_ffff_ffff_ffffn],
  },
  {
    why: 'the addend lies exactly 64 bits from the product, so that a shift moves whole words',
    operation: 'fmsub.d',
    operands: [0xc32f_ffff_ffff_ffffn, 0xc7ef_fc66_f07d_ab9en, 0x472c_c87c_12a3_1000n],
  },
  {
    why: 'a product in [2, 4) whose bits below the 53 kept are zero but for the highest',
    operation: 'fmul.d',
    operands: [0xc02f_ffff_fff7_f862n, 0xc028_0000_0000_0000n],
  },
  {
    why: 'factors of moderate size whose product is infinite',
    operation: 'fmul.d',
    operands: [0x5ff0_0000_0000_0167n, 0xdff0_0000_0000_0167n],
  },
  {
    why: 'the result is the smallest normal single, reached by rounding a tiny one',
    operation: 'fmul.s',
    operands: [0x0000_0001n, 0x4aff_ffffn],
  },
  {
    why: 'the result is the smallest normal single, but was not tiny',
    operation: 'fmul.s',
    operands: [0x007f_ffffn, 0x3f80_0001n],
  },
]
