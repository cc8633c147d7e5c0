/**
 * Writes random bodies. What is random is chosen from the instruction table; what is not: pointers stay pointers,
 * jumps go forward, loops are counted, so a body ends.
 *
 * Left out, because the judge (QEMU 7.2) may rightly differ or does not have it:
 * - ctzw: QEMU 7.2 counts beyond bit 31 when the low 32 bits are zero (instruction tests cover it);
 * - Zicond, Zicbom, Zicboz, Svinval: not in QEMU 7.2;
 * - SC that is not paired with the LR right before it: whether a trap in between drops the reservation, and whether a
 *   failing SC faults, is up to the implementation;
 * - counters and interrupts other than software's own: they depend on time;
 * - FS = initial or clean: which instructions make it dirty is up to the implementation;
 * - odd xepc, reserved modes in xtvec, MPP = 2: QEMU keeps some illegal values that hardware need not keep;
 * - WFI: QEMU sleeps, as it may.
 */

import { type Instruction, instructions } from '@virga/riscv'
import { type Assembler, reg } from './assembler.ts'
import { type BodyWriter, role, target } from './body-writer.ts'
import { compressedItem } from './generate-compressed.ts'
import { csrAccess, softwareInterrupt } from './generate-csr.ts'
import type { BodyStart } from './harness.ts'
import { dataPages, dataVirtual, pageBytes, place, pte, status } from './memory-plan.ts'
import type { Random } from './random.ts'

const itemsMin = 24
const itemsMax = 56

const judged: ReadonlySet<string> = new Set(['I', 'M', 'A', 'F', 'D', 'Zba', 'Zbb', 'Zbs'])
const bySyntax = Map.groupBy(
  instructions.filter(({ extension, mnemonic }) => judged.has(extension) && mnemonic !== 'ctzw'),
  ({ syntax }) => syntax,
)
const withSyntax = (syntax: Instruction['syntax']) => bySyntax.get(syntax) ?? []

const computations = [
  ...withSyntax('rd,rs1,rs2'),
  ...withSyntax('rd,rs1,imm'),
  ...withSyntax('rd,rs1'),
  ...withSyntax('rd,upper'),
].filter(({ mnemonic }) => mnemonic !== 'jalr')
const memoryAccesses = [...withSyntax('rd,imm(rs1)'), ...withSyntax('rs2,imm(rs1)')].filter(
  ({ mnemonic }) => mnemonic !== 'jalr',
)
const floatAccesses = [...withSyntax('frd,imm(rs1)'), ...withSyntax('frs2,imm(rs1)')]
const floatOperations = [...bySyntax.values()]
  .flat()
  .filter(
    ({ syntax }) =>
      syntax.includes('f') && !syntax.includes('(') && syntax !== 'fence' && !syntax.includes('offset'),
  )
const amos = withSyntax('rd,rs2,(rs1)').filter(({ mnemonic }) => !mnemonic.startsWith('sc.'))
const branches = withSyntax('rs1,rs2,offset')

/** Encodings that mean nothing to either machine. */
const illegal: readonly number[] = [
  0xffff_ffff, 0x0000_000b, 0x0000_005b, 0x0000_707f, 0x0000_2063, 0x0000_3063, 0x0000_1067, 0x0000_7003,
  0x0000_4023, 0x0200_705b, 0xc000_1073, 0x0600_0053, 0x0000_5053, 0x0000_6043, 0x7b20_0073,
]
/** Illegal in U-mode only: sret, mret, sfence.vma, and an access to medeleg. */
const privileged: readonly number[] = [0x1020_0073, 0x3020_0073, 0x1200_0073, 0x3020_1073]

function register(random: Random): number {
  return random.below(32)
}

/** A pointer and an offset that reach data pages, mostly. */
function pointer(random: Random): { rs1: number; imm: number } {
  const kind = random.below(16)
  if (kind < 9) return { rs1: role.base, imm: random.between(-2048, 2047) }
  if (kind < 12) return { rs1: role.edge, imm: random.between(-16, 16) }
  if (kind < 13) return { rs1: role.edge, imm: random.between(-2048, 2047) }
  if (kind < 14) return { rs1: role.cliff, imm: random.between(-12, 12) }
  if (kind < 15) return { rs1: role.cliff, imm: random.between(-2048, 2047) }
  return { rs1: role.nowhere, imm: 0 }
}

function computation({ asm, random }: BodyWriter): void {
  const { mnemonic } = random.pick(computations)
  asm.op(mnemonic, {
    rd: target(random),
    rs1: register(random),
    rs2: register(random),
    imm: random.bits32() | 0,
  })
}

function memoryAccess({ asm, random }: BodyWriter): void {
  asm.op(random.pick(memoryAccesses).mnemonic, {
    rd: target(random),
    rs2: register(random),
    ...pointer(random),
  })
}

function floatAccess({ asm, random }: BodyWriter): void {
  asm.op(random.pick(floatAccesses).mnemonic, {
    rd: register(random),
    rs2: register(random),
    ...pointer(random),
  })
}

function floatOperation({ asm, random }: BodyWriter): void {
  const { mnemonic, syntax } = random.pick(floatOperations)
  const toInteger = syntax.startsWith('rd')
  const rm = random.oneIn(24) ? random.pick([5, 6]) : random.pick([0, 1, 2, 3, 4, 7, 7])
  asm.op(mnemonic, {
    rd: toInteger ? target(random) : register(random),
    rs1: register(random),
    rs2: register(random),
    rs3: register(random),
    rm,
  })
}

/** The pointer goes to a register of its own: AMOs have no offset. */
function atomic({ asm, random }: BodyWriter): void {
  const at = pointer(random)
  const aligned = random.oneIn(12) ? at.imm : at.imm & ~7
  asm.op('addi', { rd: reg.t3, rs1: at.rs1 === role.nowhere ? role.base : at.rs1, imm: aligned })
  asm.op(random.pick(amos).mnemonic, { rd: target(random), rs1: reg.t3, rs2: register(random) })
}

function reservation({ asm, random }: BodyWriter): void {
  const width = random.pick(['w', 'd'])
  asm.op('addi', { rd: reg.t3, rs1: role.base, imm: random.between(-2048, 2047) & ~7 })
  const other = () => {
    for (;;) {
      const rd = target(random)
      if (rd !== reg.t3) return rd
    }
  }
  const loaded = other()
  asm.op(`lr.${width}`, { rd: loaded, rs1: reg.t3 })
  for (let i = random.below(3); i > 0; i--) {
    asm.op('addi', { rd: loaded, rs1: loaded, imm: random.between(-9, 9) })
  }
  asm.op(`sc.${width}`, { rd: other(), rs1: reg.t3, rs2: register(random) })
  // A second store-conditional finds no reservation.
  if (random.oneIn(3)) asm.op(`sc.${width}`, { rd: target(random), rs1: reg.t3, rs2: register(random) })
}

function branch(body: BodyWriter): void {
  const { asm, random } = body
  const over = body.fresh()
  asm.jump(random.pick(branches).mnemonic, { rs1: register(random), rs2: register(random) }, over)
  body.few()
  asm.label(over)
}

function jump(body: BodyWriter): void {
  const { asm, random } = body
  const over = body.fresh()
  if (random.oneIn(2)) asm.jump('jal', { rd: target(random) }, over)
  else {
    asm.la(reg.t4, over)
    const offset = random.between(-8, 8)
    asm.op('addi', { rd: reg.t4, rs1: reg.t4, imm: -offset })
    // The lowest bit of the target is dropped.
    asm.op('jalr', { rd: target(random), rs1: reg.t4, imm: offset + (random.oneIn(4) ? 1 : 0) })
  }
  body.few()
  asm.label(over)
}

function system({ asm, random, privilege }: BodyWriter): void {
  switch (random.below(6)) {
    case 0:
      return asm.op('ecall')
    case 1:
      return asm.op('ebreak')
    case 2:
      return asm.op('fence', { imm: 0x0ff })
    case 3:
      return asm.op('fence.i')
    case 4:
      return asm.op('sfence.vma', {
        rs1: random.pick([0, role.base, role.edge]),
        rs2: random.pick([0, 0, reg.t5]),
      })
    default:
      return asm.word(random.pick(privilege === 0 ? [...illegal, ...privileged] : illegal))
  }
}

type Writer = (body: BodyWriter) => void

const plain: readonly (readonly [number, Writer])[] = [
  [34, computation],
  [20, memoryAccess],
  [16, floatOperation],
  [6, floatAccess],
  [6, atomic],
  [2, reservation],
  [16, compressedItem],
  [6, csrAccess],
  [3, system],
  [2, softwareInterrupt],
]
const structured: readonly (readonly [number, Writer])[] = [...plain, [7, branch], [3, jump], [3, loop]]

function loop(body: BodyWriter): void {
  const { asm, random } = body
  const again = body.fresh()
  asm.op('addi', { rd: role.counter, rs1: 0, imm: random.between(2, 5) })
  asm.label(again)
  body.few()
  asm.op('addi', { rd: role.counter, rs1: role.counter, imm: -1 })
  asm.jump('bne', { rs1: role.counter, rs2: 0 }, again)
}

function pickWeighted(random: Random, writers: readonly (readonly [number, Writer])[]): Writer {
  let at = random.below(writers.reduce((sum, [weight]) => sum + weight, 0))
  for (const [weight, writer] of writers) {
    if (at < weight) return writer
    at -= weight
  }
  throw new Error('weights do not add up')
}

/** A jump to where nothing can be executed, which ends the body. */
function wildJump({ asm, random, translated }: BodyWriter): void {
  // Untranslated, what lies behind the data pages is memory, and would be executed.
  asm.op('addi', {
    rd: reg.t4,
    rs1: translated ? random.pick([role.cliff, role.nowhere]) : role.nowhere,
    imm: random.between(0, 512) * 2,
  })
  asm.op('jalr', { rd: target(random), rs1: reg.t4, imm: 0 })
}

/** Writes the code of a body between two labels made from `name`. Returns what it starts from. */
export function writeBody(asm: Assembler, random: Random, name: string): BodyStart {
  const start = startState(random, name)
  let labels = 0
  const privilege = Number((start.mstatus & status.mpp) >> 11n)
  const body: BodyWriter = {
    asm,
    random,
    privilege,
    delegates: start.medeleg !== 0n || start.mideleg !== 0n,
    translated: start.translation !== 'none',
    fresh: () => `${name} ${labels++}`,
    few: () => {
      for (let i = random.between(1, 3); i > 0; i--) pickWeighted(random, plain)(body)
    },
  }
  asm.align(4)
  if (random.oneIn(2)) asm.compressed('c.addi', { rd: 0, rs1: 0, imm: 0 })
  asm.label(start.entryLabel)
  for (let i = random.between(itemsMin, itemsMax); i > 0; i--) pickWeighted(random, structured)(body)
  if (random.oneIn(12)) wildJump(body)
  asm.label(start.endLabel)
  asm.op('ecall')
  return start
}

const edges: readonly bigint[] = [
  0n,
  1n,
  -1n,
  2n,
  63n,
  64n,
  0x7fff_ffffn,
  -0x8000_0000n,
  0x8000_0000n,
  0xffff_ffffn,
  1n << 63n,
  (1n << 63n) - 1n,
]
const boxed = 0xffff_ffff_0000_0000n
const doubles: readonly bigint[] = [
  0n,
  1n << 63n,
  0x3ff0_0000_0000_0000n,
  0x7ff0_0000_0000_0000n,
  0xfff0_0000_0000_0000n,
  0x7ff8_0000_0000_0000n,
  0x7ff0_0000_0000_0001n,
  1n,
  0x000f_ffff_ffff_ffffn,
  0x7fef_ffff_ffff_ffffn,
  0x43e0_0000_0000_0000n,
  0xc1e0_0000_0000_0000n,
]
const singles: readonly bigint[] = [
  0n,
  0x8000_0000n,
  0x3f80_0000n,
  0x7f80_0000n,
  0xff80_0000n,
  0x7fc0_0000n,
  0x7f80_0001n,
  1n,
  0x007f_ffffn,
  0x7f7f_ffffn,
  0x4f00_0000n,
  0xcf00_0000n,
]

function integer(random: Random): bigint {
  return random.oneIn(3) ? random.pick(edges) : random.bits64() >> BigInt(random.below(64))
}

/** Exponents near 1, so that sums and products do not all overflow. */
function float(random: Random): bigint {
  switch (random.below(5)) {
    case 0:
      return random.pick(doubles)
    case 1:
      return boxed | random.pick(singles)
    case 2:
      return boxed | (random.bits64() & 0x807f_ffffn) | (BigInt(random.between(110, 140)) << 23n)
    case 3:
      return (random.bits64() & 0x800f_ffff_ffff_ffffn) | (BigInt(random.between(1000, 1046)) << 52n)
    default:
      return random.bits64()
  }
}

function startState(random: Random, name: string): BodyStart {
  const privilege = random.pick([0n, 1n, 1n, 3n])
  const translated = random.oneIn(6) ? false : privilege !== 3n || random.oneIn(3)
  const mprv = privilege === 3n && translated
  const user = privilege === 0n || mprv
  let mstatus = privilege << 11n
  if (!random.oneIn(10)) mstatus |= status.fs
  if (mprv) mstatus |= status.mprv
  if (random.oneIn(2)) mstatus |= status.sum
  if (random.oneIn(2)) mstatus |= status.mxr
  const base = translated ? random.pick(dataVirtual) : BigInt(place.data)
  const x = Array.from({ length: 32 }, () => integer(random))
  const pointers: readonly (readonly [number, bigint])[] = [
    [role.stack, 0x1800n],
    [role.edge, 0x2000n],
    [role.cliff, 0x4000n],
    [role.short, 0n],
    [role.base, 0x800n],
  ]
  for (const [number, offset] of pointers) x[number] = base + offset
  x[role.counter] = 0n
  x[role.nowhere] = place.nowhere
  return {
    entryLabel: `${name} entry`,
    endLabel: `${name} end`,
    mstatus,
    translation: !translated ? 'none' : privilege === 0n ? 'user' : 'supervisor',
    levels: random.pick([3, 4, 5] as const),
    x,
    f: Array.from({ length: 32 }, () => float(random)),
    fcsr: BigInt(random.below(32) | (random.below(5) << 5)),
    ...delegation(random, privilege, translated),
    ptes: dataLeaves(random, user),
  }
}

/**
 * What goes to S-mode's handler, where it can be executed: not behind a table whose code pages are U-mode's. Not the
 * ECALL from S-mode that the handler consists of, and no fetch fault, which a lost handler would repeat for ever.
 */
function delegation(random: Random, privilege: bigint, translated: boolean) {
  if ((privilege === 0n && translated) || random.oneIn(2)) return { medeleg: 0n, mideleg: 0n }
  const fetchFaults = (1n << 1n) | (1n << 12n)
  const medeleg = BigInt(random.below(1 << 16)) & ~((1n << 9n) | (1n << 11n) | fetchFaults)
  return { medeleg, mideleg: random.oneIn(3) ? 0n : 2n }
}

function dataLeaves(random: Random, user: boolean): readonly bigint[] {
  const owner = () => (random.oneIn(8) !== user ? pte.u : 0n)
  const touched = () =>
    (random.oneIn(2) ? pte.a : 0n) | (random.oneIn(2) ? pte.d : 0n) | (random.oneIn(4) ? pte.g : 0n)
  const permissions = () =>
    random.pick([0n, pte.r, pte.r | pte.w, pte.x, pte.r | pte.x, pte.r | pte.w | pte.x, pte.w])
  return Array.from({ length: dataPages }, (_, index) => {
    const frame = (BigInt(place.data + index * pageBytes) >> 12n) << 10n
    if (index < 2) return frame | pte.v | pte.r | pte.w | (user ? pte.u : 0n) | touched()
    if (index === dataPages - 1) return frame
    return frame | (random.oneIn(8) ? 0n : pte.v) | permissions() | owner() | touched()
  })
}
