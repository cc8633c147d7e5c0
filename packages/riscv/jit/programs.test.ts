/** Programs whose outcome is known: code that changes, slices that end, and the code made of two loops. */

import { readFileSync } from 'node:fs'
import { join } from 'node:path'
import { printWat } from '@virga/wasm'
import { describe, expect, it } from 'vitest'
import { type Case, imageOf, layout, littleEndian, plainHart } from '../isa/cases/case.ts'
import { encode } from '../isa/encode.ts'
import { differences } from '../testing.ts'
import { compileRegions } from './compile.ts'
import { allReaders } from './forced.ts'

const { interpreter, compiled } = allReaders((name) =>
  readFileSync(join(import.meta.dirname, '../dist', name)),
)

function bytesOf(code: readonly number[]): Uint8Array {
  return Uint8Array.from(code.flatMap((bits) => [...littleEndian(BigInt(bits), 4)]))
}

/** The program, 4-byte instructions, at the start of the code page, with some registers set. */
function program(code: readonly number[], registers: Readonly<Record<number, bigint>> = {}): Case {
  const hart = plainHart()
  for (const [register, value] of Object.entries(registers)) hart.x[Number(register)] = value
  const patches = [{ offset: layout.code + 0x100, bytes: bytesOf(code) }]
  return {
    name: 'program',
    bits: code[0] ?? 0,
    hart,
    image: imageOf('bare', false),
    patches,
    repeatable: true,
  }
}

const rest = encode('jal', { rd: 0, imm: 0 })

describe('compiled code', () => {
  it('is dropped when fence.i finds other code', () => {
    const changing = program(
      [
        encode('auipc', { rd: 11, imm: 0 }),
        encode('addi', { rd: 5, imm: 10 }),
        encode('addi', { rd: 6, rs1: 6, imm: 1 }),
        encode('addi', { rd: 5, rs1: 5, imm: -1 }),
        encode('bne', { rs1: 5, rs2: 0, imm: -8 }),
        encode('bne', { rs1: 7, rs2: 0, imm: 20 }),
        encode('addi', { rd: 7, imm: 1 }),
        encode('sw', { rs1: 11, rs2: 10, imm: 8 }),
        encode('fence.i'),
        encode('jal', { rd: 0, imm: -32 }),
        rest,
      ],
      { 5: 0n, 6: 0n, 7: 0n, 10: BigInt(encode('addi', { rd: 6, rs1: 6, imm: 100 })) },
    )
    const expected = interpreter.runFor(changing, 1000, 'empty')
    const found = compiled.runFor(changing, 1000, 'empty')
    expect(found.hart.x[6]).toBe(10n + 1000n)
    expect(differences(changing, expected, found)).toEqual([])
    expect(found.retired).toBe(expected.retired)
  })

  it('runs the old code until fence.i, as the interpreter does', () => {
    const hidden = program(
      [
        encode('auipc', { rd: 11, imm: 0 }),
        encode('addi', { rd: 5, imm: 4 }),
        encode('addi', { rd: 6, rs1: 6, imm: 1 }),
        encode('sw', { rs1: 11, rs2: 10, imm: 8 }),
        encode('addi', { rd: 5, rs1: 5, imm: -1 }),
        encode('bne', { rs1: 5, rs2: 0, imm: -12 }),
        rest,
      ],
      { 6: 0n, 10: BigInt(encode('addi', { rd: 6, rs1: 6, imm: 100 })) },
    )
    expect(interpreter.runFor(hidden, 100, 'empty').hart.x[6]).toBe(4n)
    expect(compiled.runFor(hidden, 100, 'empty').hart.x[6]).toBe(4n)
  })

  it.each([1, 7, 100, 4096])('leaves an endless loop at the end of a slice of %i instructions', (budget) => {
    const endless = program([
      encode('addi', { rd: 6, rs1: 6, imm: 1 }),
      encode('addi', { rd: 7, rs1: 7, imm: 1 }),
      encode('jal', { rd: 0, imm: -8 }),
    ])
    const { retired, hart } = compiled.runFor(endless, budget, 'empty')
    expect(retired).toBe(BigInt(Math.ceil(budget / 3) * 3))
    expect(hart.x[6]).toBe(retired / 3n)
  })

  it('takes a fault in the middle of a loop at its instruction', () => {
    const walking = program(
      [
        encode('ld', { rd: 7, rs1: 6, imm: 0 }),
        encode('addi', { rd: 6, rs1: 6, imm: 2040 }),
        encode('addi', { rd: 8, rs1: 8, imm: 1 }),
        encode('jal', { rd: 0, imm: -12 }),
      ],
      { 6: 0x8000_4000n, 8: 0n },
    )
    const expected = interpreter.runFor(walking, 5000, 'empty')
    const found = compiled.runFor(walking, 5000, 'empty')
    expect(found.hart.csr.mcause).toBe(5n)
    expect(found.hart.csr.mepc).toBe(walking.hart.pc)
    expect(differences(walking, expected, found)).toEqual([])
    expect(found.retired).toBe(expected.retired)
  })
})

describe('compiled code comes back', () => {
  const counting = [encode('addi', { rd: 6, rs1: 6, imm: 1 }), encode('jal', { rd: 0, imm: -4 })]
  /** Once around the loop for each count in x5; `body` is what only the interpreter runs. */
  const around = (body: number) => [
    body,
    encode('addi', { rd: 5, rs1: 5, imm: -1 }),
    encode('bne', { rs1: 5, rs2: 0, imm: -8 }),
    rest,
  ]
  // To rest is one poll more: a jump to itself, compiled, until the slice ends.
  it.each([
    ['at the end of a slice', counting, {}, { poll: 1n }],
    [
      'for what only the interpreter runs',
      around(encode('fence.i')),
      { 5: 10n },
      { uncompiled: 9n, poll: 1n },
    ],
    ['at a fault', [encode('ld', { rd: 7, rs1: 0, imm: 0 })], {}, { bail: 1n, poll: 1n }],
    ['for a page that it never saw', [encode('jal', { rd: 0, imm: 0x1000 })], {}, { uncached: 1n, poll: 1n }],
  ])('%s, and says so', (_, code, registers, expected) => {
    compiled.runFor(program(code, registers), 1000, 'empty')
    const found = {
      poll: compiled.counter('statExitPoll'),
      uncompiled: compiled.counter('statExitUncompiled'),
      uncached: compiled.counter('statExitUncached'),
      bail: compiled.counter('statExitBail'),
    }
    expect(found).toEqual({ uncompiled: 0n, uncached: 0n, bail: 0n, ...expected })
  })
})

describe('code made of', () => {
  it.each([
    ['count-down', 2, [encode('addi', { rd: 5, rs1: 5, imm: -1 }), encode('bne', { rs1: 5, imm: -4 }), rest]],
    [
      'copy',
      2,
      [
        encode('ld', { rd: 7, rs1: 10, imm: 0 }),
        encode('sd', { rs1: 11, rs2: 7, imm: 0 }),
        encode('addi', { rd: 10, rs1: 10, imm: 8 }),
        encode('addi', { rd: 11, rs1: 11, imm: 8 }),
        encode('bltu', { rs1: 10, rs2: 12, imm: -16 }),
        encode('jalr', { rd: 0, rs1: 1, imm: 0 }),
      ],
    ],
  ] as const)('%s', async (name, region, instructions) => {
    const code = new Uint8Array(4096)
    code.set(bytesOf(instructions))
    const ran = new Uint8Array(256).fill(255)
    const { bytes } = compileRegions([{ id: 0, hash: 0, root: 0, code, ran, warm: [], compiled: [] }], {
      nameSection: true,
    })
    await expect(printWat(bytes, { functions: [region] })).toMatchFileSnapshot(`golden/${name}.wat`)
  })
})
