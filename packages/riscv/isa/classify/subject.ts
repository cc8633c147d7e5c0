/**
 * What is classified: every instruction of the table, the CSR instructions once for each kind of CSR (what they do
 * depends on it), and the hypervisor's instructions, which this machine's table does not have.
 */

import { encode } from '../encode.ts'
import type { Instruction } from '../encoding.ts'
import { baseRegisters } from '../evaluate/csrs.ts'
import { hypervisorRegisters } from '../evaluate/hypervisor-csrs.ts'
import type { StepResult } from '../evaluate/index.ts'
import { step } from '../evaluate/step.ts'
import { instructions } from '../table.ts'
import { hypervisorInstructions } from './hypervisor-instructions.ts'
import { DATA, type Registers, type World } from './world.ts'

/** Kinds of CSR, by who they are for. */
export const csrClasses = ['floating point', 'user counters', 'supervisor', 'machine', 'hypervisor'] as const
export type CsrClass = (typeof csrClasses)[number]

/** One way to try a subject. */
export interface Trial {
  readonly bits: number
  readonly registers: Registers
  run(world: World): StepResult
}

export interface Subject {
  /** unique: `add`, `csrrw supervisor` */
  readonly name: string
  readonly mnemonic: string
  readonly csrClass?: CsrClass
  /** exists only on a hart with the hypervisor extension */
  readonly hypervisorOnly: boolean
  trials(): readonly Trial[]
}

const stepWorld = ({ hart, memory }: World): StepResult => step(hart, memory)

const ALL_ONES = (1n << 64n) - 1n

function trialsOf({ mnemonic, operands, syntax }: Instruction): Trial[] {
  const imm = operands.imm === undefined || syntax.includes('(') || syntax === 'fence' ? 0 : 8
  const values = { rd: 10, rs1: 11, rs2: 12, rs3: 13, imm, rm: 0 }
  // memory operands need an address; other operands are better off with several values
  const seconds = [0x1234_5678_9abc_def0n, ALL_ONES]
  return seconds.map((second) => ({
    bits: encode(mnemonic, values),
    registers: { 11: DATA, 12: second },
    run: stepWorld,
  }))
}

function classOf(number: number): CsrClass {
  if (number <= 3) return 'floating point'
  if (number >= 0xc00 && number <= 0xc1f) return 'user counters'
  const level = (number >> 8) & 3
  return level === 1
    ? 'supervisor'
    : level === 2 || number === 0x34a || number === 0x34b
      ? 'hypervisor'
      : 'machine'
}

/** The numbers of one kind; of the counters that are all alike only the first. */
const csrsOf = (csrClass: CsrClass): number[] =>
  [...baseRegisters, ...hypervisorRegisters]
    .filter(
      ([number, { name }]) =>
        classOf(number) === csrClass && !/hpm(counter|event)([4-9]|[12].|3.)$/.test(name),
    )
    .map(([number]) => number)

/** Reads, writes of all and of no bits, and the forms with x0: [rd, rs1 or uimm, value of rs1]. */
const registerForms = [
  [10, 0, 0n],
  [0, 11, ALL_ONES],
  [10, 11, ALL_ONES],
  [10, 11, 0n],
] as const
const immediateForms = [
  [10, 0, 0n],
  [0, 31, 0n],
  [10, 31, 0n],
] as const

function csrTrials(mnemonic: string, csrClass: CsrClass): Trial[] {
  const forms = mnemonic.endsWith('i') ? immediateForms : registerForms
  return csrsOf(csrClass).flatMap((imm) =>
    forms.map(([rd, rs1, value]) => ({
      bits: encode(mnemonic, { rd, rs1, imm }),
      registers: { 11: value },
      run: stepWorld,
    })),
  )
}

function subjectsOf(instruction: Instruction): Subject[] {
  const { mnemonic, extension } = instruction
  if (extension !== 'Zicsr')
    return [{ name: mnemonic, mnemonic, hypervisorOnly: false, trials: () => trialsOf(instruction) }]
  return csrClasses.map((csrClass) => ({
    name: `${mnemonic} ${csrClass}`,
    mnemonic,
    csrClass,
    hypervisorOnly: csrClass === 'hypervisor',
    trials: () => csrTrials(mnemonic, csrClass),
  }))
}

/** Everything that is classified, in the table's order. */
export const subjects: readonly Subject[] = [
  ...instructions.flatMap(subjectsOf),
  ...hypervisorInstructions.map(({ mnemonic, run }) => ({
    name: mnemonic,
    mnemonic,
    hypervisorOnly: true,
    trials: () => [{ bits: 0, registers: { 11: DATA, 12: 0n }, run }],
  })),
]
