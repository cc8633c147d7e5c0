/** Regions that reach into pages around theirs: they stay inside, and see to it that the code there is what it was. */

import { readFileSync } from 'node:fs'
import { join } from 'node:path'
import { expect, it } from 'vitest'
import {
  type Case,
  imageOf,
  layout,
  leafOffset,
  littleEndian,
  plainHart,
  pointer,
  pte,
  RAM_BASE,
} from '../isa/cases/case.ts'
import { encode } from '../isa/encode.ts'
import { differences } from '../testing.ts'
import { allReaders } from './forced.ts'

const { interpreter, later } = allReaders((name) => readFileSync(join(import.meta.dirname, '../dist', name)))

const rounds = 1000
const budget = 50_000
/** Times that compiled code is come to before it is one region, and where it has to be left. */
const entriesMax = 20
const nop = encode('addi', { rd: 0, imm: 0 })
const rest = encode('jal', { rd: 0, imm: 0 })
const back = encode('jalr', { rd: 0, rs1: 1, imm: 0 })

function bytesOf(code: readonly number[]): Uint8Array {
  return Uint8Array.from(code.flatMap((bits) => [...littleEndian(BigInt(bits), 4)]))
}

/** The program begins at `start`, an offset in RAM, where the last piece must be. */
function program(
  start: number,
  pieces: readonly (readonly [offset: number, code: readonly number[]])[],
  scheme: 'bare' | 'sv39' = 'bare',
): Case {
  const hart = plainHart(scheme === 'bare' ? 3 : 1, scheme)
  hart.pc = RAM_BASE + BigInt(start)
  hart.x[5] = BigInt(rounds)
  hart.x[6] = 0n
  return {
    name: 'program',
    bits: nop,
    hart,
    image: imageOf(scheme, false),
    patches: pieces.map(([offset, code]) => ({ offset, bytes: bytesOf(code) })),
    repeatable: true,
  }
}

function runBoth(input: Case) {
  const expected = interpreter.runFor(input, budget, 'empty')
  const found = later.runFor(input, budget, 'empty')
  expect(differences(input, expected, found)).toEqual([])
  expect(found.retired).toBe(expected.retired)
  return { x: found.hart.x, entries: Number(later.counter('statRegionEntries')) }
}

it.each([
  ['between instructions', 8],
  ['in the middle of one', 6],
])('a loop over the boundary of two pages, %s, runs in one region', (_, before) => {
  const start = layout.nextCode - before
  const code = [
    encode('addi', { rd: 6, rs1: 6, imm: 1 }),
    encode('addi', { rd: 5, rs1: 5, imm: -1 }),
    encode('bne', { rs1: 5, rs2: 0, imm: -8 }),
    rest,
  ]
  const { x, entries } = runBoth(program(start, [[start, code]]))
  expect(x[6]).toBe(BigInt(rounds))
  expect(entries).toBeLessThan(entriesMax)
})

/** Calls a function on the next page in each round; after half of them does something to it, by `change`. */
function calling(change: readonly number[]): readonly number[] {
  const call = layout.nextCode - layout.code
  const afterCall = 2 + change.length
  return [
    encode('jal', { rd: 1, imm: call }),
    encode('bne', { rs1: 5, rs2: 7, imm: 4 * (change.length + 1) }),
    ...change,
    encode('addi', { rd: 5, rs1: 5, imm: -1 }),
    encode('bne', { rs1: 5, rs2: 0, imm: -4 * (afterCall + 1) }),
    rest,
  ]
}

const half = BigInt(rounds / 2)
const addOne = [encode('addi', { rd: 6, rs1: 6, imm: 1 }), back]
const addHundred = encode('addi', { rd: 6, rs1: 6, imm: 100 })

it('a function on another page is a part of the region, until fence.i finds other code there', () => {
  const change = [encode('sw', { rs1: 10, rs2: 11, imm: 0 }), encode('fence.i')]
  const input = program(layout.code, [
    [layout.nextCode, addOne],
    [layout.code, calling(change)],
  ])
  input.hart.x[7] = half
  input.hart.x[10] = RAM_BASE + BigInt(layout.nextCode)
  input.hart.x[11] = BigInt(addHundred)
  const { x } = runBoth(input)
  expect(x[6]).toBe(half + 1n + (half - 1n) * 100n)
})

it('or until sfence.vma finds another page there', () => {
  const change = [encode('sd', { rs1: 10, rs2: 11, imm: 0 }), encode('sfence.vma', { rs1: 0, rs2: 0 })]
  const other = layout.data + 0x2000
  const input = program(
    layout.code,
    [
      [layout.nextCode, addOne],
      [other, [addHundred, back]],
      [layout.code, calling(change)],
    ],
    'sv39',
  )
  const all = pte.V | pte.R | pte.W | pte.X | pte.A | pte.D
  input.hart.x[7] = half
  input.hart.x[10] = RAM_BASE + BigInt(leafOffset('sv39', layout.nextCode))
  input.hart.x[11] = pointer(RAM_BASE + BigInt(other), all)
  const { x } = runBoth(input)
  expect(x[6]).toBe(half + 1n + (half - 1n) * 100n)
})

it('takes a fault on a page around at its instruction', () => {
  const input = program(layout.code, [
    [
      layout.nextCode,
      [encode('ld', { rd: 8, rs1: 9, imm: 0 }), encode('add', { rd: 9, rs1: 9, rs2: 10 }), back],
    ],
    [layout.code, calling([])],
  ])
  input.hart.x[9] = RAM_BASE + BigInt(layout.data)
  input.hart.x[10] = 0x100n
  const { x } = runBoth(input)
  expect(x[5]).toBeGreaterThan(0n)
})
