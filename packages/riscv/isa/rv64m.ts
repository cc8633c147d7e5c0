/** Integer multiplication and division. @spec riscv-unpriv "\"M\" Extension for Integer Multiplication and Division" */

import { extension, opcode, rType } from './formats.ts'

const { OP, OP_32 } = opcode
const funct7 = 0x01

/** RV64M. */
export const rv64m = extension('M', 'riscv-unpriv "Multiplication Operations"', {
  mul: rType({ opcode: OP, funct3: 0, funct7 }, 'rd = low 64 bits of rs1 × rs2', (m) =>
    m.setRd(m.mul(m.rs1(), m.rs2())),
  ),
  mulh: rType({ opcode: OP, funct3: 1, funct7 }, 'rd = high 64 bits of rs1 × rs2, both signed', (m) =>
    m.setRd(m.mulHigh(m.rs1(), m.rs2(), 'ss')),
  ),
  mulhsu: rType(
    { opcode: OP, funct3: 2, funct7 },
    'rd = high 64 bits of rs1 (signed) × rs2 (unsigned)',
    (m) => m.setRd(m.mulHigh(m.rs1(), m.rs2(), 'su')),
  ),
  mulhu: rType({ opcode: OP, funct3: 3, funct7 }, 'rd = high 64 bits of rs1 × rs2, both unsigned', (m) =>
    m.setRd(m.mulHigh(m.rs1(), m.rs2(), 'uu')),
  ),
  div: rType({ opcode: OP, funct3: 4, funct7 }, 'rd = rs1 ÷ rs2, signed, towards zero', (m) =>
    m.setRd(m.divide(m.rs1(), m.rs2(), 's')),
  ),
  divu: rType({ opcode: OP, funct3: 5, funct7 }, 'rd = rs1 ÷ rs2, unsigned', (m) =>
    m.setRd(m.divide(m.rs1(), m.rs2(), 'u')),
  ),
  rem: rType({ opcode: OP, funct3: 6, funct7 }, 'rd = remainder of rs1 ÷ rs2, signed', (m) =>
    m.setRd(m.remainder(m.rs1(), m.rs2(), 's')),
  ),
  remu: rType({ opcode: OP, funct3: 7, funct7 }, 'rd = remainder of rs1 ÷ rs2, unsigned', (m) =>
    m.setRd(m.remainder(m.rs1(), m.rs2(), 'u')),
  ),
  mulw: rType({ opcode: OP_32, funct3: 0, funct7 }, 'rd = low 32 bits of rs1 × rs2, sign-extended', (m) =>
    m.setRd(m.signExtend(m.mul(m.rs1(), m.rs2()), 32)),
  ),
  divw: rType(
    { opcode: OP_32, funct3: 4, funct7 },
    'rd = rs1[31:0] ÷ rs2[31:0], signed, sign-extended',
    (m) => m.setRd(m.signExtend(m.divide(m.signExtend(m.rs1(), 32), m.signExtend(m.rs2(), 32), 's'), 32)),
  ),
  divuw: rType(
    { opcode: OP_32, funct3: 5, funct7 },
    'rd = rs1[31:0] ÷ rs2[31:0], unsigned, sign-extended',
    (m) => m.setRd(m.signExtend(m.divide(m.zeroExtend(m.rs1(), 32), m.zeroExtend(m.rs2(), 32), 'u'), 32)),
  ),
  remw: rType({ opcode: OP_32, funct3: 6, funct7 }, 'rd = remainder of rs1[31:0] ÷ rs2[31:0], signed', (m) =>
    m.setRd(m.signExtend(m.remainder(m.signExtend(m.rs1(), 32), m.signExtend(m.rs2(), 32), 's'), 32)),
  ),
  remuw: rType(
    { opcode: OP_32, funct3: 7, funct7 },
    'rd = remainder of rs1[31:0] ÷ rs2[31:0], unsigned, sign-extended',
    (m) => m.setRd(m.signExtend(m.remainder(m.zeroExtend(m.rs1(), 32), m.zeroExtend(m.rs2(), 32), 'u'), 32)),
  ),
})
