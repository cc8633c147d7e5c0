/**
 * Loads, stores and atomics that miss the TLB probe in generated code: TLB refill, misaligned accesses, devices.
 * Misaligned accesses to memory are done here, also across pages; to devices they are access faults.
 */
import { data_context } from './context'
import { READ, raise, raise_access_fault, WRITE } from './exception'
import { CAUSE_LOAD_MISALIGNED, CAUSE_STORE_MISALIGNED } from './fields'
import {
  HART_MMIO_VALUE,
  HART_STAT_MMIO_LOADS,
  HART_STAT_MMIO_STORES,
  HART_STAT_TLB_MISS_R,
  HART_STAT_TLB_MISS_W,
} from './generated/layout'
import { mmio } from './host'
import { probe_read, probe_write } from './tlb'
import { DEVICE, FAULT, guest_address, remember_data, translate } from './translate'

/** Adds one to the counter at `field`. */
function count(hart: u32, field: u32): void {
  store<i32>(hart + field, load<i32>(hart + field) + 1)
}

/** Zero-extended value of 1 << log2 bytes at guest-virtual `addr`. On failure an exception has been raised. */
export function load_slow(hart: u32, addr: u64, log2: u32): i64 {
  const size: u32 = 1 << log2
  const offset = (addr as u32) & 0xfff
  if ((offset & (size - 1)) !== 0) return load_misaligned(hart, addr, size)
  count(hart, HART_STAT_TLB_MISS_R)
  const arena = translate(hart, addr, READ, size)
  if (arena === DEVICE) return load_device(hart, addr, log2)
  if (arena === FAULT) return 0
  remember_data(hart, addr, arena)
  return load_bytes(arena, log2)
}

/** Stores the low 1 << log2 bytes of `value` at guest-virtual `addr`. 0: done; 1: an exception has been raised. */
export function store_slow(hart: u32, addr: u64, value: i64, log2: u32): u32 {
  const size: u32 = 1 << log2
  const offset = (addr as u32) & 0xfff
  if ((offset & (size - 1)) !== 0) return store_misaligned(hart, addr, value, size)
  count(hart, HART_STAT_TLB_MISS_W)
  const arena = translate(hart, addr, WRITE, size)
  if (arena === DEVICE) return store_device(hart, addr, value, log2)
  if (arena === FAULT) return 1
  remember_data(hart, addr, arena)
  store_bytes(arena, value, log2)
  return 0
}

/**
 * Arena address for an atomic access of 1 << log2 bytes at `addr`: an AMO or SC (write = 1, faults as a store) or
 * an LR (write = 0, faults as a load). 0: an exception has been raised. @spec riscv-unpriv "Atomic Instructions"
 */
export function atomic_slow(hart: u32, addr: u64, log2: u32, write: u32): u32 {
  const size: u32 = 1 << log2
  if (((addr as u32) & (size - 1)) !== 0) {
    raise(hart, write ? CAUSE_STORE_MISALIGNED : CAUSE_LOAD_MISALIGNED, addr)
    return FAULT
  }
  const kind = write ? WRITE : READ
  count(hart, write ? HART_STAT_TLB_MISS_W : HART_STAT_TLB_MISS_R)
  const arena = translate(hart, addr, kind, size)
  if (arena === FAULT) return FAULT
  if (arena === DEVICE) {
    raise_access_fault(hart, addr, kind)
    return FAULT
  }
  remember_data(hart, addr, arena)
  return arena
}

function load_bytes(arena: u32, log2: u32): i64 {
  if (log2 === 3) return load<i64>(arena)
  if (log2 === 2) return load<u32>(arena)
  if (log2 === 1) return load<u16>(arena)
  return load<u8>(arena)
}

function store_bytes(arena: u32, value: i64, log2: u32): void {
  if (log2 === 3) store<i64>(arena, value)
  else if (log2 === 2) store<u32>(arena, value as u32)
  else if (log2 === 1) store<u16>(arena, value as u16)
  else store<u8>(arena, value as u8)
}

function load_device(hart: u32, addr: i64, log2: u32): i64 {
  count(hart, HART_STAT_MMIO_LOADS)
  if (mmio(hart, guest_address as f64, log2, 0) !== 0) {
    raise_access_fault(hart, addr, READ)
    return 0
  }
  const value = load<i64>(hart, HART_MMIO_VALUE)
  return log2 === 3 ? value : value & (((1 as i64) << (8 << log2)) - 1)
}

function store_device(hart: u32, addr: i64, value: i64, log2: u32): u32 {
  count(hart, HART_STAT_MMIO_STORES)
  const data = log2 === 3 ? value : value & (((1 as i64) << (8 << log2)) - 1)
  store<i64>(hart, data, HART_MMIO_VALUE)
  if (mmio(hart, guest_address as f64, log2, 1) === 0) return 0
  raise_access_fault(hart, addr, WRITE)
  return 1
}

/** Arena address of `size` bytes of memory at `addr`, inside one page but not aligned; FAULT if that fails. */
function misaligned_part(hart: u32, addr: i64, size: u32, kind: i32): u32 {
  const context = data_context(hart, addr)
  const known = kind === READ ? probe_read(hart, addr, context) : probe_write(hart, addr, context)
  if (known !== 0) return known
  count(hart, kind === READ ? HART_STAT_TLB_MISS_R : HART_STAT_TLB_MISS_W)
  const arena = translate(hart, addr, kind, size)
  if (arena === DEVICE) {
    raise_access_fault(hart, addr, kind)
    return FAULT
  }
  if (arena !== FAULT) remember_data(hart, addr, arena)
  return arena
}

/** How many of `size` bytes at `addr` are on its page. */
function size_on_page(addr: i64, size: u32): u32 {
  return min<u32>(size, 4096 - ((addr as u32) & 0xfff))
}

function load_misaligned(hart: u32, addr: i64, size: u32): i64 {
  const firstSize = size_on_page(addr, size)
  const first = misaligned_part(hart, addr, firstSize, READ)
  if (first === FAULT) return 0
  if (firstSize === size) return load_bytes(first, ctz<u32>(size))
  const second = misaligned_part(hart, addr + (firstSize as i64), size - firstSize, READ)
  if (second === FAULT) return 0
  let value: i64 = 0
  for (let i: u32 = 0; i < size; i++) {
    const byte: i64 = load<u8>(i < firstSize ? first + i : second + i - firstSize)
    value |= byte << ((i << 3) as i64)
  }
  return value
}

function store_misaligned(hart: u32, addr: i64, value: i64, size: u32): u32 {
  const firstSize = size_on_page(addr, size)
  const first = misaligned_part(hart, addr, firstSize, WRITE)
  if (first === FAULT) return 1
  if (firstSize === size) {
    store_bytes(first, value, ctz<u32>(size))
    return 0
  }
  const second = misaligned_part(hart, addr + (firstSize as i64), size - firstSize, WRITE)
  if (second === FAULT) return 1
  for (let i: u32 = 0; i < size; i++) {
    store<u8>(i < firstSize ? first + i : second + i - firstSize, (value >> ((i << 3) as i64)) as u8)
  }
  return 0
}
