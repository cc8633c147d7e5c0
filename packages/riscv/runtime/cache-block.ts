/**
 * Cache-block operations on blocks of 64 bytes. Memory is coherent, so the management operations only check that
 * they are allowed; cbo.zero stores zeros. @spec riscv-unpriv "Cache-Block Management Operations"
 */
import { data_context } from './context'
import { READ, raise_access_fault, raise_illegal, WRITE } from './exception'
import { ENVCFG_CBCFE, ENVCFG_CBIE, ENVCFG_CBZE, PRV_M, PRV_U } from './fields'
import { HART_EXC_CAUSE, HART_EXC_TVAL, HART_MENVCFG, HART_PRV, HART_SENVCFG } from './generated/layout'
import { probe_write } from './tlb'
import { DEVICE, FAULT, remember_data, translate } from './translate'

/** The instructions' numbers. */
const INVAL: u32 = 0
const ZERO: u32 = 4
const BLOCK_BYTES: u32 = 64
const BLOCK_MASK: i64 = ~63

/** Does operation `kind` (0 inval, 1 clean, 2 flush, 4 zero) on the block of `addr`. */
export function cbo(hart: u32, kind: u32, addr: u64): void {
  const enable = kind === ZERO ? ENVCFG_CBZE : kind === INVAL ? ENVCFG_CBIE : ENVCFG_CBCFE
  if (!is_enabled(hart, enable)) raise_illegal(hart)
  else if (kind === ZERO) zero_block(hart, addr)
  else check_block(hart, addr)
}

/** Whether menvcfg, and for U-mode senvcfg, set any bit of `enable`. An inval enabled as a flush does the same. */
function is_enabled(hart: u32, enable: i64): bool {
  const prv = load<i32>(hart, HART_PRV)
  if (prv !== PRV_M && (load<i64>(hart, HART_MENVCFG) & enable) === 0) return false
  return prv !== PRV_U || (load<i64>(hart, HART_SENVCFG) & enable) !== 0
}

/** Faults report `addr` as it was given, though the access is to the whole block. */
function zero_block(hart: u32, addr: i64): void {
  const block = addr & BLOCK_MASK
  const known = probe_write(hart, block, data_context(hart, block))
  if (known !== 0) {
    store_zeros(known)
    return
  }
  const arena = translate(hart, block, WRITE, BLOCK_BYTES)
  if (arena > DEVICE) {
    remember_data(hart, block, arena)
    store_zeros(arena)
  } else if (arena === DEVICE) raise_access_fault(hart, addr, WRITE)
  else report_address(hart, addr)
}

function store_zeros(arena: u32): void {
  const zeros = i64x2.splat(0)
  v128.store(arena, zeros)
  v128.store(arena, zeros, 16)
  v128.store(arena, zeros, 32)
  v128.store(arena, zeros, 48)
}

/** A management operation is allowed where a load or a store is, and faults as a store. */
function check_block(hart: u32, addr: i64): void {
  if (translate(hart, addr & BLOCK_MASK, READ, BLOCK_BYTES) !== FAULT) return
  store<i32>(hart, -1, HART_EXC_CAUSE)
  if (translate(hart, addr & BLOCK_MASK, WRITE, BLOCK_BYTES) === FAULT) report_address(hart, addr)
}

function report_address(hart: u32, addr: i64): void {
  store<i64>(hart, addr, HART_EXC_TVAL)
}
