/**
 * Constructors for table entries, one for each way in which an instruction is written: they turn opcode and
 * function fields into mask and match, and name the operands. @spec riscv-unpriv "Base Instruction Formats"
 */

import {
  IMM_B,
  IMM_I,
  IMM_J,
  IMM_S,
  IMM_SHAMT5,
  IMM_SHAMT6,
  IMM_U,
  IMM_U12,
  type Instruction,
  type Operands,
  RD,
  RS1,
  RS2,
  RS3,
  type Syntax,
} from './encoding.ts'
import type { Means } from './meaning.ts'

/** Major opcodes, bits 6..0. @spec riscv-unpriv "RV32/64G Instruction Set Listings" */
export const opcode = {
  LOAD: 0x03,
  LOAD_FP: 0x07,
  MISC_MEM: 0x0f,
  OP_IMM: 0x13,
  AUIPC: 0x17,
  OP_IMM_32: 0x1b,
  STORE: 0x23,
  STORE_FP: 0x27,
  AMO: 0x2f,
  OP: 0x33,
  LUI: 0x37,
  OP_32: 0x3b,
  MADD: 0x43,
  MSUB: 0x47,
  NMSUB: 0x4b,
  NMADD: 0x4f,
  OP_FP: 0x53,
  BRANCH: 0x63,
  JALR: 0x67,
  JAL: 0x6f,
  SYSTEM: 0x73,
} as const

/** Fixed fields of an encoding; what is absent is an operand or ignored. */
export interface Fixed {
  readonly opcode: number
  readonly funct3?: number
  readonly funct7?: number
  readonly funct6?: number
  readonly funct5?: number
  /** the format field of FP instructions, bits 26..25 */
  readonly fmt?: number
  readonly rs2?: number
  readonly rs1?: number
  readonly rd?: number
  /** bits 31..20 */
  readonly funct12?: number
}

/** An entry without its name and extension, which the table that holds it gives. */
export type Entry = Omit<Instruction, 'mnemonic' | 'extension' | 'spec'>

const places = {
  opcode: [0, 0x7f],
  funct3: [12, 7],
  funct7: [25, 0x7f],
  funct6: [26, 0x3f],
  funct5: [27, 0x1f],
  fmt: [25, 3],
  rs2: [20, 0x1f],
  rs1: [15, 0x1f],
  rd: [7, 0x1f],
  funct12: [20, 0xfff],
} as const

function entry(fixed: Fixed, syntax: Syntax, operands: Operands, doc: string, meaning: Means): Entry {
  let mask = 0
  let match = 0
  for (const [name, [shift, ones]] of Object.entries(places)) {
    const value = fixed[name as keyof Fixed]
    if (value === undefined) continue
    mask |= ones << shift
    match |= value << shift
  }
  return { mask: mask >>> 0, match: match >>> 0, syntax, operands, doc, meaning }
}

const format =
  (syntax: Syntax, operands: Operands) =>
  (fixed: Fixed, doc: string, meaning: Means): Entry =>
    entry(fixed, syntax, operands, doc, meaning)

export const rType = format('rd,rs1,rs2', { rd: RD, rs1: RS1, rs2: RS2 })
export const iType = format('rd,rs1,imm', { rd: RD, rs1: RS1, imm: IMM_I })
export const shift6 = format('rd,rs1,imm', { rd: RD, rs1: RS1, imm: IMM_SHAMT6 })
export const shift5 = format('rd,rs1,imm', { rd: RD, rs1: RS1, imm: IMM_SHAMT5 })
export const unary = format('rd,rs1', { rd: RD, rs1: RS1 })
export const uType = format('rd,upper', { rd: RD, imm: IMM_U })
export const jType = format('rd,offset', { rd: RD, imm: IMM_J })
export const bType = format('rs1,rs2,offset', { rs1: RS1, rs2: RS2, imm: IMM_B })
export const loadType = format('rd,imm(rs1)', { rd: RD, rs1: RS1, imm: IMM_I })
export const storeType = format('rs2,imm(rs1)', { rs1: RS1, rs2: RS2, imm: IMM_S })
export const fpLoadType = format('frd,imm(rs1)', { rd: RD, rs1: RS1, imm: IMM_I })
export const fpStoreType = format('frs2,imm(rs1)', { rs1: RS1, rs2: RS2, imm: IMM_S })
export const amoType = format('rd,rs2,(rs1)', { rd: RD, rs1: RS1, rs2: RS2 })
export const lrType = format('rd,(rs1)', { rd: RD, rs1: RS1 })
export const cboType = format('(rs1)', { rs1: RS1 })
export const fenceType = format('fence', { imm: IMM_U12 })
export const csrType = format('rd,csr,rs1', { rd: RD, rs1: RS1, imm: IMM_U12 })
export const csrImmediateType = format('rd,csr,uimm', { rd: RD, rs1: RS1, imm: IMM_U12 })
export const bareType = format('none', {})
export const fenceVmaType = format('rs1,rs2', { rs1: RS1, rs2: RS2 })
export const fpBinaryType = format('frd,frs1,frs2,rm', { rd: RD, rs1: RS1, rs2: RS2, rm: true })
export const fpSignType = format('frd,frs1,frs2', { rd: RD, rs1: RS1, rs2: RS2 })
export const fpFmaType = format('frd,frs1,frs2,frs3,rm', { rd: RD, rs1: RS1, rs2: RS2, rs3: RS3, rm: true })
export const fpUnaryType = format('frd,frs1,rm', { rd: RD, rs1: RS1, rm: true })
export const fpCompareType = format('rd,frs1,frs2', { rd: RD, rs1: RS1, rs2: RS2 })
export const fpToIntegerType = format('rd,frs1,rm', { rd: RD, rs1: RS1, rm: true })
export const fpToBitsType = format('rd,frs1', { rd: RD, rs1: RS1 })
export const fpFromIntegerType = format('frd,rs1,rm', { rd: RD, rs1: RS1, rm: true })
export const fpFromBitsType = format('frd,rs1', { rd: RD, rs1: RS1 })

/** Names the entries of one extension. `spec` is the short name and section that define them. */
export function extension(
  name: string,
  spec: string,
  entries: Readonly<Record<string, Entry>>,
): readonly Instruction[] {
  return Object.entries(entries).map(([mnemonic, body]) => ({ mnemonic, extension: name, spec, ...body }))
}
