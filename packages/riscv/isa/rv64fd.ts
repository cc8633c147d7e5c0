/**
 * Single- and double-precision floating point: one set of definitions for both formats, since they differ in
 * the format field alone. @spec riscv-unpriv "\"F\" Extension for Single-Precision Floating-Point"
 * @spec riscv-unpriv "\"D\" Extension for Double-Precision Floating-Point"
 */

import type { Instruction } from './encoding.ts'
import {
  type Entry,
  extension,
  fpBinaryType,
  fpCompareType,
  fpFmaType,
  fpFromBitsType,
  fpFromIntegerType,
  fpLoadType,
  fpSignType,
  fpStoreType,
  fpToBitsType,
  fpToIntegerType,
  fpUnaryType,
  opcode,
} from './formats.ts'
import type { Format, IntegerKind, Meaning, SignOperation } from './meaning.ts'

const { OP_FP } = opcode

const integerKinds: readonly (readonly [kind: IntegerKind, rs2: number, doc: string])[] = [
  ['w', 0, 'signed 32-bit integer'],
  ['wu', 1, 'unsigned 32-bit integer'],
  ['l', 2, 'signed 64-bit integer'],
  ['lu', 3, 'unsigned 64-bit integer'],
]

/** The value with its sign flipped: FNMADD and its kin are FMA on negated operands, which is exact. */
function negate<V>(m: Meaning<V>, format: Format, value: V): V {
  return m.fpSign('opposite', format, value, value)
}

function moves(f: Format, width: 32 | 64): Record<string, Entry> {
  const suffix = f === 's' ? 'w' : 'd'
  const fmt = f === 's' ? 0 : 1
  const funct3 = f === 's' ? 2 : 3
  return {
    [`fl${suffix}`]: fpLoadType(
      { opcode: opcode.LOAD_FP, funct3 },
      `frd = ${width} bits at rs1 + imm`,
      (m) => {
        m.enableFp()
        m.setFrd(f, m.load(width, 'u', m.add(m.rs1(), m.imm())))
      },
    ),
    [`fs${suffix}`]: fpStoreType(
      { opcode: opcode.STORE_FP, funct3 },
      `${width} bits at rs1 + imm = frs2`,
      (m) => {
        m.enableFp()
        m.store(width, m.add(m.rs1(), m.imm()), m.frs2Raw())
      },
    ),
    [`fmv.x.${suffix}`]: fpToBitsType(
      { opcode: OP_FP, funct3: 0, funct5: 0x1c, fmt, rs2: 0 },
      `rd = the low ${width} bits of frs1, sign-extended`,
      (m) => {
        m.enableFp()
        m.setRd(f === 's' ? m.signExtend(m.frs1Raw(), 32) : m.frs1Raw())
      },
    ),
    [`fmv.${suffix}.x`]: fpFromBitsType(
      { opcode: OP_FP, funct3: 0, funct5: 0x1e, fmt, rs2: 0 },
      `frd = the low ${width} bits of rs1`,
      (m) => {
        m.enableFp()
        m.setFrd(f, m.rs1())
      },
    ),
  }
}

function arithmetic(f: Format): Record<string, Entry> {
  const fmt = f === 's' ? 0 : 1
  const binary = (name: 'add' | 'sub' | 'mul' | 'div', funct5: number, sign: string) => ({
    [`f${name}.${f}`]: fpBinaryType(
      { opcode: OP_FP, funct5, fmt },
      `frd = frs1 ${sign} frs2, rounded`,
      (m) => {
        m.enableFp()
        m.setFrd(f, m.fpBinary(name, f, m.frs1(f), m.frs2(f)))
      },
    ),
  })
  return {
    [`fmadd.${f}`]: fpFmaType({ opcode: opcode.MADD, fmt }, 'frd = frs1 × frs2 + frs3, rounded once', (m) => {
      m.enableFp()
      m.setFrd(f, m.fpFma(f, m.frs1(f), m.frs2(f), m.frs3(f)))
    }),
    [`fmsub.${f}`]: fpFmaType({ opcode: opcode.MSUB, fmt }, 'frd = frs1 × frs2 - frs3, rounded once', (m) => {
      m.enableFp()
      m.setFrd(f, m.fpFma(f, m.frs1(f), m.frs2(f), negate(m, f, m.frs3(f))))
    }),
    [`fnmsub.${f}`]: fpFmaType(
      { opcode: opcode.NMSUB, fmt },
      'frd = -(frs1 × frs2) + frs3, rounded once',
      (m) => {
        m.enableFp()
        m.setFrd(f, m.fpFma(f, negate(m, f, m.frs1(f)), m.frs2(f), m.frs3(f)))
      },
    ),
    [`fnmadd.${f}`]: fpFmaType(
      { opcode: opcode.NMADD, fmt },
      'frd = -(frs1 × frs2) - frs3, rounded once',
      (m) => {
        m.enableFp()
        m.setFrd(f, m.fpFma(f, negate(m, f, m.frs1(f)), m.frs2(f), negate(m, f, m.frs3(f))))
      },
    ),
    ...binary('add', 0x00, '+'),
    ...binary('sub', 0x01, '-'),
    ...binary('mul', 0x02, '×'),
    ...binary('div', 0x03, '÷'),
    [`fsqrt.${f}`]: fpUnaryType({ opcode: OP_FP, funct5: 0x0b, fmt, rs2: 0 }, 'frd = √frs1, rounded', (m) => {
      m.enableFp()
      m.setFrd(f, m.fpSqrt(f, m.frs1(f)))
    }),
  }
}

function signs(f: Format): Record<string, Entry> {
  const fmt = f === 's' ? 0 : 1
  const inject = (name: string, funct3: number, doc: string, operation: SignOperation) => ({
    [`${name}.${f}`]: fpSignType({ opcode: OP_FP, funct3, funct5: 0x04, fmt }, doc, (m) => {
      m.enableFp()
      m.setFrd(f, m.fpSign(operation, f, m.frs1(f), m.frs2(f)))
    }),
  })
  const minMax = (name: 'min' | 'max', funct3: number, doc: string) => ({
    [`f${name}.${f}`]: fpSignType({ opcode: OP_FP, funct3, funct5: 0x05, fmt }, doc, (m) => {
      m.enableFp()
      m.setFrd(f, m.fpMinMax(name, f, m.frs1(f), m.frs2(f)))
    }),
  })
  return {
    ...inject('fsgnj', 0, 'frd = frs1 with the sign of frs2', 'copy'),
    ...inject('fsgnjn', 1, 'frd = frs1 with the opposite sign of frs2', 'opposite'),
    ...inject('fsgnjx', 2, 'frd = frs1 with the sign flipped if frs2 is negative', 'xor'),
    ...minMax('min', 0, 'frd = the lesser; a NaN yields the other operand'),
    ...minMax('max', 1, 'frd = the greater; a NaN yields the other operand'),
  }
}

function comparisons(f: Format): Record<string, Entry> {
  const fmt = f === 's' ? 0 : 1
  const compare = (name: 'eq' | 'lt' | 'le', funct3: number, doc: string) => ({
    [`f${name}.${f}`]: fpCompareType({ opcode: OP_FP, funct3, funct5: 0x14, fmt }, doc, (m) => {
      m.enableFp()
      m.setRd(m.fpCompare(name, f, m.frs1(f), m.frs2(f)))
    }),
  })
  return {
    ...compare('eq', 2, 'rd = frs1 = frs2; quiet'),
    ...compare('lt', 1, 'rd = frs1 < frs2; any NaN is invalid'),
    ...compare('le', 0, 'rd = frs1 ≤ frs2; any NaN is invalid'),
    [`fclass.${f}`]: fpToBitsType(
      { opcode: OP_FP, funct3: 1, funct5: 0x1c, fmt, rs2: 0 },
      'rd = class of frs1, one bit of ten',
      (m) => {
        m.enableFp()
        m.setRd(m.fpClassify(f, m.frs1(f)))
      },
    ),
  }
}

function conversions(f: Format): Record<string, Entry> {
  const fmt = f === 's' ? 0 : 1
  const rows: Record<string, Entry> = {}
  for (const [kind, rs2, doc] of integerKinds) {
    rows[`fcvt.${kind}.${f}`] = fpToIntegerType(
      { opcode: OP_FP, funct5: 0x18, fmt, rs2 },
      `rd = frs1 as ${doc}, rounded, saturating`,
      (m) => {
        m.enableFp()
        m.setRd(m.fpToInteger(f, kind, m.frs1(f)))
      },
    )
    rows[`fcvt.${f}.${kind}`] = fpFromIntegerType(
      { opcode: OP_FP, funct5: 0x1a, fmt, rs2 },
      `frd = rs1 as ${doc}, rounded`,
      (m) => {
        m.enableFp()
        m.setFrd(f, m.fpFromInteger(f, kind, m.rs1()))
      },
    )
  }
  const other = f === 's' ? 'd' : 's'
  rows[`fcvt.${f}.${other}`] = fpUnaryType(
    { opcode: OP_FP, funct5: 0x08, fmt, rs2: f === 's' ? 1 : 0 },
    'frd = frs1 in the other format, rounded',
    (m) => {
      m.enableFp()
      m.setFrd(f, m.fpConvert(f, m.frs1(other)))
    },
  )
  return rows
}

function formatEntries(f: Format, width: 32 | 64): readonly Instruction[] {
  const name = f === 's' ? 'F' : 'D'
  const title = f === 's' ? 'Single-Precision Floating-Point' : 'Double-Precision Floating-Point'
  return [
    ...extension(name, `riscv-unpriv "${title} Load and Store Instructions"`, moves(f, width)),
    ...extension(name, `riscv-unpriv "${title} Computational Instructions"`, {
      ...arithmetic(f),
      ...signs(f),
    }),
    ...extension(name, `riscv-unpriv "${title} Compare Instructions"`, comparisons(f)),
    ...extension(name, `riscv-unpriv "${title} Conversion and Move Instructions"`, conversions(f)),
  ]
}

/** RV64F and RV64D. */
export const rv64fd: readonly Instruction[] = [...formatEntries('s', 32), ...formatEntries('d', 64)]
