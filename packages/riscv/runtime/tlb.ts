/**
 * The three lookaside arrays that generated code probes inline: guest-virtual page and context to arena address
 * (loads, stores) or to decoded page (fetches). Direct mapped; an entry is {tag i64, value i32, 0}.
 *
 * Invariants: tag 0 is invalid; an entry may be dropped at any time; an entry is only installed when every access
 * of its kind and context to the whole page is allowed.
 */
import {
  ENTRIES_R,
  ENTRIES_W,
  ENTRIES_X,
  PART_GTLB,
  PART_TLB_R,
  PART_TLB_W,
  PART_TLB_X,
} from './generated/layout'

const ENTRY_BYTES: u32 = 16
const ENTRY_BYTES_LOG2: u32 = 4
const PAGE_SHIFT: u64 = 12

/** The page's number, with the context above it. */
function tag_of(addr: i64, context: i64): i64 {
  return ((addr as u64) >> PAGE_SHIFT) | context
}

/** Where the entry for `addr` is in the array of `count` entries at `part`. */
function entry_at(hart: u32, part: u32, count: u32, addr: i64): u32 {
  return hart + part + ((((addr as u64) >> PAGE_SHIFT) as u32) & (count - 1)) * ENTRY_BYTES
}

function install(entry: u32, tag: i64, value: u32): void {
  store<i64>(entry, tag)
  store<u32>(entry, value, 8)
}

/** Lets loads from the page of `addr` in `context` go to arena address `arena` (of `addr` itself). */
export function install_read(hart: u32, addr: i64, context: i64, arena: u32): void {
  install(entry_at(hart, PART_TLB_R, ENTRIES_R, addr), tag_of(addr, context), arena - (addr as u32))
}

/** The same for stores. */
export function install_write(hart: u32, addr: i64, context: i64, arena: u32): void {
  install(entry_at(hart, PART_TLB_W, ENTRIES_W, addr), tag_of(addr, context), arena - (addr as u32))
}

/** Lets fetches from the page of `pc` in `context` use the records at `records`. */
export function install_fetch(hart: u32, pc: i64, context: i64, records: u32): void {
  install(entry_at(hart, PART_TLB_X, ENTRIES_X, pc), tag_of(pc, context), records)
}

/** First record of the decoded page of `pc` if fetches in `context` may use it, 0 otherwise. */
export function probe_fetch(hart: u32, pc: i64, context: i64): u32 {
  const entry = entry_at(hart, PART_TLB_X, ENTRIES_X, pc)
  return load<i64>(entry) === tag_of(pc, context) ? load<u32>(entry, 8) : 0
}

/** Arena address of `addr` if loads in `context` may go there, 0 otherwise. */
export function probe_read(hart: u32, addr: i64, context: i64): u32 {
  const entry = entry_at(hart, PART_TLB_R, ENTRIES_R, addr)
  return load<i64>(entry) === (tag_of(addr, context)) ? (addr as u32) + load<u32>(entry, 8) : 0
}

/** Arena address of `addr` if stores in `context` may go there, 0 otherwise. */
export function probe_write(hart: u32, addr: i64, context: i64): u32 {
  const entry = entry_at(hart, PART_TLB_W, ENTRIES_W, addr)
  return load<i64>(entry) === (tag_of(addr, context)) ? (addr as u32) + load<u32>(entry, 8) : 0
}

/** Forgets the page of `addr`, in every context. */
export function drop_page(hart: u32, addr: i64): void {
  store<i64>(entry_at(hart, PART_TLB_R, ENTRIES_R, addr), 0)
  store<i64>(entry_at(hart, PART_TLB_W, ENTRIES_W, addr), 0)
  store<i64>(entry_at(hart, PART_TLB_X, ENTRIES_X, addr), 0)
}

/** Forgets every page that shares the address bits from `shift` up with `addr`, in every context. */
export function drop_region(hart: u32, addr: i64, shift: i64): void {
  // the three arrays are adjacent, and a tag says all there is to know
  const end = hart + PART_GTLB
  for (let entry = hart + PART_TLB_R; entry < end; entry += ENTRY_BYTES) {
    if (((load<i64>(entry) << PAGE_SHIFT) ^ addr) >>> shift === 0) store<i64>(entry, 0)
  }
}

/** Forgets every fetch entry that uses the records at `records`. */
export function drop_records(hart: u32, records: u32): void {
  const end = hart + PART_GTLB
  for (let entry = hart + PART_TLB_X; entry < end; entry += ENTRY_BYTES) {
    if (load<u32>(entry, 8) === records) store<i64>(entry, 0)
  }
}

/** Forgets every fetch entry. */
export function clear_fetch_entries(hart: u32): void {
  memory.fill(hart + PART_TLB_X, 0, ENTRIES_X << ENTRY_BYTES_LOG2)
}

/** Forgets everything. */
export function clear_entries(hart: u32): void {
  memory.fill(hart + PART_TLB_R, 0, PART_GTLB - PART_TLB_R)
}
