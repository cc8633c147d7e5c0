/**
 * Compressed instructions: each is another way to write a 32-bit one, so it has an encoding and operands but
 * no meaning of its own. @spec riscv-unpriv "\"C\" Extension for Compressed Instructions"
 */

import {
  type CompressedInstruction,
  IMM_CB,
  IMM_CJ,
  type Immediate,
  type Operands,
  type Piece,
  type RegisterField,
} from './encoding.ts'

const spec = 'riscv-unpriv "RVC Instruction Set Listings"'

const field = (lo: number): RegisterField => ({ kind: 'field', lo })
const short = (lo: number): RegisterField => ({ kind: 'short', lo })
const implied = (register: number): RegisterField => ({ kind: 'implied', register })

const zero = implied(0)
const ra = implied(1)
const sp = implied(2)
const wide = field(7)
const wideRs2 = field(2)
const low = short(2)
const high = short(7)

/** Pieces written as the specification's listings do: "instruction bits hi..lo are operand bits from `to` up". */
function immediate(
  signedBits: number,
  ...pieces: readonly (readonly [hi: number, lo: number, to: number])[]
): Immediate {
  return { signedBits, pieces: pieces.map(([hi, lo, to]): Piece => ({ hi, lo, to })) }
}

const none = immediate(0)
const imm6 = immediate(6, [12, 12, 5], [6, 2, 0])
const shamt = immediate(0, [12, 12, 5], [6, 2, 0])
const addi4spn = immediate(0, [12, 11, 4], [10, 7, 6], [6, 6, 2], [5, 5, 3])
const addi16sp = immediate(10, [12, 12, 9], [6, 6, 4], [5, 5, 6], [4, 3, 7], [2, 2, 5])
const wordOffset = immediate(0, [12, 10, 3], [6, 6, 2], [5, 5, 6])
const doubleOffset = immediate(0, [12, 10, 3], [6, 5, 6])
const wordLoadSp = immediate(0, [12, 12, 5], [6, 4, 2], [3, 2, 6])
const doubleLoadSp = immediate(0, [12, 12, 5], [6, 5, 3], [4, 2, 6])
const wordStoreSp = immediate(0, [12, 9, 2], [8, 7, 6])
const doubleStoreSp = immediate(0, [12, 10, 3], [9, 7, 6])

type Run = readonly (readonly [hi: number, lo: number])[]
const rdNotZero: Run = [[11, 7]]
const rs2NotZero: Run = [[6, 2]]
const imm6NotZero: Run = [
  [12, 12],
  [6, 2],
]

interface Shape {
  /** bits 15..13 */
  readonly funct3: number
  /** bits 1..0 */
  readonly quadrant: number
  /** further fixed bits: mask and match */
  readonly mask?: number
  readonly match?: number
  readonly nonZero?: readonly Run[]
  readonly rdNot?: number
}

function compressed(
  mnemonic: string,
  shape: Shape,
  expands: string,
  operands: Operands,
): CompressedInstruction {
  const { funct3, quadrant, mask = 0, match = 0, nonZero = [], rdNot } = shape
  return {
    mnemonic,
    spec,
    mask: 0xe003 | mask,
    match: (funct3 << 13) | quadrant | match,
    nonZero,
    expands,
    operands,
    ...(rdNot === undefined ? {} : { rdNot }),
  }
}

const loadStore = (
  name: string,
  funct3: number,
  expands: string,
  offset: Immediate,
  direction: 'load' | 'store',
): CompressedInstruction =>
  compressed(
    name,
    { funct3, quadrant: 0 },
    expands,
    direction === 'load' ? { rd: low, rs1: high, imm: offset } : { rs1: high, rs2: low, imm: offset },
  )

const arithmetic = (name: string, select: number, expands: string): CompressedInstruction =>
  compressed(name, { funct3: 4, quadrant: 1, mask: 0x1c60, match: select }, expands, {
    rd: high,
    rs1: high,
    rs2: low,
  })

/** RV64C, with the compressed loads and stores of D. */
export const rv64c: readonly CompressedInstruction[] = [
  compressed('c.addi4spn', { funct3: 0, quadrant: 0, nonZero: [[[12, 5]]] }, 'addi', {
    rd: low,
    rs1: sp,
    imm: addi4spn,
  }),
  loadStore('c.fld', 1, 'fld', doubleOffset, 'load'),
  loadStore('c.lw', 2, 'lw', wordOffset, 'load'),
  loadStore('c.ld', 3, 'ld', doubleOffset, 'load'),
  loadStore('c.fsd', 5, 'fsd', doubleOffset, 'store'),
  loadStore('c.sw', 6, 'sw', wordOffset, 'store'),
  loadStore('c.sd', 7, 'sd', doubleOffset, 'store'),

  compressed('c.addi', { funct3: 0, quadrant: 1 }, 'addi', { rd: wide, rs1: wide, imm: imm6 }),
  compressed('c.addiw', { funct3: 1, quadrant: 1, nonZero: [rdNotZero] }, 'addiw', {
    rd: wide,
    rs1: wide,
    imm: imm6,
  }),
  compressed('c.li', { funct3: 2, quadrant: 1 }, 'addi', { rd: wide, rs1: zero, imm: imm6 }),
  compressed(
    'c.addi16sp',
    { funct3: 3, quadrant: 1, mask: 0x0f80, match: 2 << 7, nonZero: [imm6NotZero] },
    'addi',
    { rd: sp, rs1: sp, imm: addi16sp },
  ),
  compressed('c.lui', { funct3: 3, quadrant: 1, nonZero: [imm6NotZero], rdNot: 2 }, 'lui', {
    rd: wide,
    imm: imm6,
  }),
  compressed('c.srli', { funct3: 4, quadrant: 1, mask: 0x0c00, match: 0 }, 'srli', {
    rd: high,
    rs1: high,
    imm: shamt,
  }),
  compressed('c.srai', { funct3: 4, quadrant: 1, mask: 0x0c00, match: 0x0400 }, 'srai', {
    rd: high,
    rs1: high,
    imm: shamt,
  }),
  compressed('c.andi', { funct3: 4, quadrant: 1, mask: 0x0c00, match: 0x0800 }, 'andi', {
    rd: high,
    rs1: high,
    imm: imm6,
  }),
  arithmetic('c.sub', 0x0c00, 'sub'),
  arithmetic('c.xor', 0x0c20, 'xor'),
  arithmetic('c.or', 0x0c40, 'or'),
  arithmetic('c.and', 0x0c60, 'and'),
  arithmetic('c.subw', 0x1c00, 'subw'),
  arithmetic('c.addw', 0x1c20, 'addw'),
  compressed('c.j', { funct3: 5, quadrant: 1 }, 'jal', { rd: zero, imm: IMM_CJ }),
  compressed('c.beqz', { funct3: 6, quadrant: 1 }, 'beq', { rs1: high, rs2: zero, imm: IMM_CB }),
  compressed('c.bnez', { funct3: 7, quadrant: 1 }, 'bne', { rs1: high, rs2: zero, imm: IMM_CB }),

  compressed('c.slli', { funct3: 0, quadrant: 2 }, 'slli', { rd: wide, rs1: wide, imm: shamt }),
  compressed('c.fldsp', { funct3: 1, quadrant: 2 }, 'fld', { rd: wide, rs1: sp, imm: doubleLoadSp }),
  compressed('c.lwsp', { funct3: 2, quadrant: 2, nonZero: [rdNotZero] }, 'lw', {
    rd: wide,
    rs1: sp,
    imm: wordLoadSp,
  }),
  compressed('c.ldsp', { funct3: 3, quadrant: 2, nonZero: [rdNotZero] }, 'ld', {
    rd: wide,
    rs1: sp,
    imm: doubleLoadSp,
  }),
  compressed('c.jr', { funct3: 4, quadrant: 2, mask: 0x107c, match: 0, nonZero: [rdNotZero] }, 'jalr', {
    rd: zero,
    rs1: wide,
    imm: none,
  }),
  compressed('c.mv', { funct3: 4, quadrant: 2, mask: 0x1000, match: 0, nonZero: [rs2NotZero] }, 'add', {
    rd: wide,
    rs1: zero,
    rs2: wideRs2,
  }),
  compressed('c.ebreak', { funct3: 4, quadrant: 2, mask: 0x1ffc, match: 0x1000 }, 'ebreak', {}),
  compressed(
    'c.jalr',
    { funct3: 4, quadrant: 2, mask: 0x107c, match: 0x1000, nonZero: [rdNotZero] },
    'jalr',
    { rd: ra, rs1: wide, imm: none },
  ),
  compressed('c.add', { funct3: 4, quadrant: 2, mask: 0x1000, match: 0x1000, nonZero: [rs2NotZero] }, 'add', {
    rd: wide,
    rs1: wide,
    rs2: wideRs2,
  }),
  compressed('c.fsdsp', { funct3: 5, quadrant: 2 }, 'fsd', { rs1: sp, rs2: wideRs2, imm: doubleStoreSp }),
  compressed('c.swsp', { funct3: 6, quadrant: 2 }, 'sw', { rs1: sp, rs2: wideRs2, imm: wordStoreSp }),
  compressed('c.sdsp', { funct3: 7, quadrant: 2 }, 'sd', { rs1: sp, rs2: wideRs2, imm: doubleStoreSp }),
]
