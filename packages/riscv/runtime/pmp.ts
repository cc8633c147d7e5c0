/**
 * Physical memory protection: 16 entries, grain of 4 bytes. Most checks never come here: what the entries say of a
 * whole page is computed once and kept as permission bits in the guest-physical TLB (slat.ts).
 * @spec riscv-priv "Physical Memory Protection"
 */
import { PRV_M } from './fields'
import { HART_PMP_ACTIVE, HART_PMPADDR, HART_PMPCFG } from './generated/layout'

const ENTRY_COUNT: i32 = 16

/** Bits of an entry's configuration byte. */
export const PMP_R: i32 = 1
export const PMP_W: i32 = 2
export const PMP_X: i32 = 4
const PMP_A_SHIFT: i32 = 3
const PMP_L: i32 = 128
const PMP_A_OFF: i32 = 0
const PMP_A_TOR: i32 = 1
const PMP_A_NA4: i32 = 2
/** The A fields of the eight entries of one register. */
const MODE_BITS: i64 = (0x18181818 << 32) | 0x18181818

/** What `pmp_page` returns: R, W and X for S and U, the same shifted by 3 for M, or only that it depends. */
export const PMP_MACHINE_SHIFT: i32 = 3
export const PMP_MIXED: i32 = 64

/** Bounds in bytes, [low, high), of the entry that `entry_range` looked at last. */
let range_low: u64 = 0
let range_high: u64 = 0

/** Configuration byte of entry `index`. */
export function pmp_config(hart: u32, index: i32): i32 {
  return load<u8>(hart + index, HART_PMPCFG)
}

/** pmpaddr of entry `index`: address bits 55..2. */
function pmp_address(hart: u32, index: i32): u64 {
  return load<u64>(hart + (index << 3), HART_PMPADDR)
}

/** Sets range_low and range_high for entry `index`, whose configuration is `config`; false when it is off. */
function entry_range(hart: u32, index: i32, config: i32): bool {
  const mode = (config >> PMP_A_SHIFT) & 3
  if (mode === PMP_A_OFF) return false
  const address = pmp_address(hart, index)
  if (mode === PMP_A_TOR) {
    range_low = index === 0 ? 0 : pmp_address(hart, index - 1) << 2
    range_high = address << 2
  } else if (mode === PMP_A_NA4) {
    range_low = address << 2
    range_high = range_low + 4
  } else {
    const ones = ctz<u64>(~address)
    range_low = (address & ~(((1 as u64) << ones) - 1)) << 2
    range_high = range_low + ((1 as u64) << (ones + 3))
  }
  return range_low < range_high
}

/** Permissions that configuration byte `config` gives: bits R, W, X for S and U, and the same for M above them. */
function entry_permissions(config: i32): i32 {
  const rwx = config & 7
  return rwx | ((config & PMP_L ? rwx : 7) << PMP_MACHINE_SHIFT)
}

/** Permissions where no entry matches: everything for M, nothing for S and U. */
const UNMATCHED: i32 = 7 << PMP_MACHINE_SHIFT

/** What holds for the whole 4 KiB page at guest-physical `page`, or PMP_MIXED when bytes of it differ. */
export function pmp_page(hart: u32, page: u64): i32 {
  if (load<i32>(hart, HART_PMP_ACTIVE) === 0) return UNMATCHED
  for (let index = 0; index < ENTRY_COUNT; index++) {
    const config = pmp_config(hart, index)
    if (!entry_range(hart, index, config)) continue
    if (range_high <= page || range_low >= page + 4096) continue
    if (range_low <= page && range_high >= page + 4096) return entry_permissions(config)
    return PMP_MIXED
  }
  return UNMATCHED
}

/**
 * Whether `prv` may access all of the `size` bytes at guest-physical `gpa` with `permission` (PMP_R, PMP_W or
 * PMP_X): the lowest-numbered entry that matches any byte decides, and fails unless it matches them all.
 */
export function pmp_allows(hart: u32, gpa: u64, size: u32, permission: i32, prv: i32): bool {
  const shift = prv === PRV_M ? PMP_MACHINE_SHIFT : 0
  const end = gpa + (size as u64)
  for (let index = 0; index < ENTRY_COUNT; index++) {
    const config = pmp_config(hart, index)
    if (!entry_range(hart, index, config)) continue
    if (range_high <= gpa || range_low >= end) continue
    if (range_low > gpa || range_high < end) return false
    return ((entry_permissions(config) >> shift) & permission) !== 0
  }
  return prv === PRV_M
}

/** Whether entry `index` is locked, so that its address cannot be written. */
export function pmp_address_locked(hart: u32, index: i32): bool {
  if (pmp_config(hart, index) & PMP_L) return true
  if (index === ENTRY_COUNT - 1) return false
  const above = pmp_config(hart, index + 1)
  return (above & PMP_L) !== 0 && ((above >> PMP_A_SHIFT) & 3) === PMP_A_TOR
}

/** Writes configuration bytes of the register whose first entry is `first`: locked bytes stay, W needs R. */
export function write_pmp_config(hart: u32, first: i32, value: u64): void {
  for (let i = 0; i < 8; i++) {
    if (pmp_config(hart, first + i) & PMP_L) continue
    let config = ((value >> (i << 3)) as i32) & 0x9f
    if ((config & PMP_R) === 0) config &= ~PMP_W
    store<u8>(hart + first + i, config, HART_PMPCFG)
  }
  refresh_pmp_active(hart)
}

/** Recomputes `pmpActive`: whether any entry is not off. */
export function refresh_pmp_active(hart: u32): void {
  const modes = (load<i64>(hart, HART_PMPCFG) | load<i64>(hart, HART_PMPCFG + 8)) & MODE_BITS
  store<i32>(hart, (modes !== 0) as i32, HART_PMP_ACTIVE)
}
