/**
 * A WebAssembly module under construction: types, imports, globals, functions, exports, names.
 * Why: the interpreter and every JIT region are modules made at run time; this is the one place that knows the order
 * and the framing of their sections.
 * Invariants: indices are final when given out, hence imports of a kind come before definitions of that kind. At most
 * one memory, and it is imported.
 * @spec wasm-core "Modules (Binary Format)"
 */

import { assert } from '@virga/base'
import { ByteWriter } from './byte-writer.ts'
import { FunctionBuilder, type FunctionOptions } from './function-builder.ts'
import { OPCODES } from './opcodes.ts'
import {
  BRANCH_HINT_SECTION,
  EXTERNAL_KINDS,
  FUNCTION_TYPE_CODE,
  LIMITS,
  MAGIC_AND_VERSION,
  NAME_SUBSECTIONS,
  SECTIONS,
} from './sections.ts'
import { VALUE_TYPE_CODES, type ValType } from './value-types.ts'

/** How the module is built. */
export interface ModuleOptions {
  /** Whether functions carry their names (for stack traces and the text printer). Off by default. */
  readonly nameSection?: boolean
}

/** Bounds of an imported memory, in pages of 64 KiB. */
export interface MemoryLimits {
  readonly initialPages: number
  readonly maximumPages: number
  readonly shared: boolean
}

/** Bounds of an imported table, in elements. */
export interface TableLimits {
  readonly initial: number
  readonly maximum?: number
}

/** The entries of one section: how many, and their bytes. */
class Entries {
  count = 0
  readonly bytes = new ByteWriter(64)

  /** Counts one more entry; the caller writes it. */
  next(): ByteWriter {
    this.count++
    return this.bytes
  }
}

export class ModuleBuilder {
  private readonly nameSection: boolean
  private readonly types = new Entries()
  private readonly imports = new Entries()
  private readonly globals = new Entries()
  private readonly exports = new Entries()
  private readonly typeIndices = new Map<string, number>()
  private readonly functionNames: (string | undefined)[] = []
  private readonly functionTypes: number[] = []
  private readonly functions: FunctionBuilder[] = []
  private readonly exportNames = new Set<string>()
  private importedFunctions = 0
  private importedTables = 0
  private importedGlobals = 0
  private hasMemory = false

  constructor(options: ModuleOptions = {}) {
    this.nameSection = options.nameSection ?? false
  }

  /** The index of a function type; equal types share one. */
  type(params: readonly ValType[], results: readonly ValType[]): number {
    const key = `${params.join()}:${results.join()}`
    const known = this.typeIndices.get(key)
    if (known !== undefined) return known
    const index = this.types.count
    const out = this.types.next()
    out.byte(FUNCTION_TYPE_CODE)
    writeValueTypes(out, params)
    writeValueTypes(out, results)
    this.typeIndices.set(key, index)
    return index
  }

  /** Imports a function and returns its index. Comes before the first `defineFunction`. */
  importFunction(
    module: string,
    name: string,
    params: readonly ValType[],
    results: readonly ValType[],
  ): number {
    assert(this.functions.length === 0, 'functions are imported before any is defined')
    const type = this.type(params, results)
    const out = this.import(module, name, EXTERNAL_KINDS.func)
    out.u32(type)
    this.functionNames.push(`${module}.${name}`)
    return this.importedFunctions++
  }

  /** Imports the memory. */
  importMemory(module: string, name: string, limits: MemoryLimits): void {
    assert(!this.hasMemory, 'a module has one memory')
    this.hasMemory = true
    const out = this.import(module, name, EXTERNAL_KINDS.memory)
    out.byte(limits.shared ? LIMITS.shared : LIMITS.bounded)
    out.u32(limits.initialPages)
    out.u32(limits.maximumPages)
  }

  /** Imports a table of functions and returns its index. */
  importTable(module: string, name: string, limits: TableLimits): number {
    const out = this.import(module, name, EXTERNAL_KINDS.table)
    out.byte(VALUE_TYPE_CODES.funcref)
    out.byte(limits.maximum === undefined ? LIMITS.unbounded : LIMITS.bounded)
    out.u32(limits.initial)
    if (limits.maximum !== undefined) out.u32(limits.maximum)
    return this.importedTables++
  }

  /** Imports a global and returns its index. Comes before the first `global`. */
  importGlobal(module: string, name: string, type: ValType, mutable: boolean): number {
    assert(this.globals.count === 0, 'globals are imported before any is defined')
    const out = this.import(module, name, EXTERNAL_KINDS.global)
    out.byte(VALUE_TYPE_CODES[type])
    out.byte(mutable ? 1 : 0)
    return this.importedGlobals++
  }

  /** Defines a numeric global and returns its index. `init` is in the range of the constant instruction of `type`. */
  global(type: ValType, mutable: boolean, init: number | bigint): number {
    const index = this.importedGlobals + this.globals.count
    const out = this.globals.next()
    out.byte(VALUE_TYPE_CODES[type])
    out.byte(mutable ? 1 : 0)
    writeConstant(out, type, init)
    out.byte(OPCODES.end.code)
    return index
  }

  /** Starts a function; its index is known at once, and earlier bodies need not be complete. */
  defineFunction(options: FunctionOptions): FunctionBuilder {
    const index = this.importedFunctions + this.functions.length
    const builder = new FunctionBuilder(index, options)
    this.functions.push(builder)
    this.functionTypes.push(this.type(options.params, options.results))
    this.functionNames.push(options.name ?? options.export)
    if (options.export !== undefined) this.exportFunction(options.export, index)
    return builder
  }

  /** Exports a function under a name that is not yet taken. */
  exportFunction(name: string, index: number): void {
    assert(!this.exportNames.has(name), `the name ${name} is exported once`)
    this.exportNames.add(name)
    const out = this.exports.next()
    out.name(name)
    out.byte(EXTERNAL_KINDS.func)
    out.u32(index)
  }

  /** The module in binary form, a new array at each call. Asserts that every function is complete. */
  build(): Uint8Array<ArrayBuffer> {
    const out = new ByteWriter(4096)
    out.raw(MAGIC_AND_VERSION)
    writeEntries(out, SECTIONS.type, this.types)
    writeEntries(out, SECTIONS.import, this.imports)
    writeEntries(out, SECTIONS.function, this.functionEntries())
    writeEntries(out, SECTIONS.global, this.globals)
    writeEntries(out, SECTIONS.export, this.exports)
    this.writeHints(out)
    writeEntries(out, SECTIONS.code, this.codeEntries())
    if (this.nameSection) this.writeNames(out)
    return out.toBytes()
  }

  private import(module: string, name: string, kind: number): ByteWriter {
    const out = this.imports.next()
    out.name(module)
    out.name(name)
    out.byte(kind)
    return out
  }

  private functionEntries(): Entries {
    const entries = new Entries()
    for (const type of this.functionTypes) entries.next().u32(type)
    return entries
  }

  private codeEntries(): Entries {
    const entries = new Entries()
    const scratch = new ByteWriter(64)
    for (const builder of this.functions) builder.writeBody(entries.next(), scratch)
    return entries
  }

  /** @spec wasm-core "Name Section" */
  private writeNames(out: ByteWriter): void {
    const names = new Entries()
    this.functionNames.forEach((name, index) => {
      if (name === undefined) return
      const entry = names.next()
      entry.u32(index)
      entry.name(name)
    })
    const section = new ByteWriter()
    section.name('name')
    writeEntries(section, NAME_SUBSECTIONS.functions, names)
    writeCustom(out, section)
  }

  /** @spec wasm-branch-hinting "Binary Format" */
  private writeHints(out: ByteWriter): void {
    const section = new ByteWriter()
    const functions = new ByteWriter()
    const scratch = new ByteWriter(64)
    const count = this.functions.filter((builder) => builder.writeHints(functions, scratch)).length
    if (count === 0) return
    section.name(BRANCH_HINT_SECTION)
    section.u32(count)
    section.append(functions)
    writeCustom(out, section)
  }
}

function writeCustom(out: ByteWriter, section: ByteWriter): void {
  out.byte(SECTIONS.custom)
  out.u32(section.length)
  out.append(section)
}

/** Appends a section: id, size, count, entries. A section without entries is left out. */
function writeEntries(out: ByteWriter, id: number, entries: Entries): void {
  if (entries.count === 0) return
  const count = new ByteWriter(8)
  count.u32(entries.count)
  out.byte(id)
  out.u32(count.length + entries.bytes.length)
  out.append(count)
  out.append(entries.bytes)
}

function writeValueTypes(out: ByteWriter, types: readonly ValType[]): void {
  out.u32(types.length)
  for (const type of types) out.byte(VALUE_TYPE_CODES[type])
}

function writeConstant(out: ByteWriter, type: ValType, value: number | bigint): void {
  assert(type !== 'v128' && type !== 'funcref', 'a defined global is numeric')
  out.byte(OPCODES[`${type}.const`].code)
  if (type === 'i32') out.s32(Number(value) | 0)
  else if (type === 'i64') out.s64(BigInt(value))
  else if (type === 'f32') out.f32(Number(value))
  else out.f64(Number(value))
}
