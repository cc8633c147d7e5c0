/** Random compressed instructions. */

import { compressedInstructions } from '@virga/riscv'
import { type BodyWriter, role, target } from './body-writer.ts'

/** Those that jump are written by hand: their targets must be labels. */
const jumps: ReadonlySet<string> = new Set(['c.j', 'c.beqz', 'c.bnez', 'c.jr', 'c.jalr'])
const straight = compressedInstructions.filter(({ mnemonic }) => !jumps.has(mnemonic))
const shortMin = 8
const shortMax = 15

/** One compressed instruction, or a compressed jump over a few others. */
export function compressedItem(body: BodyWriter): void {
  const { asm, random } = body
  if (random.oneIn(8)) {
    const over = body.fresh()
    const mnemonic = random.pick(['c.j', 'c.beqz', 'c.bnez'])
    asm.compressedJump(mnemonic, { rs1: random.between(shortMin, shortMax) }, over)
    for (let i = random.between(1, 3); i > 0; i--) straightItem(body)
    asm.label(over)
    return
  }
  straightItem(body)
}

function straightItem({ asm, random }: BodyWriter): void {
  const { mnemonic, operands, expands, nonZero } = random.pick(straight)
  const float = expands.startsWith('f')
  const short = () => random.between(shortMin + 2, shortMax)
  const rd = operands.rd?.kind === 'short' ? short() : written(random, nonZero.length > 0)
  const readsMemory =
    operands.imm !== undefined && (operands.rs1?.kind === 'short' || operands.rs1?.kind === 'implied')
  const accesses = /^c\.f?[ls][wd]/.test(mnemonic)
  const same = operands.rd !== undefined && operands.rs1 !== undefined && sameField(operands.rd, operands.rs1)
  asm.compressed(mnemonic, {
    rd:
      float && accesses
        ? operands.rd?.kind === 'short'
          ? random.between(shortMin, shortMax)
          : random.below(32)
        : rd,
    rs1: same ? rd : readsMemory && accesses ? role.short : random.between(shortMin, shortMax),
    rs2: operands.rs2?.kind === 'short' ? random.between(shortMin, shortMax) : random.between(1, 31),
    // Not zero: zero would be another instruction, or reserved.
    imm: random.bits32() | 0x10,
  })
}

type Field = { readonly kind: string; readonly lo?: number }

const sameField = (one: Field, other: Field) => one.kind === other.kind && one.lo === other.lo

function written(random: BodyWriter['random'], notZero: boolean): number {
  for (;;) {
    const number = target(random)
    if (number !== 0 || !notZero) return number
  }
}
