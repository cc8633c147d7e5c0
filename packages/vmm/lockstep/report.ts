/** What is told of the first difference: where it was, what differs, and what code ran. */

import { floatNames, integerNames } from '@virga/riscv'
import type { FieldDifference } from './hart-state.ts'
import type { HostMismatch } from './host-recording.ts'
import type { MemoryDifference } from './memory-twins.ts'
import { type Path, pathText } from './path-text.ts'

/** The slice in which two engines came apart, or after which it was noticed. */
export interface Divergence {
  /** instructions retired before the slice */
  readonly retired: bigint
  /** instructions of the slice, and how many of them compiled code ran */
  readonly length: number
  readonly compiledLength: number
  readonly privilege: number
  /** reasons for which the two left the slice (hartExit); undefined: the interpreter was not let finish it */
  readonly exits: readonly [compiled: number, interpreter: number | undefined]
  readonly fields: readonly FieldDifference[]
  readonly host: HostMismatch | undefined
  readonly memory: MemoryDifference | undefined
  /** found when all memory was compared: it may have happened in any of the last so many instructions */
  readonly memoryAge: bigint | undefined
  readonly pcs: readonly bigint[]
  readonly halfword: Path['halfword']
}

type Row = readonly [what: string, compiled: string, interpreter: string]

const exitNames = ['the slice ended', 'WFI', 'SBI call']
const privilegeNames = ['U-mode', 'S-mode', 'reserved', 'M-mode']
const hex = (value: bigint, digits = 16) => `0x${value.toString(16).padStart(digits, '0')}`

/** The report, lines ended by newlines. */
export function reportText(divergence: Divergence): string {
  const { retired, length, compiledLength, privilege, pcs, halfword, fields, memoryAge } = divergence
  const wrong = new Set(fields.map(registerName))
  const shown = pcs.length < length ? `, ${pcs.length} traced` : ''
  const lines = [
    'lockstep: compiled code and the interpreter came apart',
    '',
    `  after    ${retired.toLocaleString('en')} instructions`,
    `  in       a slice of ${length} instructions, ${compiledLength} of them in compiled code${shown}`,
    ...(pcs.length === 0 ? [] : [`  from     ${hex(pcs[0] ?? 0n)} in ${privilegeNames[privilege]}`]),
    ...(memoryAge === undefined
      ? []
      : [
          `  noticed  when all memory was compared: up to ${memoryAge.toLocaleString('en')} instructions late`,
        ]),
    '',
    ...table([['', 'compiled code', 'interpreter'], ...rowsOf(divergence)]),
    '',
    `what ran, oldest first${wrong.size > 0 ? ' (◄ the last write of a register that differs)' : ''}:`,
    '',
    ...pathText({ pcs, halfword, wrong }),
  ]
  return `${lines.join('\n')}\n`
}

function rowsOf({ exits, host, memory, fields }: Divergence): Row[] {
  const rows: Row[] = []
  const [compiled, interpreter] = exits
  if (interpreter !== undefined && compiled !== interpreter) {
    rows.push(['left by', exitNames[compiled] ?? '', exitNames[interpreter] ?? ''])
  }
  if (host !== undefined) rows.push(['asked', host.compiled ?? 'nothing', host.interpreter ?? 'nothing'])
  if (memory !== undefined) {
    rows.push([`memory ${hex(BigInt(memory.gpa), 8)}`, hex(memory.first), hex(memory.second)])
  }
  for (const field of fields) rows.push([registerName(field), hex(field.first), hex(field.second)])
  return rows
}

const arrays: Readonly<Record<string, (index: number) => string>> = {
  x: (index) => integerNames[index] ?? `x${index}`,
  f: (index) => floatNames[index] ?? `f${index}`,
  pmpcfg: (index) => `pmpcfg${index * 2}`,
  pmpaddr: (index) => `pmpaddr${index}`,
  mhpmcounter: (index) => `mhpmcounter${index}`,
  mhpmevent: (index) => `mhpmevent${index}`,
}

function registerName({ field, index }: FieldDifference): string {
  return arrays[field]?.(index) ?? field
}

function table(rows: readonly Row[]): string[] {
  const widths = [0, 1].map((column) => Math.max(...rows.map((row) => (row[column] ?? '').length)))
  return rows.map(([what, compiled, interpreter]) =>
    `  ${what.padEnd(widths[0] ?? 0)}  ${compiled.padEnd(widths[1] ?? 0)}  ${interpreter}`.trimEnd(),
  )
}
