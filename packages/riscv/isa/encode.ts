/** The decoder's inverse: the bits of an instruction with given operands, for tests and code that writes code. */

import { assert, defined } from '@virga/base'
import {
  type CompressedInstruction,
  type Immediate,
  type Instruction,
  type RegisterField,
  readImmediate,
} from './encoding.ts'
import { compressedInstructions, findInstruction } from './table.ts'

/** Operands by name; those that are absent are 0. `csr` is imm; U-type immediates are the upper 20 bits. */
export interface OperandValues {
  readonly rd?: number
  readonly rs1?: number
  readonly rs2?: number
  readonly rs3?: number
  readonly imm?: number
  readonly rm?: number
}

function writeRegister(field: RegisterField | undefined, value: number): number {
  switch (field?.kind) {
    case undefined:
      return 0
    case 'field':
      return value << field.lo
    case 'short':
      assert(value >= 8 && value < 16, 'the register has a three-bit name')
      return (value - 8) << field.lo
    case 'implied':
      return 0
  }
}

function writeImmediate(immediate: Immediate, value: number): number {
  let bits = 0
  for (const { hi, lo, to } of immediate.pieces) bits |= ((value >>> to) & (2 ** (hi - lo + 1) - 1)) << lo
  assert(readImmediate(immediate, bits) === value, `the immediate ${value} can be encoded`)
  return bits
}

function encodeEntry(entry: Instruction | CompressedInstruction, values: OperandValues): number {
  const { operands } = entry
  let bits = entry.match
  for (const name of ['rd', 'rs1', 'rs2', 'rs3'] as const)
    bits |= writeRegister(operands[name], values[name] ?? 0)
  if (operands.imm !== undefined) bits |= writeImmediate(operands.imm, values.imm ?? 0)
  if (operands.rm) bits |= (values.rm ?? 0) << 12
  return bits >>> 0
}

/** Bits of the instruction `mnemonic`. The mnemonic exists and the operands fit, or this throws. */
export function encode(mnemonic: string, values: OperandValues = {}): number {
  const entry = findInstruction(mnemonic) ?? compressedInstructions.find((each) => each.mnemonic === mnemonic)
  return encodeEntry(defined(entry, `instruction ${mnemonic}`), values)
}
