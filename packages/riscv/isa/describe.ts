/** Everything about one instruction, ready to be printed: `virga isa MNEMONIC`. */

import { classificationOf, type Row } from './classify/index.ts'
import { operandPattern } from './disassemble.ts'
import type { CompressedInstruction, Immediate, Instruction, RegisterField } from './encoding.ts'
import { compressedInstructions, findInstruction } from './table.ts'

/** Bits hi..lo of the encoding: fixed digits (`0110011`) or an operand (`rd`, `imm[11:5]`). */
export interface BitField {
  readonly hi: number
  readonly lo: number
  readonly text: string
  readonly fixed: boolean
}

export interface InstructionDescription {
  readonly mnemonic: string
  readonly extension: string
  readonly doc: string
  /** short name of the specification, and the section's title in quotes */
  readonly spec: string
  readonly bytes: 2 | 4
  /** `addi rd,rs1,imm` */
  readonly assembly: string
  /** from the highest bit down, without gaps */
  readonly fields: readonly BitField[]
  /** the 32-bit instruction that a compressed one stands for */
  readonly expandsTo: string | undefined
  /** Popek and Goldberg's classes; a CSR instruction has a row for each kind of CSR */
  readonly classes: readonly Row[]
}

/** Fields in which fixed bits are shown: where the base formats have their borders. */
const borders = { 4: [32, 25, 20, 15, 12, 7, 0], 2: [16, 13, 12, 10, 7, 5, 2, 0] } as const

type Names = (string | undefined)[]

function nameRegister(names: Names, field: RegisterField | undefined, name: string): void {
  if (field === undefined || field.kind === 'implied') return
  const width = field.kind === 'field' ? 5 : 3
  const text = field.kind === 'short' ? `${name}′` : name
  for (let bit = field.lo; bit < field.lo + width; bit++) {
    const before = names[bit]
    names[bit] = before === undefined ? text : `${before}/${text}`
  }
}

function nameImmediate(names: Names, { pieces }: Immediate, name: string, shift: number): void {
  const whole = pieces.length === 1 && pieces[0]?.to === 0 && shift === 0
  for (const { hi, lo, to } of pieces) {
    const [low, high] = [to + shift, to + shift + hi - lo]
    const text = whole ? name : low === high ? `${name}[${low}]` : `${name}[${high}:${low}]`
    for (let bit = lo; bit <= hi; bit++) names[bit] = text
  }
}

function immediateName({ syntax, mnemonic, operands }: Instruction): string {
  if (syntax.includes('csr')) return 'csr'
  if (syntax.includes('offset')) return 'offset'
  return syntax === 'rd,rs1,imm' && operands.imm?.signedBits === 0 && mnemonic !== 'jalr' ? 'shamt' : 'imm'
}

/** Fields that no operand of the table names. */
function nameRest(names: Names, { extension, mnemonic }: Instruction): void {
  if (extension === 'A') {
    names[26] = 'aq'
    names[25] = 'rl'
  }
  if (mnemonic !== 'fence') return
  for (const [name, lo] of [
    ['fm', 28],
    ['pred', 24],
    ['succ', 20],
  ] as const) {
    for (let bit = lo; bit < lo + 4; bit++) names[bit] = name
  }
}

function fieldsOf(
  entry: Instruction | CompressedInstruction,
  meaning: Instruction,
  bytes: 2 | 4,
): BitField[] {
  const names: Names = new Array(bytes * 8).fill(undefined)
  const { rd, rs1, rs2, rs3, imm, rm } = entry.operands
  nameRegister(names, rd, 'rd')
  nameRegister(names, rs1, meaning.syntax === 'rd,csr,uimm' ? 'uimm' : 'rs1')
  nameRegister(names, rs2, 'rs2')
  nameRegister(names, rs3, 'rs3')
  if (imm !== undefined)
    nameImmediate(names, imm, immediateName(meaning), meaning.syntax === 'rd,upper' ? 12 : 0)
  if (rm) for (const bit of [12, 13, 14]) names[bit] = 'rm'
  if (bytes === 4) nameRest(names, meaning)
  return group(names, entry, bytes)
}

function group(names: Names, { mask, match }: { mask: number; match: number }, bytes: 2 | 4): BitField[] {
  const fields: BitField[] = []
  const isFixed = (bit: number) => ((mask >>> bit) & 1) === 1
  const starts: readonly number[] = borders[bytes]
  let hi = bytes * 8 - 1
  while (hi >= 0) {
    const fixed = isFixed(hi)
    let lo = hi
    while (
      lo > 0 &&
      isFixed(lo - 1) === fixed &&
      (fixed ? !starts.includes(lo) : names[lo - 1] === names[hi])
    )
      lo--
    const digits = ((match >>> lo) & (2 ** (hi - lo + 1) - 1)).toString(2).padStart(hi - lo + 1, '0')
    fields.push({ hi, lo, text: fixed ? digits : (names[hi] ?? 'any'), fixed })
    hi = lo - 1
  }
  return fields
}

/** Describes an instruction of either length by its mnemonic; undefined when there is none of that name. */
export function describeInstruction(mnemonic: string): InstructionDescription | undefined {
  const compressed = compressedInstructions.find((each) => each.mnemonic === mnemonic)
  const instruction = findInstruction(compressed?.expands ?? mnemonic)
  if (instruction === undefined) return undefined
  const entry = compressed ?? instruction
  const bytes = compressed === undefined ? 4 : 2
  return {
    mnemonic,
    extension: compressed === undefined ? instruction.extension : 'C',
    doc: instruction.doc,
    spec: entry.spec,
    bytes,
    assembly: `${mnemonic} ${operandPattern(instruction, compressed)}`.trimEnd(),
    fields: fieldsOf(entry, instruction, bytes),
    expandsTo: compressed?.expands,
    classes: classificationOf(instruction.mnemonic),
  }
}
