/**
 * CSR instructions: who may access which register, and what reading, setting and clearing mean.
 * The registers themselves are in csr-supervisor.ts, csr-interrupt.ts, csr-machine.ts, csr-counters.ts and
 * csr-float.ts.
 * @spec riscv-priv "CSR Address Mapping Conventions"
 */
import { read_user_counter } from './csr-counters'
import { read_float, write_float } from './csr-float'
import {
  read_machine,
  read_machine_counter,
  read_machine_information,
  write_machine,
  write_machine_counter,
} from './csr-machine'
import { is_interrupt_csr, read_interrupt_csr, read_stopi, write_interrupt_csr } from './csr-interrupt'
import { CSR_FCSR, CSR_MIP, CSR_SIP, CSR_SSCRATCH, CSR_STOPI, CSR_TDATA3, CSR_TSELECT } from './csr-number'
import { software_pending } from './csr-status'
import { read_supervisor, write_supervisor } from './csr-supervisor'
import { raise_illegal, raised } from './exception'
import { PRV_U } from './fields'
import { HART_PRV, HART_SSCRATCH } from './generated/layout'

/** Operations: replace, set bits, clear bits. */
const SET: u32 = 1
const CLEAR: u32 = 2
/** Bit of `access`: the register is written. */
const WRITES: u32 = 2

/**
 * Operation `op` (0 write, 1 set, 2 clear) with `operand` on CSR `number`; bit 1 of `access` says whether it
 * writes at all. Returns the old value, or raises an illegal-instruction exception.
 */
export function csr(hart: u32, number: u32, op: u32, operand: u64, access: u32): i64 {
  const prv = load<i32>(hart, HART_PRV)
  // a trap handler's swap, by far the most frequent
  if (number === CSR_SSCRATCH && prv !== PRV_U) {
    const scratch = load<i64>(hart, HART_SSCRATCH)
    if (access & WRITES) store<i64>(hart, apply(op, scratch, operand), HART_SSCRATCH)
    return scratch
  }
  const isReadOnly = number >> 10 === 3
  if (((number >> 8) & 3) > (prv as u32) || (isReadOnly && (access & WRITES) !== 0)) {
    raise_illegal(hart)
    return 0
  }
  const old = read(hart, number)
  if (raised(hart)) return 0
  if (access & WRITES) {
    if (is_interrupt_csr(number)) {
      write_interrupt_csr(hart, number, old, op === CLEAR ? 0 : operand, op === SET ? 0 : op === CLEAR ? operand : -1)
      return old
    }
    // the lines of controllers are seen, but never written back
    const base = number === CSR_MIP || number === CSR_SIP ? software_pending(hart) : old
    write(hart, number, apply(op, base, operand))
  }
  return old
}

function apply(op: u32, old: i64, operand: i64): i64 {
  if (op === SET) return old | operand
  return op === CLEAR ? old & ~operand : operand
}

/** The blocks of the address space, by the upper 4 bits of the number. */
const BLOCK_FLOAT: u32 = 0x0
const BLOCK_SUPERVISOR: u32 = 0x1
const BLOCK_MACHINE: u32 = 0x3
const BLOCK_DEBUG: u32 = 0x7
const BLOCK_MACHINE_COUNTERS: u32 = 0xb
const BLOCK_USER_COUNTERS: u32 = 0xc
const BLOCK_SUPERVISOR_TOP: u32 = 0xd
const BLOCK_INFORMATION: u32 = 0xf

/** Value of CSR `number`; raises an illegal-instruction exception if there is none or not now. */
function read(hart: u32, number: u32): i64 {
  const block = number >> 8
  if (block === BLOCK_SUPERVISOR) {
    return is_interrupt_csr(number) ? read_interrupt_csr(hart, number) : read_supervisor(hart, number)
  }
  if (block === BLOCK_MACHINE) return read_machine(hart, number)
  if (block === BLOCK_FLOAT && number <= CSR_FCSR) return read_float(hart, number)
  if (block === BLOCK_USER_COUNTERS) return read_user_counter(hart, number)
  if (block === BLOCK_MACHINE_COUNTERS) return read_machine_counter(hart, number)
  if (block === BLOCK_INFORMATION) return read_machine_information(hart, number)
  if (block === BLOCK_SUPERVISOR_TOP && number === CSR_STOPI) return read_stopi(hart)
  if (block === BLOCK_DEBUG && is_trigger(number)) return 0
  raise_illegal(hart)
  return 0
}

/** Writes a CSR that has just been read. Read-only registers do not get here. */
function write(hart: u32, number: u32, value: i64): void {
  const block = number >> 8
  if (block === BLOCK_SUPERVISOR) write_supervisor(hart, number, value)
  else if (block === BLOCK_MACHINE) write_machine(hart, number, value)
  else if (block === BLOCK_FLOAT) write_float(hart, number, value)
  else if (block === BLOCK_MACHINE_COUNTERS) write_machine_counter(hart, number, value)
}

/** tselect and tdata1..3 exist and are zero: there are no triggers for debuggers. */
function is_trigger(number: u32): bool {
  return number >= CSR_TSELECT && number <= CSR_TDATA3
}
