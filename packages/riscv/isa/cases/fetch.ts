/** Cases of fetching: interrupts before it, words that are no instruction, and instructions across pages. */

import { encode } from '../encode.ts'
import type { Privilege } from '../evaluate/index.ts'
import { decode } from '../table.ts'
import {
  type Case,
  layout,
  leafOffset,
  littleEndian,
  makeCase,
  PC,
  plainHart,
  pointer,
  pte,
  RAM_BASE,
  schemes,
  scramble,
  UPPER,
} from './case.ts'
import type { Random } from './random.ts'
import { ALL_INTERRUPTS, privilegedState, SUPERVISOR_INTERRUPTS } from './system.ts'

const modes: readonly Privilege[] = [0, 1, 3]
const INTERRUPT_CASES = 150
const ILLEGAL_CASES = 1000

const addi = encode('addi', { rd: 10, rs1: 11, imm: 1 })

/** Interrupts pending before an instruction: which is taken, by whom, or none. */
function* interruptCases(random: Random): Generator<Case> {
  for (const mode of modes) {
    for (let i = 0; i < INTERRUPT_CASES; i++) {
      const hart = privilegedState(mode, random)
      hart.csr.mie = random.long() & ALL_INTERRUPTS
      hart.csr.mip = random.long() & random.long() & SUPERVISOR_INTERRUPTS
      hart.lines = random.long() & random.long() & random.long() & ALL_INTERRUPTS & ~0x22n
      yield makeCase({ name: `interrupts ${i} in mode ${mode}`, bits: addi, hart })
    }
  }
}

/** Bits that decode to nothing: half of them one or two bits away from an instruction. */
function* illegalCases(random: Random): Generator<Case> {
  for (let i = 0; i < ILLEGAL_CASES; i++) {
    const word = i % 2 === 0 ? random.word() : addi ^ (1 << random.below(32)) ^ (1 << random.below(32))
    const bits = (word & 3) === 3 ? word >>> 0 : word & 0xffff
    const hart = privilegedState(random.pick(modes), random)
    if (decode(bits) === undefined) yield makeCase({ name: `illegal ${bits.toString(16)}`, bits, hart })
  }
}

const NEXT_PAGE = RAM_BASE + BigInt(layout.nextCode)

/** An instruction whose halves lie on two pages, of which the second may be anything. */
function* crossingCases(random: Random): Generator<Case> {
  for (const scheme of schemes) {
    for (const clears of [0n, pte.V, pte.X, pte.A, pte.U, pte.R]) {
      for (const user of [false, true]) {
        const full = pte.V | pte.R | pte.W | pte.X | pte.A | pte.D | (user ? pte.U : 0n)
        const leaf = pointer(NEXT_PAGE, full ^ clears)
        const patches =
          scheme === 'bare'
            ? []
            : [{ offset: leafOffset(scheme, layout.nextCode), bytes: littleEndian(leaf, 8) }]
        const hart = scramble(plainHart(user ? 0 : 1, scheme), random)
        hart.csr.medeleg = random.pick([0n, 0xb3ffn])
        yield makeCase({
          name: `across pages, ${scheme}`,
          bits: addi,
          hart: { ...hart, pc: NEXT_PAGE - 2n },
          scheme,
          user,
          patches,
        })
        yield makeCase({
          name: `on that page, ${scheme}`,
          bits: addi,
          hart: { ...hart, pc: NEXT_PAGE },
          scheme,
          user,
          patches,
        })
        const branch = encode('beq', { imm: -6 })
        yield makeCase({
          name: `jump across, ${scheme}`,
          bits: branch,
          hart: { ...hart, pc: NEXT_PAGE - 2n },
          scheme,
          user,
          patches,
        })
        const half = { ...hart, pc: NEXT_PAGE - 2n }
        yield makeCase({
          name: `short at the end, ${scheme}`,
          bits: 0x0505,
          hart: half,
          scheme,
          user,
          patches,
        })
      }
    }
  }
}

/** Code in the upper half, with and without the global bit. */
function* upperCases(random: Random): Generator<Case> {
  for (const scheme of schemes) {
    if (scheme === 'bare') continue
    for (const flags of [0n, pte.G]) {
      const leaf = pointer(
        RAM_BASE + BigInt(layout.code),
        pte.V | pte.R | pte.W | pte.X | pte.A | pte.D | flags,
      )
      const patches = [{ offset: leafOffset(scheme, layout.code), bytes: littleEndian(leaf, 8) }]
      const hart = { ...scramble(plainHart(1, scheme), random), pc: UPPER + PC }
      for (const bits of [
        addi,
        encode('auipc', { rd: 10, imm: -1 }),
        encode('jal', { rd: 1, imm: -16 }),
        encode('ebreak'),
      ]) {
        yield makeCase({ name: `upper half, ${scheme}`, bits, hart, scheme, patches, repeatable: true })
      }
    }
  }
}

/** Everything about fetching. */
export function* fetchCases(random: Random): Generator<Case> {
  yield* interruptCases(random)
  yield* illegalCases(random)
  yield* crossingCases(random)
  yield* upperCases(random)
  for (const pc of [0n, 0x10n, RAM_BASE - 2n, RAM_BASE + 0x10000n, 1n << 56n, 1n << 63n]) {
    yield makeCase({ name: `fetch from ${pc.toString(16)}`, bits: addi, hart: { ...plainHart(), pc } })
  }
}
