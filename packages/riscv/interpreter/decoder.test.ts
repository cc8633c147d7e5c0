/** The generated decoder against the plain one over the same table: every halfword, and seeded random words. */

import { assert, defined } from '@virga/base'
import { describe, expect, it } from 'vitest'
import { seededRandom } from '../isa/cases/random.ts'
import { isUpperImmediate } from '../isa/encoding.ts'
import { type Decoded, decode, findInstruction, instructions } from '../isa/table.ts'
import { buildInterpreter } from './build.ts'
import { isolated } from './decoder.ts'
import { enumerateOperations, pseudo } from './operations.ts'

const record = 0x100
const operations = enumerateOperations()

interface Generated {
  readonly view: DataView
  readonly decode: (bits: number, record: number, pageOffset: number) => void
}

/** The decoder alone: what the rest of the module imports is never called. */
function instantiate(): Generated {
  const memory = new WebAssembly.Memory({ initial: 1, maximum: 1, shared: true })
  const module = new WebAssembly.Module(buildInterpreter(1))
  const runtime: Record<string, WebAssembly.ImportValue> = {}
  for (const { name, kind } of WebAssembly.Module.imports(module)) {
    if (kind === 'global') runtime[name] = new WebAssembly.Global({ value: 'i32', mutable: true }, 0)
    else if (kind === 'function') runtime[name] = () => assert(false, `${name} is not called`)
  }
  const { exports } = new WebAssembly.Instance(module, { env: { memory }, runtime })
  return { view: new DataView(memory.buffer), decode: exports.decode as Generated['decode'] }
}

/** What a record says, in the terms of the plain decoder. */
function readRecord({ view }: Generated) {
  const op = view.getUint16(record, true)
  const variant = operations.variants[op - operations.opOf(0)]
  return {
    op,
    variant,
    rd: view.getUint8(record + 2) / 8,
    rs1: view.getUint8(record + 3) / 8,
    rs2: view.getUint8(record + 4) / 8,
    imm: view.getInt32(record + 4, true) >> 8,
  }
}

/** The record's fields that an instruction has, next to what they should be. */
function compare(generated: Generated, bits: number, pageOffset: number): { got: unknown; wanted: unknown } {
  generated.decode(bits | 0, record, pageOffset)
  const { op, variant, ...fields } = readRecord(generated)
  const wanted = decode(bits)
  if (wanted === undefined) return { got: op, wanted: pseudo.illegal }
  if (variant === undefined) return { got: op, wanted: wanted.length === 2 ? pseudo.nop2 : pseudo.nop4 }
  const { operands } = wanted.compressed ?? wanted.instruction
  const near = variant.near
  const place = operands.rm ? wanted.rm | (wanted.rs3 << 11) : wanted.imm * (near ? 4 : 1)
  const pick = <T>(has: unknown, value: T) => (has === undefined ? undefined : value)
  const row = (
    of: Pick<Decoded, 'rd' | 'rs1' | 'rs2' | 'imm'>,
    mnemonic: string,
    length: number,
    imm: number,
  ) => ({
    mnemonic,
    length,
    rd: pick(operands.rd, of.rd),
    rs1: pick(operands.rs1, of.rs1),
    rs2: pick(operands.rs2, of.rs2),
    imm,
  })
  return {
    got: row(fields, variant.instruction.mnemonic, variant.length, fields.imm),
    wanted: row(wanted, wanted.instruction.mnemonic, wanted.length, place),
  }
}

describe('the generated decoder', () => {
  const generated = instantiate()

  it('agrees on every 16-bit pattern', () => {
    for (let bits = 0; bits < 0x10000; bits++) {
      if ((bits & 3) === 3) continue
      const { got, wanted } = compare(generated, bits, isolated)
      if (JSON.stringify(got) !== JSON.stringify(wanted))
        expect(got, `bits ${bits.toString(16)}`).toEqual(wanted)
    }
  })

  it('agrees on random operands of every instruction, and on random words', () => {
    const seed = 20261122
    const { word: next } = seededRandom(seed)
    const patterns = instructions.flatMap(({ mask, match }) =>
      Array.from({ length: 100 }, () => ((next() & ~mask) | match) >>> 0),
    )
    for (const bits of [...patterns, ...Array.from({ length: 20_000 }, () => (next() | 3) >>> 0)]) {
      const { got, wanted } = compare(generated, bits, next() & 0xffe)
      if (JSON.stringify(got) !== JSON.stringify(wanted)) {
        expect(got, `seed ${seed}, bits ${bits.toString(16)}`).toEqual(wanted)
      }
    }
  })

  it('takes the near form of a jump exactly when the target is on the page', () => {
    const forward = 0x0100_006f // jal x0, +16
    const isNear = (pageOffset: number) => {
      generated.decode(forward, record, pageOffset)
      return defined(readRecord(generated).variant, 'variant').near
    }
    expect([0, 4076, 4078, 4080, isolated].map(isNear)).toEqual([true, true, true, false, false])
  })

  it('writes U-type immediates as their upper 20 bits', () => {
    expect(isUpperImmediate(defined(findInstruction('lui'), 'lui').operands)).toBe(true)
    generated.decode(0xfffff_0b7 | 0, record, 0)
    expect(readRecord(generated)).toMatchObject({ rd: 1, imm: -1 })
  })
})
