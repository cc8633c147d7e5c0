/**
 * The CSRs of Ssaia: siselect and sireg, the window on registers that have no number of their own; stopei and stopi.
 * They exist while the hart has an IMSIC. Interrupt priorities (iprio) are read-only zeros, so the default order holds.
 * Machine-level CSRs of Smaia do not exist: a machine that begins in M-mode has a PLIC.
 * @spec riscv-aia "Control and Status Registers (CSRs) Added to Harts"
 */
import { CSR_SIREG, CSR_SISELECT, CSR_STOPEI } from './csr-number'
import { raise_illegal } from './exception'
import { HART_MIDELEG, HART_MIE, HART_SISELECT } from './generated/layout'
import {
  claim_stopei,
  has_file_register,
  has_imsic,
  read_file_register,
  read_stopei,
  write_file_register,
} from './imsic'
import { first_of, notice_interrupts, pending_interrupts } from './interrupt'

/** siselect holds 12 bits. */
const SELECT_MASK: i64 = 0xfff
const IPRIO0: u32 = 0x30
const IPRIO15: u32 = 0x3f
const FILE_FIRST: u32 = 0x70
const FILE_LAST: u32 = 0xff
const STOPI_IID_SHIFT: i64 = 16
/** The priority of every interrupt, since none can be given another. */
const STOPI_IPRIO: i64 = 1

/** Whether `number` is siselect, sireg or stopei. */
export function is_interrupt_csr(number: u32): bool {
  return number === CSR_SISELECT || number === CSR_SIREG || number === CSR_STOPEI
}

/** Reads one of those. Raises an illegal-instruction exception without an IMSIC, or where there is no register. */
export function read_interrupt_csr(hart: u32, number: u32): i64 {
  if (!has_imsic(hart)) {
    raise_illegal(hart)
    return 0
  }
  const selected = load<u32>(hart, HART_SISELECT)
  if (number === CSR_SISELECT) return selected
  if (number === CSR_STOPEI) return read_stopei(hart)
  if (selected >= FILE_FIRST && selected <= FILE_LAST && has_file_register(selected)) {
    return read_file_register(hart, selected)
  }
  const isPriority = selected >= IPRIO0 && selected <= IPRIO15 && (selected & 1) === 0
  if (!isPriority) raise_illegal(hart)
  return 0
}

/** Writes one that `read_interrupt_csr` has just found, and read as `old`. */
export function write_interrupt_csr(hart: u32, number: u32, old: i64, set: i64, clear: i64): void {
  if (number === CSR_SISELECT) {
    store<u32>(hart, (((old & ~clear) | set) & SELECT_MASK) as u32, HART_SISELECT)
    return
  }
  if (number === CSR_STOPEI) claim_stopei(hart, old)
  else if (load<u32>(hart, HART_SISELECT) >= FILE_FIRST) {
    write_file_register(hart, load<u32>(hart, HART_SISELECT), set, clear)
  }
  notice_interrupts(hart)
}

/** stopi: the first interrupt that is pending in sip and enabled in sie, whatever sstatus says. */
export function read_stopi(hart: u32): i64 {
  if (!has_imsic(hart)) {
    raise_illegal(hart)
    return 0
  }
  const ready = pending_interrupts(hart) & load<i64>(hart, HART_MIE) & load<i64>(hart, HART_MIDELEG)
  return ready === 0 ? 0 : ((first_of(ready) as i64) << STOPI_IID_SHIFT) | STOPI_IPRIO
}
