/**
 * The supervisor-level interrupt file of a hart's IMSIC: which external interrupts arrived, and which is first.
 *
 * Why here: a message is one atomic OR into the hart block by whichever thread sends it; everything else about it is
 * done by the hart itself, in its CSRs. There is no machine-level and no guest file.
 * Invariants: `seiPending` is touched with atomics only; identity 0 does not exist.
 * @spec riscv-aia "Incoming MSI Controller (IMSIC)"
 */
import { FLAG_IMSIC, HART_FLAGS, HART_SEI_DELIVERY, HART_SEI_ENABLED, HART_SEI_PENDING, HART_SEI_THRESHOLD, INTERRUPT_IDENTITY_WORDS } from './generated/layout'

/** Numbers of the registers behind siselect. */
const EIDELIVERY: u32 = 0x70
const EITHRESHOLD: u32 = 0x72
const EIP0: u32 = 0x80
const EIE0: u32 = 0xc0
/** The array that a register of eip or eie is in starts at a multiple of this. */
const ARRAY_REGISTERS: u32 = 64
/** Bits that identities take: thresholds are not larger. */
const IDENTITY_MASK: i32 = 64 * INTERRUPT_IDENTITY_WORDS - 1
const IDENTITY_ZERO: i64 = 1
const IDENTITY_SHIFT: i32 = 16

/** Whether the hart has an IMSIC, and so the CSRs of Ssaia. */
export function has_imsic(hart: u32): bool {
  return (load<u32>(hart, HART_FLAGS) & FLAG_IMSIC) !== 0
}

/** The identity that is pending, enabled and above the threshold, lowest first; 0 when there is none. */
function top_identity(hart: u32): i32 {
  for (let word: u32 = 0; word < INTERRUPT_IDENTITY_WORDS; word++) {
    const at = hart + (word << 3)
    const bits = atomic.load<i64>(at, HART_SEI_PENDING) & load<i64>(at, HART_SEI_ENABLED)
    if (bits === 0) continue
    const identity = ((word << 6) as i32) + (ctz<i64>(bits) as i32)
    const threshold = load<i32>(hart, HART_SEI_THRESHOLD)
    return threshold === 0 || identity < threshold ? identity : 0
  }
  return 0
}

/** Whether the file asks for a supervisor external interrupt. */
export function imsic_pending(hart: u32): bool {
  return load<i32>(hart, HART_SEI_DELIVERY) !== 0 && top_identity(hart) !== 0
}

/** stopei: the identity of the first interrupt, which is its priority too. eidelivery does not matter. */
export function read_stopei(hart: u32): i64 {
  const identity = top_identity(hart)
  return ((identity << IDENTITY_SHIFT) | identity) as i64
}

/** A write to stopei, whatever is written, claims the interrupt that it read as: another may have come since. */
export function claim_stopei(hart: u32, read: i64): void {
  const identity = (read as i32) & IDENTITY_MASK
  if (identity === 0) return
  atomic.and<i64>(hart + ((identity >> 6) << 3), ~((1 as i64) << ((identity & 63) as i64)), HART_SEI_PENDING)
}

/** Whether register `number` (0x70 to 0xff) is one of a 64-bit hart: of the arrays only every other one is. */
export function has_file_register(number: u32): bool {
  return number < EIP0 || (number & 1) === 0
}

/** Reads register `number` (0x70 to 0xff) of the file; what is reserved or beyond the identities is zero. */
export function read_file_register(hart: u32, number: u32): i64 {
  if (number === EIDELIVERY) return load<i32>(hart, HART_SEI_DELIVERY)
  if (number === EITHRESHOLD) return load<i32>(hart, HART_SEI_THRESHOLD)
  if (number < EIP0) return 0
  const word = array_word(number)
  if (word >= INTERRUPT_IDENTITY_WORDS) return 0
  const at = hart + (word << 3)
  return number < EIE0 ? atomic.load<i64>(at, HART_SEI_PENDING) : load<i64>(at, HART_SEI_ENABLED)
}

/**
 * Writes register `number` (0x70 to 0xff) of the file: `set` are the bits to set, `clear` those to clear. Other
 * threads set pending bits at any time, so only bits that change are touched.
 */
export function write_file_register(hart: u32, number: u32, set: i64, clear: i64): void {
  if (number === EIDELIVERY) update(hart + HART_SEI_DELIVERY, 1, set, clear)
  else if (number === EITHRESHOLD) update(hart + HART_SEI_THRESHOLD, IDENTITY_MASK, set, clear)
  else if (number >= EIP0) {
    const word = array_word(number)
    if (word >= INTERRUPT_IDENTITY_WORDS) return
    const at = hart + (word << 3)
    const exists: i64 = word === 0 ? ~IDENTITY_ZERO : -1
    if (number < EIE0) {
      atomic.and<i64>(at, ~(clear & ~set), HART_SEI_PENDING)
      atomic.or<i64>(at, set & exists, HART_SEI_PENDING)
    } else store<i64>(at, ((load<i64>(at, HART_SEI_ENABLED) & ~clear) | set) & exists, HART_SEI_ENABLED)
  }
}

/** Index of the 64-bit word that register `number` of eip or eie is. */
function array_word(number: u32): u32 {
  return (number & (ARRAY_REGISTERS - 1)) >> 1
}

function update(address: u32, mask: i32, set: i64, clear: i64): void {
  store<i32>(address, ((load<i32>(address) & ~(clear as i32)) | (set as i32)) & mask)
}
