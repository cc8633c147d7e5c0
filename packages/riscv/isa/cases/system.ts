/** Cases of CSR and privileged instructions: each CSR in each mode, what traps what, and interrupts. */

import { encode } from '../encode.ts'
import type { Instruction } from '../encoding.ts'
import { baseRegisters } from '../evaluate/csrs.ts'
import type { Hart, Privilege } from '../evaluate/index.ts'
import { type Case, makeCase, plainHart, RAM_BASE, scramble } from './case.ts'
import { fitting } from './computation.ts'
import type { Random } from './random.ts'
import { integerEdges } from './values.ts'

const modes: readonly Privilege[] = [0, 1, 3]

/** Numbers of no CSR: holes, other extensions, and RV32's upper halves. */
const missing = [
  0x000, 0x004, 0x103, 0x145, 0x181, 0x200, 0x280, 0x307, 0x310, 0x321, 0x3a1, 0x3a4, 0x3c0, 0x5a8, 0x600,
  0x747, 0x7c0, 0x800, 0xb01, 0xb20, 0xb80, 0xc20, 0xc80, 0xda0, 0xf10, 0xfff,
]

/** All CSRs, but of the many counters that are alike only the first and the last. */
const numbers = [...baseRegisters]
  .filter(([, { name }]) => !/hpm(counter|event)/.test(name) || /(counter|event)(3|31)$/.test(name))
  .map(([number]) => number)

/** Interrupts that can be delegated, and all. */
export const SUPERVISOR_INTERRUPTS = 0x222n
export const ALL_INTERRUPTS = 0xaaan

/** Everything that decides over an access to a CSR, at random. */
export function privilegedState(privilege: Privilege, random: Random): Hart {
  const hart = scramble(plainHart(privilege), random)
  const { csr } = hart
  const some = (mask: bigint) => random.long() & random.long() & mask
  csr.mstatus |= random.long() & random.long() & 0x7e69aan
  // MPP = 2 does not exist
  if (((csr.mstatus >> 11n) & 3n) === 2n) csr.mstatus ^= 1n << 12n
  csr.mcounteren = random.pick([0n, 0xffffffffn, random.long() & 0xffffffffn])
  csr.scounteren = random.pick([0n, 0xffffffffn, random.long() & 0xffffffffn])
  csr.menvcfg = random.pick([0n, (7n << 61n) | 0xf1n, (random.long() & (7n << 61n)) | 0xc0n])
  csr.senvcfg = random.pick([0n, 0xf1n, 0x10n])
  csr.mcountinhibit = random.pick([0n, 0n, 5n, 0xfffffffdn])
  csr.medeleg = random.pick([0n, 0xb3ffn, random.long() & 0xb3ffn])
  csr.mideleg = random.pick([0n, SUPERVISOR_INTERRUPTS, random.long() & SUPERVISOR_INTERRUPTS])
  csr.mie = random.below(4) === 0 ? some(ALL_INTERRUPTS) : 0n
  csr.mip = random.below(4) === 0 ? some(SUPERVISOR_INTERRUPTS) : 0n
  hart.lines = random.below(8) === 0 ? some(ALL_INTERRUPTS & ~0x22n) : 0n
  csr.mepc = RAM_BASE + BigInt(random.below(0x8000)) * 2n
  csr.sepc = RAM_BASE + BigInt(random.below(0x8000)) * 2n
  csr.mtvec = RAM_BASE | BigInt(random.below(2))
  csr.stvec |= BigInt(random.below(2))
  for (const name of [
    'mscratch',
    'sscratch',
    'mtval',
    'stval',
    'mcause',
    'scause',
    'mcycle',
    'minstret',
  ] as const) {
    csr[name] = random.long()
  }
  csr.mhpmcounter[3] = random.long()
  csr.mhpmevent[31] = random.long()
  csr.fflags = BigInt(random.below(32))
  csr.frm = BigInt(random.below(8))
  // above entry 0, which allows everything
  csr.pmpcfg[0] =
    0x1fn | ((random.long() & 0x9d9d9d9d9d9d9dn & (random.below(2) === 0 ? 0x1d1d1d1d1d1d1dn : -1n)) << 8n)
  csr.pmpaddr[3] = random.long() & ((1n << 54n) - 1n)
  hart.time = BigInt(random.below(1000))
  csr.stimecmp = random.pick([0n, 500n, (1n << 64n) - 1n])
  return hart
}

/** Cases of one of the six CSR instructions. */
export function* csrCases(instruction: Instruction, random: Random): Generator<Case> {
  const { mnemonic } = instruction
  for (const number of [...numbers, ...missing]) {
    const name = baseRegisters.get(number)?.name ?? `0x${number.toString(16)}`
    for (const mode of modes) {
      for (let i = 0; i < 4; i++) {
        const hart = privilegedState(mode, random)
        const rs1 = random.pick([11, 11, 0, 10, random.below(32)])
        if (rs1 !== 0)
          hart.x[rs1] = random.pick([
            random.long(),
            random.pick(integerEdges),
            1n << BigInt(random.below(64)),
          ])
        const bits = encode(mnemonic, { rd: random.pick([10, 10, 0]), rs1, imm: number })
        yield makeCase({ name: `${mnemonic} ${name} in mode ${mode}`, bits, hart })
      }
    }
  }
}

const PRIVILEGED_CASES = 60

/** Cases of an instruction without memory whose effect depends on the mode, and of the calls. */
export function* privilegedCases(instruction: Instruction, random: Random): Generator<Case> {
  for (const mode of modes) {
    for (let i = 0; i < PRIVILEGED_CASES; i++) {
      const hart = privilegedState(mode, random)
      const values = { rs1: random.pick([0, 11]), rs2: random.pick([0, 12]), imm: 0 }
      const bits = encode(instruction.mnemonic, fitting(instruction, values))
      yield makeCase({ name: `${instruction.mnemonic} ${i} in mode ${mode}`, bits, hart })
    }
  }
}
