/** CSR instructions, environment calls, trap returns and fences of the privileged architecture. */

import type { CsrOperation, Meaning } from '../meaning.ts'
import { accessCsr } from './csr-access.ts'
import { type Execution, raise, raiseInstruction } from './execution.ts'
import { bit, type Hart, MACHINE, USER } from './hart.ts'
import { HSTATUS_VTSR, HSTATUS_VTVM, HSTATUS_VTW, TSR, TVM, TW } from './status.ts'
import { cause, pendingBits, returnFromMachine, returnFromSupervisor } from './trap.ts'

export type SystemOperations = Pick<
  Meaning<bigint>,
  'csr' | 'ecall' | 'ebreak' | 'mret' | 'sret' | 'wfi' | 'fenceVma' | 'fenceInval'
>

/** Whether an instruction is refused here: by which exception, or not at all. */
type Gate = (hart: Hart) => number | undefined

/**
 * The gate of an instruction of the supervisor: U-mode may not, S-mode unless `trap` in mstatus forbids it; with
 * V = 1 the guest's supervisor may, unless `guestTrap` in hstatus forbids it, and refusals go to the hypervisor.
 * @spec riscv-priv "Virtual-Instruction Exception"
 */
function supervisorGate(trap: number | undefined, guestTrap: number | undefined): Gate {
  return (hart) => {
    if (hart.privilege === MACHINE) return undefined
    if (hart.virtual) {
      const forbidden = guestTrap !== undefined && bit(hart.hypervisor?.hstatus ?? 0n, guestTrap)
      return hart.privilege === USER || forbidden ? cause.virtualInstruction : undefined
    }
    return hart.privilege === USER || (trap !== undefined && bit(hart.csr.mstatus, trap))
      ? cause.illegal
      : undefined
  }
}

const fenceGate = supervisorGate(TVM, HSTATUS_VTVM)
const returnGate = supervisorGate(TSR, HSTATUS_VTSR)
const invalidateGate = supervisorGate(undefined, undefined)

/** TW forbids waiting to all below M-mode; else U-mode may not wait at all. @spec riscv-priv "Wait for Interrupt" */
const waitGate: Gate = (hart) => {
  if (hart.privilege === MACHINE) return undefined
  if (bit(hart.csr.mstatus, TW)) return cause.illegal
  if (!hart.virtual) return hart.privilege === USER ? cause.illegal : undefined
  const forbidden = hart.privilege === USER || bit(hart.hypervisor?.hstatus ?? 0n, HSTATUS_VTW)
  return forbidden ? cause.virtualInstruction : undefined
}

const machineGate: Gate = (hart) => (hart.privilege === MACHINE ? undefined : cause.illegal)

export function systemOperations(execution: Execution): SystemOperations {
  const { hart } = execution
  const gated = (gate: Gate, act: () => void) => () => {
    const refused = gate(hart)
    if (refused === undefined) act()
    else raiseInstruction(execution, refused)
  }
  return {
    csr: (operation, operand) => accessByInstruction(execution, operation, operand),
    ecall: () => raise(execution, { cause: callCause(hart), tval: 0n }),
    ebreak: () => raise(execution, { cause: cause.breakpoint, tval: hart.pc, guestAddress: hart.virtual }),
    mret: gated(machineGate, () => {
      execution.next = returnFromMachine(hart)
    }),
    sret: gated(returnGate, () => {
      execution.next = returnFromSupervisor(hart)
    }),
    wfi: gated(waitGate, () => {
      execution.waiting = (pendingBits(hart) & hart.csr.mie) === 0n
    }),
    // every walk starts at the tables, so there is nothing to drop
    fenceVma: gated(fenceGate, () => {
      execution.fenced = true
    }),
    fenceInval: gated(invalidateGate, () => {
      execution.fenced = true
    }),
  }
}

function callCause(hart: Hart): number {
  if (hart.privilege === MACHINE) return cause.ecallFromM
  if (hart.privilege === USER) return cause.ecallFromU
  return hart.virtual ? cause.ecallFromVs : cause.ecallFromS
}

/** x0 as destination of a write means no read; x0 (or 0) as source of a set or clear means no write. */
function accessByInstruction(execution: Execution, operation: CsrOperation, operand: bigint): void {
  const { hart, decoded } = execution
  const reads = operation !== 'write' || decoded.rd !== 0
  const writes = operation === 'write' || decoded.rs1 !== 0
  const result = accessCsr(hart, decoded.imm, { operation, operand, reads, writes })
  if ('refused' in result) return raiseInstruction(execution, result.refused)
  if (writes && decoded.imm === 0xb00) execution.counterWritten = 'mcycle'
  if (writes && decoded.imm === 0xb02) execution.counterWritten = 'minstret'
  if (decoded.rd !== 0) hart.x[decoded.rd] = result.old
}
