/**
 * From virtual to arena addresses, for one access: page walk (or none), second-level table, PMP. And what may be
 * put in the TLB afterwards.
 */
import { data_context, data_privilege, end_global_split, fetch_context } from './context'
import { FETCH, READ, raise_access_fault, WRITE } from './exception'
import { PRV_M, PTE_D, PTE_G, PTE_W } from './fields'
import { HART_PRV, HART_SATP, HART_SUPER1_G, HART_SUPER2_M } from './generated/layout'
import { PMP_MACHINE_SHIFT, PMP_MIXED, PMP_R, PMP_W, PMP_X, pmp_allows } from './pmp'
import { guest_page, NO_MEMORY, PAGE_FRAME, peek_guest_page, SLAT_EXECUTABLE, SLAT_WRITABLE } from './slat'
import { install_fetch, install_read, install_write, probe_fetch } from './tlb'
import { leaf_flags, leaf_shift, NO_ADDRESS, set_identity_leaf, walk } from './walk'

/** What `translate` returns besides arena addresses, which are never this small. */
export const FAULT: u32 = 0
export const DEVICE: u32 = 1

/** Guest-physical address of the last translation. */
export let guest_address: u64 = 0
/** Frame and permissions that `guest_page` gave for it, and the privilege it was made for. */
let translated_page: u32 = 0
let translated_prv: i32 = 0

/** Addresses without translation have this many bits. */
const PHYSICAL_ADDRESS_BITS: u64 = 56

/** Whether accesses by `prv` go through a page table. */
function is_translated(hart: u32, prv: i32): bool {
  return prv !== PRV_M && load<u64>(hart, HART_SATP) >> 60 !== 0
}

/**
 * Arena address for an access of `kind` to `size` bytes (inside one page) at `addr`; DEVICE when there is no
 * memory (guest_address says where); FAULT with the exception raised. A fetch from a device is an access fault.
 */
export function translate(hart: u32, addr: i64, kind: i32, size: u32): u32 {
  const prv = kind === FETCH ? load<i32>(hart, HART_PRV) : data_privilege(hart)
  let gpa = addr
  if (is_translated(hart, prv)) {
    gpa = walk(hart, addr, kind, prv, false)
    if (gpa === NO_ADDRESS) return FAULT
  } else {
    set_identity_leaf()
    if ((addr as u64) >> PHYSICAL_ADDRESS_BITS !== 0) return access_fault(hart, addr, kind)
  }
  const page = guest_page(hart, gpa, kind)
  guest_address = gpa
  translated_page = page
  translated_prv = prv
  const permission = kind === READ ? PMP_R : kind === WRITE ? PMP_W : PMP_X
  const allowed = page & PMP_MIXED ? pmp_allows(hart, gpa, size, permission, prv) : page_allows(permission)
  if (!allowed) return access_fault(hart, addr, kind)
  if (page & NO_MEMORY) return kind === FETCH ? access_fault(hart, addr, kind) : DEVICE
  if (kind === FETCH && (page & SLAT_EXECUTABLE) === 0) return access_fault(hart, addr, kind)
  return (page & PAGE_FRAME) | ((gpa as u32) & 0xfff)
}

function access_fault(hart: u32, addr: i64, kind: i32): u32 {
  raise_access_fault(hart, addr, kind)
  return FAULT
}

/** Whether PMP grants the whole translated page `permission` to the privilege of the last translation. */
function page_allows(permission: i32): bool {
  const shift: u32 = translated_prv === PRV_M ? PMP_MACHINE_SHIFT : 0
  return ((translated_page >> shift) & permission) !== 0
}

/** Puts the last translation, of a load or store at `addr` to `arena`, in the TLBs as far as that is allowed. */
export function remember_data(hart: u32, addr: i64, arena: u32): void {
  if (translated_page & PMP_MIXED) return
  note_leaf(hart, addr)
  const context = data_context(hart, addr)
  // Every legal leaf that can be written can be read, and a load has been allowed already.
  if (page_allows(PMP_R)) install_read(hart, addr, context, arena)
  const leafWritable = (leaf_flags & (PTE_W | PTE_D)) === (PTE_W | PTE_D)
  if (leafWritable && (translated_page & SLAT_WRITABLE) !== 0 && page_allows(PMP_W)) {
    install_write(hart, addr, context, arena)
  }
}

/** Puts the last translation, of a fetch at `pc` whose page's records are at `records`, in the fetch TLB. */
export function remember_fetch(hart: u32, pc: i64, records: u32): void {
  if (translated_page & PMP_MIXED) return
  note_leaf(hart, pc)
  install_fetch(hart, pc, fetch_context(hart, pc), records)
}

/** First record of the decoded page of `pc` if the fetch TLB has it, else 0. */
export function fetched_records(hart: u32, pc: i64): u32 {
  return probe_fetch(hart, pc, fetch_context(hart, pc))
}

/** Before pieces of the last leaf go in a TLB: notes what sfence.vma and the context sets must know of it. */
function note_leaf(hart: u32, addr: i64): void {
  if (addr < 0 && (leaf_flags & PTE_G) === 0) end_global_split(hart)
  if (leaf_shift > 12) note_large_leaf(hart, addr)
}

/** Number of the bit for `addr` in super2M: 512 regions of 2 MiB in each half of the address space. */
export function bit_of_2m(addr: i64): u32 {
  return (((addr >>> 21) as u32) & 511) | (addr < 0 ? 512 : 0)
}

/** Bit for `addr` in super1G: 32 regions of 1 GiB in each half. */
export function bit_of_1g(addr: i64): i64 {
  return (1 as i64) << (((addr >>> 30) & 31) | (addr < 0 ? 32 : 0))
}

/** All bits of super1G: pieces of a leaf larger than 1 GiB may be anywhere. */
export const ANY_1G: i64 = -1

function note_large_leaf(hart: u32, addr: i64): void {
  if (leaf_shift <= 21) {
    const bit = bit_of_2m(addr)
    const word = hart + ((bit >> 6) << 3)
    store<i64>(word, load<i64>(word, HART_SUPER2_M) | ((1 as i64) << (bit & 63)), HART_SUPER2_M)
  } else {
    const bits = leaf_shift === 30 ? bit_of_1g(addr) : ANY_1G
    store<i64>(hart, load<i64>(hart, HART_SUPER1_G) | bits, HART_SUPER1_G)
  }
}

/**
 * Arena address that an access of kind `kind` (0 load, 1 store, 2 fetch) at `addr` would go to, 0 if it would
 * fault or there is no memory mapped yet. Without side effects, and without PMP: for debuggers and tests.
 */
export function virtual_to_arena(hart: u32, addr: u64, kind: u32): u32 {
  const prv = kind === FETCH ? load<i32>(hart, HART_PRV) : data_privilege(hart)
  let gpa: i64 = addr
  if (is_translated(hart, prv)) gpa = walk(hart, addr, kind, prv, true)
  else if (addr >> PHYSICAL_ADDRESS_BITS !== 0) return 0
  if (gpa === NO_ADDRESS) return 0
  const page = peek_guest_page(hart, gpa)
  return page & NO_MEMORY ? 0 : (page & PAGE_FRAME) | ((gpa as u32) & 0xfff)
}
