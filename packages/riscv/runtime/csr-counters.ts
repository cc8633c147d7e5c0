/**
 * Counters. An instruction takes one cycle, so mcycle and minstret count the same thing; a stored counter is its
 * offset from the instruction count while it runs, and its value while mcountinhibit stops it.
 * @spec riscv-priv "Hardware Performance Monitor"
 */
import { raise_illegal } from './exception'
import { PRV_M, PRV_U } from './fields'
import {
  HART_ICOUNT,
  HART_MCOUNTEREN,
  HART_MCOUNTINHIBIT,
  HART_MCYCLE,
  HART_MHPMCOUNTER,
  HART_MINSTRET,
  HART_PRV,
  HART_RETIRED,
  HART_SCOUNTEREN,
  HART_SLICE_BUDGET,
} from './generated/layout'
import { clock } from './host'

/** Counter numbers, the low 5 bits of the CSRs and the bits of mcounteren and mcountinhibit. */
const CYCLE: u32 = 0
const TIME: u32 = 1
const INSTRET: u32 = 2
/** `time` cannot be stopped. */
const INHIBITABLE: i64 = 0xfffffffd

/** Instructions retired before the current one. */
function instruction_count(hart: u32): i64 {
  const inSlice = load<i32>(hart, HART_SLICE_BUDGET) - load<i32>(hart, HART_ICOUNT)
  return load<i64>(hart, HART_RETIRED) + (inSlice as i64)
}

function is_running(hart: u32, counter: u32): bool {
  return ((load<i64>(hart, HART_MCOUNTINHIBIT) >> (counter as i64)) & 1) === 0
}

/** Value of counter 0 (cycle), 1 (time), 2 (instret) or 3..31. */
export function read_counter(hart: u32, counter: u32): i64 {
  if (counter === TIME) return clock() as i64
  if (counter > INSTRET) return load<i64>(hart + (counter << 3), HART_MHPMCOUNTER)
  const stored = load<i64>(hart + (counter === CYCLE ? HART_MCYCLE : HART_MINSTRET))
  return is_running(hart, counter) ? stored + instruction_count(hart) : stored
}

/** Writes counter 0, 2 or 3..31. The next instruction reads what this one wrote. */
export function write_counter(hart: u32, counter: u32, value: i64): void {
  if (counter > INSTRET) store<i64>(hart + (counter << 3), value, HART_MHPMCOUNTER)
  else {
    const stored = is_running(hart, counter) ? value - instruction_count(hart) - 1 : value
    store<i64>(hart + (counter === CYCLE ? HART_MCYCLE : HART_MINSTRET), stored)
  }
}

/** Writes mcountinhibit: converts the counters that stop or start. */
export function write_mcountinhibit(hart: u32, value: i64): void {
  const cycle = read_counter(hart, CYCLE)
  const instret = read_counter(hart, INSTRET)
  store<i64>(hart, value & INHIBITABLE, HART_MCOUNTINHIBIT)
  const now = instruction_count(hart)
  store<i64>(hart, is_running(hart, CYCLE) ? cycle - now : cycle, HART_MCYCLE)
  store<i64>(hart, is_running(hart, INSTRET) ? instret - now : instret, HART_MINSTRET)
}

/** Whether the current privilege may read the user-level view of `counter`. */
function counter_readable(hart: u32, counter: u32): bool {
  const prv = load<i32>(hart, HART_PRV)
  if (prv === PRV_M) return true
  if (((load<i64>(hart, HART_MCOUNTEREN) >> (counter as i64)) & 1) === 0) return false
  return prv !== PRV_U || ((load<i64>(hart, HART_SCOUNTEREN) >> (counter as i64)) & 1) !== 0
}

/** cycle, time, instret and hpmcounter3..31, the read-only views. Raises an illegal-instruction exception else. */
export function read_user_counter(hart: u32, number: u32): i64 {
  const offset = number & 0xff
  if (offset < 32 && counter_readable(hart, offset)) return read_counter(hart, offset)
  raise_illegal(hart)
  return 0
}
