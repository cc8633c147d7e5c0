/**
 * The instruction table: every instruction of the machine, and a plain decoder over it. The interpreter has a
 * generated decoder; this one serves people (disassembly), tests and code generators.
 */

import { defined } from '@virga/base'
import {
  type CompressedInstruction,
  type Instruction,
  instructionLength,
  type Operands,
  readImmediate,
  readRegister,
} from './encoding.ts'
import { rv64a } from './rv64a.ts'
import { rv64c } from './rv64c.ts'
import { rv64fd } from './rv64fd.ts'
import { rv64i } from './rv64i.ts'
import { rv64m } from './rv64m.ts'
import { zb } from './zb.ts'
import { zi } from './zi.ts'

/** All 32-bit instructions. */
export const instructions: readonly Instruction[] = [...rv64i, ...rv64m, ...rv64a, ...rv64fd, ...zb, ...zi]

/** All 16-bit instructions. */
export const compressedInstructions: readonly CompressedInstruction[] = rv64c

const byMnemonic = new Map(instructions.map((instruction) => [instruction.mnemonic, instruction]))

/** The instruction of that name, or undefined. */
export function findInstruction(mnemonic: string): Instruction | undefined {
  return byMnemonic.get(mnemonic)
}

/** A decoded instruction: what it is, its length in bytes, and its operands' values. */
export interface Decoded {
  readonly instruction: Instruction
  readonly compressed?: CompressedInstruction
  readonly length: 2 | 4
  readonly rd: number
  readonly rs1: number
  readonly rs2: number
  readonly rs3: number
  /** sign-extended; for U-type the upper 20 bits, not shifted */
  readonly imm: number
  /** rounding-mode field, 0 where there is none */
  readonly rm: number
}

/** Decodes the instruction in the low 16 or 32 bits of `bits`; undefined when it is illegal. */
export function decode(bits: number): Decoded | undefined {
  if (instructionLength(bits) === 4) {
    const instruction = instructions.find(({ mask, match }) => (bits & mask) >>> 0 === match)
    return instruction && { instruction, length: 4, ...operandValues(instruction.operands, bits) }
  }
  const compressed = compressedInstructions.find((entry) => matchesCompressed(entry, bits & 0xffff))
  if (compressed === undefined) return undefined
  const instruction = defined(byMnemonic.get(compressed.expands), `expansion of ${compressed.mnemonic}`)
  return { instruction, compressed, length: 2, ...operandValues(compressed.operands, bits & 0xffff) }
}

function matchesCompressed(entry: CompressedInstruction, bits: number): boolean {
  if ((bits & entry.mask) !== entry.match) return false
  if (entry.rdNot !== undefined && ((bits >>> 7) & 31) === entry.rdNot) return false
  return entry.nonZero.every((runs) =>
    runs.some(([hi, lo]) => ((bits >>> lo) & (2 ** (hi - lo + 1) - 1)) !== 0),
  )
}

function operandValues(operands: Operands, bits: number) {
  const { rd, rs1, rs2, rs3, imm, rm } = operands
  return {
    rd: rd === undefined ? 0 : readRegister(rd, bits),
    rs1: rs1 === undefined ? 0 : readRegister(rs1, bits),
    rs2: rs2 === undefined ? 0 : readRegister(rs2, bits),
    rs3: rs3 === undefined ? 0 : readRegister(rs3, bits),
    imm: imm === undefined ? 0 : readImmediate(imm, bits),
    rm: rm === undefined ? 0 : (bits >>> 12) & 7,
  }
}
