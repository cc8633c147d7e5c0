/** Popek and Goldberg's theorem, checked on the table, for people: classes, verdicts, and what others found. */

import type { CounterExample, LiteratureEntry, Report, Row, Verdict } from '@virga/riscv'
import { textTable } from '../text-table.ts'
import { wrapped } from '../wrapped.ts'

/** The report, ended by a newline. */
export function theoremText({ rows, verdicts, literature, limits }: Report): string {
  const notable = rows.filter((row) => row.privileged || row.controlSensitive || row.behaviourSensitive)
  const paragraphs = [
    wrapped(
      'Popek and Goldberg (1974): a monitor that lets its guests run directly can be built if every sensitive ' +
        'instruction is privileged, S ⊆ P: what touches or shows the real machine must trap. Each instruction of ' +
        'the table was run in each mode:',
    ),
    wrapped(
      '● it is (P privileged, C control sensitive, B behaviour sensitive); under the modes: T traps always, t ' +
        'sometimes, · never. VU and VS are the modes of a guest with the hypervisor extension.',
    ),
    classTable(notable),
    wrapped(
      `${rows.length - notable.length} others are innocuous: they do the same in every mode, and trap in none.`,
    ),
    ...verdicts.map(verdictText),
    `What running instructions cannot show\n${limits.map((limit) => wrapped(limit, '    ', '  - ')).join('\n')}`,
    'Beside it, what others found',
    ...literature.map(literatureText),
  ]
  return `${paragraphs.join('\n\n')}\n`
}

const marks: Readonly<Record<string, string>> = { always: 'T', sometimes: 't', never: '·', none: '' }

function classTable(rows: readonly Row[]): string {
  const groups = Map.groupBy(rows, groupKey)
  const mark = (is: boolean) => (is ? '●' : '')
  const cells = [...groups.values()].map((group) => {
    const [first] = group
    if (first === undefined) throw new Error('assertion failed: a group has a row')
    const { traps } = first
    return [
      groupName(group),
      mark(first.privileged),
      mark(first.controlSensitive),
      mark(first.behaviourSensitive),
      ...[traps.U, traps.S, traps.M, traps.VU, traps.VS].map((habit) => marks[habit] ?? habit),
      touches(group),
    ]
  })
  return textTable({
    head: ['instruction', 'P', 'C', 'B', 'U', 'S', 'M', 'VU', 'VS', 'changes; depends on'],
    rows: cells,
    widths: [24, 1, 1, 1, 1, 1, 1, 2, 2, 28],
  }).trimEnd()
}

/** Rows that differ in nothing but the name share a line; of CSR instructions, those for one kind of CSR. */
function groupKey(row: Row): string {
  const kind = kindOf(row)
  const touched = kind === '' ? [row.changes, row.dependsOn] : []
  return JSON.stringify([
    kind,
    row.privileged,
    row.controlSensitive,
    row.behaviourSensitive,
    row.traps,
    touched,
  ])
}

function kindOf({ subject, mnemonic }: Row): string {
  return subject.slice(mnemonic.length).trim()
}

function groupName(group: readonly Row[]): string {
  const names = group.map(({ mnemonic }) => mnemonic).join(' ')
  const kind = group[0] === undefined ? '' : kindOf(group[0])
  return kind === '' ? names : `${names}, ${csrs(kind)}`
}

/** `supervisor CSRs`, but `user counters`. */
export function csrs(kind: string): string {
  return kind.endsWith('counters') ? kind : `${kind} CSRs`
}

function touches(group: readonly Row[]): string {
  const changes = [...new Set(group.flatMap((row) => row.changes))].sort().join(' ')
  const dependsOn = [...new Set(group.flatMap((row) => row.dependsOn))].sort().join(' ')
  return [changes, dependsOn].filter((text) => text !== '').join('; ')
}

function verdictText(verdict: Verdict): string {
  const { question, configuration, sensitive, trapping, harmless, holds, counterExamples } = verdict
  const parts = [`${trapping} always trap there`]
  if (harmless > 0) parts.push(`${harmless} touch only what is the guest's own`)
  if (!holds) parts.push(`${counterExamples.length} go through and touch what is real`)
  return [
    wrapped(`${holds ? 'S ⊆ P holds' : 'S ⊆ P is refuted'} ${question}`),
    wrapped(`with ${configuration}`, '  '),
    wrapped(`${sensitive} sensitive: ${parts.join(', ')}`, '  '),
    ...[...Map.groupBy(counterExamples, ({ why, remedy }) => `${why}\n${remedy}`).values()].map(
      counterExampleText,
    ),
  ].join('\n')
}

function counterExampleText(group: readonly CounterExample[]): string {
  const [first] = group
  const names = group.map(({ subject }) => subject).join(', ')
  return wrapped(`${names}: ${first?.why}; remedy: ${first?.remedy}`, '    ', '  - ')
}

function literatureText({ architecture, conclusion, offenders, sources }: LiteratureEntry): string {
  const groups = Map.groupBy(offenders, ({ why }) => why)
  return [
    architecture,
    wrapped(conclusion, '  '),
    ...[...groups].map(([why, group]) =>
      wrapped(`${group.map(({ instruction }) => instruction).join(', ')}: ${why}`, '    ', '  - '),
    ),
    ...sources.map((source) => wrapped(`[${source}]`, '   ', '  ')),
  ].join('\n')
}
