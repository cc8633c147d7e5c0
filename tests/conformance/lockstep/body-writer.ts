/** What the writers of random instructions share: the registers with a role, and where they write to. */

import { type Assembler, reg } from './assembler.ts'
import type { Random } from './random.ts'

/** Registers with a role, which random instructions do not write. */
export const role = {
  /** sp: middle of page 1 */
  stack: 2,
  /** between page 1 and page 2: misaligned accesses reach into another page's permissions */
  edge: reg.gp,
  /** between page 3 and the page that is not mapped */
  cliff: reg.tp,
  /** s0: page 0, for compressed loads and stores */
  short: reg.s0,
  /** s1: an address that nothing answers; always used as it is, since QEMU takes misaligned accesses there apart */
  nowhere: reg.s1,
  /** s10: middle of page 0 */
  base: reg.s10,
  /** s11: counts loops */
  counter: reg.s11,
} as const

const roles: ReadonlySet<number> = new Set(Object.values(role))
/** What the writers of items share. */
export interface BodyWriter {
  readonly asm: Assembler
  readonly random: Random
  /** privilege it starts in: 0, 1 or 3 */
  readonly privilege: number
  /** some of its traps go to S-mode first, so stvec stays as it is */
  readonly delegates: boolean
  /** its loads and stores go through page tables; in M-mode by MPRV, as those of U-mode */
  readonly translated: boolean
  /** a label that no one else has */
  fresh(): string
  /** one to three items that neither loop nor end the body */
  few(): void
}

/** A register that may be written. */
export function target(random: Random): number {
  for (;;) {
    const number = random.below(32)
    if (!roles.has(number)) return number
  }
}
