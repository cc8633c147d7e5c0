/**
 * What the specification says, by hand: the evaluator is the oracle for the engine, so its own judge is the text.
 */
import { describe, expect, it } from 'vitest'
import { csrs } from '../csr.ts'
import { encode, type OperandValues } from '../encode.ts'
import { instructions } from '../table.ts'
import { baseRegisters } from './csrs.ts'
import { type Hart, Ram, resetHart, step } from './index.ts'

const BASE = 0x8000_0000n
const PC = BASE + 0x1000n
const DATA = BASE + 0x2000n
const MAX = 2n ** 64n - 1n
const MIN = 2n ** 63n

interface Setup {
  readonly x?: Readonly<Record<number, bigint>>
  readonly f?: Readonly<Record<number, bigint>>
  readonly privilege?: 0 | 1 | 3
  readonly csr?: Partial<Hart['csr']>
  readonly data?: bigint
}

function prepare(setup: Setup): { hart: Hart; ram: Ram } {
  const hart = resetHart()
  const ram = new Ram(BASE, new Uint8Array(0x10000))
  hart.pc = PC
  hart.privilege = setup.privilege ?? 3
  for (const [index, value] of Object.entries(setup.x ?? {}))
    hart.x[Number(index)] = BigInt.asUintN(64, value)
  for (const [index, value] of Object.entries(setup.f ?? {})) hart.f[Number(index)] = value
  hart.csr.pmpcfg[0] = 0x1fn
  hart.csr.pmpaddr[0] = (1n << 54n) - 1n
  hart.csr.mtvec = BASE + 0x100n
  hart.csr.stvec = BASE + 0x200n
  hart.csr.mstatus |= 1n << 13n
  Object.assign(hart.csr, setup.csr)
  ram.write(DATA, 8, setup.data ?? 0n)
  return { hart, ram }
}

function run(mnemonic: string, operands: OperandValues, setup: Setup = {}) {
  const { hart, ram } = prepare(setup)
  ram.write(PC, 4, BigInt(encode(mnemonic, operands)))
  const result = step(hart, ram)
  return { hart, ram, result }
}

const rd = 10
const three = { rd, rs1: 11, rs2: 12 }

describe('integer instructions', () => {
  it.each<[string, bigint, bigint, bigint]>([
    ['add', MAX, 1n, 0n],
    ['sub', 0n, 1n, MAX],
    ['sltu', 1n, MAX, 1n],
    ['slt', 1n, MAX, 0n],
    ['sra', MIN, 63n, MAX],
    ['srl', MIN, 63n, 1n],
    ['sll', 1n, 64n, 1n],
    ['addw', 0x7fffffffn, 1n, 0xffffffff80000000n],
    ['subw', 0n, 1n, MAX],
    ['sllw', 1n, 31n, 0xffffffff80000000n],
    ['srlw', 0xffffffff80000000n, 31n, 1n],
    ['sraw', 0x80000000n, 31n, MAX],
    ['mul', MAX, MAX, 1n],
    ['mulh', MAX, MAX, 0n],
    ['mulhu', MAX, MAX, MAX - 1n],
    ['mulhsu', MAX, MAX, MAX],
    ['div', 7n, 0n, MAX],
    ['div', MIN, MAX, MIN],
    ['div', MAX - 6n, 2n, MAX - 2n],
    ['divu', 7n, 0n, MAX],
    ['rem', MAX - 6n, 2n, MAX],
    ['rem', MIN, MAX, 0n],
    ['rem', 7n, 0n, 7n],
    ['remu', 7n, 0n, 7n],
    ['divw', 0x80000000n, 0xffffffffn, 0xffffffff80000000n],
    ['remw', 0x80000000n, 0xffffffffn, 0n],
    ['divuw', 0xffffffff_80000000n, 1n, 0xffffffff80000000n],
    ['remuw', 0x1_80000000n, 0n, 0xffffffff80000000n],
    ['sh3add', 3n, 5n, 29n],
    ['sh1add.uw', 0xffffffff_00000003n, 5n, 11n],
    ['add.uw', 0xffffffff_00000003n, 5n, 8n],
    ['andn', 0xffn, 0x0fn, 0xf0n],
    ['orn', 0n, MAX, 0n],
    ['xnor', 0n, 0n, MAX],
    ['max', MAX, 1n, 1n],
    ['maxu', MAX, 1n, MAX],
    ['min', MAX, 1n, MAX],
    ['minu', MAX, 1n, 1n],
    ['rol', MIN, 1n, 1n],
    ['ror', 1n, 1n, MIN],
    ['rolw', 0x80000000n, 1n, 1n],
    ['rorw', 1n, 1n, 0xffffffff80000000n],
    ['bclr', MAX, 63n, MIN - 1n],
    ['bext', MIN, 63n, 1n],
    ['binv', 0n, 127n, MIN],
    ['bset', 0n, 64n, 1n],
    ['czero.eqz', 5n, 0n, 0n],
    ['czero.eqz', 5n, 1n, 5n],
    ['czero.nez', 5n, 0n, 5n],
    ['czero.nez', 5n, 1n, 0n],
  ])('%s %i, %i gives %i', (mnemonic, a, b, expected) => {
    expect(run(mnemonic, three, { x: { 11: a, 12: b } }).hart.x[rd]).toBe(expected)
  })

  it.each<[string, bigint, bigint]>([
    ['clz', 0n, 64n],
    ['clz', 1n, 63n],
    ['ctz', 0n, 64n],
    ['ctz', MIN, 63n],
    ['cpop', MAX, 64n],
    ['clzw', 0n, 32n],
    ['clzw', 0xffffffff_00000001n, 31n],
    ['ctzw', 0xffffffff_00000000n, 32n],
    ['cpopw', MAX, 32n],
    ['sext.b', 0x80n, MAX - 0x7fn],
    ['sext.h', 0x8000n, MAX - 0x7fffn],
    ['zext.h', MAX, 0xffffn],
    ['orc.b', 0x0100_8000_0000_0001n, 0xff00_ff00_0000_00ffn],
    ['rev8', 0x0102030405060708n, 0x0807060504030201n],
  ])('%s %i gives %i', (mnemonic, a, expected) => {
    expect(run(mnemonic, { rd, rs1: 11 }, { x: { 11: a } }).hart.x[rd]).toBe(expected)
  })

  it('never writes x0', () => {
    expect(run('addi', { rd: 0, rs1: 0, imm: 5 }).hart.x[0]).toBe(0n)
  })

  it('lui and auipc sign-extend', () => {
    expect(run('lui', { rd, imm: -0x80000 }).hart.x[rd]).toBe(0xffffffff80000000n)
    expect(run('auipc', { rd, imm: 1 }).hart.x[rd]).toBe(PC + 0x1000n)
  })
})

describe('control', () => {
  it('jal and jalr link the next instruction; jalr clears bit 0 and reads rs1 first', () => {
    const jal = run('jal', { rd: 1, imm: -8 }).hart
    expect([jal.pc, jal.x[1]]).toEqual([PC - 8n, PC + 4n])
    const jalr = run('jalr', { rd: 1, rs1: 1, imm: 1 }, { x: { 1: BASE } }).hart
    expect([jalr.pc, jalr.x[1]]).toEqual([BASE, PC + 4n])
  })

  it('a branch is taken or not', () => {
    expect(run('bltu', { rs1: 11, rs2: 12, imm: 16 }, { x: { 11: 1n, 12: MAX } }).hart.pc).toBe(PC + 16n)
    expect(run('blt', { rs1: 11, rs2: 12, imm: 16 }, { x: { 11: 1n, 12: MAX } }).hart.pc).toBe(PC + 4n)
  })
})

describe('memory', () => {
  it('loads and stores at any alignment', () => {
    const loaded = run('lw', { rd, rs1: 11, imm: 1 }, { x: { 11: DATA }, data: 0x8899aabbccddeeffn })
    expect(loaded.hart.x[rd]).toBe(0xffffffff_bbccddeen & MAX)
    const stored = run('sh', { rs1: 11, rs2: 12, imm: -1 }, { x: { 11: DATA + 8n, 12: 0x1234n } })
    expect(stored.ram.read(DATA, 8)).toBe(0x3400000000000000n)
    expect(stored.ram.read(DATA + 8n, 1)).toBe(0x12n)
  })

  it('an absent address is an access fault that names it', () => {
    const { hart } = run('ld', { rd, rs1: 11 }, { x: { 11: 16n } })
    expect([hart.csr.mcause, hart.csr.mtval, hart.csr.mepc, hart.pc]).toEqual([5n, 16n, PC, BASE + 0x100n])
    expect(run('sd', { rs1: 11 }, { x: { 11: 16n } }).hart.csr.mcause).toBe(7n)
  })

  it('misaligned atomics trap', () => {
    expect(run('lr.w', { rd, rs1: 11 }, { x: { 11: DATA + 2n } }).hart.csr.mcause).toBe(4n)
    expect(run('amoadd.d', three, { x: { 11: DATA + 4n } }).hart.csr.mcause).toBe(6n)
  })

  it('an AMO gives the old value and combines in its width', () => {
    const { hart, ram } = run('amomin.w', three, { x: { 11: DATA, 12: 0x1_7fffffffn }, data: 0x5_80000000n })
    expect([hart.x[rd], ram.read(DATA, 8)]).toEqual([0xffffffff80000000n, 0x5_80000000n])
  })

  it('SC stores once after LR, and not without', () => {
    const { hart, ram } = run('lr.d', { rd, rs1: 11 }, { x: { 11: DATA, 12: 9n }, data: 7n })
    ram.write(hart.pc, 4, BigInt(encode('sc.d', { rd: 13, rs1: 11, rs2: 12 })))
    step(hart, ram)
    expect([hart.x[rd], hart.x[13], ram.read(DATA, 8)]).toEqual([7n, 0n, 9n])
    hart.pc -= 4n
    step(hart, ram)
    expect(hart.x[13]).toBe(1n)
  })

  it('cbo.zero clears the block around the address', () => {
    const { ram } = run('cbo.zero', { rs1: 11 }, { x: { 11: DATA + 63n }, data: MAX })
    expect(ram.read(DATA, 8)).toBe(0n)
  })
})

describe('floating point', () => {
  const box = (bits: bigint) => 0xffffffff00000000n | bits
  const ONE = box(0x3f800000n)

  it('boxes results, accrues flags and dirties FS', () => {
    const { hart } = run('fdiv.s', { ...three, rm: 0 }, { f: { 11: ONE, 12: box(0n) } })
    expect([hart.f[rd], hart.csr.fflags, (hart.csr.mstatus >> 13n) & 3n]).toEqual([box(0x7f800000n), 8n, 3n])
  })

  it('reads what is no box as the canonical NaN', () => {
    const { hart } = run('fadd.s', { ...three, rm: 7 }, { f: { 11: 0x3f800000n, 12: ONE } })
    expect([hart.f[rd], hart.csr.fflags]).toEqual([box(0x7fc00000n), 0n])
  })

  it('fmv.x.w does not unbox; fclass does', () => {
    expect(run('fmv.x.w', { rd, rs1: 11 }, { f: { 11: 0x80000000n } }).hart.x[rd]).toBe(0xffffffff80000000n)
    expect(run('fclass.s', { rd, rs1: 11 }, { f: { 11: 0x80000000n } }).hart.x[rd]).toBe(1n << 9n)
  })

  it('is illegal while FS is Off, and in reserved rounding modes', () => {
    const off = { csr: { mstatus: 0n } }
    expect(run('fadd.d', { ...three, rm: 0 }, off).hart.csr.mcause).toBe(2n)
    expect(run('fld', { rd, rs1: 11 }, off).hart.csr.mcause).toBe(2n)
    const reserved = run('fadd.d', { ...three, rm: 5 })
    expect([reserved.hart.csr.mcause, reserved.hart.csr.mtval]).toEqual([
      2n,
      BigInt(encode('fadd.d', { ...three, rm: 5 })),
    ])
    expect(run('fcvt.d.w', { rd, rs1: 11, rm: 7 }, { csr: { frm: 6n } }).hart.csr.mcause).toBe(2n)
    expect(run('feq.d', three, { csr: { frm: 6n } }).result.kind).toBe('retired')
  })

  it('fcvt saturates and sign-extends', () => {
    const nan = { f: { 11: 0x7ff8000000000000n } }
    expect(run('fcvt.wu.d', { rd, rs1: 11, rm: 1 }, nan).hart.x[rd]).toBe(MAX)
    expect(run('fcvt.w.d', { rd, rs1: 11, rm: 1 }, nan).hart.x[rd]).toBe(0x7fffffffn)
    expect(run('fcvt.lu.d', { rd, rs1: 11, rm: 1 }, { f: { 11: 0xbff0000000000000n } }).hart.x[rd]).toBe(0n)
  })

  it('fnmadd is the negated sum', () => {
    const { hart } = run('fnmadd.s', { rd, rs1: 11, rs2: 11, rs3: 11, rm: 0 }, { f: { 11: ONE } })
    expect(hart.f[rd]).toBe(box(0xc0000000n))
  })
})

describe('CSRs', () => {
  const csrOf = (name: string) => [...baseRegisters].find(([, register]) => register.name === name)?.[0] ?? -1

  it('csrrw swaps, csrrs with x0 does not write, csrrc clears', () => {
    expect(
      run('csrrw', { rd, rs1: 11, imm: csrOf('mscratch') }, { x: { 11: 5n }, csr: { mscratch: 7n } }).hart.x[
        rd
      ],
    ).toBe(7n)
    expect(run('csrrs', { rd, rs1: 0, imm: csrOf('mhartid') }).result.kind).toBe('retired')
    expect(run('csrrs', { rd, rs1: 11, imm: csrOf('mhartid') }).hart.csr.mcause).toBe(2n)
    expect(
      run('csrrci', { rd, rs1: 3, imm: csrOf('mscratch') }, { csr: { mscratch: 7n } }).hart.csr.mscratch,
    ).toBe(4n)
  })

  it('levels are kept apart', () => {
    expect(run('csrrs', { rd, imm: csrOf('mstatus') }, { privilege: 1 }).hart.csr.mcause).toBe(2n)
    expect(run('csrrs', { rd, imm: csrOf('sstatus') }, { privilege: 0 }).hart.csr.mcause).toBe(2n)
    expect(run('csrrs', { rd, imm: csrOf('sstatus') }, { privilege: 1 }).result.kind).toBe('retired')
  })

  it('counters ask mcounteren, and in U-mode scounteren too', () => {
    const time = { rd, imm: csrOf('time') }
    expect(run('csrrs', time, { privilege: 1 }).hart.csr.mcause).toBe(2n)
    expect(run('csrrs', time, { privilege: 1, csr: { mcounteren: 2n } }).result.kind).toBe('retired')
    expect(run('csrrs', time, { privilege: 0, csr: { mcounteren: 2n } }).hart.csr.mcause).toBe(2n)
    expect(run('csrrs', time, { privilege: 0, csr: { mcounteren: 2n, scounteren: 2n } }).result.kind).toBe(
      'retired',
    )
  })

  it('TVM, TW and TSR trap in S-mode', () => {
    const status = (position: bigint) => ({ privilege: 1 as const, csr: { mstatus: 1n << position } })
    expect(run('csrrs', { rd, imm: csrOf('satp') }, status(20n)).hart.csr.mcause).toBe(2n)
    expect(run('sfence.vma', {}, status(20n)).hart.csr.mcause).toBe(2n)
    expect(run('sfence.w.inval', {}, status(20n)).result.kind).toBe('retired')
    expect(run('wfi', {}, status(21n)).hart.csr.mcause).toBe(2n)
    expect(run('sret', {}, status(22n)).hart.csr.mcause).toBe(2n)
    for (const name of ['sfence.vma', 'sinval.vma', 'wfi', 'sret', 'mret']) {
      expect(run(name, {}, { privilege: 0 }).hart.csr.mcause).toBe(2n)
    }
  })

  it('satp keeps its value when the mode is unknown', () => {
    expect(run('csrrw', { rs1: 11, imm: csrOf('satp') }, { x: { 11: 1n << 60n } }).hart.csr.satp).toBe(0n)
  })

  it('a locked PMP entry keeps its bytes, and TOR locks the address below', () => {
    const csr = { pmpcfg: [0x8f00n, 0n] }
    expect(
      run('csrrw', { rs1: 11, imm: csrOf('pmpcfg0') }, { x: { 11: 0x1f1fn }, csr }).hart.csr.pmpcfg[0],
    ).toBe(0x8f1fn)
    expect(
      run('csrrw', { rs1: 11, imm: csrOf('pmpaddr0') }, { x: { 11: 1n }, csr }).hart.csr.pmpaddr[0],
    ).toBe((1n << 54n) - 1n)
  })
})

describe('traps', () => {
  it.each<[string, 0 | 1 | 3, bigint]>([
    ['ecall', 0, 8n],
    ['ecall', 1, 9n],
    ['ecall', 3, 11n],
    ['ebreak', 3, 3n],
  ])('%s in mode %i has cause %i', (mnemonic, privilege, code) => {
    const { hart } = run(mnemonic, {}, { privilege })
    expect([hart.csr.mcause, hart.csr.mtval]).toEqual([code, mnemonic === 'ebreak' ? PC : 0n])
    expect((hart.csr.mstatus >> 11n) & 3n).toBe(BigInt(privilege))
  })

  it('delegated traps go to S-mode and push SIE and SPP', () => {
    const { hart } = run('ecall', {}, { privilege: 1, csr: { medeleg: 1n << 9n, mstatus: 2n } })
    expect([hart.privilege, hart.pc, hart.csr.sepc, hart.csr.scause]).toEqual([1, BASE + 0x200n, PC, 9n])
    expect(hart.csr.mstatus & 0x122n).toBe(0x120n)
  })

  it('sret and mret pop; MPRV is cleared below M', () => {
    const sret = run('sret', {}, { privilege: 1, csr: { mstatus: 0x20n, sepc: BASE } }).hart
    expect([sret.privilege, sret.pc, sret.csr.mstatus & 0x122n]).toEqual([0, BASE, 0x22n])
    const mret = run('mret', {}, { csr: { mstatus: (1n << 11n) | (1n << 17n) | 0x80n, mepc: BASE } }).hart
    expect([mret.privilege, mret.csr.mstatus & 0x21888n]).toEqual([1, 0x88n])
  })

  it('an illegal instruction reports its bits, 16 or 32', () => {
    const { hart, ram } = prepare({})
    ram.write(PC, 4, 0xffffffffn)
    step(hart, ram)
    expect([hart.csr.mcause, hart.csr.mtval]).toEqual([2n, 0xffffffffn])
    hart.pc = DATA
    step(hart, ram)
    expect(hart.csr.mtval).toBe(0n)
  })

  it('an interrupt is taken before the instruction, vectored if asked, external first', () => {
    const { hart, ram } = prepare({
      privilege: 1,
      csr: { mideleg: 0x222n, mie: 0x222n, mip: 0x202n, mstatus: 2n, stvec: BASE + 0x201n },
    })
    expect(step(hart, ram)).toEqual({ kind: 'interrupt', code: 9 })
    expect([hart.pc, hart.csr.scause, hart.csr.sepc]).toEqual([BASE + 0x200n + 36n, (1n << 63n) | 9n, PC])
  })
})

describe('translation', () => {
  const ROOT = BASE + 0x4000n
  const leaf = (physical: bigint, flags: bigint) => ((physical >> 12n) << 10n) | flags
  const [V, R, W, X, U, A, D] = [1n, 2n, 4n, 8n, 16n, 64n, 128n]

  /** Sv39 with two megapage-free levels: virtual 0x1000.. → PC's page, 0x2000 → DATA's page with `flags`. */
  function paged(
    mnemonic: string,
    operands: OperandValues,
    flags: bigint,
    setup: Setup & { address: bigint },
  ) {
    const { hart, ram } = prepare({ privilege: 0, ...setup, x: { 11: setup.address, 12: 5n } })
    ram.write(ROOT, 8, leaf(ROOT + 0x1000n, V))
    ram.write(ROOT + 0x1000n, 8, leaf(ROOT + 0x2000n, V))
    const user = hart.privilege === 0 ? U : 0n
    ram.write(ROOT + 0x2000n + 8n, 8, leaf(PC, V | R | X | user | A))
    ram.write(ROOT + 0x2000n + 16n, 8, leaf(DATA, flags))
    ram.write(PC, 4, BigInt(encode(mnemonic, operands)))
    hart.csr.satp = (8n << 60n) | (ROOT >> 12n)
    hart.pc = 0x1000n
    step(hart, ram)
    return { hart, ram, pte: ram.read(ROOT + 0x2000n + 16n, 8) }
  }
  const full = V | R | W | U | A | D

  it('reads through a user page', () => {
    const { hart } = paged('ld', { rd, rs1: 11 }, full, { address: 0x2000n, data: 77n })
    expect(hart.x[rd]).toBe(77n)
  })

  it.each<[string, string, bigint, Partial<Hart['csr']> & { privilege?: 0 | 1 }, bigint]>([
    ['a store to a read-only page', 'sd', V | R | U | A | D, {}, 15n],
    ['a load from an execute-only page', 'ld', V | X | U | A | D, {}, 13n],
    ['a supervisor load from a user page', 'ld', full, { privilege: 1 }, 13n],
    ['a user load from a supervisor page', 'ld', V | R | A | D, {}, 13n],
    ['A clear without hardware updates', 'ld', V | R | U, {}, 13n],
    ['D clear without hardware updates', 'sd', V | R | W | U | A, {}, 15n],
    ['W without R', 'ld', V | W | U | A | D, {}, 13n],
    ['a reserved bit', 'ld', full | (1n << 54n), {}, 13n],
    ['a page-based type that is not enabled', 'ld', full | (1n << 61n), {}, 13n],
    ['N with a size that does not exist', 'ld', full | (1n << 63n), {}, 13n],
  ])('%s is a page fault', (_name, mnemonic, flags, { privilege = 0, ...csr }, code) => {
    const operands = mnemonic === 'sd' ? { rs1: 11, rs2: 12 } : { rd, rs1: 11 }
    const { hart } = paged(mnemonic, operands, flags, { address: 0x2000n, privilege, csr })
    expect([hart.csr.mcause, hart.csr.mtval, hart.csr.mepc]).toEqual([code, 0x2000n, 0x1000n])
  })

  it('SUM, MXR and ADUE let through', () => {
    expect(
      paged('ld', { rd, rs1: 11 }, full, {
        address: 0x2000n,
        privilege: 1,
        csr: { mstatus: 1n << 18n },
        data: 3n,
      }).hart.x[rd],
    ).toBe(3n)
    expect(
      paged('ld', { rd, rs1: 11 }, V | X | U | A, { address: 0x2000n, csr: { mstatus: 1n << 19n }, data: 3n })
        .hart.x[rd],
    ).toBe(3n)
    const { pte } = paged('sd', { rs1: 11, rs2: 12 }, V | R | W | U, {
      address: 0x2000n,
      csr: { menvcfg: 1n << 61n },
    })
    expect(pte).toBe(leaf(DATA, full))
  })

  it('a load across into an unmapped page names the first byte there', () => {
    const { hart } = paged('ld', { rd, rs1: 11 }, full, { address: 0x2ffcn })
    expect([hart.csr.mcause, hart.csr.mtval]).toEqual([13n, 0x3000n])
  })

  it('an address that is not sign-extended is a page fault', () => {
    expect(paged('ld', { rd, rs1: 11 }, full, { address: 1n << 39n }).hart.csr.mtval).toBe(1n << 39n)
  })
})

it('has the CSRs of the list, under the same names, but for those of an IMSIC, which it has not', () => {
  const ofImsic = ['siselect', 'sireg', 'stopei', 'stopi']
  expect(
    [...baseRegisters].map(([number, { name }]) => [number, name]).sort(([a], [b]) => Number(a) - Number(b)),
  ).toEqual(csrs.filter(({ name }) => !ofImsic.includes(name)).map(({ number, name }) => [number, name]))
})

it('every instruction retires or traps from a plain M-mode state', () => {
  for (const { mnemonic, operands } of instructions) {
    const setup = { x: { 11: DATA, 12: 3n }, csr: {} }
    const values = { rd, rs1: 11, rs2: 12, rs3: 12, imm: operands.imm?.signedBits === 0 ? 1 : 0 }
    const { result } = run(mnemonic, values, setup)
    expect(['retired', 'exception']).toContain(result.kind)
  }
})
