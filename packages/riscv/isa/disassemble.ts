/**
 * Text of an instruction in the GNU assembler's syntax: no aliases, ABI register names, compressed mnemonics as
 * they are. @spec riscv-asm "Assembly Programmer's Handbook"
 */

import { csrByNumber } from './csr.ts'
import type { CompressedInstruction, Instruction, Syntax } from './encoding.ts'
import { instructionLength } from './encoding.ts'
import { type Decoded, decode } from './table.ts'

/** ABI names of x0..x31. @spec riscv-elf-psabi "Integer Register Convention" */
export const integerNames: readonly string[] =
  'zero ra sp gp tp t0 t1 t2 s0 s1 a0 a1 a2 a3 a4 a5 a6 a7 s2 s3 s4 s5 s6 s7 s8 s9 s10 s11 t3 t4 t5 t6'.split(
    ' ',
  )

/** ABI names of f0..f31. @spec riscv-elf-psabi "Floating-point Register Convention" */
export const floatNames: readonly string[] =
  'ft0 ft1 ft2 ft3 ft4 ft5 ft6 ft7 fs0 fs1 fa0 fa1 fa2 fa3 fa4 fa5 fa6 fa7 fs2 fs3 fs4 fs5 fs6 fs7 fs8 fs9 fs10 fs11 ft8 ft9 ft10 ft11'.split(
    ' ',
  )

const roundingNames = ['rne', 'rtz', 'rdn', 'rup', 'rmm', 'unknown', 'unknown', 'dyn']
const DYNAMIC = 7

const hex = (value: number | bigint) => `0x${value.toString(16)}`
const x = (index: number) => integerNames[index] ?? `x${index}`
const f = (index: number) => floatNames[index] ?? `f${index}`
const csrName = (number: number) => csrByNumber(number)?.name ?? hex(number)

/** What is written after the mnemonic. */
type Operands = (decoded: Decoded, bits: number, pc: bigint | undefined) => string

/** An address: absolute where pc is known, else relative to the instruction. */
function target({ imm }: Decoded, pc: bigint | undefined): string {
  if (pc !== undefined) return hex(BigInt.asUintN(64, pc + BigInt(imm)))
  return imm < 0 ? `.${imm}` : `.+${imm}`
}

/** Conversions that are always exact: their rounding mode is written as 0 and not shown. */
const exact = new Set(['fcvt.d.s', 'fcvt.d.w', 'fcvt.d.wu'])

function rounding({ instruction, rm }: Decoded): string {
  const usual = exact.has(instruction.mnemonic) ? 0 : DYNAMIC
  return rm === usual ? '' : `,${roundingNames[rm]}`
}

const orderings = (set: number) =>
  ['w', 'r', 'o', 'i']
    .filter((_, position) => set & (1 << position))
    .reverse()
    .join('') || 'unknown'

const upper = (imm: number) => hex(imm & 0xfffff)

/** Shift amounts are written in hexadecimal, other immediates in decimal. */
const shiftedBy = ({ instruction, imm }: Decoded) =>
  instruction.operands.imm?.signedBits === 0 ? hex(imm) : `${imm}`

const formats: Readonly<Record<Syntax, Operands>> = {
  none: () => '',
  'rd,rs1,rs2': (d) => `${x(d.rd)},${x(d.rs1)},${x(d.rs2)}`,
  // jalr is the one of these that is written like a load
  'rd,rs1,imm': (d) =>
    d.instruction.mnemonic === 'jalr'
      ? `${x(d.rd)},${d.imm}(${x(d.rs1)})`
      : `${x(d.rd)},${x(d.rs1)},${shiftedBy(d)}`,
  'rd,rs1': (d) => `${x(d.rd)},${x(d.rs1)}`,
  'rd,upper': (d) => `${x(d.rd)},${upper(d.imm)}`,
  'rd,offset': (d, _bits, pc) => `${x(d.rd)},${target(d, pc)}`,
  'rs1,rs2,offset': (d, _bits, pc) => `${x(d.rs1)},${x(d.rs2)},${target(d, pc)}`,
  'rd,imm(rs1)': (d) => `${x(d.rd)},${d.imm}(${x(d.rs1)})`,
  'rs2,imm(rs1)': (d) => `${x(d.rs2)},${d.imm}(${x(d.rs1)})`,
  'frd,imm(rs1)': (d) => `${f(d.rd)},${d.imm}(${x(d.rs1)})`,
  'frs2,imm(rs1)': (d) => `${f(d.rs2)},${d.imm}(${x(d.rs1)})`,
  'rd,(rs1)': (d) => `${x(d.rd)},(${x(d.rs1)})`,
  'rd,rs2,(rs1)': (d) => `${x(d.rd)},${x(d.rs2)},(${x(d.rs1)})`,
  '(rs1)': (d) => `(${x(d.rs1)})`,
  'rs1,rs2': (d) => `${x(d.rs1)},${x(d.rs2)}`,
  fence: (d, bits) =>
    d.instruction.mnemonic === 'fence'
      ? `${orderings((bits >>> 24) & 15)},${orderings((bits >>> 20) & 15)}`
      : '',
  'rd,csr,rs1': (d) => `${x(d.rd)},${csrName(d.imm)},${x(d.rs1)}`,
  'rd,csr,uimm': (d) => `${x(d.rd)},${csrName(d.imm)},${d.rs1}`,
  'frd,frs1,frs2': (d) => `${f(d.rd)},${f(d.rs1)},${f(d.rs2)}`,
  'frd,frs1,frs2,rm': (d) => `${f(d.rd)},${f(d.rs1)},${f(d.rs2)}${rounding(d)}`,
  'frd,frs1,frs2,frs3,rm': (d) => `${f(d.rd)},${f(d.rs1)},${f(d.rs2)},${f(d.rs3)}${rounding(d)}`,
  'frd,frs1,rm': (d) => `${f(d.rd)},${f(d.rs1)}${rounding(d)}`,
  'rd,frs1,frs2': (d) => `${x(d.rd)},${f(d.rs1)},${f(d.rs2)}`,
  'rd,frs1,rm': (d) => `${x(d.rd)},${f(d.rs1)}${rounding(d)}`,
  'rd,frs1': (d) => `${x(d.rd)},${f(d.rs1)}`,
  'frd,rs1,rm': (d) => `${f(d.rd)},${x(d.rs1)}${rounding(d)}`,
  'frd,rs1': (d) => `${f(d.rd)},${x(d.rs1)}`,
}

/** Ways to write a compressed instruction's operands that its expansion does not have. */
type CompressedSyntax = 'rd,imm' | 'rd,shamt' | 'offset' | 'rs1,offset' | 'rs1' | 'rd,rs2'

const compressedFormats: Readonly<Record<CompressedSyntax, Operands>> = {
  'rd,imm': (d) => `${x(d.rd)},${d.imm}`,
  'rd,shamt': (d) => `${x(d.rd)},${hex(d.imm)}`,
  offset: (d, _bits, pc) => target(d, pc),
  'rs1,offset': (d, _bits, pc) => `${x(d.rs1)},${target(d, pc)}`,
  rs1: (d) => x(d.rs1),
  'rd,rs2': (d) => `${x(d.rd)},${x(d.rs2)}`,
}

/** Compressed instructions that are written otherwise than what they expand to. */
const compressedSyntaxes: Readonly<Record<string, CompressedSyntax>> = {
  'c.addi': 'rd,imm',
  'c.addiw': 'rd,imm',
  'c.li': 'rd,imm',
  'c.andi': 'rd,imm',
  'c.addi16sp': 'rd,imm',
  'c.slli': 'rd,shamt',
  'c.srli': 'rd,shamt',
  'c.srai': 'rd,shamt',
  'c.j': 'offset',
  'c.beqz': 'rs1,offset',
  'c.bnez': 'rs1,offset',
  'c.jr': 'rs1',
  'c.jalr': 'rs1',
  'c.mv': 'rd,rs2',
  'c.add': 'rd,rs2',
  'c.sub': 'rd,rs2',
  'c.xor': 'rd,rs2',
  'c.or': 'rd,rs2',
  'c.and': 'rd,rs2',
  'c.subw': 'rd,rs2',
  'c.addw': 'rd,rs2',
}

function operandWriter(instruction: Instruction, compressed: CompressedInstruction | undefined): Operands {
  const own = compressed && compressedSyntaxes[compressed.mnemonic]
  return own === undefined ? formats[instruction.syntax] : compressedFormats[own]
}

/** The operands' pattern, such as `rd,rs1,imm`; empty when there are none. */
export function operandPattern(instruction: Instruction, compressed?: CompressedInstruction): string {
  const own = compressed && compressedSyntaxes[compressed.mnemonic]
  if (own !== undefined) return own
  switch (instruction.syntax) {
    case 'none':
      return ''
    case 'fence':
      return instruction.mnemonic === 'fence' ? 'pred,succ' : ''
    default:
      return instruction.mnemonic === 'jalr' ? 'rd,imm(rs1)' : instruction.syntax
  }
}

const ACQUIRE = 1 << 26
const RELEASE = 1 << 25

/** The mnemonic with what the encoding adds to it: ordering bits of atomics, and the two named fences. */
function mnemonicOf({ instruction, compressed }: Decoded, bits: number): string {
  if (compressed !== undefined) return compressed.mnemonic
  if (instruction.extension === 'A') {
    const ordering = `${bits & ACQUIRE ? 'aq' : ''}${bits & RELEASE ? 'rl' : ''}`
    return ordering === '' ? instruction.mnemonic : `${instruction.mnemonic}.${ordering}`
  }
  return instruction.mnemonic
}

const named = new Map([
  [0x8330000f, 'fence.tso'],
  [0x0100000f, 'pause'],
])

/**
 * Text of the instruction in the low 16 or 32 bits of `bits`, such as `addi a0,a1,-5`. `pc` is its address; with
 * it the targets of jumps are absolute, without it they are written `.+8`. What is no instruction becomes data.
 */
export function disassemble(bits: number, pc?: bigint): string {
  const decoded = decode(bits)
  if (decoded === undefined) {
    return instructionLength(bits) === 4 ? `.4byte ${hex(bits >>> 0)}` : `.2byte ${hex(bits & 0xffff)}`
  }
  const name = decoded.length === 4 ? named.get(bits >>> 0) : undefined
  if (name !== undefined) return name
  const { instruction, compressed } = decoded
  const write = operandWriter(instruction, compressed)
  return `${mnemonicOf(decoded, bits)} ${write(decoded, bits, pc)}`.trimEnd()
}
