/**
 * For tests: random programs that come to rest. Everything that computes, loads, stores and jumps is in them, CSRs that
 * leave the hart's mode as it is, and faults, which a handler may step over; what goes back is paid for with a counter,
 * so that each program ends.
 *
 * Registers with a job: x31 counts down at each jump back and each trap, x30 and x2 point into the data, x29 is for
 * addresses, x28 and x29 are the trap handler's, x1 is written by jumps.
 */

import { defined } from '@virga/base'
import {
  type Case,
  DATA,
  imageOf,
  layout,
  littleEndian,
  type Outcome,
  PC,
  plainHart,
  RAM_BASE,
  type Scheme,
  scramble,
} from '../isa/cases/case.ts'
import { type Random, seededRandom } from '../isa/cases/random.ts'
import { encode } from '../isa/encode.ts'
import { instructionLength } from '../isa/encoding.ts'
import { decode, instructions } from '../isa/table.ts'
import { factsOf } from './facts.ts'

const counter = 31
const pointer = 30
const addresses = 29
const handlers = 28
const stack = 2
/** Written by jumps only, since what it holds is jumped to. */
const link = 1
const reserved: readonly number[] = [counter, pointer, addresses, handlers, stack, link]

const straight = instructions.filter((instruction) => factsOf(instruction).flow === 'next')

/** CSRs by the privilege that they need. None of them changes what addresses mean or where traps go. */
const csrs = {
  any: { fflags: 0x001, frm: 0x002, fcsr: 0x003, cycle: 0xc00, time: 0xc01, instret: 0xc02 },
  supervisor: {
    sstatus: 0x100,
    sie: 0x104,
    scounteren: 0x106,
    sscratch: 0x140,
    sepc: 0x141,
    scause: 0x142,
    stval: 0x143,
    sip: 0x144,
  },
  machine: {
    mstatus: 0x300,
    mie: 0x304,
    mcounteren: 0x306,
    mcountinhibit: 0x320,
    mscratch: 0x340,
    mcause: 0x342,
    mtval: 0x343,
    mip: 0x344,
    mcycle: 0xb00,
    minstret: 0xb02,
    mhartid: 0xf14,
  },
} as const
/** A register's value would turn floating point off, or loads to another mode, most of the time. */
const status: readonly number[] = [csrs.supervisor.sstatus, csrs.machine.mstatus]
const readOnly: readonly number[] = [csrs.any.cycle, csrs.any.time, csrs.any.instret, csrs.machine.mhartid]
const mepc = 0x341
/** menvcfg.CBIE, CBCFE and CBZE, as they allow cache-block instructions in S-mode. */
const cacheBlocks = 0xf0n
const fetchAccessFault = 1
const fetchPageFault = 12
const jumpToSelf = littleEndian(BigInt(encode('jal', { rd: 0, imm: 0 })), 4)

/** A piece of program; jumps go to the first byte of one. */
type Piece = (here: number, startOf: (piece: number) => number) => readonly number[]

/** The program that a seed stands for. */
export function randomProgram(seed: number): Case {
  const random = seededRandom(seed)
  const scheme: Scheme = random.pick(['bare', 'sv39'])
  // Some are longer than a page.
  const isLong = random.below(8) === 0
  const length = isLong ? 300 + random.below(700) : 8 + random.below(60)
  const piece = (_: unknown, index: number) => randomPiece(random, index, scheme === 'bare')
  const pieces = Array.from({ length }, piece)
  // Some programs go over the end of a page.
  const offset = layout.code + (random.below(4) === 0 ? 0xe00 + 2 * random.below(200) : 0x100)
  const hart = scramble(plainHart(scheme === 'bare' ? 3 : 1, scheme), random)
  hart.pc = PC + BigInt(offset - layout.code - 0x100)
  hart.x[counter] = BigInt(random.below(isLong ? 20 : 60))
  if (random.below(8) > 0) hart.x[link] = hart.pc
  hart.csr.menvcfg = random.pick([0n, cacheBlocks])
  hart.csr.mcounteren = random.pick([0n, 7n, 7n])
  hart.x[pointer] = DATA + 0x1ff8n
  hart.x[stack] = DATA + 0x1000n
  const code = assemble([...pieces, () => [encode('jal', { rd: 0, imm: 0 })]])
  const handler =
    random.below(3) > 0 ? [{ offset: layout.machineVector, bytes: bytesOf(steppingOver()) }] : []
  return {
    name: `random program ${seed}`,
    bits: defined(code[0], 'an instruction') | 0,
    hart,
    image: imageOf(scheme, false),
    patches: [...handler, { offset, bytes: bytesOf(code) }],
    repeatable: true,
  }
}

/** Whether it has come to rest: one that wrote over its own code may never. */
export function isAtRest({ hart, ram }: Outcome): boolean {
  const at = Number(hart.pc - RAM_BASE)
  return jumpToSelf.every((byte, i) => ram[at + i] === byte)
}

/** Whether the program is in memory as it was at first; else what is cached of it is not the program. */
export function isUnchanged({ patches }: Case, { ram }: Outcome): boolean {
  return patches.every(({ offset, bytes }) => bytes.every((byte, i) => ram[offset + i] === byte))
}

/** Goes on behind what trapped, unless it was a fetch or the counter has run out: then it rests. */
function steppingOver(): readonly number[] {
  const isFetch = (cause: number, ahead: number) => [
    encode('addi', { rd: addresses, rs1: handlers, imm: -cause }),
    encode('beq', { rs1: addresses, rs2: 0, imm: ahead }),
  ]
  const rest = 4 * 16
  return [
    encode('addi', { rd: counter, rs1: counter, imm: -1 }),
    encode('bge', { rs1: 0, rs2: counter, imm: rest - 4 }),
    encode('csrrs', { rd: handlers, imm: mepc + 1 }),
    ...isFetch(fetchAccessFault, rest - 16),
    ...isFetch(fetchPageFault, rest - 24),
    encode('csrrs', { rd: handlers, imm: mepc }),
    encode('lhu', { rd: addresses, rs1: handlers, imm: 0 }),
    encode('andi', { rd: addresses, rs1: addresses, imm: 3 }),
    encode('sltiu', { rd: addresses, rs1: addresses, imm: 3 }),
    encode('slli', { rd: addresses, rs1: addresses, imm: 1 }),
    encode('sub', { rd: handlers, rs1: handlers, rs2: addresses }),
    encode('addi', { rd: handlers, rs1: handlers, imm: 4 }),
    encode('csrrw', { rs1: handlers, imm: mepc }),
    encode('mret'),
    encode('jal', { rd: 0, imm: 0 }),
  ]
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

function randomPiece(random: Random, index: number, isMachine: boolean): Piece {
  const kind = random.below(24)
  const ahead = index + 1 + random.below(12)
  // Loops overlap, and are jumped into by those ahead of them.
  const behind = index - random.below(random.pick([10, 10, 40]))
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
  if (kind === 5) return jumpsBackByAddress(behind)
  const bits =
    kind < 8
      ? randomCompressed(random)
      : kind < 10
        ? randomCsr(random, isMachine)
        : kind === 10 && random.below(4) === 0
          ? encode(random.pick(['fence.i', 'sfence.vma', 'ecall', 'ebreak']))
          : randomLong(random)
  return () => [bits]
}

/** The same as the branch back, but for the jump. */
function jumpsBackByAddress(behind: number): Piece {
  return (here, startOf) => [
    encode('addi', { rd: counter, rs1: counter, imm: -1 }),
    encode('bge', { rs1: 0, rs2: counter, imm: 12 }),
    encode('auipc', { rd: addresses, imm: 0 }),
    encode('jalr', { rd: 0, rs1: addresses, imm: startOf(behind) - here - 8 }),
  ]
}

/** An access to a CSR; most of them are allowed. */
function randomCsr(random: Random, isMachine: boolean): number {
  const privileges =
    isMachine || random.below(20) === 0 ? ['any', 'supervisor', 'machine'] : ['any', 'supervisor']
  const imm = random.pick(Object.values(csrs[random.pick(privileges as (keyof typeof csrs)[])]))
  const rd = random.pick([0, 5, 6, 7, 10, 11])
  const reads = readOnly.includes(imm) && random.below(20) > 0
  if (reads || random.below(3) === 0) return encode('csrrs', { rd, rs1: 0, imm })
  const byRegister = !status.includes(imm) || random.below(10) === 0
  const mnemonic = random.pick(
    byRegister ? ['csrrw', 'csrrs', 'csrrc', 'csrrwi', 'csrrsi', 'csrrci'] : ['csrrsi', 'csrrci'],
  )
  return encode(mnemonic, { rd, rs1: random.below(32), imm })
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
