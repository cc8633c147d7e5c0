/** Bit manipulation: Zba, Zbb, Zbs, and the conditional zeroes of Zicond. @spec riscv-unpriv "\"B\" Extension for Bit Manipulation" */

import type { Instruction } from './encoding.ts'
import { type Entry, extension, opcode, rType, shift5, shift6, unary } from './formats.ts'
import type { Meaning } from './meaning.ts'

const { OP, OP_32, OP_IMM, OP_IMM_32 } = opcode

/** One set bit at the position that rs2 names. */
const bitAt = <V>(m: Meaning<V>, amount: V): V => m.shiftLeft(m.constant(1n), amount)

function shiftAdd(shift: number, funct3: number): Record<string, Entry> {
  const amount = BigInt(shift)
  return {
    [`sh${shift}add`]: rType({ opcode: OP, funct3, funct7: 0x10 }, `rd = (rs1 << ${shift}) + rs2`, (m) =>
      m.setRd(m.add(m.shiftLeft(m.rs1(), m.constant(amount)), m.rs2())),
    ),
    [`sh${shift}add.uw`]: rType(
      { opcode: OP_32, funct3, funct7: 0x10 },
      `rd = (rs1[31:0] << ${shift}) + rs2`,
      (m) => m.setRd(m.add(m.shiftLeft(m.zeroExtend(m.rs1(), 32), m.constant(amount)), m.rs2())),
    ),
  }
}

const zba = extension('Zba', 'riscv-unpriv "Zba: Address generation"', {
  'add.uw': rType({ opcode: OP_32, funct3: 0, funct7: 0x04 }, 'rd = rs1[31:0] + rs2', (m) =>
    m.setRd(m.add(m.zeroExtend(m.rs1(), 32), m.rs2())),
  ),
  ...shiftAdd(1, 2),
  ...shiftAdd(2, 4),
  ...shiftAdd(3, 6),
  'slli.uw': shift6({ opcode: OP_IMM_32, funct3: 1, funct6: 0x02 }, 'rd = rs1[31:0] << shamt', (m) =>
    m.setRd(m.shiftLeft(m.zeroExtend(m.rs1(), 32), m.imm())),
  ),
})

/** Bytes that are not zero become 0xff: the carry out of the low seven bits, or the top bit, marks such a byte. */
function orCombine<V>(m: Meaning<V>, value: V): V {
  const a = m.let(value)
  const low = m.constant(0x7f7f7f7f7f7f7f7fn)
  const marks = m.and(m.or(m.add(m.and(a, low), low), a), m.constant(0x8080808080808080n))
  return m.mul(m.shiftRight(marks, m.constant(7n)), m.constant(255n))
}

/** Bytes in the opposite order: swap bytes, then halfwords, then words. */
function byteReverse<V>(m: Meaning<V>, value: V): V {
  let a = value
  for (const [shift, mask] of [
    [8n, 0x00ff00ff00ff00ffn],
    [16n, 0x0000ffff0000ffffn],
  ] as const) {
    const bound = m.let(a)
    a = m.or(
      m.and(m.shiftRight(bound, m.constant(shift)), m.constant(mask)),
      m.shiftLeft(m.and(bound, m.constant(mask)), m.constant(shift)),
    )
  }
  return m.rotateLeft(a, m.constant(32n))
}

function extreme<V>(m: Meaning<V>, order: 'lessSigned' | 'lessUnsigned', keep: 'lesser' | 'greater'): V {
  const [a, b] = [m.let(m.rs1()), m.let(m.rs2())]
  const less = m[order](a, b)
  return keep === 'lesser' ? m.select(less, a, b) : m.select(less, b, a)
}

function rotateRight32<V>(m: Meaning<V>, amount: V): V {
  const a = m.let(m.zeroExtend(m.rs1(), 32))
  const doubled = m.or(a, m.shiftLeft(a, m.constant(32n)))
  return m.signExtend(m.shiftRight(doubled, m.and(amount, m.constant(31n))), 32)
}

const zbb = extension('Zbb', 'riscv-unpriv "Zbb: Basic bit-manipulation"', {
  andn: rType({ opcode: OP, funct3: 7, funct7: 0x20 }, 'rd = rs1 & ~rs2', (m) =>
    m.setRd(m.and(m.rs1(), m.not(m.rs2()))),
  ),
  orn: rType({ opcode: OP, funct3: 6, funct7: 0x20 }, 'rd = rs1 | ~rs2', (m) =>
    m.setRd(m.or(m.rs1(), m.not(m.rs2()))),
  ),
  xnor: rType({ opcode: OP, funct3: 4, funct7: 0x20 }, 'rd = ~(rs1 ^ rs2)', (m) =>
    m.setRd(m.not(m.xor(m.rs1(), m.rs2()))),
  ),
  clz: unary({ opcode: OP_IMM, funct3: 1, funct12: 0x600 }, 'rd = leading zero bits of rs1', (m) =>
    m.setRd(m.countLeadingZeros(m.rs1())),
  ),
  ctz: unary({ opcode: OP_IMM, funct3: 1, funct12: 0x601 }, 'rd = trailing zero bits of rs1', (m) =>
    m.setRd(m.countTrailingZeros(m.rs1())),
  ),
  cpop: unary({ opcode: OP_IMM, funct3: 1, funct12: 0x602 }, 'rd = set bits of rs1', (m) =>
    m.setRd(m.popCount(m.rs1())),
  ),
  clzw: unary({ opcode: OP_IMM_32, funct3: 1, funct12: 0x600 }, 'rd = leading zero bits of rs1[31:0]', (m) =>
    m.setRd(m.sub(m.countLeadingZeros(m.zeroExtend(m.rs1(), 32)), m.constant(32n))),
  ),
  ctzw: unary({ opcode: OP_IMM_32, funct3: 1, funct12: 0x601 }, 'rd = trailing zero bits of rs1[31:0]', (m) =>
    m.setRd(m.countTrailingZeros(m.or(m.rs1(), m.constant(1n << 32n)))),
  ),
  cpopw: unary({ opcode: OP_IMM_32, funct3: 1, funct12: 0x602 }, 'rd = set bits of rs1[31:0]', (m) =>
    m.setRd(m.popCount(m.zeroExtend(m.rs1(), 32))),
  ),
  'sext.b': unary({ opcode: OP_IMM, funct3: 1, funct12: 0x604 }, 'rd = rs1[7:0], sign-extended', (m) =>
    m.setRd(m.signExtend(m.rs1(), 8)),
  ),
  'sext.h': unary({ opcode: OP_IMM, funct3: 1, funct12: 0x605 }, 'rd = rs1[15:0], sign-extended', (m) =>
    m.setRd(m.signExtend(m.rs1(), 16)),
  ),
  'zext.h': unary({ opcode: OP_32, funct3: 4, funct12: 0x080 }, 'rd = rs1[15:0], zero-extended', (m) =>
    m.setRd(m.zeroExtend(m.rs1(), 16)),
  ),
  min: rType({ opcode: OP, funct3: 4, funct7: 0x05 }, 'rd = the lesser of rs1 and rs2, signed', (m) =>
    m.setRd(extreme(m, 'lessSigned', 'lesser')),
  ),
  minu: rType({ opcode: OP, funct3: 5, funct7: 0x05 }, 'rd = the lesser of rs1 and rs2, unsigned', (m) =>
    m.setRd(extreme(m, 'lessUnsigned', 'lesser')),
  ),
  max: rType({ opcode: OP, funct3: 6, funct7: 0x05 }, 'rd = the greater of rs1 and rs2, signed', (m) =>
    m.setRd(extreme(m, 'lessSigned', 'greater')),
  ),
  maxu: rType({ opcode: OP, funct3: 7, funct7: 0x05 }, 'rd = the greater of rs1 and rs2, unsigned', (m) =>
    m.setRd(extreme(m, 'lessUnsigned', 'greater')),
  ),
  rol: rType({ opcode: OP, funct3: 1, funct7: 0x30 }, 'rd = rs1 rotated left by rs2[5:0]', (m) =>
    m.setRd(m.rotateLeft(m.rs1(), m.rs2())),
  ),
  ror: rType({ opcode: OP, funct3: 5, funct7: 0x30 }, 'rd = rs1 rotated right by rs2[5:0]', (m) =>
    m.setRd(m.rotateRight(m.rs1(), m.rs2())),
  ),
  rori: shift6({ opcode: OP_IMM, funct3: 5, funct6: 0x18 }, 'rd = rs1 rotated right by shamt', (m) =>
    m.setRd(m.rotateRight(m.rs1(), m.imm())),
  ),
  rolw: rType(
    { opcode: OP_32, funct3: 1, funct7: 0x30 },
    'rd = rs1[31:0] rotated left by rs2[4:0], sign-extended',
    (m) => m.setRd(rotateRight32(m, m.sub(m.constant(0n), m.rs2()))),
  ),
  rorw: rType(
    { opcode: OP_32, funct3: 5, funct7: 0x30 },
    'rd = rs1[31:0] rotated right by rs2[4:0], sign-extended',
    (m) => m.setRd(rotateRight32(m, m.rs2())),
  ),
  roriw: shift5(
    { opcode: OP_IMM_32, funct3: 5, funct7: 0x30 },
    'rd = rs1[31:0] rotated right by shamt, sign-extended',
    (m) => m.setRd(rotateRight32(m, m.imm())),
  ),
  'orc.b': unary(
    { opcode: OP_IMM, funct3: 5, funct12: 0x287 },
    'rd = each non-zero byte of rs1 as 0xff',
    (m) => m.setRd(orCombine(m, m.rs1())),
  ),
  rev8: unary({ opcode: OP_IMM, funct3: 5, funct12: 0x6b8 }, 'rd = the bytes of rs1 in reverse order', (m) =>
    m.setRd(byteReverse(m, m.rs1())),
  ),
})

const zbs = extension('Zbs', 'riscv-unpriv "Zbs: Single-bit instructions"', {
  bclr: rType({ opcode: OP, funct3: 1, funct7: 0x24 }, 'rd = rs1 with bit rs2[5:0] cleared', (m) =>
    m.setRd(m.and(m.rs1(), m.not(bitAt(m, m.rs2())))),
  ),
  bclri: shift6({ opcode: OP_IMM, funct3: 1, funct6: 0x12 }, 'rd = rs1 with bit shamt cleared', (m) =>
    m.setRd(m.and(m.rs1(), m.not(bitAt(m, m.imm())))),
  ),
  bext: rType({ opcode: OP, funct3: 5, funct7: 0x24 }, 'rd = bit rs2[5:0] of rs1', (m) =>
    m.setRd(m.and(m.shiftRight(m.rs1(), m.rs2()), m.constant(1n))),
  ),
  bexti: shift6({ opcode: OP_IMM, funct3: 5, funct6: 0x12 }, 'rd = bit shamt of rs1', (m) =>
    m.setRd(m.and(m.shiftRight(m.rs1(), m.imm()), m.constant(1n))),
  ),
  binv: rType({ opcode: OP, funct3: 1, funct7: 0x34 }, 'rd = rs1 with bit rs2[5:0] flipped', (m) =>
    m.setRd(m.xor(m.rs1(), bitAt(m, m.rs2()))),
  ),
  binvi: shift6({ opcode: OP_IMM, funct3: 1, funct6: 0x1a }, 'rd = rs1 with bit shamt flipped', (m) =>
    m.setRd(m.xor(m.rs1(), bitAt(m, m.imm()))),
  ),
  bset: rType({ opcode: OP, funct3: 1, funct7: 0x14 }, 'rd = rs1 with bit rs2[5:0] set', (m) =>
    m.setRd(m.or(m.rs1(), bitAt(m, m.rs2()))),
  ),
  bseti: shift6({ opcode: OP_IMM, funct3: 1, funct6: 0x0a }, 'rd = rs1 with bit shamt set', (m) =>
    m.setRd(m.or(m.rs1(), bitAt(m, m.imm()))),
  ),
})

const zicond = extension('Zicond', 'riscv-unpriv "Zicond: Integer Conditional Operations"', {
  'czero.eqz': rType({ opcode: OP, funct3: 5, funct7: 0x07 }, 'rd = rs2 = 0 ? 0 : rs1', (m) =>
    m.setRd(m.select(m.equal(m.rs2(), m.constant(0n)), m.constant(0n), m.rs1())),
  ),
  'czero.nez': rType({ opcode: OP, funct3: 7, funct7: 0x07 }, 'rd = rs2 ≠ 0 ? 0 : rs1', (m) =>
    m.setRd(m.select(m.equal(m.rs2(), m.constant(0n)), m.rs1(), m.constant(0n))),
  ),
})

/** Zba, Zbb, Zbs and Zicond. */
export const zb: readonly Instruction[] = [...zba, ...zbb, ...zbs, ...zicond]
