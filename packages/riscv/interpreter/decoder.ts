/**
 * Generates `decode`: from an instruction's bits to a record. Same table as everything else, so an encoding is
 * written once.
 *
 * A record (8 bytes): `{op u16, rd·8 u8, rs1·8 u8, rs2·8 u8, imm i24}`. For instructions with a rounding mode
 * the immediate's bytes are `{rm, rs3·8, 0}`; for a near jump it is the distance in bytes of records.
 */

import type { FunctionBuilder, ModuleBuilder } from '@virga/wasm'
import type { Immediate, Operands, RegisterField } from '../isa/encoding.ts'
import { compressedInstructions, instructions } from '../isa/table.ts'
import { type Operations, pseudo } from './operations.ts'

/** Passed as the page offset of an instruction that has no page to jump within. */
export const isolated = 0x4000_0000

// Parameters and locals of the generated function.
const BITS = 0
const RECORD = 1
const OFFSET = 2

interface Scratch {
  readonly rd: number
  readonly imm: number
}

/** Defines `decode(bits, record, pageOffset)` in `module` and returns its index. */
export function defineDecoder(module: ModuleBuilder, operations: Operations): number {
  const f = module.defineFunction({
    name: 'decode',
    params: ['i32', 'i32', 'i32'],
    results: [],
    export: 'decode',
  })
  const scratch = { rd: f.local('i32'), imm: f.local('i32') }

  f.localGet(BITS)
  f.i32Const(3)
  f.i32And()
  f.i32Const(3)
  f.i32Eq()
  f.if_()
  decodeLong(f, operations, scratch)
  f.else_()
  decodeShort(f, operations, scratch)
  f.end()
  writeRecord(f, () => f.i32Const(pseudo.illegal), {}, scratch)
  return f.index
}

/** One block a bucket, entered by `br_table` on the bucket's number; a bucket without a match falls out. */
function buckets(
  f: FunctionBuilder,
  count: number,
  pushNumber: () => void,
  body: (bucket: number) => void,
): void {
  const out = f.block()
  const labels = Array.from({ length: count }, () => f.block()).reverse()
  pushNumber()
  f.brTable(labels, out)
  for (let bucket = 0; bucket < count; bucket++) {
    f.end()
    body(bucket)
    f.br(out)
  }
  f.end()
}

function decodeLong(f: FunctionBuilder, operations: Operations, scratch: Scratch): void {
  const pushMajor = () => {
    field(f, 2, 5)
  }
  buckets(f, 32, pushMajor, (bucket) => {
    for (const { mnemonic, mask, match, operands } of instructions) {
      if (((match >>> 2) & 31) !== bucket) continue
      f.localGet(BITS)
      f.i32Const(mask | 0)
      f.i32And()
      f.i32Const(match | 0)
      f.i32Eq()
      f.if_()
      recordFor(f, operations, mnemonic, 4, operands, scratch)
      f.return_()
      f.end()
    }
  })
}

function decodeShort(f: FunctionBuilder, operations: Operations, scratch: Scratch): void {
  const pushQuadrantAndFunct3 = () => {
    field(f, 0, 2)
    f.i32Const(3)
    f.i32Shl()
    field(f, 13, 3)
    f.i32Or()
  }
  buckets(f, 24, pushQuadrantAndFunct3, (bucket) => {
    for (const entry of compressedInstructions) {
      if ((((entry.match & 3) << 3) | ((entry.match >>> 13) & 7)) !== bucket) continue
      f.localGet(BITS)
      f.i32Const(entry.mask)
      f.i32And()
      f.i32Const(entry.match)
      f.i32Eq()
      for (const runs of entry.nonZero) {
        const ones = runs.reduce((sum, [hi, lo]) => sum | ((2 ** (hi - lo + 1) - 1) << lo), 0)
        f.localGet(BITS)
        f.i32Const(ones)
        f.i32And()
        f.i32Const(0)
        f.i32Ne()
        f.i32And()
      }
      if (entry.rdNot !== undefined) {
        field(f, 7, 5)
        f.i32Const(entry.rdNot)
        f.i32Ne()
        f.i32And()
      }
      f.if_()
      recordFor(f, operations, entry.expands, 2, entry.operands, scratch)
      f.return_()
      f.end()
    }
  })
}

function recordFor(
  f: FunctionBuilder,
  operations: Operations,
  mnemonic: string,
  length: 2 | 4,
  operands: Operands,
  scratch: Scratch,
): void {
  const choice = operations.choose(mnemonic, length)
  const { jumpsRelative, writesRd } = choice.effects
  if (operands.rd === undefined) f.i32Const(0)
  else scaledRegister(f, operands.rd)
  f.localSet(scratch.rd)
  pushImmediate(f, operands)
  f.localSet(scratch.imm)

  const rdIsZero = () => {
    f.localGet(scratch.rd)
    f.i32Eqz()
  }
  const pushOp = (near: boolean) => {
    if (!writesRd || operands.rd === undefined) {
      f.i32Const(choice.op(false, near))
      return
    }
    f.i32Const(choice.op(true, near))
    f.i32Const(choice.op(false, near))
    rdIsZero()
    f.select()
  }
  if (!jumpsRelative) {
    writeRecord(f, () => pushOp(false), operands, scratch)
    return
  }

  f.localGet(OFFSET)
  f.localGet(scratch.imm)
  f.i32Add()
  f.i32Const(12)
  f.i32ShrU()
  f.if_()
  writeRecord(f, () => pushOp(false), operands, scratch)
  f.else_()
  f.localGet(scratch.imm)
  f.i32Const(2)
  f.i32Shl()
  f.localSet(scratch.imm)
  writeRecord(f, () => pushOp(true), operands, scratch)
  f.end()
}

function writeRecord(f: FunctionBuilder, pushOp: () => void, operands: Operands, scratch: Scratch): void {
  f.localGet(RECORD)
  pushOp()
  f.localGet(scratch.rd)
  f.i32Const(16)
  f.i32Shl()
  f.i32Or()
  if (operands.rs1 !== undefined) {
    scaledRegister(f, operands.rs1)
    f.i32Const(24)
    f.i32Shl()
    f.i32Or()
  }
  f.i32Store()
  f.localGet(RECORD)
  if (operands.rs2 === undefined) f.i32Const(0)
  else scaledRegister(f, operands.rs2)
  f.localGet(scratch.imm)
  f.i32Const(8)
  f.i32Shl()
  f.i32Or()
  f.i32Store(4)
}

/** Pushes the 24-bit immediate of the record. */
function pushImmediate(f: FunctionBuilder, operands: Operands): void {
  if (operands.rm) {
    field(f, 12, 3)
    if (operands.rs3 !== undefined) {
      scaledRegister(f, operands.rs3)
      f.i32Const(8)
      f.i32Shl()
      f.i32Or()
    }
  } else if (operands.imm !== undefined) {
    pushPieces(f, operands.imm)
  } else {
    f.i32Const(0)
  }
}

function pushPieces(f: FunctionBuilder, immediate: Immediate): void {
  if (immediate.pieces.length === 0) {
    f.i32Const(0)
    return
  }
  for (const [index, { hi, lo, to }] of immediate.pieces.entries()) {
    field(f, lo, hi - lo + 1)
    f.i32Const(to)
    f.i32Shl()
    if (index > 0) f.i32Or()
  }
  if (immediate.signedBits === 0) return
  f.i32Const(32 - immediate.signedBits)
  f.i32Shl()
  f.i32Const(32 - immediate.signedBits)
  f.i32ShrS()
}

/** Pushes `bits` instruction bits from `lo` up. */
function field(f: FunctionBuilder, lo: number, bits: number): void {
  f.localGet(BITS)
  f.i32Const(lo)
  f.i32ShrU()
  f.i32Const(2 ** bits - 1)
  f.i32And()
}

/** Pushes eight times the register's number: its byte offset in the register file. */
function scaledRegister(f: FunctionBuilder, register: RegisterField): void {
  switch (register.kind) {
    case 'field':
      field(f, register.lo, 5)
      break
    case 'short':
      field(f, register.lo, 3)
      f.i32Const(8)
      f.i32Add()
      break
    case 'implied':
      f.i32Const(register.register)
      break
  }
  f.i32Const(3)
  f.i32Shl()
}
