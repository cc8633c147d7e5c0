/**
 * The interpreter's operations: what a record's `op` can be.
 *
 * Why variants: what is known when an instruction is decoded need not be asked each time it runs. So a 2-byte and
 * a 4-byte form, a destination of x0, and a target within the same page each get a handler of their own, made
 * from the one meaning.
 */

import { defined } from '@virga/base'
import type { Instruction } from '../isa/encoding.ts'
import { compressedInstructions, findInstruction, instructions } from '../isa/table.ts'
import { type Effects, effectsOf } from './effects.ts'
import { pseudo } from './pseudo.ts'

export { pseudo, regionRecord } from './pseudo.ts'

const firstInstruction = 7

/** What is fixed about an instruction in one handler. */
export interface Variant {
  readonly instruction: Instruction
  readonly length: 2 | 4
  /** the destination is x0 */
  readonly rdZero: boolean
  /** the target of the relative jump is on the same page: the record's immediate is a distance in records' bytes */
  readonly near: boolean
}

/** The handlers that one instruction of one length decodes to. */
export interface Choice {
  readonly effects: Effects
  /** op by rdZero and near */
  op(rdZero: boolean, near: boolean): number
}

/** All variants; `op` of `variants[i]` is `firstInstruction + i`. */
export interface Operations {
  readonly variants: readonly Variant[]
  readonly count: number
  opOf(index: number): number
  choose(mnemonic: string, length: 2 | 4): Choice
}

/** Numbers the handlers of the whole table. */
export function enumerateOperations(): Operations {
  const variants: Variant[] = []
  const numbers = new Map<string, number>()
  const key = (mnemonic: string, length: number, rdZero: boolean, near: boolean) =>
    `${mnemonic}/${length}${rdZero ? '/x0' : ''}${near ? '/near' : ''}`

  const add = (instruction: Instruction, length: 2 | 4) => {
    const effects = effectsOf(instruction)
    for (const near of effects.jumpsRelative ? [false, true] : [false]) {
      for (const rdZero of effects.writesRd && effects.other ? [false, true] : [false]) {
        const name = key(instruction.mnemonic, length, rdZero, near)
        if (numbers.has(name)) continue
        numbers.set(name, firstInstruction + variants.length)
        variants.push({ instruction, length, rdZero, near })
      }
    }
  }
  for (const instruction of instructions) add(instruction, 4)
  for (const { expands } of compressedInstructions) add(defined(findInstruction(expands), expands), 2)

  return {
    variants,
    count: firstInstruction + variants.length,
    opOf: (index) => firstInstruction + index,
    choose: (mnemonic, length) => {
      const effects = effectsOf(defined(findInstruction(mnemonic), mnemonic))
      return {
        effects,
        op: (rdZero, near) => {
          if (rdZero && effects.writesRd && !effects.other) return length === 2 ? pseudo.nop2 : pseudo.nop4
          const name = key(mnemonic, length, rdZero && effects.writesRd, near && effects.jumpsRelative)
          return defined(numbers.get(name), `handler ${name}`)
        },
      }
    },
  }
}
