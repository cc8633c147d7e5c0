/**
 * The page walk: Sv39, Sv48 and Sv57 with Svnapot, Svpbmt, and A and D bits set by hardware when menvcfg.ADUE
 * (Svadu), else a page fault (Svade).
 * @spec riscv-priv "Virtual Address Translation Process"
 *
 * A result is a guest-physical address; what else is known of the leaf is left in globals of this instance, which
 * are good until the next walk. An instance belongs to one thread and runs one hart at a time.
 */
import { is_shared_half } from './context'
import { FETCH, READ, raise_access_fault, raise_page_fault, WRITE } from './exception'
import {
  ENVCFG_ADUE,
  ENVCFG_PBMTE,
  PPN_MASK,
  PRV_S,
  PRV_U,
  PTE_A,
  PTE_D,
  PTE_G,
  PTE_N,
  PTE_PBMT,
  PTE_R,
  PTE_RESERVED,
  PTE_U,
  PTE_V,
  PTE_W,
  PTE_X,
  STATUS_MXR,
  STATUS_SUM,
} from './fields'
import { HART_MENVCFG, HART_MSTATUS, HART_SATP } from './generated/layout'
import { PMP_MIXED, PMP_R, PMP_W, pmp_allows } from './pmp'
import { guest_page, NO_MEMORY, PAGE_FRAME, peek_guest_page } from './slat'
import { find_table, found_global, found_table, remember_table, TABLE_LEVEL_MAX } from './table-cache'

/** What `walk` returns when it failed and raised an exception. No guest-physical address is negative. */
export const NO_ADDRESS: i64 = -1

/** The last leaf's flags (PTE_V … PTE_D) as they are in memory now; PTE_G if any level had it. */
export let leaf_flags: i64 = 0
/** Log2 of the bytes that the last leaf maps: 12, 16 (Svnapot), 21, 30, 39 or 48. */
export let leaf_shift: i64 = 12

/** Sv39 is mode 8 and has levels 2, 1, 0; each mode above has one more. */
const MODE_TO_TOP_LEVEL: i64 = 6
const NAPOT_SHIFT: i64 = 16
const NAPOT_PATTERN: i64 = 8

/** Records the leaf of an access that is not translated: one page, everything allowed. */
export function set_identity_leaf(): void {
  leaf_flags = PTE_V | PTE_R | PTE_W | PTE_X | PTE_G | PTE_A | PTE_D
  leaf_shift = 12
}

/**
 * Guest-physical address of virtual `addr` for an access of `kind` by `prv` (U or S) under the current satp, or
 * NO_ADDRESS with a page fault or access fault raised. With `peek` nothing is raised, cached or written.
 */
export function walk(hart: u32, addr: i64, kind: i32, prv: i32, peek: bool): i64 {
  if (!peek) {
    for (let level: i64 = 0; level <= TABLE_LEVEL_MAX; level++) {
      if (!find_table(hart, addr, level)) continue
      const found = descend(hart, addr, kind, prv, FROM_CACHE, level, found_table, found_global)
      if (found !== NO_ADDRESS) return found
      break
    }
  }
  const satp = load<i64>(hart, HART_SATP)
  const level = (satp >>> 60) - MODE_TO_TOP_LEVEL
  const unusedBits = 43 - 9 * level
  const manner = peek ? PEEK : FROM_ROOT
  if ((addr << unusedBits) >> unusedBits !== addr) return page_fault(hart, addr, kind, manner)
  return descend(hart, addr, kind, prv, manner, level, (satp & PPN_MASK) << 12, 0)
}

/** Manners of `descend`: from the root; without effects; from a cached table, where failing means nothing. */
const FROM_ROOT: i32 = 0
const PEEK: i32 = 1
const FROM_CACHE: i32 = 2

/** The walk from the `table` of `level` on; `global` is PTE_G if a level above has it. */
function descend(
  hart: u32,
  addr: i64,
  kind: i32,
  prv: i32,
  manner: i32,
  level: i64,
  table: u64,
  global: i64,
): i64 {
  while (true) {
    const slot = table + (((addr >>> (12 + 9 * level)) & 511) << 3)
    const at = table_entry(hart, slot, READ, manner)
    if (at === 0) return access_fault(hart, addr, kind, manner)
    const pte = atomic.load<i64>(at)
    if ((pte & PTE_V) === 0 || (pte & PTE_RESERVED) !== 0) break
    if ((pte & (PTE_R | PTE_W | PTE_X)) === 0) {
      if (level === 0 || (pte & (PTE_D | PTE_A | PTE_U | PTE_N | PTE_PBMT)) !== 0) break
      global |= pte & PTE_G
      table = ((pte >>> 10) & PPN_MASK) << 12
      level--
      if (level <= TABLE_LEVEL_MAX && manner !== PEEK) remember_table(hart, addr, level, table, global)
      continue
    }
    if (!leaf_allows(hart, pte, kind, prv) || !leaf_wellformed(hart, pte, level)) break
    const wanted = kind === WRITE ? PTE_A | PTE_D : PTE_A
    if (manner === FROM_CACHE && is_shared_half(hart, addr)) {
      // The table may be another process's: only what is global holds here, and marks are for this one's.
      if (((pte | global) & PTE_G) === 0 || (pte & wanted) !== wanted) break
    }
    if ((pte & wanted) !== wanted) {
      if ((load<i64>(hart, HART_MENVCFG) & ENVCFG_ADUE) === 0) break
      if (manner !== PEEK) {
        const writable = table_entry(hart, slot, WRITE, manner)
        if (writable === 0) return access_fault(hart, addr, kind, manner)
        // someone else changed the entry meanwhile: look at it again
        if (atomic.cmpxchg<i64>(writable, pte, pte | wanted) !== pte) continue
      }
    }
    leaf_flags = (pte & 0xff) | wanted | global
    return leaf_address(pte, addr, level)
  }
  return page_fault(hart, addr, kind, manner)
}

/** Arena address of the entry at guest-physical `slot`, or 0 if it cannot be accessed so. */
function table_entry(hart: u32, slot: u64, kind: i32, manner: i32): u32 {
  const offset = (slot as u32) & 0xfff
  if (manner === PEEK) {
    const peeked = peek_guest_page(hart, slot)
    return peeked & NO_MEMORY ? 0 : (peeked & PAGE_FRAME) + offset
  }
  const page = guest_page(hart, slot, kind)
  if (page & NO_MEMORY) return 0
  const permission = kind === WRITE ? PMP_W : PMP_R
  if (page & PMP_MIXED ? !pmp_allows(hart, slot, 8, permission, PRV_S) : (page & permission) === 0) return 0
  return (page & PAGE_FRAME) + offset
}

/** Whether the permission bits of `pte` let `prv` do this. @spec riscv-priv "Addressing and Memory Protection" */
function leaf_allows(hart: u32, pte: i64, kind: i32, prv: i32): bool {
  if ((pte & (PTE_R | PTE_W)) === PTE_W) return false
  if (pte & PTE_U) {
    const reachable = prv === PRV_U || (kind !== FETCH && (load<i64>(hart, HART_MSTATUS) & STATUS_SUM) !== 0)
    if (!reachable) return false
  } else if (prv === PRV_U) return false
  if (kind === WRITE) return (pte & PTE_W) !== 0
  if (kind === FETCH) return (pte & PTE_X) !== 0
  if (pte & PTE_R) return true
  return (pte & PTE_X) !== 0 && (load<i64>(hart, HART_MSTATUS) & STATUS_MXR) !== 0
}

/** Whether a leaf at `level` is aligned and uses N and PBMT as defined. @spec riscv-priv "Svnapot" "Svpbmt" */
function leaf_wellformed(hart: u32, pte: i64, level: i64): bool {
  const ppn = (pte >>> 10) & PPN_MASK
  if ((ppn & ((1 << (9 * level)) - 1)) !== 0) return false
  if ((pte & (PTE_N | PTE_PBMT)) === 0) return true
  if (pte & PTE_N && (level !== 0 || (ppn & 15) !== NAPOT_PATTERN)) return false
  if ((pte & PTE_PBMT) === 0) return true
  return (pte & PTE_PBMT) !== PTE_PBMT && (load<i64>(hart, HART_MENVCFG) & ENVCFG_PBMTE) !== 0
}

/** The address that a leaf at `level` gives `addr`. Sets leaf_shift. */
function leaf_address(pte: i64, addr: i64, level: i64): i64 {
  leaf_shift = pte & PTE_N ? NAPOT_SHIFT : 12 + 9 * level
  const within = ((1 as i64) << leaf_shift) - 1
  return ((((pte >>> 10) & PPN_MASK) << 12) & ~within) | (addr & within)
}

function page_fault(hart: u32, addr: i64, kind: i32, manner: i32): i64 {
  if (manner === FROM_ROOT) raise_page_fault(hart, addr, kind)
  return NO_ADDRESS
}

function access_fault(hart: u32, addr: i64, kind: i32, manner: i32): i64 {
  if (manner === FROM_ROOT) raise_access_fault(hart, addr, kind)
  return NO_ADDRESS
}
