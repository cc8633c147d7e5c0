/** Fences of address translation and of instruction fetch. */
import { drop_contexts, drop_contexts_of_asid } from './context'
import { raise_illegal } from './exception'
import { PRV_S, PRV_U, STATUS_TVM } from './fields'
import {
  HART_FETCH_EPOCH,
  HART_MSTATUS,
  HART_PRV,
  HART_STAT_FENCE_I,
  HART_STAT_FENCES,
  HART_SUPER1_G,
  HART_SUPER2_M,
} from './generated/layout'
import { drop_tables } from './table-cache'
import { clear_fetch_entries, drop_page, drop_page_of_asid, drop_region } from './tlb'
import { ANY_1G, bit_of_1g, bit_of_2m } from './translate'

/** Bits of `mode`: an address is given (rs1 ≠ x0), an address space is given (rs2 ≠ x0). */
const BY_ADDRESS: u32 = 1
const BY_ASID: u32 = 2

/**
 * sfence.vma and sinval.vma. Dropped is what is named, but for pieces of leaves larger than a page: those of the
 * whole leaf, in every address space. @spec riscv-priv "Supervisor Memory-Management Fence Instruction"
 */
export function sfence_vma(hart: u32, addr: u64, asid: u64, mode: u32): void {
  const prv = load<i32>(hart, HART_PRV)
  if (prv === PRV_U || (prv === PRV_S && (load<i64>(hart, HART_MSTATUS) & STATUS_TVM) !== 0)) {
    raise_illegal(hart)
    return
  }
  const counter = hart + (mode << 2)
  store<i32>(counter, load<i32>(counter, HART_STAT_FENCES) + 1, HART_STAT_FENCES)
  const space = (asid as u32) & 0xffff
  if (mode & BY_ADDRESS) fence_address(hart, addr, space, mode)
  else if (mode & BY_ASID) drop_contexts_of_asid(hart, space)
  else drop_contexts(hart)
}

/**
 * Drops the page of `addr`, and all pieces of a larger leaf that may map it. The page tables on the way to it are
 * forgotten as well: no fence of an address asks for that, but a kernel may believe it.
 */
function fence_address(hart: u32, addr: i64, asid: u32, mode: u32): void {
  drop_tables(hart, addr)
  const large = load<i64>(hart, HART_SUPER1_G)
  const bit = bit_of_2m(addr)
  const word = load<i64>(hart + ((bit >> 6) << 3), HART_SUPER2_M)
  if (large === ANY_1G) drop_contexts(hart)
  else if (large & bit_of_1g(addr)) drop_region(hart, addr, 30)
  else if ((word >> (bit & 63)) & 1) drop_region(hart, addr, 21)
  else if (mode & BY_ASID) drop_page_of_asid(hart, addr, asid)
  else drop_page(hart, addr)
}

/** sfence.w.inval and sfence.inval.ir order nothing here; they are illegal in U-mode. @spec riscv-priv "Svinval" */
export function sinval_check(hart: u32): void {
  if (load<i32>(hart, HART_PRV) === PRV_U) raise_illegal(hart)
}

/** Makes the next fetch from each page look whether its code changed. @spec riscv-unpriv "Zifencei" */
export function fence_i(hart: u32): void {
  store<i32>(hart, load<i32>(hart, HART_STAT_FENCE_I) + 1, HART_STAT_FENCE_I)
  store<u32>(hart, load<u32>(hart, HART_FETCH_EPOCH) + 1, HART_FETCH_EPOCH)
  clear_fetch_entries(hart)
}
