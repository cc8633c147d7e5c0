/** The life of a hart as the VMM sees it: reset, the start of a slice, requests of other threads. */
import {
  address_space_current,
  drop_contexts,
  enter_address_space,
  reset_contexts,
  select_contexts,
} from './context'
import { fence_i } from './fence'
import { PRV_M, STATUS_SXL_64, STATUS_UXL_64 } from './fields'
import {
  HART_ATTENTION,
  HART_EXC_CAUSE,
  HART_FETCH_EPOCH,
  HART_MSTATUS,
  HART_NO_GLOBAL_SPLIT,
  HART_PRV,
  HART_REQUESTS,
  HART_STIMECMP,
  REQUEST_FENCE_I,
  REQUEST_FLUSH_SLAT,
  REQUEST_FLUSH_TLB,
} from './generated/layout'
import { refresh_pmp_active } from './pmp'
import { clear_guest_pages } from './slat'
import { update_supervisor_timer } from './timer'
import { take_interrupt } from './trap'

/** The requests that the runtime serves. */
const SERVED: u32 = REQUEST_FENCE_I | REQUEST_FLUSH_TLB | REQUEST_FLUSH_SLAT

/**
 * Reset values of the privileged state, M-mode. The VMM has zeroed the block and set its pointers; it sets pc, and
 * may then change any CSR in memory, because `enter` looks again. @spec riscv-priv "Reset"
 */
export function hart_init(hart: u32): void {
  store<i32>(hart, PRV_M, HART_PRV)
  store<i64>(hart, STATUS_UXL_64 | STATUS_SXL_64, HART_MSTATUS)
  store<i64>(hart, -1, HART_STIMECMP)
  store<i32>(hart, -1, HART_EXC_CAUSE)
  store<i32>(hart, 1, HART_FETCH_EPOCH)
  store<i32>(hart, 0, HART_NO_GLOBAL_SPLIT)
  flush_all(hart)
}

/** Drops everything cached about translation. Also after the VMM restored a hart block from a snapshot. */
export function flush_all(hart: u32): void {
  refresh_pmp_active(hart)
  clear_guest_pages(hart)
  reset_contexts(hart)
}

/** Start of a slice: serves requests, brings the timer up to date and takes an interrupt that is due. */
export function enter(hart: u32): void {
  atomic.store<i32>(hart, 0, HART_ATTENTION)
  if ((atomic.load<u32>(hart, HART_REQUESTS) & SERVED) !== 0) serve_requests(hart)
  if (address_space_current(hart)) select_contexts(hart)
  else enter_address_space(hart)
  update_supervisor_timer(hart)
  take_interrupt(hart)
}

/** A request's bit is cleared before it is served: one that is made again meanwhile is served again. */
function serve_requests(hart: u32): void {
  const requests = atomic.and<u32>(hart, ~SERVED, HART_REQUESTS)
  if (requests & REQUEST_FENCE_I) fence_i(hart)
  if (requests & REQUEST_FLUSH_SLAT) flush_all(hart)
  else if (requests & REQUEST_FLUSH_TLB) drop_contexts(hart)
}
