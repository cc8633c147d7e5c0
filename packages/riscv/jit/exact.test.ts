/** What compiled code tells of itself in the middle of a block: counters, and where it faulted in which state. */

import { readFileSync } from 'node:fs'
import { join } from 'node:path'
import { describe, expect, it } from 'vitest'
import { type Case, imageOf, layout, littleEndian, PC, plainHart } from '../isa/cases/case.ts'
import { encode } from '../isa/encode.ts'
import { differences } from '../testing.ts'
import { allReaders } from './forced.ts'

const { interpreter, compiled } = allReaders((name) =>
  readFileSync(join(import.meta.dirname, '../dist', name)),
)

const csr = { cycle: 0xc00, time: 0xc01, instret: 0xc02, mepc: 0x341, mcause: 0x342, mtval: 0x343 } as const
const rounds = 20
/** The register that counts them. */
const counter = 31
const budget = 100_000

const read = (rd: number, number: number) => encode('csrrs', { rd, rs1: 0, imm: number })
const count = (register: number) => encode('addi', { rd: register, rs1: register, imm: 1 })

function bytesOf(code: readonly number[]): Uint8Array {
  return Uint8Array.from(code.flatMap((bits) => [...littleEndian(BigInt(bits), 4)]))
}

/** `body`, 4-byte instructions, `rounds` times; `handler` takes what traps. */
function looping(body: readonly number[], handler: readonly number[] = []): Case {
  const code = [
    ...body,
    encode('addi', { rd: counter, rs1: counter, imm: -1 }),
    encode('bne', { rs1: counter, rs2: 0, imm: -4 * (body.length + 1) }),
    encode('jal', { rd: 0, imm: 0 }),
  ]
  const hart = plainHart()
  hart.x[counter] = BigInt(rounds)
  hart.time = 1234n
  const patches = [
    { offset: layout.machineVector, bytes: bytesOf(handler) },
    { offset: layout.code + 0x100, bytes: bytesOf(code) },
  ]
  return { name: 'loop', bits: code[0] ?? 0, hart, image: imageOf('bare', false), patches, repeatable: true }
}

/** The registers at rest, which both agree on, as they do on how many instructions retired. */
function run(program: Case): readonly bigint[] {
  const expected = interpreter.runFor(program, budget, 'empty')
  const found = compiled.runFor(program, budget, 'empty')
  expect(differences(program, expected, found)).toEqual([])
  expect(found.retired).toBe(expected.retired)
  expect(Number(found.compiled) / Number(found.retired)).toBeGreaterThan(0.99)
  return found.hart.x
}

describe('in compiled code', () => {
  it.each(['instret', 'cycle'] as const)('%s counts each instruction of the block', (name) => {
    const x = run(
      looping([
        read(5, csr[name]),
        count(10),
        count(10),
        read(6, csr[name]),
        count(10),
        read(7, csr[name]),
        encode('sub', { rd: 6, rs1: 6, rs2: 5 }),
        encode('sub', { rd: 7, rs1: 7, rs2: 5 }),
        encode('add', { rd: 11, rs1: 11, rs2: 6 }),
        encode('add', { rd: 12, rs1: 12, rs2: 7 }),
      ]),
    )
    expect([x[11], x[12]]).toEqual([BigInt(3 * rounds), BigInt(5 * rounds)])
    // The last round began behind all instructions of those before.
    expect(x[5]).toBe(BigInt((rounds - 1) * 12))
  })

  it('time is the clock', () => {
    const x = run(looping([read(5, csr.time), encode('add', { rd: 11, rs1: 11, rs2: 5 })]))
    expect(x[11]).toBe(1234n * BigInt(rounds))
  })
})

/** x20: epc, x21: instret and x22: x10 in the handler, x23: cause; goes on behind the instruction. */
const skipping = [
  read(20, csr.mepc),
  read(21, csr.instret),
  encode('addi', { rd: 22, rs1: 10, imm: 0 }),
  read(23, csr.mcause),
  read(24, csr.mtval),
  encode('addi', { rd: 25, rs1: 20, imm: 4 }),
  encode('csrrw', { rd: 0, rs1: 25, imm: csr.mepc }),
  encode('mret'),
]
const nowhere = 0x4000

describe('a fault in the middle of a block, at instruction', () => {
  const kinds = [
    ['load', encode('ld', { rd: 5, rs1: 28, imm: 8 }), 5n, BigInt(nowhere << 12) + 8n],
    ['store', encode('sd', { rs1: 28, rs2: 5, imm: 16 }), 7n, BigInt(nowhere << 12) + 16n],
    ['AMO', encode('amoadd.d', { rd: 5, rs1: 28, rs2: 6 }), 7n, BigInt(nowhere << 12)],
    ['CSR access', read(5, 0x5ff), 2n, BigInt(read(5, 0x5ff))],
  ] as const
  const cases = kinds.flatMap((kind) => [0, 1, 2, 3, 4].map((at) => [at, ...kind] as const))

  it.each(cases)('%i, of a %s', (at, _kind, bits, cause, tval) => {
    const counting = Array.from({ length: 5 }, () => count(10))
    const body = [encode('lui', { rd: 28, imm: nowhere }), ...counting.toSpliced(at, 0, bits)]
    const x = run(looping(body, skipping))
    expect(x[20]).toBe(PC + BigInt(4 * (at + 1)))
    expect([x[23], x[24]]).toEqual([cause, tval])
    // Five counted in each of the rounds before, `at` in the last one.
    expect(x[22]).toBe(BigInt(5 * (rounds - 1) + at))
    const retiredInRound = body.length - 1 + 2 + skipping.length
    expect(x[21]).toBe(BigInt(retiredInRound * (rounds - 1) + 1 + at + 1))
    expect(x[10]).toBe(BigInt(5 * rounds))
  })
})
