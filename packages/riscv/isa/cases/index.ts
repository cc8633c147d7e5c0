/**
 * The case table: for every instruction the states in which it is worth running. One generator a kind of
 * instruction; the same cases every time.
 */

import type { CompressedInstruction, Instruction } from '../encoding.ts'
import { compressedInstructions, decode, instructions } from '../table.ts'
import type { Case } from './case.ts'
import { compressedCases, computationCases } from './computation.ts'
import { fetchCases } from './fetch.ts'
import { floatCases } from './float.ts'
import { compressedMemoryCases, memoryCases } from './memory.ts'
import { seededRandom, seedOf } from './random.ts'
import { csrCases, privilegedCases } from './system.ts'

export type { Case, Outcome, Reader } from './case.ts'
export { differences } from './compare.ts'
export { evaluatorReader } from './evaluator-reader.ts'

/** Accesses memory at an address in rs1. */
const isMemory = ({ syntax, extension }: Instruction) => syntax.includes('(rs1)') || extension === 'A'

function casesOfInstruction(instruction: Instruction): Generator<Case> {
  const random = seededRandom(seedOf(instruction.mnemonic))
  const { extension, syntax } = instruction
  if (isMemory(instruction)) return memoryCases(instruction, random)
  if (extension === 'Zicsr') return csrCases(instruction, random)
  if (extension === 'F' || extension === 'D') return floatCases(instruction, random)
  if (syntax === 'none' || syntax === 'fence' || syntax === 'rs1,rs2')
    return privilegedCases(instruction, random)
  return computationCases(instruction, random)
}

const encodings = new Map<string, number[]>()

/** All halfwords that decode to a compressed instruction. */
function encodingsOf(mnemonic: string): readonly number[] {
  if (encodings.size === 0) {
    for (let bits = 0; bits < 0x10000; bits++) {
      const name = (bits & 3) === 3 ? undefined : decode(bits)?.compressed?.mnemonic
      if (name === undefined) continue
      const list = encodings.get(name)
      if (list === undefined) encodings.set(name, [bits])
      else list.push(bits)
    }
  }
  return encodings.get(mnemonic) ?? []
}

const accessesMemory = new Set(['lw', 'ld', 'sw', 'sd', 'fld', 'fsd'])

function casesOfCompressed({ mnemonic, expands }: CompressedInstruction): Generator<Case> {
  const random = seededRandom(seedOf(mnemonic))
  const generate = accessesMemory.has(expands) ? compressedMemoryCases : compressedCases
  return generate(mnemonic, encodingsOf(mnemonic), random)
}

/** A named set of cases. `cases` starts anew each time. */
export interface CaseGroup {
  readonly name: string
  cases(): Generator<Case>
}

/** A group for every instruction of 32 and of 16 bits, and one for what happens before an instruction is known. */
export const caseGroups: readonly CaseGroup[] = [
  ...instructions.map((instruction) => ({
    name: instruction.mnemonic,
    cases: () => casesOfInstruction(instruction),
  })),
  ...compressedInstructions.map((compressed) => ({
    name: compressed.mnemonic,
    cases: () => casesOfCompressed(compressed),
  })),
  { name: 'fetch', cases: () => fetchCases(seededRandom(seedOf('fetch'))) },
]
