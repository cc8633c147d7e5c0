/**
 * Reads one instruction as text: the opcode table, backwards.
 * Each kind of immediate has one reader, so nothing here needs to know single instructions.
 * @spec wasm-core "Instructions (Text Format)"
 */

import { defined } from '@virga/base'
import type { ByteReader } from './byte-reader.ts'
import { floatText } from './float-text.ts'
import { type ImmediateKind, type Mnemonic, OPCODES, type Opcode } from './opcodes.ts'
import { EMPTY_BLOCK_CODE, valueTypeOf } from './value-types.ts'

/** One instruction as it reads in the text format. */
export interface InstructionText {
  readonly mnemonic: Mnemonic
  /** Immediates, separated by spaces; empty when there are none or all have their defaults. */
  readonly operands: string
  readonly immediate: ImmediateKind
  /** Blocks to leave, for each branch target; 0 is the innermost. Empty when it is no branch. */
  readonly branchDepths: readonly number[]
  /** The function called directly, if any. */
  readonly callee: number | undefined
}

interface Immediates {
  readonly operands: string
  readonly branchDepths?: readonly number[]
  readonly callee?: number
}

/** Reads the instruction at the reader's position. An unknown code throws. */
export function readInstruction(reader: ByteReader): InstructionText {
  const first = reader.byte()
  const [prefix, code] = PREFIXES.has(first) ? [first, reader.u32()] : [0, first]
  const mnemonic = defined(MNEMONICS.get(tableKey(prefix, code)), `instruction ${prefix} ${code}`)
  const opcode: Opcode = OPCODES[mnemonic]
  const { operands, branchDepths = [], callee } = IMMEDIATE_READERS[opcode.immediate](reader, opcode)
  return { mnemonic, operands, immediate: opcode.immediate, branchDepths, callee }
}

const ENTRIES = Object.entries<Opcode>(OPCODES) as readonly (readonly [Mnemonic, Opcode])[]
const PREFIXES: ReadonlySet<number> = new Set(
  ENTRIES.map(([, opcode]) => opcode.prefix).filter((p) => p !== 0),
)
const MNEMONICS: ReadonlyMap<number, Mnemonic> = new Map(
  ENTRIES.map(([mnemonic, { prefix, code }]) => [tableKey(prefix, code), mnemonic]),
)

function tableKey(prefix: number, code: number): number {
  return prefix * 0x1_0000 + code
}

const IMMEDIATE_READERS: {
  readonly [K in ImmediateKind]: (reader: ByteReader, opcode: Opcode) => Immediates
} = {
  none: () => ({ operands: '' }),
  zero: skipBytes(1),
  zeroZero: skipBytes(2),
  local: readIndex,
  global: readIndex,
  function: (reader) => {
    const callee = reader.u32()
    return { operands: `${callee}`, callee }
  },
  memory: readMemory,
  atomic: readMemory,
  lane: (reader) => ({ operands: `${reader.byte()}` }),
  i32: (reader) => ({ operands: `${reader.s32()}` }),
  i64: (reader) => ({ operands: `${reader.s64()}` }),
  f32: (reader) => ({ operands: floatText(BigInt(reader.bits32()), 'f32') }),
  f64: (reader) => ({ operands: floatText(reader.bits64(), 'f64') }),
  v128: (reader) => {
    const words = Array.from({ length: 4 }, () => `0x${reader.bits32().toString(16).padStart(8, '0')}`)
    return { operands: `i32x4 ${words.join(' ')}` }
  },
  typeTable: (reader) => {
    const type = reader.u32()
    const table = reader.u32()
    return { operands: table === 0 ? `(type ${type})` : `${table} (type ${type})` }
  },
  block: (reader) => {
    const code = reader.byte()
    return { operands: code === EMPTY_BLOCK_CODE ? '' : `(result ${valueTypeOf(code)})` }
  },
  label: (reader) => {
    const depth = reader.u32()
    return { operands: `${depth}`, branchDepths: [depth] }
  },
  labels: (reader) => {
    const depths = [...reader.list((item) => item.u32()), reader.u32()]
    return { operands: depths.join(' '), branchDepths: depths }
  },
}

function skipBytes(count: number): (reader: ByteReader) => Immediates {
  return (reader) => {
    reader.raw(count)
    return { operands: '' }
  }
}

function readIndex(reader: ByteReader): Immediates {
  return { operands: `${reader.u32()}` }
}

function readMemory(reader: ByteReader, opcode: Opcode): Immediates {
  const alignLog2 = reader.u32()
  const offset = reader.u32()
  const parts: string[] = []
  if (offset !== 0) parts.push(`offset=${offset}`)
  if (alignLog2 !== opcode.alignLog2) parts.push(`align=${2 ** alignLog2}`)
  return { operands: parts.join(' ') }
}
