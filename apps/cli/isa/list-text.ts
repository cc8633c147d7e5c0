/** The instruction table as a list for people: by extension, in 80 columns. */

import { compressedInstructions, instructions } from '@virga/riscv/table'
import { wrapped } from '../wrapped.ts'

/** One extension and its instructions, in the table's order. */
export interface ExtensionEntry {
  readonly extension: string
  readonly mnemonics: readonly string[]
}

/** All instructions, by extension; the 16-bit ones under C. */
export function extensions(): ExtensionEntry[] {
  const byExtension = new Map<string, string[]>()
  for (const { extension, mnemonic } of instructions) {
    byExtension.set(extension, [...(byExtension.get(extension) ?? []), mnemonic])
  }
  byExtension.set(
    'C',
    compressedInstructions.map(({ mnemonic }) => mnemonic),
  )
  return [...byExtension].map(([extension, mnemonics]) => ({ extension, mnemonics }))
}

/** The list, ended by a newline. */
export function listText(): string {
  const entries = extensions()
  const width = Math.max(...entries.map(({ extension }) => extension.length)) + 2
  const lines = entries.map(({ extension, mnemonics }) =>
    wrapped(mnemonics.join(' '), ' '.repeat(width), extension.padEnd(width)),
  )
  const total = entries.reduce((sum, { mnemonics }) => sum + mnemonics.length, 0)
  return `${lines.join('\n')}\n\n${total} instructions; virga isa MNEMONIC describes one\n`
}
