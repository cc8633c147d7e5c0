/**
 * Decoded pages: a snapshot of 4 KiB of code, and a record for each halfword of it that the interpreter fills in as
 * it gets there. One exists at most for each frame; `codeMap` finds it by frame number.
 *
 * fence.i only moves the hart's fetchEpoch. A page of an older epoch is compared with its frame when it is next
 * entered and starts over if the code changed. When all slots are taken, a clock chooses whose page goes.
 * @spec riscv-unpriv "Zifencei"
 */
import {
  CODE_BYTES,
  CODE_CONTENT,
  CODE_EPOCH,
  CODE_HEAT,
  CODE_RECORDS,
  CODE_SENTINEL,
  CODE_SNAPSHOT,
  CODE_SOURCE,
  CODE_USED,
  HART_CODE_MAP,
  HART_CODE_PAGE_COUNT,
  HART_CODE_PAGE_NEXT,
  HART_CODE_PAGES,
  HART_FETCH_EPOCH,
} from './generated/layout'
import { drop_records } from './tlb'

const FRAME_BYTES: u32 = 4096
/** What the interpreter understands by operation 1: the page ends here. */
const OP_PAGE_END: u16 = 1

/** Address of the records of the code in `frame`, made or brought up to date as needed. */
export function records_of_frame(hart: u32, frame: u32): u32 {
  const epoch = load<u32>(hart, HART_FETCH_EPOCH)
  const slot: u32 = load<u16>(map_slot(hart, frame))
  if (slot === 0) return new_page(hart, frame, epoch) + CODE_RECORDS
  const page = load<u32>(hart, HART_CODE_PAGES) + (slot - 1) * CODE_BYTES
  if (load<u32>(page, CODE_EPOCH) !== epoch) {
    if (!is_same(page + CODE_SNAPSHOT, frame)) fill_page(page, frame)
    store<u32>(page, epoch, CODE_EPOCH)
  }
  store<u32>(page, 1, CODE_USED)
  return page + CODE_RECORDS
}

/** Where the map holds slot + 1 of the decoded page of `frame`, or 0. */
function map_slot(hart: u32, frame: u32): u32 {
  return load<u32>(hart, HART_CODE_MAP) + ((frame >> 12) << 1)
}

/** The next slot in turn whose page was not used since the last turn (a clock); at most one turn is skipped. */
function take_slot(hart: u32): u32 {
  const count = load<u32>(hart, HART_CODE_PAGE_COUNT)
  let slot = load<u32>(hart, HART_CODE_PAGE_NEXT)
  for (let skipped: u32 = 0; skipped < count; skipped++) {
    const page = load<u32>(hart, HART_CODE_PAGES) + slot * CODE_BYTES
    if (load<u32>(page, CODE_USED) === 0) break
    store<u32>(page, 0, CODE_USED)
    slot = slot + 1 < count ? slot + 1 : 0
  }
  store<u32>(hart, slot + 1 < count ? slot + 1 : 0, HART_CODE_PAGE_NEXT)
  return slot
}

/** Takes a slot from the frame that has it, if one does, and begins to decode `frame` there. */
function new_page(hart: u32, frame: u32, epoch: u32): u32 {
  const slot = take_slot(hart)
  const page = load<u32>(hart, HART_CODE_PAGES) + slot * CODE_BYTES
  const former = load<u32>(page, CODE_SOURCE)
  if (former !== 0) {
    store<u16>(map_slot(hart, former), 0)
    drop_records(hart, page + CODE_RECORDS)
  }
  store<u32>(page, frame, CODE_SOURCE)
  store<u32>(page, epoch, CODE_EPOCH)
  store<u16>(page, OP_PAGE_END, CODE_SENTINEL)
  fill_page(page, frame)
  store<u16>(map_slot(hart, frame), slot + 1)
  return page
}

/** Takes a new snapshot, with nothing decoded and nothing warm. */
function fill_page(page: u32, frame: u32): void {
  memory.copy(page + CODE_SNAPSHOT, frame, FRAME_BYTES)
  store<u32>(page, 0, CODE_CONTENT)
  memory.fill(page + CODE_RECORDS, 0, CODE_SENTINEL - CODE_RECORDS)
  memory.fill(page + CODE_HEAT, 0, CODE_BYTES - CODE_HEAT)
}

/** Whether two runs of 4 KiB hold the same bytes. */
function is_same(a: u32, b: u32): bool {
  for (let at: u32 = 0; at < FRAME_BYTES; at += 64) {
    const difference = v128.or(
      v128.or(
        v128.xor(v128.load(a + at), v128.load(b + at)),
        v128.xor(v128.load(a + at, 16), v128.load(b + at, 16)),
      ),
      v128.or(
        v128.xor(v128.load(a + at, 32), v128.load(b + at, 32)),
        v128.xor(v128.load(a + at, 48), v128.load(b + at, 48)),
      ),
    )
    if (v128.any_true(difference)) return false
  }
  return true
}
