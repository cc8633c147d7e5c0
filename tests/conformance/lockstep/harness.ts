/**
 * The fixed part of a lockstep program: it runs bodies one after another and prints what each left behind.
 *
 * ```
 *  for each body:  fill data pages ─► write PTEs ─► load satp, mstatus, f, x ─► mret into the body
 *                        ▲                                                        │ trap
 *                        │                        log cause, epc, tval; skip ◄────┤
 *                  print the state ◄─── at its end, lost in fetch, or log full ◄──┘
 * ```
 * The state is x, f, fcsr, mstatus, sscratch, the log, the data pages and their PTEs. It is printed as one hash a
 * body, or word by word for the bodies that are to be looked at.
 */

import { Assembler, reg } from './assembler.ts'
import { csr, dataPages, pageBytes, place, pte, status } from './memory-plan.ts'

/** What a body starts from. */
export interface BodyStart {
  /** where its code is */
  readonly entryLabel: string
  readonly endLabel: string
  /** mstatus; MPP is the privilege it runs in */
  readonly mstatus: bigint
  /** 'none', or whose code pages it executes */
  readonly translation: 'none' | 'supervisor' | 'user'
  /** levels of the page table, when there is one: Sv39, Sv48 or Sv57 */
  readonly levels: 3 | 4 | 5
  readonly x: readonly bigint[]
  readonly f: readonly bigint[]
  readonly fcsr: bigint
  /** traps that go to S-mode first; its handler is an ECALL to M-mode, so that one is not delegated */
  readonly medeleg: bigint
  readonly mideleg: bigint
  /** leaves of the data pages */
  readonly ptes: readonly bigint[]
}

/** A program that runs bodies. `writeBodies` adds their code, between the harness and their descriptors. */
export interface HarnessOptions {
  readonly bodies: readonly BodyStart[]
  readonly writeBodies: (assembler: Assembler) => void
  readonly print: 'hash' | 'words'
}

/** Offsets in the frame, which x2 points to while the harness runs. */
const frame = {
  x: 0,
  f: 256,
  fcsr: 512,
  mstatus: 520,
  sscratch: 528,
  logCount: 536,
  /** address of the next entry; not part of the state */
  logEnd: 1992,
  log: 544,
  /** address of the descriptor of the running body */
  descriptor: 2048,
} as const
/** Traps of one body; it ends when the log is full. */
const logMax = 48
const logEntryBytes = 24
const stateWords = (frame.log + logMax * logEntryBytes) / 8

/** Offsets in a descriptor. */
const descriptor = {
  entry: 0,
  end: 8,
  mstatus: 16,
  satp: 24,
  fcsr: 32,
  x: 40,
  f: 296,
  ptes: 552,
  medeleg: 592,
  mideleg: 600,
  bytes: 608,
} as const

const tables = {
  rootOfSupervisor: place.tables,
  rootOfUser: place.tables + pageBytes,
  dataMiddle: place.tables + 2 * pageBytes,
  dataLeaves: place.tables + 3 * pageBytes,
  codeOfSupervisor: place.tables + 4 * pageBytes,
  codeOfUser: place.tables + 5 * pageBytes,
  /** for each of the two, the roots of Sv48 and Sv57; the three-level root is below their first and last slots */
  tallOfSupervisor: place.tables + 6 * pageBytes,
  tallOfUser: place.tables + 8 * pageBytes,
} as const

/** Mode of satp for a table of 3 levels; each further level is one more. */
const sv39 = 8n
const powerOff = 0x5555n
const causeBreakpoint = 3
/** In the log's causes: the trap was delegated. */
const delegatedBit = 16
/** SSIP in mip, SSIE in mie. */
const softwareInterrupt = 2
/** Line status register of the UART, and its bit for an empty transmitter. */
const lineStatus = 5
const transmitterEmpty = 0x40
const dataDoubles = (dataPages * pageBytes) / 8
const hashFactor = 0x9e3779b97f4a7c15n
const { zero, sp, t0, t1, t2, s0, s1, a0, a1, a2, a3, t3, t4, t6 } = reg

/** Names of the state's words, in the order in which `print: 'words'` prints them. */
export function stateNames(): readonly string[] {
  const registers = (prefix: string) => Array.from({ length: 32 }, (_, i) => `${prefix}${i}`)
  const log = Array.from({ length: logMax }, (_, i) => [`trap ${i} cause`, `trap ${i} epc`, `trap ${i} tval`])
  const data = Array.from({ length: dataDoubles }, (_, i) => `data +0x${(i * 8).toString(16)}`)
  const ptes = Array.from({ length: dataPages }, (_, i) => `pte of page ${i}`)
  const fixed = [...registers('x'), ...registers('f'), 'fcsr', 'mstatus', 'sscratch', 'traps']
  return [...fixed, ...log.flat(), ...data, ...ptes]
}

/** The whole program, and its assembler for looking at addresses. */
export function buildProgram(options: HarnessOptions): { program: Uint8Array; assembler: Assembler } {
  const asm = new Assembler(place.program)
  writeStart(asm)
  writeNextBody(asm)
  writeTrapHandler(asm)
  writeFinish(asm, options.print)
  writePrinting(asm)
  options.writeBodies(asm)
  asm.align(8)
  asm.label('descriptors')
  for (const body of options.bodies) writeDescriptor(asm, body)
  asm.label('descriptors end')
  return { program: asm.finish(), assembler: asm }
}

function writeDescriptor(asm: Assembler, body: BodyStart): void {
  asm.pointer(body.entryLabel)
  asm.pointer(body.endLabel)
  asm.double(body.mstatus)
  asm.double(satpOf(body))
  asm.double(body.fcsr)
  for (const value of [...body.x, ...body.f, ...body.ptes]) asm.double(value)
  asm.double(body.medeleg)
  asm.double(body.mideleg)
}

function satpOf({ translation, levels }: BodyStart): bigint {
  if (translation === 'none') return 0n
  const supervisor = translation === 'supervisor'
  const tall = supervisor ? tables.tallOfSupervisor : tables.tallOfUser
  const root = supervisor ? tables.rootOfSupervisor : tables.rootOfUser
  const top = levels === 3 ? root : tall + (levels - 4) * pageBytes
  return ((sv39 + BigInt(levels - 3)) << 60n) | BigInt(top >>> 12)
}

function storeTable(asm: Assembler, address: number, value: bigint): void {
  asm.li(t0, BigInt(address))
  asm.li(t1, value)
  asm.op('sd', { rs1: t0, rs2: t1, imm: 0 })
}

const leaf = (physical: number, flags: bigint) => ((BigInt(physical) >> 12n) << 10n) | flags | pte.v

/** Opens PMP, sets the tables up, and goes to the first body. */
function writeStart(asm: Assembler): void {
  asm.csrr(t0, csr.mhartid)
  asm.jump('beq', { rs1: t0, rs2: 0 }, 'first hart')
  asm.label('other harts')
  asm.op('wfi')
  asm.jump('jal', { rd: 0 }, 'other harts')
  asm.label('first hart')
  asm.li(t0, (1n << 54n) - 1n)
  asm.csrw(csr.pmpaddr0, t0)
  asm.li(t0, 0x1fn)
  asm.csrw(csr.pmpcfg0, t0)
  // A and D are set by hardware, as QEMU does without being asked.
  asm.li(t0, 1n << 61n)
  asm.csrw(csr.menvcfg, t0)
  asm.la(t0, 'trap')
  asm.csrw(csr.mtvec, t0)
  const whole = pte.r | pte.w | pte.x | pte.a | pte.d
  for (const [root, code, tall] of [
    [tables.rootOfSupervisor, tables.codeOfSupervisor, tables.tallOfSupervisor],
    [tables.rootOfUser, tables.codeOfUser, tables.tallOfUser],
  ] as const) {
    for (const slot of [0, 511]) {
      storeTable(asm, tall + slot * 8, leaf(root, 0n))
      storeTable(asm, tall + pageBytes + slot * 8, leaf(tall, 0n))
    }
    for (const slot of [255, 511]) storeTable(asm, root + slot * 8, leaf(tables.dataMiddle, 0n))
    storeTable(asm, root + 2 * 8, leaf(code, 0n))
    const user = root === tables.rootOfUser ? pte.u : 0n
    for (let i = 0; i < 8; i++)
      storeTable(asm, code + i * 8, leaf(place.program + i * 0x20_0000, whole | user))
  }
  storeTable(asm, tables.dataMiddle, leaf(tables.dataLeaves, 0n))
  asm.la(s0, 'descriptors')
  asm.jump('jal', { rd: 0 }, 'next body')
}

/** s0: the descriptor. Sets everything up as it says and enters the body. */
function writeNextBody(asm: Assembler): void {
  asm.label('next body')
  asm.la(t0, 'descriptors end')
  asm.jump('beq', { rs1: s0, rs2: t0 }, 'power off')
  asm.li(t0, BigInt(place.data))
  asm.li(t1, BigInt(dataDoubles))
  asm.li(t2, hashFactor)
  asm.op('add', { rd: t3, rs1: s0, rs2: 0 })
  asm.label('fill')
  asm.op('mul', { rd: t3, rs1: t3, rs2: t2 })
  asm.op('addi', { rd: t3, rs1: t3, imm: 1405 })
  asm.op('sd', { rs1: t0, rs2: t3, imm: 0 })
  asm.op('addi', { rd: t0, rs1: t0, imm: 8 })
  asm.op('addi', { rd: t1, rs1: t1, imm: -1 })
  asm.jump('bne', { rs1: t1, rs2: 0 }, 'fill')

  asm.li(sp, BigInt(place.frame))
  for (let offset = frame.sscratch; offset < frame.log + logMax * logEntryBytes; offset += 8) {
    asm.op('sd', { rs1: sp, rs2: 0, imm: offset })
  }
  asm.op('sd', { rs1: sp, rs2: 0, imm: frame.logEnd })
  asm.op('addi', { rd: t1, rs1: sp, imm: frame.descriptor - 1024 })
  asm.op('sd', { rs1: t1, rs2: s0, imm: 1024 })
  asm.csrw(csr.mscratch, sp)
  for (const number of [csr.sscratch, csr.sepc, csr.scause, csr.stval, csr.mie]) asm.csrw(number, zero)
  asm.op('csrrci', { rd: 0, rs1: softwareInterrupt, imm: csr.mip })
  asm.la(t1, 'supervisor trap')
  asm.csrw(csr.stvec, t1)
  asm.op('ld', { rd: t1, rs1: s0, imm: descriptor.medeleg })
  asm.csrw(csr.medeleg, t1)
  asm.op('ld', { rd: t1, rs1: s0, imm: descriptor.mideleg })
  asm.csrw(csr.mideleg, t1)
  // Leaves no reservation behind, on either machine.
  asm.op('sc.d', { rd: 0, rs1: sp, rs2: 0 })

  asm.li(t0, BigInt(tables.dataLeaves))
  for (let i = 0; i < dataPages; i++) {
    asm.op('ld', { rd: t1, rs1: s0, imm: descriptor.ptes + 8 * i })
    asm.op('sd', { rs1: t0, rs2: t1, imm: 8 * i })
  }
  asm.op('ld', { rd: t1, rs1: s0, imm: descriptor.satp })
  asm.csrw(csr.satp, t1)
  asm.op('sfence.vma', { rs1: 0, rs2: 0 })
  asm.li(t1, status.fs)
  asm.csrw(csr.mstatus, t1)
  for (let i = 0; i < 32; i++) asm.op('fld', { rd: i, rs1: s0, imm: descriptor.f + 8 * i })
  asm.op('ld', { rd: t1, rs1: s0, imm: descriptor.fcsr })
  asm.csrw(csr.fcsr, t1)
  asm.op('ld', { rd: t1, rs1: s0, imm: descriptor.entry })
  asm.csrw(csr.mepc, t1)
  asm.op('add', { rd: t6, rs1: s0, rs2: 0 })
  // MPRV would already hold for the loads that follow, so it is set last, by an instruction that loads nothing.
  asm.op('ld', { rd: t1, rs1: s0, imm: descriptor.mstatus })
  for (let i = 1; i < 31; i++) if (i !== t1) asm.op('ld', { rd: i, rs1: t6, imm: descriptor.x + 8 * i })
  asm.op('ld', { rd: t6, rs1: t6, imm: descriptor.x + 8 * 31 })
  asm.csrw(csr.mstatus, t1)
  asm.op('addi', { rd: t1, rs1: 0, imm: 0 })
  asm.op('mret')
}

/**
 * mtvec: logs, and goes on behind the instruction unless the body is over. A trap that was delegated comes here too,
 * by the ECALL at stvec, and leaves by the SRET behind it.
 */
function writeTrapHandler(asm: Assembler): void {
  asm.align(4)
  asm.label('supervisor trap')
  asm.op('ecall')
  asm.op('sret')
  asm.label('trap')
  asm.op('csrrw', { rd: sp, rs1: sp, imm: csr.mscratch })
  const saved = [t0, t1, t2, t3, t4]
  for (const register of saved) asm.op('sd', { rs1: sp, rs2: register, imm: frame.x + 8 * register })
  // t0: epc, t1: cause, t2: tval, t4: whether it was delegated
  asm.csrr(t0, csr.mepc)
  asm.csrr(t1, csr.mcause)
  // Cleared, so that a breakpoint's value is not seen later.
  asm.op('csrrw', { rd: t2, rs1: 0, imm: csr.mtval })
  asm.op('addi', { rd: t4, rs1: 0, imm: 0 })
  asm.la(t3, 'supervisor trap')
  asm.jump('bne', { rs1: t0, rs2: t3 }, 'from body')
  asm.csrr(t0, csr.sepc)
  asm.csrr(t1, csr.scause)
  asm.op('csrrw', { rd: t2, rs1: 0, imm: csr.stval })
  asm.op('addi', { rd: t4, rs1: 0, imm: 1 })
  asm.label('from body')
  asm.op('addi', { rd: t3, rs1: sp, imm: frame.descriptor - 1024 })
  asm.op('ld', { rd: t3, rs1: t3, imm: 1024 })
  asm.op('ld', { rd: t3, rs1: t3, imm: descriptor.end })
  asm.jump('beq', { rs1: t0, rs2: t3 }, 'finish')
  writeLog(asm)
  writeSkip(asm)
  for (const register of saved) asm.op('ld', { rd: register, rs1: sp, imm: frame.x + 8 * register })
  asm.op('csrrw', { rd: sp, rs1: sp, imm: csr.mscratch })
  asm.op('mret')
}

/** Appends t0, t1, t2 and t4 to the log, or finishes. Changes t2 and t3. */
function writeLog(asm: Assembler): void {
  // The value of a breakpoint, zero or pc, is the implementation's choice.
  asm.op('addi', { rd: t3, rs1: t1, imm: -causeBreakpoint })
  asm.op('sltu', { rd: t3, rs1: 0, rs2: t3 })
  asm.op('sub', { rd: t3, rs1: 0, rs2: t3 })
  asm.op('and', { rd: t2, rs1: t2, rs2: t3 })

  asm.op('ld', { rd: t3, rs1: sp, imm: frame.logCount })
  asm.op('sltiu', { rd: t3, rs1: t3, imm: logMax })
  asm.jump('beq', { rs1: t3, rs2: 0 }, 'finish')
  asm.op('ld', { rd: t3, rs1: sp, imm: frame.logEnd })
  asm.jump('bne', { rs1: t3, rs2: 0 }, 'log begun')
  asm.op('addi', { rd: t3, rs1: sp, imm: frame.log })
  asm.label('log begun')
  asm.op('sd', { rs1: t3, rs2: t0, imm: 8 })
  asm.op('sd', { rs1: t3, rs2: t2, imm: 16 })
  asm.op('slli', { rd: t2, rs1: t4, imm: delegatedBit })
  asm.op('or', { rd: t2, rs1: t2, rs2: t1 })
  asm.op('sd', { rs1: t3, rs2: t2, imm: 0 })
  asm.op('addi', { rd: t3, rs1: t3, imm: logEntryBytes })
  asm.op('sd', { rs1: sp, rs2: t3, imm: frame.logEnd })
  asm.op('ld', { rd: t3, rs1: sp, imm: frame.logCount })
  asm.op('addi', { rd: t3, rs1: t3, imm: 1 })
  asm.op('sd', { rs1: sp, rs2: t3, imm: frame.logCount })
}

/** Makes the trap return behind the instruction at t0, or to it after an interrupt, which is taken back. */
function writeSkip(asm: Assembler): void {
  asm.jump('bge', { rs1: t1, rs2: 0 }, 'exception')
  asm.op('csrrci', { rd: 0, rs1: softwareInterrupt, imm: csr.mip })
  asm.jump('jal', { rd: 0 }, 'resume')
  asm.label('exception')
  // An epc outside the program is one that could not be fetched.
  asm.li(t1, BigInt(place.program))
  asm.jump('bltu', { rs1: t0, rs2: t1 }, 'finish')
  asm.la(t1, 'descriptors')
  asm.jump('bgeu', { rs1: t0, rs2: t1 }, 'finish')
  asm.op('lhu', { rd: t1, rs1: t0, imm: 0 })
  asm.op('andi', { rd: t1, rs1: t1, imm: 3 })
  asm.op('addi', { rd: t1, rs1: t1, imm: -3 })
  asm.op('addi', { rd: t0, rs1: t0, imm: 2 })
  asm.jump('bne', { rs1: t1, rs2: 0 }, 'resume')
  asm.op('addi', { rd: t0, rs1: t0, imm: 2 })
  asm.label('resume')
  asm.jump('bne', { rs1: t4, rs2: 0 }, 'resume by sret')
  asm.csrw(csr.mepc, t0)
  asm.jump('jal', { rd: 0 }, 'return')
  asm.label('resume by sret')
  asm.csrw(csr.sepc, t0)
  asm.la(t0, 'supervisor trap')
  asm.op('addi', { rd: t0, rs1: t0, imm: 4 })
  asm.csrw(csr.mepc, t0)
  asm.label('return')
}

/** The body is over: saves what the trap handler did not, and prints. */
function writeFinish(asm: Assembler, print: 'hash' | 'words'): void {
  const inHandler: ReadonlySet<number> = new Set([sp, t0, t1, t2, t3, t4])
  asm.label('finish')
  for (let i = 1; i < 32; i++) {
    if (!inHandler.has(i)) asm.op('sd', { rs1: sp, rs2: i, imm: frame.x + 8 * i })
  }
  asm.csrr(t0, csr.mscratch)
  asm.op('sd', { rs1: sp, rs2: t0, imm: frame.x + 8 * sp })
  asm.op('sd', { rs1: sp, rs2: 0, imm: frame.x })
  // Only whether the floating-point unit was on: which instructions make it dirty is the implementation's choice.
  asm.csrr(t0, csr.mstatus)
  asm.li(t1, status.fs)
  asm.op('and', { rd: t2, rs1: t0, rs2: t1 })
  asm.op('sltu', { rd: t2, rs1: 0, rs2: t2 })
  asm.op('xori', { rd: t1, rs1: t1, imm: -1 })
  asm.op('and', { rd: t0, rs1: t0, rs2: t1 })
  asm.op('slli', { rd: t0, rs1: t0, imm: 1 })
  asm.op('srli', { rd: t0, rs1: t0, imm: 1 })
  asm.op('or', { rd: t0, rs1: t0, rs2: t2 })
  asm.op('sd', { rs1: sp, rs2: t0, imm: frame.mstatus })
  asm.li(t0, status.fs)
  asm.csrw(csr.mstatus, t0)
  asm.csrw(csr.satp, zero)
  for (let i = 0; i < 32; i++) asm.op('fsd', { rs1: sp, rs2: i, imm: frame.f + 8 * i })
  asm.csrr(t0, csr.fcsr)
  asm.op('sd', { rs1: sp, rs2: t0, imm: frame.fcsr })
  asm.csrr(t0, csr.sscratch)
  asm.op('sd', { rs1: sp, rs2: t0, imm: frame.sscratch })

  asm.op('addi', { rd: t1, rs1: sp, imm: frame.descriptor - 1024 })
  asm.op('ld', { rd: s0, rs1: t1, imm: 1024 })
  asm.op('addi', { rd: s0, rs1: s0, imm: descriptor.bytes })
  asm.op('addi', { rd: s1, rs1: 0, imm: 0 })
  for (const [address, words] of [
    [place.frame, stateWords],
    [place.data, dataDoubles],
    [tables.dataLeaves, dataPages],
  ] as const) {
    asm.li(a1, BigInt(address))
    asm.li(a2, BigInt(words))
    asm.jump('jal', { rd: reg.ra }, print === 'hash' ? 'hash words' : 'print words')
  }
  if (print === 'hash') {
    asm.op('add', { rd: a0, rs1: s1, rs2: 0 })
    asm.jump('jal', { rd: reg.ra }, 'print')
  }
  asm.jump('jal', { rd: 0 }, 'next body')
  asm.label('power off')
  asm.li(t0, BigInt(place.finisher))
  asm.li(t1, powerOff)
  asm.op('sw', { rs1: t0, rs2: t1, imm: 0 })
  asm.label('wait')
  asm.jump('jal', { rd: 0 }, 'wait')
}

/** Routines: a1 = address, a2 = count of 64-bit words; s1 = hash; a0 = the word that `print` prints as hex digits. */
function writePrinting(asm: Assembler): void {
  asm.label('hash words')
  asm.li(t1, hashFactor)
  asm.label('hash loop')
  asm.op('ld', { rd: t0, rs1: a1, imm: 0 })
  asm.op('xor', { rd: s1, rs1: s1, rs2: t0 })
  asm.op('mul', { rd: s1, rs1: s1, rs2: t1 })
  asm.op('srli', { rd: t0, rs1: s1, imm: 29 })
  asm.op('xor', { rd: s1, rs1: s1, rs2: t0 })
  asm.op('addi', { rd: a1, rs1: a1, imm: 8 })
  asm.op('addi', { rd: a2, rs1: a2, imm: -1 })
  asm.jump('bne', { rs1: a2, rs2: 0 }, 'hash loop')
  asm.op('jalr', { rd: 0, rs1: reg.ra, imm: 0 })

  asm.label('print words')
  asm.op('addi', { rd: a3, rs1: reg.ra, imm: 0 })
  asm.label('print loop')
  asm.op('ld', { rd: a0, rs1: a1, imm: 0 })
  asm.jump('jal', { rd: reg.ra }, 'print')
  asm.op('addi', { rd: a1, rs1: a1, imm: 8 })
  asm.op('addi', { rd: a2, rs1: a2, imm: -1 })
  asm.jump('bne', { rs1: a2, rs2: 0 }, 'print loop')
  asm.op('jalr', { rd: 0, rs1: a3, imm: 0 })

  asm.label('print')
  asm.li(t0, BigInt(place.uart))
  asm.op('addi', { rd: t1, rs1: 0, imm: 60 })
  asm.label('digit')
  asm.op('srl', { rd: t2, rs1: a0, rs2: t1 })
  asm.op('andi', { rd: t2, rs1: t2, imm: 15 })
  asm.op('sltiu', { rd: t3, rs1: t2, imm: 10 })
  asm.op('addi', { rd: t2, rs1: t2, imm: 0x57 })
  asm.op('slli', { rd: t6, rs1: t3, imm: 5 })
  asm.op('sub', { rd: t2, rs1: t2, rs2: t6 })
  asm.op('slli', { rd: t6, rs1: t3, imm: 3 })
  asm.op('sub', { rd: t2, rs1: t2, rs2: t6 })
  asm.op('add', { rd: t2, rs1: t2, rs2: t3 })
  asm.jump('jal', { rd: t3 }, 'put')
  asm.op('addi', { rd: t1, rs1: t1, imm: -4 })
  asm.jump('bge', { rs1: t1, rs2: 0 }, 'digit')
  asm.op('addi', { rd: t2, rs1: 0, imm: 10 })
  asm.jump('jal', { rd: t3 }, 'put')
  asm.op('jalr', { rd: 0, rs1: reg.ra, imm: 0 })

  // Waits until the transmitter is empty, before and after: QEMU drops what it has not passed on when it powers off.
  asm.label('put')
  for (const label of ['put before', 'put after']) {
    asm.label(label)
    asm.op('lbu', { rd: t6, rs1: t0, imm: lineStatus })
    asm.op('andi', { rd: t6, rs1: t6, imm: transmitterEmpty })
    asm.jump('beq', { rs1: t6, rs2: 0 }, label)
    if (label === 'put before') asm.op('sb', { rs1: t0, rs2: t2, imm: 0 })
  }
  asm.op('jalr', { rd: 0, rs1: t3, imm: 0 })
}
