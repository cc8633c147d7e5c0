/**
 * The walk cache: where the last two levels of page tables are, so that a walk reads one or two entries instead of all.
 * Two direct-mapped arrays of {tag i64, guest page of the table u32, PTE_G of the levels above u32}: of tables whose
 * entries map 4 KiB (one for each 2 MiB of addresses), and of those whose entries map 2 MiB (one for each 1 GiB).
 *
 * Invariants: a tag has the context of the address space, so what drops contexts drops these too. What comes of a table
 * that was found here counts only when it is a translation; everything else is for a walk from the root to say.
 */
import { table_context } from './context'
import { ENTRIES_TABLES, PART_TABLES } from './generated/layout'

const ENTRY_BYTES_LOG2: u32 = 4
const ARRAY_BYTES: u32 = ENTRIES_TABLES << ENTRY_BYTES_LOG2
/** Address bits below what a table of level 0 maps; one of level 1 maps 9 bits more. */
const TABLE_SHIFT: i64 = 21
const LEVEL_SHIFT: i64 = 9
/** The bits of a tag without the context. */
const NUMBER: i64 = (1 << 52) - 1
/** The highest level that is kept. */
export const TABLE_LEVEL_MAX: i64 = 1

/** What `find_table` found: guest-physical address of the table, and PTE_G if a level above has it. */
export let found_table: u64 = 0
export let found_global: i64 = 0

/** Number of the table of `level` for `addr`, as in a tag. */
function number_of(addr: i64, level: i64): i64 {
  return addr >>> (TABLE_SHIFT + LEVEL_SHIFT * level)
}

function entry_at(hart: u32, number: i64, level: i64): u32 {
  const index = (number as u32) & (ENTRIES_TABLES - 1)
  return hart + PART_TABLES + (level as u32) * ARRAY_BYTES + (index << ENTRY_BYTES_LOG2)
}

/** Whether the table of `level` for `addr` in the current address space is known. */
export function find_table(hart: u32, addr: i64, level: i64): bool {
  const number = number_of(addr, level)
  const entry = entry_at(hart, number, level)
  if (load<i64>(entry) !== (number | table_context(hart, addr))) return false
  found_table = (load<u32>(entry, 8) as u64) << 12
  found_global = load<u32>(entry, 12)
  return true
}

/** Remembers that the table of `level` for `addr` in the current address space is at guest-physical `table`. */
export function remember_table(hart: u32, addr: i64, level: i64, table: u64, global: i64): void {
  if (table >> 44 !== 0) return
  const number = number_of(addr, level)
  const entry = entry_at(hart, number, level)
  store<i64>(entry, number | table_context(hart, addr))
  store<u32>(entry, (table >> 12) as u32, 8)
  store<u32>(entry, global as u32, 12)
}

/** Forgets the tables for `addr`, of all address spaces. */
export function drop_tables(hart: u32, addr: i64): void {
  for (let level: i64 = 0; level <= TABLE_LEVEL_MAX; level++) {
    const number = number_of(addr, level)
    const entry = entry_at(hart, number, level)
    if (((load<i64>(entry) ^ number) & NUMBER) === 0) store<i64>(entry, 0)
  }
}
