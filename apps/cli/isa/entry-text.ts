/** One instruction for people: its encoding drawn with its bits, its syntax and meaning, its classes. */

import type { BitField, InstructionDescription, Row } from '@virga/riscv'
import { wrapped } from '../wrapped.ts'
import { csrs } from './theorem-text.ts'

/** The entry, ended by a newline. */
export function entryText(entry: InstructionDescription): string {
  const { mnemonic, extension, bytes, assembly, doc, spec, expandsTo } = entry
  const facts: readonly (readonly [string, string])[] = [
    ['syntax', assembly],
    ['meaning', expandsTo === undefined ? doc : `that of ${expandsTo}: ${doc}`],
    ['specified', spec],
    ...entry.classes.flatMap((row) => classFacts(row)),
  ]
  return [
    `${mnemonic}: ${bytes * 8}-bit instruction of extension ${extension}`,
    '',
    encodingPicture(entry.fields),
    '',
    ...facts.map(([name, text]) => wrapped(text, ' '.repeat(12), name.padEnd(12))),
    '',
  ].join('\n')
}

/** A box a field, the numbers of its highest and lowest bit above it. */
export function encodingPicture(fields: readonly BitField[]): string {
  const boxes = fields.map(({ hi, lo, text }) => {
    const [high, low] = [String(hi), hi === lo ? '' : String(lo)]
    const width = Math.max(text.length, high.length + low.length + (low === '' ? 0 : 1))
    const left = Math.floor((width - text.length) / 2)
    return {
      bits: `${high.padEnd(width - low.length)}${low}`,
      text: `${' '.repeat(left)}${text}`.padEnd(width),
      line: '─'.repeat(width),
    }
  })
  return [
    `  ${boxes.map(({ bits }) => bits).join(' ')}`,
    ` ┌${boxes.map(({ line }) => line).join('┬')}┐`,
    ` │${boxes.map(({ text }) => text).join('│')}│`,
    ` └${boxes.map(({ line }) => line).join('┴')}┘`,
  ].join('\n')
}

function classFacts(row: Row): [string, string][] {
  const { subject, traps, changes, dependsOn } = row
  const kind = subject.slice(row.mnemonic.length).trim()
  const where = kind === '' ? '' : `${csrs(kind)}: `
  const why = [
    ...(changes.length === 0 ? [] : [`changes ${changes.join(', ')}`]),
    ...(dependsOn.length === 0 ? [] : [`its result depends on ${dependsOn.join(', ')}`]),
  ]
  const habits = Object.entries(traps)
    .filter(([, habit]) => habit !== 'none')
    .map(([mode, habit]) => `${mode} ${habit}`)
  return [
    ['class', `${where}${classesOf(row)}${why.length === 0 ? '' : ` (${why.join('; ')})`}`],
    ['traps', habits.join(', ')],
  ]
}

/** Popek and Goldberg's names for what the row is. */
export function classesOf({ privileged, controlSensitive, behaviourSensitive }: Row): string {
  const names = [
    ...(privileged ? ['privileged'] : []),
    ...(controlSensitive ? ['control sensitive'] : []),
    ...(behaviourSensitive ? ['behaviour sensitive'] : []),
  ]
  return names.length === 0 ? 'innocuous' : names.join(', ')
}
