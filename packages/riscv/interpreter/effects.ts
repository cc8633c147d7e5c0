/**
 * What an instruction does besides computing: derived by reading its meaning with values that are nothing, so
 * that no table has to repeat it.
 */

import type { Instruction } from '../isa/encoding.ts'
import type { Meaning } from '../isa/meaning.ts'

/** The effects that matter to a code generator. */
export interface Effects {
  /** writes the integer destination */
  readonly writesRd: boolean
  /** continues at pc + imm on some path */
  readonly jumpsRelative: boolean
  /** does anything at all besides writing the integer destination */
  readonly other: boolean
}

const values = new Set<keyof Meaning<unknown>>([
  'rs1',
  'rs2',
  'imm',
  'uimm',
  'pc',
  'nextPc',
  'constant',
  'let',
  'add',
  'sub',
  'and',
  'or',
  'xor',
  'not',
  'shiftLeft',
  'shiftRight',
  'shiftRightArithmetic',
  'rotateLeft',
  'rotateRight',
  'mul',
  'mulHigh',
  'divide',
  'remainder',
  'signExtend',
  'zeroExtend',
  'equal',
  'notEqual',
  'lessSigned',
  'lessUnsigned',
  'countLeadingZeros',
  'countTrailingZeros',
  'popCount',
  'select',
])

/** Effects of an instruction. */
export function effectsOf(instruction: Instruction): Effects {
  const called = new Set<string>()
  const recorder = new Proxy({} as Meaning<null>, {
    get: (_target, name: string) => () => {
      called.add(name)
      return null
    },
  })
  instruction.meaning(recorder)
  const effects = [...called].filter((name) => !values.has(name as keyof Meaning<unknown>))
  return {
    writesRd: called.has('setRd') || called.has('csr'),
    jumpsRelative: called.has('branch') || called.has('jumpRelative'),
    other: effects.some((name) => name !== 'setRd'),
  }
}
