/** The base integer instruction set. @spec riscv-unpriv "RV32I Base Integer Instruction Set" */

import {
  bareType,
  bType,
  extension,
  fenceType,
  iType,
  jType,
  loadType,
  opcode,
  rType,
  shift5,
  shift6,
  storeType,
  uType,
} from './formats.ts'

const { OP, OP_32, OP_IMM, OP_IMM_32, LOAD, STORE, BRANCH, MISC_MEM } = opcode

const computation = extension('I', 'riscv-unpriv "Integer Computational Instructions"', {
  lui: uType({ opcode: opcode.LUI }, 'rd = the immediate in bits 31..12, sign-extended', (m) =>
    m.setRd(m.imm()),
  ),
  auipc: uType({ opcode: opcode.AUIPC }, 'rd = pc + the immediate in bits 31..12', (m) =>
    m.setRd(m.add(m.pc(), m.imm())),
  ),
  addi: iType({ opcode: OP_IMM, funct3: 0 }, 'rd = rs1 + imm', (m) => m.setRd(m.add(m.rs1(), m.imm()))),
  slti: iType({ opcode: OP_IMM, funct3: 2 }, 'rd = rs1 < imm, signed', (m) =>
    m.setRd(m.lessSigned(m.rs1(), m.imm())),
  ),
  sltiu: iType({ opcode: OP_IMM, funct3: 3 }, 'rd = rs1 < imm, unsigned', (m) =>
    m.setRd(m.lessUnsigned(m.rs1(), m.imm())),
  ),
  xori: iType({ opcode: OP_IMM, funct3: 4 }, 'rd = rs1 ^ imm', (m) => m.setRd(m.xor(m.rs1(), m.imm()))),
  ori: iType({ opcode: OP_IMM, funct3: 6 }, 'rd = rs1 | imm', (m) => m.setRd(m.or(m.rs1(), m.imm()))),
  andi: iType({ opcode: OP_IMM, funct3: 7 }, 'rd = rs1 & imm', (m) => m.setRd(m.and(m.rs1(), m.imm()))),
  slli: shift6({ opcode: OP_IMM, funct3: 1, funct6: 0x00 }, 'rd = rs1 << shamt', (m) =>
    m.setRd(m.shiftLeft(m.rs1(), m.imm())),
  ),
  srli: shift6({ opcode: OP_IMM, funct3: 5, funct6: 0x00 }, 'rd = rs1 >> shamt, zeros shifted in', (m) =>
    m.setRd(m.shiftRight(m.rs1(), m.imm())),
  ),
  srai: shift6({ opcode: OP_IMM, funct3: 5, funct6: 0x10 }, 'rd = rs1 >> shamt, sign shifted in', (m) =>
    m.setRd(m.shiftRightArithmetic(m.rs1(), m.imm())),
  ),
  add: rType({ opcode: OP, funct3: 0, funct7: 0x00 }, 'rd = rs1 + rs2', (m) =>
    m.setRd(m.add(m.rs1(), m.rs2())),
  ),
  sub: rType({ opcode: OP, funct3: 0, funct7: 0x20 }, 'rd = rs1 - rs2', (m) =>
    m.setRd(m.sub(m.rs1(), m.rs2())),
  ),
  sll: rType({ opcode: OP, funct3: 1, funct7: 0x00 }, 'rd = rs1 << rs2[5:0]', (m) =>
    m.setRd(m.shiftLeft(m.rs1(), m.rs2())),
  ),
  slt: rType({ opcode: OP, funct3: 2, funct7: 0x00 }, 'rd = rs1 < rs2, signed', (m) =>
    m.setRd(m.lessSigned(m.rs1(), m.rs2())),
  ),
  sltu: rType({ opcode: OP, funct3: 3, funct7: 0x00 }, 'rd = rs1 < rs2, unsigned', (m) =>
    m.setRd(m.lessUnsigned(m.rs1(), m.rs2())),
  ),
  xor: rType({ opcode: OP, funct3: 4, funct7: 0x00 }, 'rd = rs1 ^ rs2', (m) =>
    m.setRd(m.xor(m.rs1(), m.rs2())),
  ),
  srl: rType({ opcode: OP, funct3: 5, funct7: 0x00 }, 'rd = rs1 >> rs2[5:0], zeros shifted in', (m) =>
    m.setRd(m.shiftRight(m.rs1(), m.rs2())),
  ),
  sra: rType({ opcode: OP, funct3: 5, funct7: 0x20 }, 'rd = rs1 >> rs2[5:0], sign shifted in', (m) =>
    m.setRd(m.shiftRightArithmetic(m.rs1(), m.rs2())),
  ),
  or: rType({ opcode: OP, funct3: 6, funct7: 0x00 }, 'rd = rs1 | rs2', (m) =>
    m.setRd(m.or(m.rs1(), m.rs2())),
  ),
  and: rType({ opcode: OP, funct3: 7, funct7: 0x00 }, 'rd = rs1 & rs2', (m) =>
    m.setRd(m.and(m.rs1(), m.rs2())),
  ),
})

const computation32 = extension('I', 'riscv-unpriv "RV64I Integer Computational Instructions"', {
  addiw: iType({ opcode: OP_IMM_32, funct3: 0 }, 'rd = low 32 bits of rs1 + imm, sign-extended', (m) =>
    m.setRd(m.signExtend(m.add(m.rs1(), m.imm()), 32)),
  ),
  slliw: shift5(
    { opcode: OP_IMM_32, funct3: 1, funct7: 0x00 },
    'rd = low 32 bits of rs1 << shamt, sign-extended',
    (m) => m.setRd(m.signExtend(m.shiftLeft(m.rs1(), m.imm()), 32)),
  ),
  srliw: shift5(
    { opcode: OP_IMM_32, funct3: 5, funct7: 0x00 },
    'rd = rs1[31:0] >> shamt, sign-extended',
    (m) => m.setRd(m.signExtend(m.shiftRight(m.zeroExtend(m.rs1(), 32), m.imm()), 32)),
  ),
  sraiw: shift5({ opcode: OP_IMM_32, funct3: 5, funct7: 0x20 }, 'rd = rs1[31:0] >> shamt, arithmetic', (m) =>
    m.setRd(m.shiftRightArithmetic(m.signExtend(m.rs1(), 32), m.imm())),
  ),
  addw: rType(
    { opcode: OP_32, funct3: 0, funct7: 0x00 },
    'rd = low 32 bits of rs1 + rs2, sign-extended',
    (m) => m.setRd(m.signExtend(m.add(m.rs1(), m.rs2()), 32)),
  ),
  subw: rType(
    { opcode: OP_32, funct3: 0, funct7: 0x20 },
    'rd = low 32 bits of rs1 - rs2, sign-extended',
    (m) => m.setRd(m.signExtend(m.sub(m.rs1(), m.rs2()), 32)),
  ),
  sllw: rType(
    { opcode: OP_32, funct3: 1, funct7: 0x00 },
    'rd = low 32 bits of rs1 << rs2[4:0], sign-extended',
    (m) => m.setRd(m.signExtend(m.shiftLeft(m.rs1(), m.and(m.rs2(), m.constant(31n))), 32)),
  ),
  srlw: rType({ opcode: OP_32, funct3: 5, funct7: 0x00 }, 'rd = rs1[31:0] >> rs2[4:0], sign-extended', (m) =>
    m.setRd(m.signExtend(m.shiftRight(m.zeroExtend(m.rs1(), 32), m.and(m.rs2(), m.constant(31n))), 32)),
  ),
  sraw: rType({ opcode: OP_32, funct3: 5, funct7: 0x20 }, 'rd = rs1[31:0] >> rs2[4:0], arithmetic', (m) =>
    m.setRd(m.shiftRightArithmetic(m.signExtend(m.rs1(), 32), m.and(m.rs2(), m.constant(31n)))),
  ),
})

const control = extension('I', 'riscv-unpriv "Control Transfer Instructions"', {
  jal: jType({ opcode: opcode.JAL }, 'rd = address of the next instruction; continue at pc + imm', (m) => {
    m.setRd(m.nextPc())
    m.jumpRelative()
  }),
  jalr: iType(
    { opcode: opcode.JALR, funct3: 0 },
    'rd = address of the next instruction; continue at (rs1 + imm) & ~1',
    (m) => {
      const target = m.let(m.and(m.add(m.rs1(), m.imm()), m.constant(-2n)))
      m.setRd(m.nextPc())
      m.jump(target)
    },
  ),
  beq: bType({ opcode: BRANCH, funct3: 0 }, 'continue at pc + imm if rs1 = rs2', (m) =>
    m.branch(m.equal(m.rs1(), m.rs2())),
  ),
  bne: bType({ opcode: BRANCH, funct3: 1 }, 'continue at pc + imm if rs1 ≠ rs2', (m) =>
    m.branch(m.notEqual(m.rs1(), m.rs2())),
  ),
  blt: bType({ opcode: BRANCH, funct3: 4 }, 'continue at pc + imm if rs1 < rs2, signed', (m) =>
    m.branch(m.lessSigned(m.rs1(), m.rs2())),
  ),
  bge: bType({ opcode: BRANCH, funct3: 5 }, 'continue at pc + imm if rs1 ≥ rs2, signed', (m) =>
    m.branch(m.equal(m.lessSigned(m.rs1(), m.rs2()), m.constant(0n))),
  ),
  bltu: bType({ opcode: BRANCH, funct3: 6 }, 'continue at pc + imm if rs1 < rs2, unsigned', (m) =>
    m.branch(m.lessUnsigned(m.rs1(), m.rs2())),
  ),
  bgeu: bType({ opcode: BRANCH, funct3: 7 }, 'continue at pc + imm if rs1 ≥ rs2, unsigned', (m) =>
    m.branch(m.equal(m.lessUnsigned(m.rs1(), m.rs2()), m.constant(0n))),
  ),
})

const memory = extension('I', 'riscv-unpriv "Load and Store Instructions"', {
  lb: loadType({ opcode: LOAD, funct3: 0 }, 'rd = byte at rs1 + imm, sign-extended', (m) =>
    m.setRd(m.load(8, 's', m.add(m.rs1(), m.imm()))),
  ),
  lh: loadType({ opcode: LOAD, funct3: 1 }, 'rd = 16 bits at rs1 + imm, sign-extended', (m) =>
    m.setRd(m.load(16, 's', m.add(m.rs1(), m.imm()))),
  ),
  lw: loadType({ opcode: LOAD, funct3: 2 }, 'rd = 32 bits at rs1 + imm, sign-extended', (m) =>
    m.setRd(m.load(32, 's', m.add(m.rs1(), m.imm()))),
  ),
  ld: loadType({ opcode: LOAD, funct3: 3 }, 'rd = 64 bits at rs1 + imm', (m) =>
    m.setRd(m.load(64, 'u', m.add(m.rs1(), m.imm()))),
  ),
  lbu: loadType({ opcode: LOAD, funct3: 4 }, 'rd = byte at rs1 + imm, zero-extended', (m) =>
    m.setRd(m.load(8, 'u', m.add(m.rs1(), m.imm()))),
  ),
  lhu: loadType({ opcode: LOAD, funct3: 5 }, 'rd = 16 bits at rs1 + imm, zero-extended', (m) =>
    m.setRd(m.load(16, 'u', m.add(m.rs1(), m.imm()))),
  ),
  lwu: loadType({ opcode: LOAD, funct3: 6 }, 'rd = 32 bits at rs1 + imm, zero-extended', (m) =>
    m.setRd(m.load(32, 'u', m.add(m.rs1(), m.imm()))),
  ),
  sb: storeType({ opcode: STORE, funct3: 0 }, 'byte at rs1 + imm = rs2', (m) =>
    m.store(8, m.add(m.rs1(), m.imm()), m.rs2()),
  ),
  sh: storeType({ opcode: STORE, funct3: 1 }, '16 bits at rs1 + imm = rs2', (m) =>
    m.store(16, m.add(m.rs1(), m.imm()), m.rs2()),
  ),
  sw: storeType({ opcode: STORE, funct3: 2 }, '32 bits at rs1 + imm = rs2', (m) =>
    m.store(32, m.add(m.rs1(), m.imm()), m.rs2()),
  ),
  sd: storeType({ opcode: STORE, funct3: 3 }, '64 bits at rs1 + imm = rs2', (m) =>
    m.store(64, m.add(m.rs1(), m.imm()), m.rs2()),
  ),
})

const ordering = extension('I', 'riscv-unpriv "Memory Ordering Instructions"', {
  fence: fenceType(
    { opcode: MISC_MEM, funct3: 0 },
    'orders earlier accesses (pred) before later ones (succ)',
    (m) => m.fence(),
  ),
})

const zifencei = extension('Zifencei', 'riscv-unpriv "Instruction-Fetch Fence"', {
  'fence.i': fenceType(
    { opcode: MISC_MEM, funct3: 1 },
    'later fetches of this hart see its earlier stores',
    (m) => m.fenceI(),
  ),
})

const environment = extension('I', 'riscv-unpriv "Environment Call and Breakpoints"', {
  ecall: bareType(
    { opcode: opcode.SYSTEM, funct3: 0, rd: 0, rs1: 0, funct12: 0x000 },
    'asks the environment for a service',
    (m) => m.ecall(),
  ),
  ebreak: bareType(
    { opcode: opcode.SYSTEM, funct3: 0, rd: 0, rs1: 0, funct12: 0x001 },
    'hands control to the debugger',
    (m) => m.ebreak(),
  ),
})

/** RV64I and Zifencei. */
export const rv64i = [
  ...computation,
  ...computation32,
  ...control,
  ...memory,
  ...ordering,
  ...zifencei,
  ...environment,
]
