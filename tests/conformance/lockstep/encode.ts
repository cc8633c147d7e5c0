/**
 * Puts instructions of the table into bits, cutting each operand down to its field: random programs have random
 * operands. (`packages/riscv/isa/encode.ts` refuses what does not fit.)
 */

import {
  type CompressedInstruction,
  compressedInstructions,
  findInstruction,
  type Instruction,
} from '@virga/riscv'

/** Values of the operands that an instruction has. `imm` is in the operand's own units (U-type: the upper 20 bits). */
export interface OperandValues {
  readonly rd?: number
  readonly rs1?: number
  readonly rs2?: number
  readonly rs3?: number
  readonly imm?: number
  readonly rm?: number
}

type Places = Instruction['operands']

/** The instruction word of a mnemonic of the table. */
export function encode(mnemonic: string, values: OperandValues): number {
  const instruction = findInstruction(mnemonic)
  if (instruction === undefined) throw new Error(`no instruction ${mnemonic}`)
  return place(instruction.match, instruction.operands, values)
}

/** The halfword of a compressed mnemonic of the table. */
export function encodeCompressed(mnemonic: string, values: OperandValues): number {
  const entry = findCompressed(mnemonic)
  return place(entry.match, entry.operands, values)
}

/** The entry of a compressed mnemonic of the table. */
export function findCompressed(mnemonic: string): CompressedInstruction {
  const entry = compressedInstructions.find((candidate) => candidate.mnemonic === mnemonic)
  if (entry === undefined) throw new Error(`no instruction ${mnemonic}`)
  return entry
}

function place(match: number, operands: Places, values: OperandValues): number {
  let bits = match
  for (const name of ['rd', 'rs1', 'rs2', 'rs3'] as const) {
    const at = operands[name]
    if (at === undefined || at.kind === 'implied') continue
    const number = values[name] ?? 0
    bits |= (at.kind === 'field' ? number & 31 : (number - 8) & 7) << at.lo
  }
  for (const { hi, lo, to } of operands.imm?.pieces ?? []) {
    bits |= (((values.imm ?? 0) >> to) & (2 ** (hi - lo + 1) - 1)) << lo
  }
  if (operands.rm) bits |= (values.rm ?? 0) << 12
  return bits >>> 0
}
