/**
 * Takes a module apart into its declarations and the bytes of its function bodies, for the text printer.
 * Not a validator: the engine is one. It knows what `ModuleBuilder` writes; anything else throws.
 * @spec wasm-core "Modules (Binary Format)"
 */

import { assert, defined } from '@virga/base'
import { ByteReader } from './byte-reader.ts'
import { type InstructionText, readInstruction } from './instruction-text.ts'
import {
  BRANCH_HINT_SECTION,
  EXTERNAL_KINDS,
  FUNCTION_TYPE_CODE,
  LIMITS,
  MAGIC_AND_VERSION,
  NAME_SUBSECTIONS,
  SECTIONS,
} from './sections.ts'
import { type Signature, type ValType, valueTypeOf } from './value-types.ts'

/** The type of a global variable. */
export interface GlobalType {
  readonly type: ValType
  readonly mutable: boolean
}

/** What an import brings in; functions give the index of their type. */
export type Imported =
  | { readonly kind: 'func'; readonly type: number }
  | { readonly kind: 'table'; readonly initial: number; readonly maximum: number | undefined }
  | {
      readonly kind: 'memory'
      readonly initial: number
      readonly maximum: number | undefined
      readonly shared: boolean
    }
  | ({ readonly kind: 'global' } & GlobalType)

export interface DecodedImport {
  readonly module: string
  readonly name: string
  readonly what: Imported
}

/** A function body. `code` starts behind the locals and ends with the function's `end`. */
export interface DecodedBody {
  readonly locals: readonly ValType[]
  readonly code: Uint8Array
}

export interface DecodedModule {
  readonly types: readonly Signature[]
  readonly imports: readonly DecodedImport[]
  /** Type index of each defined function. */
  readonly functions: readonly number[]
  readonly globals: readonly (GlobalType & { readonly init: InstructionText })[]
  readonly exports: readonly { readonly name: string; readonly index: number }[]
  readonly bodies: readonly DecodedBody[]
  readonly functionNames: ReadonlyMap<number, string>
}

type Mutable<T> = { -readonly [K in keyof T]: T[K] }

/** Decodes a module written by `ModuleBuilder`. */
export function decodeModule(bytes: Uint8Array): DecodedModule {
  const reader = new ByteReader(bytes)
  for (const byte of MAGIC_AND_VERSION)
    assert(reader.byte() === byte, 'this is a WebAssembly module, version 1')
  const module: Mutable<DecodedModule> = {
    types: [],
    imports: [],
    functions: [],
    globals: [],
    exports: [],
    bodies: [],
    functionNames: new Map(),
  }
  while (!reader.atEnd) {
    const id = reader.byte()
    const readSection = defined(SECTION_READERS.get(id), `reader of section ${id}`)
    readSection(reader.sized(), module)
  }
  return module
}

type SectionReader = (section: ByteReader, module: Mutable<DecodedModule>) => void

const SECTION_READERS: ReadonlyMap<number, SectionReader> = new Map<number, SectionReader>([
  [SECTIONS.type, (section, module) => (module.types = section.list(readSignature))],
  [SECTIONS.import, (section, module) => (module.imports = section.list(readImport))],
  [SECTIONS.function, (section, module) => (module.functions = section.list((reader) => reader.u32()))],
  [SECTIONS.global, (section, module) => (module.globals = section.list(readGlobal))],
  [SECTIONS.export, (section, module) => (module.exports = section.list(readExport))],
  [SECTIONS.code, (section, module) => (module.bodies = section.list((reader) => readBody(reader.sized())))],
  [SECTIONS.custom, readCustom],
])

function readSignature(reader: ByteReader): Signature {
  assert(reader.byte() === FUNCTION_TYPE_CODE, 'a type is a function type')
  return { params: reader.list(readValueType), results: reader.list(readValueType) }
}

function readValueType(reader: ByteReader): ValType {
  return valueTypeOf(reader.byte())
}

function readImport(reader: ByteReader): DecodedImport {
  const module = reader.name()
  const name = reader.name()
  const kind = reader.byte()
  return { module, name, what: defined(IMPORT_READERS.get(kind), `reader of import kind ${kind}`)(reader) }
}

const IMPORT_READERS: ReadonlyMap<number, (reader: ByteReader) => Imported> = new Map<
  number,
  (reader: ByteReader) => Imported
>([
  [EXTERNAL_KINDS.func, (reader) => ({ kind: 'func', type: reader.u32() })],
  [EXTERNAL_KINDS.global, (reader) => ({ kind: 'global', ...readGlobalType(reader) })],
  [EXTERNAL_KINDS.memory, (reader) => ({ kind: 'memory', ...readLimits(reader) })],
  [
    EXTERNAL_KINDS.table,
    (reader) => {
      assert(readValueType(reader) === 'funcref', 'a table holds functions')
      const { initial, maximum } = readLimits(reader)
      return { kind: 'table', initial, maximum }
    },
  ],
])

function readLimits(reader: ByteReader): { initial: number; maximum: number | undefined; shared: boolean } {
  const flags = reader.byte()
  const initial = reader.u32()
  const maximum = flags === LIMITS.unbounded ? undefined : reader.u32()
  return { initial, maximum, shared: flags === LIMITS.shared }
}

function readGlobalType(reader: ByteReader): GlobalType {
  return { type: readValueType(reader), mutable: reader.byte() === 1 }
}

function readGlobal(reader: ByteReader): GlobalType & { init: InstructionText } {
  const type = readGlobalType(reader)
  const init = readInstruction(reader)
  assert(readInstruction(reader).mnemonic === 'end', 'a global starts as one constant')
  return { ...type, init }
}

function readExport(reader: ByteReader): { name: string; index: number } {
  const name = reader.name()
  assert(reader.byte() === EXTERNAL_KINDS.func, 'an export is a function')
  return { name, index: reader.u32() }
}

function readBody(code: ByteReader): DecodedBody {
  const locals = code
    .list((reader) => ({ count: reader.u32(), type: readValueType(reader) }))
    .flatMap(({ count, type }) => Array.from({ length: count }, () => type))
  return { locals, code: code.rest() }
}

function readCustom(section: ByteReader, module: { functionNames: ReadonlyMap<number, string> }): void {
  const name = section.name()
  if (name === BRANCH_HINT_SECTION) return
  assert(name === 'name', 'the custom section holds names or branch hints')
  module.functionNames = readFunctionNames(section)
}

/** @spec wasm-core "Name Section" */
function readFunctionNames(section: ByteReader): Map<number, string> {
  const names = new Map<number, string>()
  while (!section.atEnd) {
    assert(section.byte() === NAME_SUBSECTIONS.functions, 'names are those of functions')
    for (const [index, name] of section.sized().list((reader) => [reader.u32(), reader.name()] as const)) {
      names.set(index, name)
    }
  }
  return names
}
