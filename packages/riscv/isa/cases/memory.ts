/** Cases of loads, stores, atomics and cache-block operations: alignment, page ends, absent memory, translation. */

import { encode } from '../encode.ts'
import type { Instruction } from '../encoding.ts'
import type { Hart, Reservation } from '../evaluate/index.ts'
import { decode } from '../table.ts'
import {
  type Case,
  DATA,
  imageOf,
  layout,
  leafOffset,
  littleEndian,
  makeCase,
  type Patch,
  plainHart,
  pointer,
  pte,
  RAM_BASE,
  RAM_BYTES,
  type Scheme,
  schemes,
  scramble,
  UPPER,
} from './case.ts'
import { fitting } from './computation.ts'
import type { Random } from './random.ts'

/** Distances from the start of the data's second page: within, at and across both of its ends. */
const offsets = [0, 1, 2, 3, 4, 5, 6, 7, 8, 12, 61, -1, -2, -3, -4, -5, -7, -8, 4088, 4089, 4092, 4094, 4095]

const SECOND_PAGE = DATA + 0x1000n
const RAM_END = RAM_BASE + BigInt(RAM_BYTES)

/** Where there is no memory, or only part of the access. */
const absent = [
  0n,
  0x10n,
  RAM_BASE - 1n,
  RAM_BASE - 8n,
  RAM_END,
  RAM_END - 3n,
  RAM_END - 1n,
  (1n << 56n) - 8n,
  1n << 60n,
]

const M64 = (1n << 64n) - 1n
const ADUE = 1n << 61n
const PBMTE = 1n << 62n
/** CBIE = flush, CBCFE and CBZE */
const BLOCK_OPERATIONS = 0xd0n | (1n << 5n) | (1n << 4n)

interface Place {
  readonly name: string
  readonly address: bigint
  readonly hart: Hart
  readonly scheme?: Scheme
  readonly user?: boolean
  readonly patches?: readonly Patch[]
  readonly repeatable?: boolean
}

function allowBlocks(hart: Hart): Hart {
  hart.csr.menvcfg |= BLOCK_OPERATIONS
  hart.csr.senvcfg |= BLOCK_OPERATIONS
  return hart
}

/** Accesses without translation, in M-mode. */
function* barePlaces(random: Random): Generator<Place> {
  for (const offset of offsets) {
    const address = SECOND_PAGE + BigInt(offset)
    yield { name: `at ${offset}`, address, hart: plainHart(), repeatable: true }
  }
  for (const address of absent) yield { name: `absent ${address.toString(16)}`, address, hart: plainHart() }
  for (let i = 0; i < 20; i++) {
    const address = DATA + BigInt(random.below(layout.dataBytes - 128))
    yield { name: `random ${i}`, address, hart: plainHart(), repeatable: true }
  }
}

/** Leaf flags that are good or bad in some way for one access or another. */
const leafFlags: readonly (readonly [name: string, flags: bigint, clears: bigint])[] = [
  ['full', 0n, 0n],
  ['invalid', 0n, pte.V],
  ['read only', 0n, pte.W],
  ['execute only', 0n, pte.R | pte.W],
  ['W without R', 0n, pte.R],
  ['W without R but X clear', 0n, pte.R | pte.X],
  ['A clear', 0n, pte.A],
  ['D clear', 0n, pte.D],
  ['A and D clear', 0n, pte.A | pte.D],
  ['global', pte.G, 0n],
  ['reserved bit', 1n << 54n, 0n],
  ['PBMT 1', 1n << 61n, 0n],
  ['PBMT 3', 3n << 61n, 0n],
  ['N', 1n << 63n, 0n],
  ['software bits', 3n << 8n, 0n],
  ['pointer at the last level', 0n, pte.R | pte.W | pte.X],
]

/** Accesses under each scheme: leaf flags, and the status bits that matter to them. */
function* translatedPlaces(random: Random): Generator<Place> {
  for (const scheme of schemes) {
    if (scheme === 'bare') continue
    for (const [name, flags, clears] of leafFlags) {
      for (const user of [false, true]) {
        const hart = plainHart(user ? 0 : 1, scheme)
        hart.csr.mstatus |= BigInt(random.below(4)) << 18n
        hart.csr.menvcfg = (random.below(2) === 0 ? ADUE : 0n) | (random.below(2) === 0 ? PBMTE : 0n)
        const full = pte.V | pte.R | pte.W | pte.X | pte.A | pte.D | (user ? pte.U : 0n)
        // sometimes the page belongs to the other mode
        const owner = random.below(4) === 0 ? full ^ pte.U : full
        const leaf = pointer(SECOND_PAGE, (owner & ~clears) | flags)
        const patch = { offset: leafOffset(scheme, layout.data + 0x1000), bytes: littleEndian(leaf, 8) }
        const address = SECOND_PAGE + BigInt(random.pick(offsets))
        yield {
          name: `${scheme} ${name}${user ? ' user' : ''}`,
          address,
          hart,
          scheme,
          user,
          patches: [patch],
        }
      }
    }
    for (const address of [
      1n << 38n,
      1n << 47n,
      1n << 56n,
      M64 - 0xfffn,
      -(1n << 38n) & M64,
      -(1n << 56n) & M64,
    ]) {
      yield { name: `${scheme} far`, address, hart: plainHart(1, scheme), scheme }
    }
    for (const [name, flags] of [
      ['upper half', 0n],
      ['upper half, global', pte.G],
    ] as const) {
      const leaf = pointer(SECOND_PAGE, pte.V | pte.R | pte.W | pte.A | pte.D | flags)
      const patch = { offset: leafOffset(scheme, layout.data + 0x1000), bytes: littleEndian(leaf, 8) }
      const address = UPPER + SECOND_PAGE + BigInt(random.pick([0, 3, 8, 16]))
      const hart = plainHart(1, scheme)
      yield { name: `${scheme} ${name}`, address, hart, scheme, patches: [patch], repeatable: true }
    }
    for (let i = 0; i < 6; i++) {
      const address = SECOND_PAGE + BigInt(random.pick(offsets))
      yield { name: `${scheme} good ${i}`, address, hart: plainHart(1, scheme), scheme, repeatable: true }
    }
  }
}

/** 64 KiB pages, MPRV, and PMP entries around the access. */
function* specialPlaces(random: Random): Generator<Place> {
  const napot = plainHart(1, 'sv39')
  const leaf = pointer(RAM_BASE + 0x8000n, pte.V | pte.R | pte.W | pte.A | pte.D | (1n << 63n))
  const patch = { offset: leafOffset('sv39', layout.data + 0x1000), bytes: littleEndian(leaf, 8) }
  yield { name: '64 KiB page', address: SECOND_PAGE + 8n, hart: napot, scheme: 'sv39', patches: [patch] }
  for (const privilege of [0n, 1n, 3n]) {
    for (const user of [false, true]) {
      const hart = plainHart(3, 'sv48')
      hart.csr.mstatus |= (1n << 17n) | (privilege << 11n) | (BigInt(random.below(2)) << 18n)
      yield { name: `MPRV ${privilege}`, address: SECOND_PAGE, hart, scheme: 'sv48', user }
    }
  }
  for (let i = 0; i < 24; i++) {
    const hart = plainHart(random.pick([0, 1, 3] as const))
    const at = (SECOND_PAGE >> 2n) + BigInt(random.below(4))
    const locked = BigInt(random.below(2)) << 7n
    const mode = BigInt(random.pick([1, 2, 3])) << 3n
    hart.csr.pmpcfg[0] = (0x1fn << 16n) | ((locked | mode | BigInt(random.pick([0, 1, 3, 4, 5, 7]))) << 8n)
    hart.csr.pmpaddr[0] = SECOND_PAGE >> 2n
    hart.csr.pmpaddr[1] = at
    hart.csr.pmpaddr[2] = (1n << 54n) - 1n
    // naturally aligned: how a misaligned access is split is nobody's promise
    yield { name: `PMP ${i}`, address: SECOND_PAGE + BigInt(random.below(4) * 8), hart }
  }
}

function* places(random: Random): Generator<Place> {
  yield* barePlaces(random)
  yield* translatedPlaces(random)
  yield* specialPlaces(random)
}

/** All cases of an instruction that accesses the memory at rs1, or rs1 + imm. */
export function* memoryCases(instruction: Instruction, random: Random): Generator<Case> {
  const { mnemonic, operands } = instruction
  for (const place of places(random)) {
    const hart = allowBlocks(scramble(place.hart, random))
    const imm = operands.imm === undefined ? 0 : random.pick([0, 0, 1, -1, 2047, -2048, 16])
    const [rd, rs2] = [random.pick([10, 10, 11, 0, 12]), random.pick([12, 12, 11, 0])]
    hart.x[11] = (place.address - BigInt(imm)) & M64
    const bits = encode(mnemonic, fitting(instruction, { rd, rs1: 11, rs2, imm }))
    const { name, ...rest } = place
    if (!mnemonic.startsWith('sc.')) {
      yield makeCase({ ...rest, name: `${mnemonic} ${name}`, bits, hart })
      continue
    }
    for (const kind of reservations) {
      const reservation = reservationFor(place, mnemonic.endsWith('.w') ? 4 : 8, kind)
      yield makeCase({ ...rest, name: `${mnemonic} ${name}, ${kind}`, bits, hart: { ...hart, reservation } })
    }
  }
}

const reservations = ['none', 'held', 'elsewhere', 'overwritten'] as const

/** What an SC finds. Pages that are mapped as usual are mapped to themselves, so the address is physical. */
function reservationFor(
  { address, patches, scheme = 'bare', user = false }: Place,
  width: number,
  kind: (typeof reservations)[number],
): Reservation | undefined {
  const offset = Number(address - RAM_BASE) & ~(width - 1)
  if (kind === 'none' || offset < 0 || offset >= RAM_BYTES - 8 || patches !== undefined) return undefined
  const bytes = [...imageOf(scheme, user).subarray(offset, offset + width)]
  const there = bytes.reduceRight((value, byte) => (value << 8n) | BigInt(byte), 0n)
  return {
    address: RAM_BASE + BigInt(kind === 'elsewhere' ? offset ^ 0x40 : offset),
    value: kind === 'overwritten' ? there ^ 1n : there,
  }
}

const COMPRESSED_CASES = 120

/** Random encodings of a compressed load or store, with base registers that point into data or near its ends. */
export function* compressedMemoryCases(
  mnemonic: string,
  encodings: readonly number[],
  random: Random,
): Generator<Case> {
  for (let i = 0; i < COMPRESSED_CASES; i++) {
    const bits = random.pick(encodings)
    const hart = scramble(plainHart(), random)
    const { rs1, imm } = decode(bits) ?? { rs1: 0, imm: 0 }
    const target = random.below(8) === 0 ? random.pick(absent) : SECOND_PAGE + BigInt(random.pick(offsets))
    if (rs1 !== 0) hart.x[rs1] = (target - BigInt(imm)) & M64
    yield makeCase({ name: `${mnemonic} random ${i}`, bits, hart, repeatable: true })
  }
}
