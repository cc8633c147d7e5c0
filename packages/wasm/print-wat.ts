/**
 * A module as text, for golden tests and for people.
 * The text is legal in the text format, unfolded, one instruction a line, indented by nesting, and stable: it depends
 * on the bytes alone. Indices stay numbers; names and branch targets follow in comments. `;; @2` behind a block is its
 * depth, and behind a branch the depth of the block it goes to (@0 is the function).
 * @spec wasm-core "Modules (Text Format)"
 */

import { assert, defined } from '@virga/base'
import { ByteReader } from './byte-reader.ts'
import {
  type DecodedBody,
  type DecodedImport,
  type DecodedModule,
  decodeModule,
  type GlobalType,
} from './decode-module.ts'
import { type InstructionText, readInstruction } from './instruction-text.ts'
import type { Mnemonic } from './opcodes.ts'
import type { Signature, ValType } from './value-types.ts'

/** What to print. */
export interface WatOptions {
  /** Indices of the only functions to print, in this order and without the module around them. All by default. */
  readonly functions?: readonly number[]
}

/** The text of a module that `ModuleBuilder` has built; ends with a newline. Other modules may throw. */
export function printWat(bytes: Uint8Array, options: WatOptions = {}): string {
  const module = decodeModule(bytes)
  const lines =
    options.functions === undefined
      ? ['(module', ...printModule(module).map(indent), ')']
      : options.functions.flatMap((index) => printFunction(module, index))
  return `${lines.join('\n')}\n`
}

function printModule(module: DecodedModule): string[] {
  const firstDefined = importCount(module, 'func')
  const firstGlobal = importCount(module, 'global')
  return [
    ...module.types.map((type, index) => `(type (;${index};) (func${signatureText(type)}))`),
    ...printImports(module.imports),
    ...module.globals.map(
      (global, index) =>
        `(global (;${firstGlobal + index};) ${globalTypeText(global)} (${instructionText(global.init)}))`,
    ),
    ...module.exports.map(({ name, index }) => `(export ${quoted(name)} (func ${index}))`),
    ...module.functions.flatMap((_, index) => printFunction(module, firstDefined + index)),
  ]
}

function printImports(imports: readonly DecodedImport[]): string[] {
  const counts = { func: 0, table: 0, memory: 0, global: 0 }
  return imports.map(({ module, name, what }) => {
    const index = counts[what.kind]++
    return `(import ${quoted(module)} ${quoted(name)} (${what.kind} (;${index};) ${importedText(what)}))`
  })
}

/** How many indices of this kind belong to imports. */
function importCount(module: DecodedModule, kind: DecodedImport['what']['kind']): number {
  return module.imports.filter(({ what }) => what.kind === kind).length
}

function importedText(what: DecodedImport['what']): string {
  switch (what.kind) {
    case 'func':
      return `(type ${what.type})`
    case 'global':
      return globalTypeText(what)
    case 'table':
      return `${limitsText(what)} funcref`
    case 'memory':
      return `${limitsText(what)}${what.shared ? ' shared' : ''}`
  }
}

function limitsText({ initial, maximum }: { initial: number; maximum: number | undefined }): string {
  return maximum === undefined ? `${initial}` : `${initial} ${maximum}`
}

function globalTypeText({ type, mutable }: GlobalType): string {
  return mutable ? `(mut ${type})` : type
}

function signatureText({ params, results }: Signature): string {
  return typesText('param', params) + typesText('result', results)
}

function typesText(keyword: string, types: readonly ValType[]): string {
  return types.length === 0 ? '' : ` (${keyword} ${types.join(' ')})`
}

function printFunction(module: DecodedModule, index: number): string[] {
  const position = index - importCount(module, 'func')
  const typeIndex = defined(module.functions[position], `type of function ${index}`)
  const signature = defined(module.types[typeIndex], `type ${typeIndex}`)
  const body = defined(module.bodies[position], `body of function ${index}`)
  const name = module.functionNames.get(index)
  const head = `(func (;${index};) (type ${typeIndex})${signatureText(signature)}${comment(name)}`
  const locals = body.locals.length === 0 ? [] : [typesText('local', body.locals).trimStart()]
  return [head, ...[...locals, ...printCode(module, body)].map(indent), ')']
}

/** Instructions that stand one step further out than what is around them. */
const OUTDENTED: ReadonlySet<Mnemonic> = new Set<Mnemonic>(['else', 'end'])

function printCode(module: DecodedModule, body: DecodedBody): string[] {
  const lines: string[] = []
  const reader = new ByteReader(body.code)
  let depth = 0
  for (;;) {
    const instruction = readInstruction(reader)
    if (instruction.mnemonic === 'end' && depth === 0) break
    const outdent = OUTDENTED.has(instruction.mnemonic) ? 1 : 0
    const opens = instruction.immediate === 'block'
    const text = instructionText(instruction) + noteText(module, instruction, opens ? depth + 1 : depth)
    lines.push('  '.repeat(depth - outdent) + text)
    if (opens) depth++
    else if (instruction.mnemonic === 'end') depth--
  }
  assert(reader.atEnd, 'a body ends with its last end')
  return lines
}

function instructionText({ mnemonic, operands }: InstructionText): string {
  return operands === '' ? mnemonic : `${mnemonic} ${operands}`
}

/** The comment behind an instruction: the depth it opens or goes to, or the name of what it calls. */
function noteText(module: DecodedModule, instruction: InstructionText, depth: number): string {
  if (instruction.immediate === 'block') return comment(`@${depth}`)
  if (instruction.branchDepths.length > 0) {
    return comment(instruction.branchDepths.map((relative) => `@${depth - relative}`).join(' '))
  }
  return instruction.callee === undefined ? '' : comment(module.functionNames.get(instruction.callee))
}

function comment(text: string | undefined): string {
  return text === undefined ? '' : ` ;; ${text.replaceAll(/\p{Cc}/gu, '?')}`
}

function indent(line: string): string {
  return `  ${line}`
}

/** A string of the text format: control characters, quotes and backslashes as hexadecimal bytes. */
function quoted(text: string): string {
  const escaped = text.replaceAll(
    /[\p{Cc}"\\]/gu,
    (c) => `\\u{${defined(c.codePointAt(0), 'the character').toString(16)}}`,
  )
  return `"${escaped}"`
}
