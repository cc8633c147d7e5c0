/**
 * TLB contexts: small ids in the tags of TLB entries, so that a trap, an sret, a satp write or a change of SUM, MXR
 * or MPRV selects other ids and flushes nothing.
 *
 * A context set belongs to one satp value and holds an id for each way of looking at that address space:
 * ```
 *   +0  satp i64          the value, 0 for bare (whatever else is in the register)
 *   +8  ids  u16[8]       U, U+MXR, S, S+MXR, S+SUM, S+SUM+MXR, M (global set only); 0 = none yet
 *   +24 used u32          when it was last chosen
 *   +28 upper u32         the set whose ids are used for negative addresses; 0 = this set is free
 * ```
 * Global pages: sets with translation share the ids of one global set for the upper half, where kernels keep
 * global mappings. A leaf there that is not global ends this for good (`noGlobalSplit`): every set then uses its
 * own ids for both halves.
 *
 * Ids are never given twice between two clearings of the TLB arrays, so dropping a set's ids drops its entries.
 */
import {
  PRV_M,
  STATUS_MPP,
  STATUS_MPP_SHIFT,
  STATUS_MPRV,
  STATUS_MXR_SHIFT,
  STATUS_SUM_SHIFT,
} from './fields'
import {
  ENTRIES_SETS,
  HART_CONTEXT_SET,
  HART_CTX_DATA,
  HART_CTX_DATA_MASK,
  HART_CTX_FETCH,
  HART_CTX_FETCH_MASK,
  HART_GLOBAL_SET,
  HART_MSTATUS,
  HART_NEXT_CONTEXT,
  HART_NO_GLOBAL_SPLIT,
  HART_PRV,
  HART_SATP,
  HART_SUPER1_G,
  HART_SUPER2_M,
  PART_SETS,
} from './generated/layout'
import { CONTEXT_SHIFT, clear_entries } from './tlb'

const SET_BYTES: u32 = 32
const SET_IDS: u32 = 8
const SET_USED: u32 = 24
const SET_UPPER: u32 = 28
const WAYS: u32 = 4
/** The last set is the global one. Its `used` counts choices, and its satp holds the mode its entries are for. */
const GLOBAL_INDEX: u32 = ENTRIES_SETS - 1

const VARIANT_U: u32 = 0
const VARIANT_S: u32 = 2
const VARIANT_M: u32 = 6
const LAST_ID: u32 = 4095
/** The most ids that are given until the next selection: four for it, two for the page tables that walks meet. */
const IDS_PER_SELECTION: u32 = 6
const PAGE_NUMBER: i64 = (1 << 52) - 1

/** Privilege that loads and stores have now. @spec riscv-priv "Memory Privilege in mstatus Register" */
export function data_privilege(hart: u32): i32 {
  const prv = load<i32>(hart, HART_PRV)
  if (prv !== PRV_M) return prv
  const status = load<i64>(hart, HART_MSTATUS)
  return status & STATUS_MPRV ? (((status & STATUS_MPP) >> STATUS_MPP_SHIFT) as i32) : PRV_M
}

/** Context of a load or store at `addr`, as in a tag. */
export function data_context(hart: u32, addr: i64): i64 {
  return context_of(addr, load<i64>(hart, HART_CTX_DATA), load<i64>(hart, HART_CTX_DATA_MASK))
}

/** Context of a fetch at `pc`, as in a tag. */
export function fetch_context(hart: u32, pc: i64): i64 {
  return context_of(pc, load<i64>(hart, HART_CTX_FETCH), load<i64>(hart, HART_CTX_FETCH_MASK))
}

/** Context of the page tables that translate `addr`: they are the same whatever the access. As in a tag. */
export function table_context(hart: u32, addr: i64): i64 {
  const set = load<u32>(hart, HART_CONTEXT_SET)
  const half = addr < 0 ? load<u32>(set, SET_UPPER) : set
  return (context_id(hart, half, VARIANT_S) as u64) << CONTEXT_SHIFT
}

/** Whether processes share what is known of the half of the address space that `addr` is in. */
export function is_shared_half(hart: u32, addr: i64): bool {
  const set = load<u32>(hart, HART_CONTEXT_SET)
  return addr < 0 && load<u32>(set, SET_UPPER) !== set
}

/**
 * A tag is ((address >> 12) & mask) + lower, where the shift fills bits 52..63 with the address's sign: so one AND and
 * one addition put the id of the right half there. In the mask these bits are the upper half's id less the lower's.
 */
function context_of(addr: i64, lower: i64, mask: i64): i64 {
  return addr < 0 ? (mask & ~PAGE_NUMBER) + lower : lower
}

/** Recomputes the context words from prv, mstatus and the set of the current satp. Cheap: traps do it. */
export function select_contexts(hart: u32): void {
  if (load<u32>(hart, HART_NEXT_CONTEXT) + IDS_PER_SELECTION > LAST_ID + 1) recycle_ids(hart)
  const prv = load<i32>(hart, HART_PRV)
  const set = load<u32>(hart, HART_CONTEXT_SET)
  if (prv === PRV_M) select_fetch(hart, load<u32>(hart, HART_GLOBAL_SET), VARIANT_M)
  else select_fetch(hart, set, prv === 0 ? VARIANT_U : VARIANT_S)
  const dataPrv = prv === PRV_M ? data_privilege(hart) : prv
  if (dataPrv === PRV_M) select_data(hart, load<u32>(hart, HART_GLOBAL_SET), VARIANT_M)
  else {
    const status = load<u32>(hart, HART_MSTATUS)
    const mxr = (status >> (STATUS_MXR_SHIFT as u32)) & 1
    const sum = (status >> (STATUS_SUM_SHIFT as u32)) & 1
    select_data(hart, set, dataPrv === 0 ? VARIANT_U + mxr : VARIANT_S + 2 * sum + mxr)
  }
}

function select_fetch(hart: u32, set: u32, variant: u32): void {
  const lower = context_id(hart, set, variant)
  const upper = context_id(hart, load<u32>(set, SET_UPPER), variant)
  store<i64>(hart, (lower as u64) << CONTEXT_SHIFT, HART_CTX_FETCH)
  store<i64>(hart, (((upper - lower) as u64) << CONTEXT_SHIFT) | PAGE_NUMBER, HART_CTX_FETCH_MASK)
}

function select_data(hart: u32, set: u32, variant: u32): void {
  const lower = context_id(hart, set, variant)
  const upper = context_id(hart, load<u32>(set, SET_UPPER), variant)
  store<i64>(hart, (lower as u64) << CONTEXT_SHIFT, HART_CTX_DATA)
  store<i64>(hart, (((upper - lower) as u64) << CONTEXT_SHIFT) | PAGE_NUMBER, HART_CTX_DATA_MASK)
}

/** The id of `set` for `variant`, a new one if it has none. */
function context_id(hart: u32, set: u32, variant: u32): u32 {
  const slot = set + (variant << 1)
  const known: u32 = load<u16>(slot, SET_IDS)
  if (known !== 0) return known
  const id = load<u32>(hart, HART_NEXT_CONTEXT)
  store<u32>(hart, id + 1, HART_NEXT_CONTEXT)
  store<u16>(slot, id, SET_IDS)
  return id
}

/** Starts ids over, which needs empty TLB arrays. */
function recycle_ids(hart: u32): void {
  clear_entries(hart)
  forget_ids(hart)
  store<u32>(hart, 1, HART_NEXT_CONTEXT)
}

function forget_ids(hart: u32): void {
  const end = hart + PART_SETS + ENTRIES_SETS * SET_BYTES
  for (let set = hart + PART_SETS; set < end; set += SET_BYTES) forget_ids_of(set)
  store<i64>(hart, 0, HART_SUPER1_G)
  memory.fill(hart + HART_SUPER2_M, 0, 128)
}

function forget_ids_of(set: u32): void {
  store<i64>(set, 0, SET_IDS)
  store<i64>(set, 0, SET_IDS + 8)
}

/** Makes every TLB entry unreachable. */
export function drop_contexts(hart: u32): void {
  forget_ids(hart)
  select_contexts(hart)
}

/** Makes every entry that is not global of the address spaces with `asid` unreachable. */
export function drop_contexts_of_asid(hart: u32, asid: u32): void {
  const end = hart + PART_SETS + GLOBAL_INDEX * SET_BYTES
  for (let set = hart + PART_SETS; set < end; set += SET_BYTES) {
    if (asid_of(set) === asid) forget_ids_of(set)
  }
  select_contexts(hart)
}

/** Whether context `id` is of an address space with `asid`, and not that of global pages. */
export function is_context_of_asid(hart: u32, id: u32, asid: u32): bool {
  const current = load<u32>(hart, HART_CONTEXT_SET)
  if (asid_of(current) === asid && has_id(current, id)) return true
  const end = hart + PART_SETS + GLOBAL_INDEX * SET_BYTES
  for (let set = hart + PART_SETS; set < end; set += SET_BYTES) {
    if (asid_of(set) === asid && has_id(set, id)) return true
  }
  return false
}

function has_id(set: u32, id: u32): bool {
  const ids = v128.load(set, SET_IDS)
  return v128.any_true(i16x8.eq(ids, i16x8.splat(id as i16)))
}

function asid_of(set: u32): u32 {
  return ((load<u64>(set) >> 44) as u32) & 0xffff
}

/** Called with satp changed: finds or makes the set of its value, and selects. */
export function enter_address_space(hart: u32): void {
  const mode = load<u64>(hart, HART_SATP) >> 60
  const satp: u64 = mode === 0 ? 0 : load<u64>(hart, HART_SATP)
  const globalSet = load<u32>(hart, HART_GLOBAL_SET)
  if (mode !== 0 && load<u64>(globalSet) !== mode) {
    // another depth of page table: what was global in the old one means nothing
    if (load<u64>(globalSet) !== 0) forget_ids(hart)
    store<u64>(globalSet, mode)
  }
  const used = load<u32>(globalSet, SET_USED) + 1
  store<u32>(globalSet, used, SET_USED)
  const set = find_set(hart, satp)
  store<u32>(set, used, SET_USED)
  store<u32>(hart, set, HART_CONTEXT_SET)
  select_contexts(hart)
}

/** The set of `satp`: the one it has, a free one, or the least recently chosen of its bucket. */
function find_set(hart: u32, satp: u64): u32 {
  const hash = ((satp ^ (satp >> 44)) as u32) * 0x9e3779b1
  const index = (hash >> 28) * WAYS
  // the global set takes the place of the last way of the last bucket
  const ways = index + WAYS > GLOBAL_INDEX ? WAYS - 1 : WAYS
  const first = hart + PART_SETS + index * SET_BYTES
  let victim = first
  for (let way: u32 = 0; way < ways; way++) {
    const set = first + way * SET_BYTES
    if (load<u32>(set, SET_UPPER) !== 0 && load<u64>(set) === satp) return set
    if (load<u32>(set, SET_USED) < load<u32>(victim, SET_USED)) victim = set
  }
  store<u64>(victim, satp)
  forget_ids_of(victim)
  const split = satp !== 0 && load<i32>(hart, HART_NO_GLOBAL_SPLIT) === 0
  store<u32>(victim, split ? load<u32>(hart, HART_GLOBAL_SET) : victim, SET_UPPER)
  return victim
}

/** Called on meeting a leaf in the upper half that is not global: from now on halves share their set's ids. */
export function end_global_split(hart: u32): void {
  if (load<i32>(hart, HART_NO_GLOBAL_SPLIT) !== 0) return
  store<i32>(hart, 1, HART_NO_GLOBAL_SPLIT)
  reset_contexts(hart)
}

/** Makes all sets free and the TLB arrays empty, then enters the current address space. */
export function reset_contexts(hart: u32): void {
  memory.fill(hart + PART_SETS, 0, ENTRIES_SETS * SET_BYTES)
  recycle_ids(hart)
  const globalSet = hart + PART_SETS + GLOBAL_INDEX * SET_BYTES
  store<u32>(hart, globalSet, HART_GLOBAL_SET)
  store<u32>(globalSet, globalSet, SET_UPPER)
  enter_address_space(hart)
}

/** Whether the chosen set is the one of satp; not so after the VMM wrote satp. */
export function address_space_current(hart: u32): bool {
  const set = load<u32>(hart, HART_CONTEXT_SET)
  if (set === 0) return false
  const satp = load<u64>(hart, HART_SATP)
  return load<u64>(set) === (satp >> 60 === 0 ? 0 : satp)
}
