/**
 * One method an instruction, made from the opcode table when this module is loaded.
 * Why: some 350 methods that differ in a number would hide the few that differ in kind. The types are computed from
 * the table too, so each method is known to the compiler with its exact immediates.
 * A method is named after the mnemonic in camel case (`i64.load8_s` → `i64Load8S`); a reserved word gets a trailing
 * underscore (`return_`). Structured control is not here: it needs state and is written out in `FunctionBuilder`.
 */

import { assert } from '@virga/base'
import { ByteWriter } from './byte-writer.ts'
import { type ImmediateKind, type Mnemonic, OPCODES, type Opcode } from './opcodes.ts'

/** The control instructions that `FunctionBuilder` writes by hand. */
type Structured = 'block' | 'loop' | 'if' | 'else' | 'end' | 'br' | 'br_if' | 'br_table'

const STRUCTURED: ReadonlySet<string> = new Set<Structured>([
  'block',
  'loop',
  'if',
  'else',
  'end',
  'br',
  'br_if',
  'br_table',
])

type CamelCase<S extends string> = S extends `${infer Head}.${infer Tail}`
  ? `${CamelCase<Head>}${Capitalize<CamelCase<Tail>>}`
  : S extends `${infer Head}_${infer Tail}`
    ? `${Head}${Capitalize<CamelCase<Tail>>}`
    : S

/** The method that emits an instruction. */
export type MethodName<M extends string> = M extends 'return' ? 'return_' : CamelCase<M>

interface Immediates {
  none: () => void
  zero: () => void
  zeroZero: () => void
  /** Index of a local; parameters come first. */
  local: (index: number) => void
  global: (index: number) => void
  function: (index: number) => void
  /** `offset` in bytes, 0 to 2^32 - 1. `alignLog2` is a hint, at most and by default the size of the access. */
  memory: (offset?: number, alignLog2?: number) => void
  /** `offset` in bytes; the address must be aligned to the size of the access, else the instruction traps. */
  atomic: (offset?: number) => void
  lane: (lane: number) => void
  /** -2^31 to 2^32 - 1. */
  i32: (value: number) => void
  /** A safe integer, or a bigint from -2^63 to 2^64 - 1. */
  i64: (value: number | bigint) => void
  f32: (value: number) => void
  f64: (value: number) => void
  /** Sixteen bytes, lane 0 first. */
  v128: (bytes: Uint8Array) => void
  typeTable: (type: number, table?: number) => void
}

type EmittedKind = keyof Immediates

/** Every method made from the table. */
export type InstructionMethods = {
  readonly [M in Exclude<
    Mnemonic,
    Structured
  > as MethodName<M>]: Immediates[(typeof OPCODES)[M]['immediate'] & EmittedKind]
}

/** Holds the code; the methods below are put on its prototype. */
class Emitter {
  protected readonly code: ByteWriter

  constructor(capacityBytes: number | undefined) {
    this.code = new ByteWriter(capacityBytes)
  }
}

interface WithCode {
  readonly code: ByteWriter
}

type Method = (this: WithCode, ...immediates: never[]) => void

/** What makes an instruction's method, for each kind of immediate. Each closure only holds numbers. */
const METHOD_MAKERS: { readonly [K in EmittedKind]: (opcode: Opcode) => Method } = {
  none: ({ prefix, code }) =>
    function (): void {
      this.code.opcode(prefix, code)
    },
  zero: ({ prefix, code }) =>
    function (): void {
      this.code.opcode(prefix, code)
      this.code.byte(0)
    },
  zeroZero: ({ prefix, code }) =>
    function (): void {
      this.code.opcode(prefix, code)
      this.code.byte(0)
      this.code.byte(0)
    },
  local: indexed,
  global: indexed,
  function: indexed,
  memory: ({ prefix, code, alignLog2: natural }) =>
    function (offset = 0, alignLog2 = natural): void {
      assert(alignLog2 <= natural, 'an alignment hint is at most the size of the access')
      this.code.opcode(prefix, code)
      this.code.u32(alignLog2)
      this.code.u32(offset)
    },
  atomic: ({ prefix, code, alignLog2 }) =>
    function (offset = 0): void {
      this.code.opcode(prefix, code)
      this.code.byte(alignLog2)
      this.code.u32(offset)
    },
  lane: ({ prefix, code }) =>
    function (lane: number): void {
      this.code.opcode(prefix, code)
      this.code.byte(lane)
    },
  i32: ({ code }) =>
    function (value: number): void {
      assert((value | 0) === value || value >>> 0 === value, 'value is a 32-bit integer')
      this.code.byte(code)
      this.code.s32(value | 0)
    },
  i64: ({ code }) =>
    function (value: number | bigint): void {
      this.code.byte(code)
      if (typeof value === 'bigint') this.code.s64(value)
      else this.code.s53(value)
    },
  f32: ({ code }) =>
    function (value: number): void {
      this.code.byte(code)
      this.code.f32(value)
    },
  f64: ({ code }) =>
    function (value: number): void {
      this.code.byte(code)
      this.code.f64(value)
    },
  v128: ({ prefix, code }) =>
    function (bytes: Uint8Array): void {
      assert(bytes.length === 16, 'a vector has sixteen bytes')
      this.code.opcode(prefix, code)
      this.code.raw(bytes)
    },
  typeTable: ({ code }) =>
    function (type: number, table = 0): void {
      this.code.byte(code)
      this.code.u32(type)
      this.code.u32(table)
    },
}

function indexed({ code }: Opcode): Method {
  return function (index: number): void {
    this.code.byte(code)
    this.code.u32(index)
  }
}

/** The name of the method that emits `mnemonic`. */
export function methodName<M extends Mnemonic>(mnemonic: M): MethodName<M> {
  const name =
    mnemonic === 'return'
      ? 'return_'
      : mnemonic.replace(/[._](.)/g, (_, first: string) => first.toUpperCase())
  return name as MethodName<M>
}

function isEmitted(kind: ImmediateKind): kind is EmittedKind {
  return Object.hasOwn(METHOD_MAKERS, kind)
}

for (const [mnemonic, opcode] of Object.entries<Opcode>(OPCODES)) {
  if (STRUCTURED.has(mnemonic) || !isEmitted(opcode.immediate)) continue
  Object.defineProperty(Emitter.prototype, methodName(mnemonic as Mnemonic), {
    value: METHOD_MAKERS[opcode.immediate](opcode),
  })
}

/** The base of `FunctionBuilder`: the loop above has given its prototype every method the type promises. */
export const InstructionEmitter = Emitter as unknown as new (
  capacityBytes: number | undefined,
) => Emitter & InstructionMethods
