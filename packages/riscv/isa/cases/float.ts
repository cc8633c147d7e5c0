/** Cases of floating-point instructions: special numbers, rounding modes, NaN-boxes, the FS gate. */

import { encode } from '../encode.ts'
import type { Instruction } from '../encoding.ts'
import type { Format } from '../meaning.ts'
import { type Case, makeCase, plainHart, scramble } from './case.ts'
import { fitting } from './computation.ts'
import type { Random } from './random.ts'
import { floatEdges, integerEdges } from './values.ts'

const RANDOM_CASES = 200

/** Format of the FP sources, by the mnemonic: `fcvt.d.s` reads a single. */
function sourceFormat(mnemonic: string): Format {
  const last = mnemonic.split('.').at(-1)
  if (last === 's' || last === 'd') return last
  return mnemonic.startsWith('fmv.x.w') ? 's' : 'd'
}

/** Random bits, with exponents drawn close together so that sums cancel and align. */
function randomFloat(format: Format, random: Random): bigint {
  if (random.below(3) === 0) return random.pick(floatEdges[format])
  const near = BigInt(random.below(4) === 0 ? random.below(2048) : 1000 + random.below(48))
  if (format === 'd') return (BigInt(random.below(2)) << 63n) | (near << 52n) | (random.long() >> 12n)
  const exponent = random.below(4) === 0 ? BigInt(random.below(256)) : 110n + BigInt(random.below(36))
  return (
    0xffffffff00000000n | (BigInt(random.below(2)) << 31n) | (exponent << 23n) | BigInt(random.word() >>> 9)
  )
}

/** All cases of an FP instruction that does not access memory. */
export function* floatCases(instruction: Instruction, random: Random): Generator<Case> {
  const { mnemonic, operands, syntax } = instruction
  const format = sourceFormat(mnemonic)
  const fromInteger = syntax.startsWith('frd,rs1')
  const edges: readonly bigint[] = fromInteger ? integerEdges : floatEdges[format]
  const draw = () => (fromInteger ? random.long() >> BigInt(random.below(64)) : randomFloat(format, random))

  const make = (
    name: string,
    [a, b, c]: readonly [bigint, bigint, bigint],
    registers = [10, 11, 12, 13],
  ): Case => {
    const [rd = 0, rs1 = 0, rs2 = 0, rs3 = 0] = registers
    const hart = scramble(plainHart(), random)
    if (fromInteger) hart.x[rs1] = rs1 === 0 ? 0n : a
    else hart.f[rs1] = a
    if (operands.rs2?.kind === 'field') hart.f[rs2] = b
    if (operands.rs3?.kind === 'field') hart.f[rs3] = c
    hart.csr.fflags = BigInt(random.pick([0, 0, 0, 31, random.below(32)]))
    // reserved modes now and then, by the instruction or by frm
    hart.csr.frm = BigInt(random.below(random.below(16) === 0 ? 8 : 5))
    const rm = random.pick([0, 1, 2, 3, 4, 7, 7, random.below(8)])
    hart.csr.mstatus =
      (hart.csr.mstatus & ~0x6000n) | (BigInt(random.below(40) === 0 ? 0 : 1 + random.below(3)) << 13n)
    const bits = encode(mnemonic, fitting(instruction, { rd, rs1, rs2, rs3, rm }))
    return makeCase({ name: `${mnemonic} ${name}`, bits, hart })
  }

  const two = operands.rs2 !== undefined
  for (const a of edges) {
    if (!two) {
      for (let i = 0; i < 8; i++) yield make('edge', [a, 0n, 0n])
      continue
    }
    for (const b of edges) yield make('edges', [a, b, random.pick(edges)])
  }
  for (let i = 0; i < RANDOM_CASES; i++) yield make(`random ${i}`, [draw(), draw(), draw()])
  for (const registers of [
    [11, 11, 12, 13],
    [12, 11, 12, 13],
    [13, 11, 12, 13],
    [11, 11, 11, 11],
    [0, 0, 0, 0],
    [31, 1, 0, 30],
  ]) {
    for (let i = 0; i < 4; i++) yield make('registers', [draw(), draw(), draw()], registers)
  }
}
