/**
 * The hypervisor extension's instructions, for classification alone: who may run them, and what they touch. They
 * are not in the machine's table. @spec riscv-priv "Hypervisor Instructions"
 */

import type { Instruction } from '../encoding.ts'
import { loadFrom, storeTo } from '../evaluate/access.ts'
import { type Execution, raiseInstruction } from '../evaluate/execution.ts'
import type { StepResult } from '../evaluate/index.ts'
import { HSTATUS_HU, HSTATUS_SPVP, TVM } from '../evaluate/status.ts'
import { begin, finish } from '../evaluate/step.ts'
import { cause } from '../evaluate/trap.ts'
import type { World } from './world.ts'

export interface HypervisorInstruction {
  readonly mnemonic: string
  /** runs it at the hart's pc, with rd = x10, rs1 = x11 and rs2 = x12 */
  run(world: World): StepResult
}

const bit = (value: bigint, position: number) => ((value >> BigInt(position)) & 1n) === 1n

/** An entry that only carries the name: its meaning is the function given with it. */
const nameOnly = (mnemonic: string): Instruction => ({
  mnemonic,
  extension: 'H',
  spec: 'riscv-priv "Hypervisor Instructions"',
  doc: 'belongs to the hypervisor extension',
  mask: 0,
  match: 0,
  operands: {},
  syntax: 'none',
  meaning: () => undefined,
})

function define(mnemonic: string, act: (execution: Execution) => void): HypervisorInstruction {
  const decoded = {
    instruction: nameOnly(mnemonic),
    length: 4,
    rd: 10,
    rs1: 11,
    rs2: 12,
    rs3: 0,
    imm: 0,
    rm: 0,
  } as const
  return {
    mnemonic,
    run: ({ hart, memory }) => {
      const execution = begin(hart, memory, decoded, 0)
      if (hart.hypervisor === undefined) raiseInstruction(execution, cause.illegal)
      else if (hart.virtual) raiseInstruction(execution, cause.virtualInstruction)
      else act(execution)
      return finish(execution)
    },
  }
}

const fence = (mnemonic: string, obeysTvm: boolean) =>
  define(mnemonic, (execution) => {
    const { hart } = execution
    const forbidden = hart.privilege === 0 || (obeysTvm && hart.privilege === 1 && bit(hart.csr.mstatus, TVM))
    if (forbidden) raiseInstruction(execution, cause.illegal)
    else execution.fenced = true
  })

/** Accesses memory as the guest would; in U-mode only if hstatus.HU lets it. */
function guestAccess(
  mnemonic: string,
  access: (execution: Execution, address: bigint, as: { privilege: 0 | 1; virtual: true }) => void,
) {
  return define(mnemonic, (execution) => {
    const { hart } = execution
    const hstatus = hart.hypervisor?.hstatus ?? 0n
    if (hart.privilege === 0 && !bit(hstatus, HSTATUS_HU)) return raiseInstruction(execution, cause.illegal)
    access(execution, hart.x[11] ?? 0n, { privilege: bit(hstatus, HSTATUS_SPVP) ? 1 : 0, virtual: true })
  })
}

const guestLoad = (mnemonic: string, bytes: number, signed: boolean) =>
  guestAccess(mnemonic, (execution, address, as) => {
    const value = loadFrom(execution, address, bytes, as)
    if (execution.exception !== undefined) return
    execution.hart.x[10] = signed ? BigInt.asUintN(64, BigInt.asIntN(bytes * 8, value)) : value
  })

const guestStore = (mnemonic: string, bytes: number) =>
  guestAccess(mnemonic, (execution, address, as) =>
    storeTo(execution, address, bytes, execution.hart.x[12] ?? 0n, as),
  )

/** hlvx is tried as a plain load: it differs in which permission it asks for. */
export const hypervisorInstructions: readonly HypervisorInstruction[] = [
  fence('hfence.vvma', false),
  fence('hfence.gvma', true),
  guestLoad('hlv.b', 1, true),
  guestLoad('hlv.bu', 1, false),
  guestLoad('hlv.h', 2, true),
  guestLoad('hlv.hu', 2, false),
  guestLoad('hlvx.hu', 2, false),
  guestLoad('hlv.w', 4, true),
  guestLoad('hlv.wu', 4, false),
  guestLoad('hlvx.wu', 4, false),
  guestLoad('hlv.d', 8, false),
  guestStore('hsv.b', 1),
  guestStore('hsv.h', 2),
  guestStore('hsv.w', 4),
  guestStore('hsv.d', 8),
]
