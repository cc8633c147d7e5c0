/** Tables for people: no lines but one under the head, so that they can be copied and cut. */

import Table from 'cli-table3'

/** What to print; a cell may have several lines. */
export interface TextTable {
  readonly head?: readonly string[]
  readonly rows: readonly (readonly string[])[]
  /** columns of characters for each column, words wrapped; default: as wide as its widest cell */
  readonly widths?: readonly number[]
}

const none = {
  ...{ top: '', 'top-mid': '', 'top-left': '', 'top-right': '' },
  ...{ bottom: '', 'bottom-mid': '', 'bottom-left': '', 'bottom-right': '' },
  ...{ left: '', 'left-mid': '', mid: '', 'mid-mid': '', right: '', 'right-mid': '', middle: '  ' },
}

/** The table, ended by a newline. */
export function textTable({ head, rows, widths }: TextTable): string {
  const table = new Table({
    chars: none,
    style: { head: [], border: [], 'padding-left': 0, 'padding-right': 0 },
    ...(widths === undefined ? {} : { colWidths: [...widths], wordWrap: true }),
  })
  const bars = rule(head, rows, widths)
  if (head !== undefined) table.push([...head], bars)
  table.push(...rows.map((row) => [...row]))
  return `${table
    .toString()
    .split('\n')
    .map((line) => line.trimEnd())
    .join('\n')}\n`
}

/** The line under the head. */
function rule(
  head: readonly string[] = [],
  rows: readonly (readonly string[])[],
  widths: readonly number[] | undefined,
): string[] {
  return head.map((title, column) => {
    const cells = [title, ...rows.flatMap((row) => (row[column] ?? '').split('\n'))]
    return '─'.repeat(widths?.[column] ?? Math.max(...cells.map((cell) => cell.length)))
  })
}
