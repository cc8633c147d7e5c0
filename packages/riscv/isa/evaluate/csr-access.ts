/**
 * May this mode access this CSR? And the read-modify-write itself.
 * @spec riscv-priv "CSR Address Mapping Conventions" @spec riscv-priv "Virtual-Instruction Exception"
 */

import type { CsrOperation } from '../meaning.ts'
import { baseRegisters, type Register } from './csrs.ts'
import { bit, bits, type Hart, MACHINE, MASK64, SUPERVISOR, USER } from './hart.ts'
import { guestCopies, hypervisorRegisters } from './hypervisor-csrs.ts'
import { fpEnabled, HSTATUS_VTVM, TVM } from './status.ts'
import { cause } from './trap.ts'

/** What refuses an access: nothing but these two exceptions does. */
export type Refusal = typeof cause.illegal | typeof cause.virtualInstruction

const SATP = 0x180
const STIMECMP = 0x14d
const STCE = 63
const TIME = 1

/** The CSR of that number on this hart, or undefined when there is none. */
export function findRegister(hart: Hart, number: number): Register | undefined {
  return (
    baseRegisters.get(number) ?? (hart.hypervisor === undefined ? undefined : hypervisorRegisters.get(number))
  )
}

/** One CSR instruction: the old value, or why there is none. Nothing changes when it is refused. */
export function accessCsr(
  hart: Hart,
  number: number,
  access: {
    readonly operation: CsrOperation
    readonly operand: bigint
    readonly reads: boolean
    readonly writes: boolean
  },
): { readonly old: bigint } | { readonly refused: Refusal } {
  const refused = refusal(hart, number, access.writes)
  if (refused !== undefined) return { refused }
  const effective = hart.virtual ? (guestCopies.get(number) ?? number) : number
  const register = findRegister(hart, effective)
  if (register === undefined) return { refused: cause.illegal }
  // the read of a CSR that is only written has no effect either, so it may as well happen
  const old = register.read(hart)
  if (access.writes) register.write?.(hart, changed(access.operation, hart, register, old, access.operand))
  return { old }
}

function changed(
  operation: CsrOperation,
  hart: Hart,
  register: Register,
  old: bigint,
  operand: bigint,
): bigint {
  // SEIP reads with the controller's line ORed in, but set and clear work on the software's bit alone
  const base = register.name === 'mip' ? (old & ~0x200n) | (hart.csr.mip & 0x200n) : old
  switch (operation) {
    case 'write':
      return operand
    case 'set':
      return base | operand
    case 'clear':
      return base & ~operand & MASK64
  }
}

function refusal(hart: Hart, number: number, writes: boolean): Refusal | undefined {
  if (findRegister(hart, number) === undefined) return cause.illegal
  if (writes && number >> 10 === 3) return cause.illegal
  const lowest = (number >> 8) & 3
  // level 2 is that of HS-mode: a host's supervisor has it, a guest's does not
  if (lowest === 3 && hart.privilege !== MACHINE) return cause.illegal
  if (hart.virtual) {
    if (lowest === 2 || (lowest === 1 && hart.privilege === USER)) return cause.virtualInstruction
  } else if (hart.privilege < lowest && !(lowest === 2 && hart.privilege === SUPERVISOR)) {
    return cause.illegal
  }
  return refusalByState(hart, number)
}

function refusalByState(hart: Hart, number: number): Refusal | undefined {
  if (number <= 3) return fpEnabled(hart) ? undefined : cause.illegal
  if (number >= 0xc00 && number <= 0xc1f) return refusalOfCounter(hart, number & 31)
  if (number === SATP) {
    if (hart.virtual) {
      return bit(hart.hypervisor?.hstatus ?? 0n, HSTATUS_VTVM) ? cause.virtualInstruction : undefined
    }
    return hart.privilege === SUPERVISOR && bit(hart.csr.mstatus, TVM) ? cause.illegal : undefined
  }
  if (number === 0x680)
    return hart.privilege === SUPERVISOR && bit(hart.csr.mstatus, TVM) ? cause.illegal : undefined
  if (number === STIMECMP || number === 0x24d) return refusalOfTimer(hart)
  return undefined
}

/** @spec riscv-priv "Machine Counter-Enable (mcounteren) Register" */
function refusalOfCounter(hart: Hart, index: number): Refusal | undefined {
  if (hart.privilege === MACHINE) return undefined
  if (!bit(hart.csr.mcounteren, index)) return cause.illegal
  if (hart.virtual && !bit(hart.hypervisor?.hcounteren ?? 0n, index)) return cause.virtualInstruction
  if (hart.privilege === USER && !bit(hart.csr.scounteren, index)) {
    return hart.virtual ? cause.virtualInstruction : cause.illegal
  }
  return undefined
}

/** @spec riscv-priv "Sstc Extension for Supervisor-mode Timer Interrupts" */
function refusalOfTimer(hart: Hart): Refusal | undefined {
  if (hart.privilege === MACHINE) return undefined
  if (!bit(hart.csr.menvcfg, STCE) || !bit(hart.csr.mcounteren, TIME)) return cause.illegal
  const { hypervisor } = hart
  if (!hart.virtual || hypervisor === undefined) return undefined
  return bit(hypervisor.henvcfg, STCE) && bit(hypervisor.hcounteren, TIME)
    ? undefined
    : cause.virtualInstruction
}

/** The cache-block operations' enable fields, by mode. @spec riscv-unpriv "Control of CMO Instructions" */
export function refusalOfBlockOperation(hart: Hart, hi: number, lo: number): Refusal | undefined {
  if (hart.privilege === MACHINE) return undefined
  if (bits(hart.csr.menvcfg, hi, lo) === 0n) return cause.illegal
  if (hart.virtual && bits(hart.hypervisor?.henvcfg ?? 0n, hi, lo) === 0n) return cause.virtualInstruction
  if (hart.privilege === USER && bits(hart.csr.senvcfg, hi, lo) === 0n) {
    return hart.virtual ? cause.virtualInstruction : cause.illegal
  }
  return undefined
}
