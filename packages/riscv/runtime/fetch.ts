/** Instruction fetches that miss the fetch TLB, and instructions that lie across two pages. */
import { records_of_frame } from './code-page'
import { FETCH } from './exception'
import { HART_SCRATCH, HART_STAT_TLB_MISS_X } from './generated/layout'
import { PAGE_FRAME } from './slat'
import { FAULT, remember_fetch, translate } from './translate'

/** An instruction is made of parcels of this many bytes. */
const PARCEL_BYTES: u32 = 2

/**
 * First record of the decoded page of `pc`, or 0 with an exception raised (xtval = pc). Where PMP splits the page,
 * this checks the instruction at `pc`, and such a page is looked up again at each entry.
 */
export function fetch_slow(hart: u32, pc: u64): u32 {
  store<i32>(hart, load<i32>(hart, HART_STAT_TLB_MISS_X) + 1, HART_STAT_TLB_MISS_X)
  const arena = translate(hart, pc, FETCH, PARCEL_BYTES)
  if (arena === FAULT) return 0
  const records = records_of_frame(hart, arena & PAGE_FRAME)
  remember_fetch(hart, pc, records)
  return records
}

/**
 * Reads the 4-byte instruction at `pc`, the last parcel of its page, into HART_SCRATCH. Returns 1, or 0 with an
 * exception raised: xtval is the address of the parcel that cannot be fetched.
 */
export function fetch_cross(hart: u32, pc: u64): u32 {
  const low = translate(hart, pc, FETCH, PARCEL_BYTES)
  if (low === FAULT) return 0
  const high = translate(hart, pc + PARCEL_BYTES, FETCH, PARCEL_BYTES)
  if (high === FAULT) return 0
  store<u32>(hart, (load<u16>(low) as u32) | ((load<u16>(high) as u32) << 16), HART_SCRATCH)
  return 1
}
