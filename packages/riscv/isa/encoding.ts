/**
 * How instructions are laid out in bits, as data that the decoder's generator, the TypeScript decoder and the
 * disassembler all read. @spec riscv-unpriv "Base Instruction Formats"
 */

import type { Means } from './meaning.ts'

/** A run of instruction bits `hi..lo` that becomes operand bits starting at `to`. */
export interface Piece {
  readonly hi: number
  readonly lo: number
  readonly to: number
}

/** An immediate: its pieces, and the operand's width in bits when it is signed (0: unsigned). */
export interface Immediate {
  readonly pieces: readonly Piece[]
  readonly signedBits: number
}

/** A register operand: a 5-bit field, a 3-bit field of x8..x15, or a register that the instruction implies. */
export type RegisterField =
  | { readonly kind: 'field'; readonly lo: number }
  | { readonly kind: 'short'; readonly lo: number }
  | { readonly kind: 'implied'; readonly register: number }

/** Where each operand of an instruction is. Absent: the instruction does not have it. */
export interface Operands {
  readonly rd?: RegisterField
  readonly rs1?: RegisterField
  readonly rs2?: RegisterField
  readonly rs3?: RegisterField
  readonly imm?: Immediate
  /** the rounding-mode field in bits 14..12 */
  readonly rm?: true
}

/** Which register file each register operand names, and how the assembler writes the operands. */
export type Syntax =
  | 'none'
  | 'rd,rs1,rs2'
  | 'rd,rs1,imm'
  | 'rd,rs1'
  | 'rd,upper'
  | 'rd,offset'
  | 'rs1,rs2,offset'
  | 'rd,imm(rs1)'
  | 'rs2,imm(rs1)'
  | 'frd,imm(rs1)'
  | 'frs2,imm(rs1)'
  | 'rd,(rs1)'
  | 'rd,rs2,(rs1)'
  | '(rs1)'
  | 'rs1,rs2'
  | 'fence'
  | 'rd,csr,rs1'
  | 'rd,csr,uimm'
  | 'frd,frs1,frs2'
  | 'frd,frs1,frs2,rm'
  | 'frd,frs1,frs2,frs3,rm'
  | 'frd,frs1,rm'
  | 'rd,frs1,frs2'
  | 'rd,frs1,rm'
  | 'rd,frs1'
  | 'frd,rs1,rm'
  | 'frd,rs1'

/** One 32-bit instruction. `(bits & mask) === match` recognises it. */
export interface Instruction {
  readonly mnemonic: string
  readonly extension: string
  readonly spec: string
  /** one line for people */
  readonly doc: string
  readonly mask: number
  readonly match: number
  readonly operands: Operands
  readonly syntax: Syntax
  readonly meaning: Means
}

/** One 16-bit instruction: it means what `expands` means with these operands. */
export interface CompressedInstruction {
  readonly mnemonic: string
  readonly spec: string
  readonly mask: number
  readonly match: number
  /** fields whose value zero makes the encoding another instruction or reserved: [hi, lo] runs, each must be non-zero together */
  readonly nonZero: readonly (readonly (readonly [hi: number, lo: number])[])[]
  /** register field values that are excluded (c.lui: x2) */
  readonly rdNot?: number
  readonly expands: string
  readonly operands: Operands
}

const field = (lo: number): RegisterField => ({ kind: 'field', lo })

/** The five-bit fields of 32-bit formats. */
export const RD = field(7)
export const RS1 = field(15)
export const RS2 = field(20)
export const RS3 = field(27)

/** Immediates of the base formats. */
export const IMM_I: Immediate = { pieces: [{ hi: 31, lo: 20, to: 0 }], signedBits: 12 }
export const IMM_S: Immediate = {
  pieces: [
    { hi: 31, lo: 25, to: 5 },
    { hi: 11, lo: 7, to: 0 },
  ],
  signedBits: 12,
}
export const IMM_B: Immediate = {
  pieces: [
    { hi: 31, lo: 31, to: 12 },
    { hi: 7, lo: 7, to: 11 },
    { hi: 30, lo: 25, to: 5 },
    { hi: 11, lo: 8, to: 1 },
  ],
  signedBits: 13,
}
/** Kept as its upper 20 bits; readers shift it by 12. */
export const IMM_U: Immediate = { pieces: [{ hi: 31, lo: 12, to: 0 }], signedBits: 20 }
export const IMM_J: Immediate = {
  pieces: [
    { hi: 31, lo: 31, to: 20 },
    { hi: 19, lo: 12, to: 12 },
    { hi: 20, lo: 20, to: 11 },
    { hi: 30, lo: 21, to: 1 },
  ],
  signedBits: 21,
}
/** C.J and C.JAL. */
export const IMM_CJ: Immediate = {
  pieces: [
    { hi: 12, lo: 12, to: 11 },
    { hi: 11, lo: 11, to: 4 },
    { hi: 10, lo: 9, to: 8 },
    { hi: 8, lo: 8, to: 10 },
    { hi: 7, lo: 7, to: 6 },
    { hi: 6, lo: 6, to: 7 },
    { hi: 5, lo: 3, to: 1 },
    { hi: 2, lo: 2, to: 5 },
  ],
  signedBits: 12,
}
/** C.BEQZ and C.BNEZ. */
export const IMM_CB: Immediate = {
  pieces: [
    { hi: 12, lo: 12, to: 8 },
    { hi: 11, lo: 10, to: 3 },
    { hi: 6, lo: 5, to: 6 },
    { hi: 4, lo: 3, to: 1 },
    { hi: 2, lo: 2, to: 5 },
  ],
  signedBits: 9,
}
export const IMM_SHAMT6: Immediate = { pieces: [{ hi: 25, lo: 20, to: 0 }], signedBits: 0 }
export const IMM_SHAMT5: Immediate = { pieces: [{ hi: 24, lo: 20, to: 0 }], signedBits: 0 }
/** The CSR number, or fence's fm, pred and succ: twelve unsigned bits. */
export const IMM_U12: Immediate = { pieces: [{ hi: 31, lo: 20, to: 0 }], signedBits: 0 }

/** Value of an immediate in an instruction, sign-extended: −2³¹..2³¹−1. */
export function readImmediate(immediate: Immediate, bits: number): number {
  let value = 0
  for (const { hi, lo, to } of immediate.pieces) {
    value |= ((bits >>> lo) & (2 ** (hi - lo + 1) - 1)) << to
  }
  const { signedBits } = immediate
  return signedBits === 0 ? value : (value << (32 - signedBits)) >> (32 - signedBits)
}

/** Number of the register that a field names: 0..31. */
export function readRegister(register: RegisterField, bits: number): number {
  switch (register.kind) {
    case 'field':
      return (bits >>> register.lo) & 31
    case 'short':
      return ((bits >>> register.lo) & 7) + 8
    case 'implied':
      return register.register
  }
}

/** Whether the immediate is the upper 20 bits, which readers shift left by 12. */
export function isUpperImmediate(operands: Operands): boolean {
  return operands.imm === IMM_U
}

/** Length in bytes of the instruction whose first halfword is `half`. */
export function instructionLength(half: number): 2 | 4 {
  return (half & 3) === 3 ? 4 : 2
}
