/**
 * Bodies with a name: what random ones reach too seldom, and every body in which this machine and the judge have
 * parted because this machine was wrong (none so far). A new one is a function that writes its code.
 */

import { type Assembler, reg } from './assembler.ts'
import { role } from './body-writer.ts'
import type { Body } from './compare.ts'
import type { BodyStart } from './harness.ts'
import { csr, dataPages, dataVirtual, pageBytes, place, pte, status } from './memory-plan.ts'

/** A body in `privilege` (0, 1 or 3) whose data pages have these flags; untranslated without them. */
function named(
  name: string,
  privilege: number,
  flags: readonly bigint[] | null,
  write: (asm: Assembler) => void,
): Body {
  return {
    name,
    write: (asm, label) => {
      const start = startOf(label, privilege, flags)
      asm.align(4)
      asm.label(start.entryLabel)
      write(asm)
      asm.label(start.endLabel)
      asm.op('ecall')
      return start
    },
  }
}

function startOf(label: string, privilege: number, flags: readonly bigint[] | null): BodyStart {
  const base = flags === null ? BigInt(place.data) : dataVirtual[1]
  const x = Array.from({ length: 32 }, (_, index) => BigInt(index) * 0x0123_4567_89ab_cdefn)
  x[role.base] = base + 0x800n
  x[role.edge] = base + 0x2000n
  x[role.cliff] = base + 0x4000n
  x[role.nowhere] = place.nowhere
  const untranslated = Array.from({ length: dataPages }, () => 0n)
  return {
    entryLabel: `${label} entry`,
    endLabel: `${label} end`,
    mstatus: (BigInt(privilege) << 11n) | status.fs,
    translation: flags === null ? 'none' : privilege === 0 ? 'user' : 'supervisor',
    levels: 3,
    x,
    f: Array.from({ length: 32 }, (_, index) => BigInt(index) << 52n),
    fcsr: 0n,
    medeleg: 0n,
    mideleg: 0n,
    ptes:
      flags?.map((bits, page) => (BigInt((place.data + page * pageBytes) >> 12) << 10n) | bits) ??
      untranslated,
  }
}

const all = pte.v | pte.r | pte.w | pte.a | pte.d
const readOnly = pte.v | pte.r | pte.a
const user = pte.u

export const namedCases: readonly Body[] = [
  named(
    'a store into a page that faults leaves the page before it alone',
    1,
    [all, all, readOnly, all, 0n],
    (asm) => {
      for (const imm of [-7, -4, -1]) asm.op('sd', { rs1: role.edge, rs2: reg.t0, imm })
      asm.op('fsd', { rs1: role.edge, rs2: 9, imm: -3 })
      asm.op('sh', { rs1: role.edge, rs2: reg.t0, imm: -1 })
    },
  ),
  named(
    'a load that faults in its second half leaves its register alone',
    0,
    [all | user, all | user, 0n, 0n, 0n],
    (asm) => {
      for (const imm of [-7, -1]) asm.op('ld', { rd: reg.a0, rs1: role.edge, imm })
      asm.op('fld', { rd: 10, rs1: role.edge, imm: -4 })
    },
  ),
  named(
    'a page becomes accessed and dirty by exactly what touches it',
    1,
    [pte.v | pte.r | pte.w, pte.v | pte.r | pte.w, pte.v | pte.r | pte.w, all, 0n],
    (asm) => {
      asm.op('lbu', { rd: reg.a0, rs1: role.base, imm: 0 })
      asm.op('sw', { rs1: role.edge, rs2: reg.a0, imm: -2 })
    },
  ),
  named('an instruction that lies across two pages of code', 1, null, (asm) => {
    const odd = () => (asm.here + 2) % pageBytes !== 0
    asm.jump('jal', { rd: 0 }, 'across')
    while (odd()) asm.compressed('c.addi', { rd: 0, rs1: 0, imm: 0 })
    asm.label('across')
    asm.op('addi', { rd: reg.a0, rs1: reg.a0, imm: 77 })
  }),
  named('what a program stores into its own code is executed after fence.i', 3, null, (asm) => {
    asm.la(reg.t0, 'patched')
    asm.li(reg.t1, 0x0015_0513n)
    asm.op('addi', { rd: role.counter, rs1: 0, imm: 3 })
    asm.label('again')
    asm.label('patched')
    asm.op('addi', { rd: reg.a0, rs1: reg.a0, imm: 1000 })
    asm.op('sw', { rs1: reg.t0, rs2: reg.t1, imm: 0 })
    asm.op('fence.i')
    asm.op('addi', { rd: role.counter, rs1: role.counter, imm: -1 })
    asm.jump('bne', { rs1: role.counter, rs2: 0 }, 'again')
    // The next run, if there is one, finds the code as it was.
    asm.li(reg.t1, 0x3e85_0513n)
    asm.op('sw', { rs1: reg.t0, rs2: reg.t1, imm: 0 })
    asm.op('fence.i')
  }),
  named(
    'supervisor access to user pages follows SUM',
    1,
    [all | user, all | user, all | user, all, 0n],
    (asm) => {
      asm.op('ld', { rd: reg.a0, rs1: role.base, imm: 0 })
      asm.li(reg.t0, status.sum)
      asm.op('csrrs', { rd: 0, rs1: reg.t0, imm: csr.sstatus })
      asm.op('ld', { rd: reg.a1, rs1: role.base, imm: 0 })
      asm.op('csrrc', { rd: 0, rs1: reg.t0, imm: csr.sstatus })
      asm.op('sd', { rs1: role.base, rs2: reg.a0, imm: 0 })
    },
  ),
]
