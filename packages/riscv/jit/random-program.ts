/**
 * For tests: random programs that come to rest. Everything that computes, loads, stores and jumps is in them, faults
 * too; what goes back is paid for with a counter, so that each program ends.
 *
 * Registers with a job: x31 counts down at each jump back, x30 and x2 point into the data, x29 is for addresses.
 */

import { defined } from '@virga/base'
import {
  type Case,
  DATA,
  imageOf,
  layout,
  littleEndian,
  PC,
  plainHart,
  type Scheme,
  scramble,
} from '../isa/cases/case.ts'
import { type Random, seededRandom } from '../isa/cases/random.ts'
import { encode } from '../isa/encode.ts'
import { decode, instructionLength, instructions } from '../isa/table.ts'
import { factsOf } from './facts.ts'

const counter = 31
const pointer = 30
const addresses = 29
const stack = 2
const reserved: readonly number[] = [counter, pointer, addresses, stack]

const straight = instructions.filter((instruction) => {
  const { flow, uses } = factsOf(instruction)
  return flow === 'next' && !uses.has('cbo')
})

/** A piece of program; jumps go to the first byte of one. */
type Piece = (here: number, startOf: (piece: number) => number) => readonly number[]

/** The program that a seed stands for. */
export function randomProgram(seed: number): Case {
  const random = seededRandom(seed)
  const pieces = Array.from({ length: 8 + random.below(60) }, (_, index) => randomPiece(random, index))
  const scheme: Scheme = random.pick(['bare', 'sv39'])
  // Some programs go over the end of a page.
  const offset = layout.code + (random.below(4) === 0 ? 0xe00 + 2 * random.below(200) : 0x100)
  const hart = scramble(plainHart(scheme === 'bare' ? 3 : 1, scheme), random)
  hart.pc = PC + BigInt(offset - layout.code - 0x100)
  hart.x[counter] = BigInt(random.below(60))
  hart.x[pointer] = DATA + 0x1ff8n
  hart.x[stack] = DATA + 0x1000n
  const code = assemble([...pieces, () => [encode('jal', { rd: 0, imm: 0 })]])
  return {
    name: `random program ${seed}`,
    bits: defined(code[0], 'an instruction') | 0,
    hart,
    image: imageOf(scheme, false),
    patches: [{ offset, bytes: bytesOf(code) }],
    repeatable: true,
  }
}

function bytesOf(code: readonly number[]): Uint8Array {
  return Uint8Array.from(
    code.flatMap((bits) => [...littleEndian(BigInt(bits >>> 0), instructionLength(bits & 0xffff))]),
  )
}

function sizeOf(code: readonly number[]): number {
  return code.reduce((sum, bits) => sum + instructionLength(bits & 0xffff), 0)
}

/** Pieces have the same size wherever they are. */
function assemble(pieces: readonly Piece[]): number[] {
  const starts: number[] = []
  let at = 0
  for (const piece of pieces) {
    starts.push(at)
    at += sizeOf(piece(0, () => 0))
  }
  const startOf = (index: number) => defined(starts[Math.max(0, Math.min(index, starts.length - 1))], 'start')
  return pieces.flatMap((piece, index) => piece(startOf(index), startOf))
}

function randomPiece(random: Random, index: number): Piece {
  const kind = random.below(20)
  const ahead = index + 1 + random.below(12)
  const behind = index - random.below(10)
  const branch = random.pick(['beq', 'bne', 'blt', 'bge', 'bltu', 'bgeu'])
  const [rs1, rs2] = [random.below(32), random.below(32)]
  if (kind === 0) {
    return (here, startOf) => [encode(branch, { rs1, rs2, imm: startOf(ahead) - here })]
  }
  if (kind === 1) {
    return (here, startOf) => [
      encode('addi', { rd: counter, rs1: counter, imm: -1 }),
      encode('blt', { rs1: 0, rs2: counter, imm: startOf(behind) - here - 4 }),
    ]
  }
  if (kind === 2) {
    const rd = random.pick([0, 1, 5])
    return (here, startOf) => [encode('jal', { rd, imm: startOf(ahead) - here })]
  }
  if (kind === 3) return returns(random)
  if (kind === 4) {
    const rd = random.pick([0, 1])
    return (here, startOf) => [
      encode('auipc', { rd: addresses, imm: 0 }),
      encode('jalr', { rd, rs1: addresses, imm: startOf(ahead) - here }),
    ]
  }
  if (kind < 8) {
    const bits = randomCompressed(random)
    return () => [bits]
  }
  const bits = randomLong(random)
  return () => [bits]
}

/** Back to where x1 says, if that was not done too often. */
function returns(random: Random): Piece {
  const offset = random.pick([0, 0, 0, 2])
  return () => [
    encode('addi', { rd: counter, rs1: counter, imm: -1 }),
    encode('bge', { rs1: 0, rs2: counter, imm: 8 }),
    encode('jalr', { rd: 0, rs1: 1, imm: offset }),
  ]
}

function randomLong(random: Random): number {
  for (;;) {
    const instruction = random.pick(straight)
    const { mask, match, operands } = instruction
    let bits = ((random.word() & ~mask) | match) >>> 0
    const facts = factsOf(instruction)
    const touchesMemory = facts.mayFault && !facts.uses.has('enableFp')
    const isFloatAccess = facts.uses.has('load') || facts.uses.has('store')
    if ((touchesMemory || isFloatAccess) && operands.rs1 && random.below(60) > 0) {
      bits = ((bits & ~(31 << 15)) | (pointer << 15)) >>> 0
    }
    const decoded = decode(bits)
    if (decoded === undefined) continue
    if (operands.rm && decoded.rm > 4 && random.below(20) > 0) continue
    if (facts.writes === 'rd' && reserved.includes(decoded.rd)) continue
    return bits
  }
}

function randomCompressed(random: Random): number {
  for (;;) {
    const bits = random.below(0x10000)
    const decoded = instructionLength(bits) === 2 ? decode(bits) : undefined
    if (decoded === undefined) continue
    const { flow, writes, mayFault } = factsOf(decoded.instruction)
    if (flow !== 'next' || (writes === 'rd' && reserved.includes(decoded.rd))) continue
    if (mayFault && decoded.rs1 !== stack) continue
    return bits
  }
}
