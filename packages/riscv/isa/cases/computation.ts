/** Cases of instructions that only compute, and of jumps: operand values, and which registers hold them. */

import { encode, type OperandValues } from '../encode.ts'
import type { Immediate, Instruction } from '../encoding.ts'
import type { Hart } from '../evaluate/index.ts'
import { type Case, makeCase, plainHart, scramble } from './case.ts'
import type { Random } from './random.ts'
import { integerEdges } from './values.ts'

const RANDOM_CASES = 60

/** Ways to share registers, as [rd, rs1, rs2]. */
const sharings: readonly (readonly [rd: number, rs1: number, rs2: number])[] = [
  [10, 11, 12],
  [11, 11, 12],
  [12, 11, 12],
  [10, 11, 11],
  [11, 11, 11],
  [0, 11, 12],
  [10, 0, 12],
  [10, 11, 0],
  [10, 0, 0],
  [0, 0, 0],
  [31, 1, 30],
]

/** Ends and middle of an immediate's range, in steps that can be encoded. */
export function immediateEdges({ pieces, signedBits }: Immediate, random: Random): number[] {
  const step = 2 ** Math.min(...pieces.map(({ to }) => to))
  const width = Math.max(...pieces.map(({ hi, lo, to }) => to + hi - lo + 1))
  const [low, high] =
    signedBits === 0 ? [0, 2 ** width - step] : [-(2 ** (width - 1)), 2 ** (width - 1) - step]
  const some = Array.from({ length: 6 }, () => low + random.below((high - low) / step + 1) * step)
  return [...new Set([low, low + step, signedBits === 0 ? low : -step, 0, step, high - step, high, ...some])]
}

function withValues(values: OperandValues, a: bigint, b: bigint, random: Random): Hart {
  const hart = scramble(plainHart(), random)
  if (values.rs1 !== undefined && values.rs1 !== 0) hart.x[values.rs1] = a
  if (values.rs2 !== undefined && values.rs2 !== 0) hart.x[values.rs2] = b
  return hart
}

/** Only the operands that the instruction has. */
export function fitting({ operands }: Instruction, values: OperandValues): OperandValues {
  return Object.fromEntries(
    Object.entries(values).filter(([name]) => operands[name as keyof typeof operands] !== undefined),
  )
}

/** All cases of an instruction that touches integer registers and pc alone. */
export function* computationCases(instruction: Instruction, random: Random): Generator<Case> {
  const { mnemonic, operands } = instruction
  const immediates = operands.imm === undefined ? [0] : immediateEdges(operands.imm, random)
  const make = (name: string, values: OperandValues, a: bigint, b: bigint): Case => {
    const fitted = fitting(instruction, values)
    return makeCase({
      name: `${mnemonic} ${name}`,
      bits: encode(mnemonic, fitted),
      hart: withValues(values, a, b, random),
    })
  }
  const usual = { rd: 10, rs1: 11, rs2: 12 }
  const firsts = operands.rs1 === undefined ? [0n] : integerEdges
  const seconds = operands.rs2 === undefined ? [0n] : integerEdges
  // with two sources an immediate is drawn for each pair: it is an offset that does not meet them
  for (const some of operands.rs2 === undefined ? immediates : [undefined]) {
    for (const a of firsts) {
      for (const b of seconds) {
        const imm = some ?? random.pick(immediates)
        yield make(`edges ${a} ${b} ${imm}`, { ...usual, imm }, a, b)
      }
    }
  }
  for (const [rd, rs1, rs2] of sharings) {
    const imm = random.pick(immediates)
    for (let i = 0; i < 4; i++)
      yield make(`x${rd} x${rs1} x${rs2}`, { rd, rs1, rs2, imm }, random.long(), random.long())
  }
  for (let i = 0; i < RANDOM_CASES; i++) {
    const [rd, rs1, rs2] = [random.below(32), random.below(32), random.below(32)]
    yield make(`random ${i}`, { rd, rs1, rs2, imm: random.pick(immediates) }, random.long(), random.long())
  }
}

const COMPRESSED_CASES = 120

/** Random encodings of a compressed instruction that computes or jumps. */
export function* compressedCases(
  mnemonic: string,
  encodings: readonly number[],
  random: Random,
): Generator<Case> {
  for (let i = 0; i < COMPRESSED_CASES; i++) {
    const bits = random.pick(encodings)
    const hart = scramble(plainHart(), random)
    for (let register = 1; register < 32; register++) {
      if (random.below(3) === 0) hart.x[register] = random.pick(integerEdges)
    }
    yield makeCase({ name: `${mnemonic} random ${i}`, bits, hart })
  }
}
