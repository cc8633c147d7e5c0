/**
 * From guest-physical to arena addresses: the machine's second-level table, Sv48x4 in arena frames, with the
 * hart's guest-physical TLB (GTLB) and a cache of where its last-level tables are in front.
 *
 * A GTLB entry also keeps what PMP says of the page, so that a page walk checks each of its own accesses with one
 * AND. A page without memory is kept too (NO_MEMORY): the VMM raises REQUEST_FLUSH_SLAT when it adds some there.
 * @spec riscv-priv "Guest Physical Address Translation"
 */
import { WRITE } from './exception'
import { PTE_A, PTE_D, PTE_R, PTE_V, PTE_W, PTE_X } from './fields'
import {
  ENTRIES_G,
  ENTRIES_SLAT_TABLES,
  HART_SLAT_ROOT,
  HART_STAT_SLAT_FAULTS,
  PART_GTLB,
  PART_SLAT_TABLES,
} from './generated/layout'
import { slat_fault } from './host'
import { pmp_page } from './pmp'

/** Low bits of what `guest_page` returns; the rest is the frame's arena address. */
export const PAGE_FRAME: u32 = 0xfffff000
/** Bits 0..6 are what `pmp_page` says. These: the second-level leaf can be written (its D bit is set) and executed. */
export const SLAT_WRITABLE: u32 = 128
export const SLAT_EXECUTABLE: u32 = 256
/** No memory at this address: a device, or nothing. */
export const NO_MEMORY: u32 = 512

const ENTRY_BYTES_LOG2: u32 = 3
/** Guest-physical addresses have this many bits; above it there is nothing. Keeps page numbers + 1 in a u32. */
const GUEST_ADDRESS_BITS: u64 = 43
/** How often the VMM is asked for one page before it is taken to be absent. */
const FAULT_LIMIT: i32 = 3
/** Address bits below what one last-level table maps. */
const TABLE_SHIFT: u64 = 21
const TABLE_MASK: u64 = (1 << 44) - 1

/** Frame and permissions of the page of guest-physical `gpa`, good for access `kind` if SLAT allows it at all. */
export function guest_page(hart: u32, gpa: u64, kind: i32): u32 {
  if (gpa >> GUEST_ADDRESS_BITS !== 0) return NO_MEMORY | (pmp_page(hart, gpa & ~0xfff) as u32)
  const page = (gpa >> 12) as u32
  const entry = hart + ((page & (ENTRIES_G - 1)) << ENTRY_BYTES_LOG2)
  if (load<u32>(entry, PART_GTLB) === page + 1) {
    const value = load<u32>(entry, PART_GTLB + 4)
    if (kind !== WRITE || (value & (SLAT_WRITABLE | NO_MEMORY)) !== 0) return value
  }
  const found = find_page(hart, gpa, kind === WRITE)
  const value = found | (pmp_page(hart, gpa & ~0xfff) as u32)
  // a page that can only be read looks absent to this write, but must not to the next read
  if (found === NO_MEMORY && kind === WRITE && walk_slat(hart, gpa, false, false) !== 0) return value
  store<u32>(entry, page + 1, PART_GTLB)
  store<u32>(entry, value, PART_GTLB + 4)
  return value
}

/** Like `guest_page`, without effects: nothing is cached, marked or asked of the VMM. PMP is not looked at. */
export function peek_guest_page(hart: u32, gpa: u64): u32 {
  if (gpa >> GUEST_ADDRESS_BITS !== 0) return NO_MEMORY
  const frame = walk_slat(hart, gpa, false, false)
  return frame === 0 ? NO_MEMORY : frame
}

/** Walks SLAT, asking the VMM for what is missing. */
function find_page(hart: u32, gpa: u64, write: bool): u32 {
  for (let tries = 0; tries < FAULT_LIMIT; tries++) {
    const frame = walk_slat(hart, gpa, write, true)
    if (frame !== 0) return frame
    store<i32>(hart, load<i32>(hart, HART_STAT_SLAT_FAULTS) + 1, HART_STAT_SLAT_FAULTS)
    if (slat_fault(hart, gpa as f64, write as u32) !== 0) break
  }
  return NO_MEMORY
}

/**
 * The frame of `gpa` with its SLAT permissions, or 0 when there is none for this access. With `mark`, A and D are
 * set as a walk sets them; without, nothing is written.
 */
function walk_slat(hart: u32, gpa: u64, write: bool, mark: bool): u32 {
  let shift: u64 = 12
  let table = mark ? known_table(hart, gpa) : 0
  if (table === 0) {
    shift = 39
    table = load<u32>(hart, HART_SLAT_ROOT)
  }
  let index = (gpa >> shift) as u32
  if (shift === 12) index &= 511
  while (true) {
    const slot = table + (index << 3)
    const pte = atomic.load<i64>(slot)
    if ((pte & PTE_V) === 0) return 0
    const base = ((((pte as u64) >> 10) & TABLE_MASK) << 12) as u32
    if ((pte & (PTE_R | PTE_W | PTE_X)) !== 0) {
      if ((pte & PTE_R) === 0 || (write && (pte & PTE_W) === 0)) return 0
      const wanted = write ? PTE_A | PTE_D : PTE_A
      if (mark && (pte & wanted) !== wanted) atomic.or<i64>(slot, wanted)
      const offset = gpa & (((1 as u64) << shift) - 1) & ~0xfff
      return (base + (offset as u32)) | leaf_permissions(pte, write)
    }
    if (shift === 12) return 0
    table = base
    shift -= 9
    index = ((gpa >> shift) as u32) & 511
    if (shift === 12 && mark) remember_slat_table(hart, gpa, table)
  }
}

function slat_table_entry(hart: u32, gpa: u64): u32 {
  const index = ((gpa >> TABLE_SHIFT) as u32) & (ENTRIES_SLAT_TABLES - 1)
  return hart + PART_SLAT_TABLES + (index << ENTRY_BYTES_LOG2)
}

/** The last-level table for `gpa`, or 0. A table stays where it is until the VMM asks for SLAT to be forgotten. */
function known_table(hart: u32, gpa: u64): u32 {
  const entry = slat_table_entry(hart, gpa)
  return load<u32>(entry) === ((gpa >> TABLE_SHIFT) as u32) + 1 ? load<u32>(entry, 4) : 0
}

function remember_slat_table(hart: u32, gpa: u64, table: u32): void {
  const entry = slat_table_entry(hart, gpa)
  store<u32>(entry, ((gpa >> TABLE_SHIFT) as u32) + 1)
  store<u32>(entry, table, 4)
}

/** A page counts as writable once its D bit is set, so that the first write after a dirty log was read is seen. */
function leaf_permissions(pte: i64, write: bool): u32 {
  const writable = (pte & PTE_W) !== 0 && (write || (pte & PTE_D) !== 0)
  return (writable ? SLAT_WRITABLE : 0) | ((pte & PTE_X) !== 0 ? SLAT_EXECUTABLE : 0)
}

/** Forgets every cached guest-physical page and SLAT table. */
export function clear_guest_pages(hart: u32): void {
  memory.fill(hart + PART_GTLB, 0, ENTRIES_G << ENTRY_BYTES_LOG2)
  memory.fill(hart + PART_SLAT_TABLES, 0, ENTRIES_SLAT_TABLES << ENTRY_BYTES_LOG2)
}
