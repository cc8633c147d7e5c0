/** Atomic instructions. @spec riscv-unpriv "\"A\" Extension for Atomic Instructions" */

import type { Instruction } from './encoding.ts'
import { amoType, type Entry, extension, lrType, opcode } from './formats.ts'
import type { AmoOperation } from './meaning.ts'

const operations: readonly (readonly [name: string, funct5: number, operation: AmoOperation, doc: string])[] =
  [
    ['amoswap', 0x01, 'swap', 'rs2'],
    ['amoadd', 0x00, 'add', 'old + rs2'],
    ['amoxor', 0x04, 'xor', 'old ^ rs2'],
    ['amoand', 0x0c, 'and', 'old & rs2'],
    ['amoor', 0x08, 'or', 'old | rs2'],
    ['amomin', 0x10, 'min', 'the lesser of old and rs2, signed'],
    ['amomax', 0x14, 'max', 'the greater of old and rs2, signed'],
    ['amominu', 0x18, 'minu', 'the lesser of old and rs2, unsigned'],
    ['amomaxu', 0x1c, 'maxu', 'the greater of old and rs2, unsigned'],
  ]

function entries(suffix: 'w' | 'd', width: 32 | 64, funct3: number): Record<string, Entry> {
  const rows: Record<string, Entry> = {
    [`lr.${suffix}`]: lrType(
      { opcode: opcode.AMO, funct3, funct5: 0x02, rs2: 0 },
      `rd = ${width} bits at rs1, reserving the address`,
      (m) => m.setRd(m.loadReserved(width, m.rs1())),
    ),
    [`sc.${suffix}`]: amoType(
      { opcode: opcode.AMO, funct3, funct5: 0x03 },
      `${width} bits at rs1 = rs2 if the reservation holds; rd = 0 if stored, else 1`,
      (m) => m.setRd(m.storeConditional(width, m.rs1(), m.rs2())),
    ),
  }
  for (const [name, funct5, operation, doc] of operations) {
    rows[`${name}.${suffix}`] = amoType(
      { opcode: opcode.AMO, funct3, funct5 },
      `rd = old ${width} bits at rs1; they become ${doc}, atomically`,
      (m) => m.setRd(m.amo(operation, width, m.rs1(), m.rs2())),
    )
  }
  return rows
}

/** RV64A: LR/SC and AMOs on words and doublewords. */
export const rv64a: readonly Instruction[] = [
  ...extension('A', 'riscv-unpriv "Atomic Memory Operations"', entries('w', 32, 2)),
  ...extension('A', 'riscv-unpriv "Atomic Memory Operations"', entries('d', 64, 3)),
]
