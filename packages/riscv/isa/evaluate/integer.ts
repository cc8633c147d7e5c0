/** Integer arithmetic on unsigned 64-bit patterns: the part of the meaning language that has no effects. */

import type { Meaning } from '../meaning.ts'
import { MASK64 } from './hart.ts'

/** The effect-free operations. */
export type IntegerOperations = Pick<
  Meaning<bigint>,
  | 'constant'
  | 'let'
  | 'add'
  | 'sub'
  | 'and'
  | 'or'
  | 'xor'
  | 'not'
  | 'shiftLeft'
  | 'shiftRight'
  | 'shiftRightArithmetic'
  | 'rotateLeft'
  | 'rotateRight'
  | 'mul'
  | 'mulHigh'
  | 'divide'
  | 'remainder'
  | 'signExtend'
  | 'zeroExtend'
  | 'equal'
  | 'notEqual'
  | 'lessSigned'
  | 'lessUnsigned'
  | 'countLeadingZeros'
  | 'countTrailingZeros'
  | 'popCount'
  | 'select'
>

const wrap = (value: bigint) => BigInt.asUintN(64, value)
const signed = (value: bigint) => BigInt.asIntN(64, value)
const truth = (condition: boolean) => (condition ? 1n : 0n)
const binary = (value: bigint) => value.toString(2).padStart(64, '0')
const leadingZeros = (digits: string) => {
  const first = digits.indexOf('1')
  return BigInt(first === -1 ? 64 : first)
}

function rotateLeft(a: bigint, amount: bigint): bigint {
  const distance = amount & 63n
  return wrap((a << distance) | (a >> (64n - distance)))
}

function divide(a: bigint, b: bigint, sign: 's' | 'u'): bigint {
  if (b === 0n) return MASK64
  return wrap(sign === 's' ? signed(a) / signed(b) : a / b)
}

function remainder(a: bigint, b: bigint, sign: 's' | 'u'): bigint {
  if (b === 0n) return a
  return wrap(sign === 's' ? signed(a) % signed(b) : a % b)
}

export const integerOperations: IntegerOperations = {
  constant: wrap,
  let: (value) => value,
  add: (a, b) => wrap(a + b),
  sub: (a, b) => wrap(a - b),
  and: (a, b) => a & b,
  or: (a, b) => a | b,
  xor: (a, b) => a ^ b,
  not: (a) => wrap(~a),
  shiftLeft: (a, amount) => wrap(a << (amount & 63n)),
  shiftRight: (a, amount) => a >> (amount & 63n),
  shiftRightArithmetic: (a, amount) => wrap(signed(a) >> (amount & 63n)),
  rotateLeft,
  rotateRight: (a, amount) => rotateLeft(a, 64n - (amount & 63n)),
  mul: (a, b) => wrap(a * b),
  mulHigh: (a, b, signs) =>
    wrap(((signs === 'uu' ? a : signed(a)) * (signs === 'ss' ? signed(b) : b)) >> 64n),
  divide,
  remainder,
  signExtend: (a, from) => wrap(BigInt.asIntN(from, a)),
  zeroExtend: (a, from) => BigInt.asUintN(from, a),
  equal: (a, b) => truth(a === b),
  notEqual: (a, b) => truth(a !== b),
  lessSigned: (a, b) => truth(signed(a) < signed(b)),
  lessUnsigned: (a, b) => truth(a < b),
  countLeadingZeros: (a) => leadingZeros(binary(a)),
  countTrailingZeros: (a) => leadingZeros([...binary(a)].reverse().join('')),
  popCount: (a) => BigInt(binary(a).replaceAll('0', '').length),
  select: (condition, ifTrue, ifFalse) => (condition === 1n ? ifTrue : ifFalse),
}
