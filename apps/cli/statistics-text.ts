/** Renders a machine's statistics: a table for people, one line of JSON for programs. */

import Table from 'cli-table3'
import type { SessionStatistics } from './session.ts'

export type StatisticsFormat = 'text' | 'json'

/** Text that ends with a newline. */
export function renderStatistics(statistics: SessionStatistics, format: StatisticsFormat): string {
  return format === 'json' ? `${JSON.stringify(statistics)}\n` : `${table(statistics)}\n`
}

function table(statistics: SessionStatistics): string {
  const { wallMs, guestMs, instructions, idleMs, tlbMisses, slatFaults, memory, mmio, decoded, fences } =
    statistics
  const busyMs = Math.max(1, wallMs * statistics.harts.length - idleMs)
  const rows: [string, string][] = [
    ['start', statistics.startMs === null ? 'never' : milliseconds(statistics.startMs)],
    ['wall time', milliseconds(wallMs)],
    ['guest time', milliseconds(guestMs)],
    ['idle', milliseconds(idleMs)],
    [
      'instructions',
      `${count(instructions)} (${(instructions / busyMs / 1000).toFixed(0)} million a second while busy)`,
    ],
    ['decoded', count(decoded)],
    ...compiledRow(statistics),
    [
      'TLB misses',
      `${count(tlbMisses.read)} read, ${count(tlbMisses.write)} write, ${count(tlbMisses.fetch)} fetch`,
    ],
    ['fences', `${count(fences.sfenceVma)} sfence.vma, ${count(fences.fenceI)} fence.i`],
    ['SLAT faults', count(slatFaults)],
    ['frames', `${count(memory.framesTaken)} of ${count(memory.frames)} (4 KiB each)`],
    ['MMIO', `${count(mmio.loads)} loads, ${count(mmio.stores)} stores`],
    ['exceptions', counts(statistics.exceptions)],
    ['interrupts', counts(statistics.interrupts)],
    ['exits', counts(statistics.exits)],
    ['SBI calls', counts(statistics.sbiCalls)],
  ]
  const table = new Table({ style: { head: [], border: [] }, colWidths: [14, 64], wordWrap: true })
  table.push(...rows)
  return table.toString()
}

/** How much compiled code there was and ran; nothing without a JIT. */
function compiledRow({ compiled, instructions }: SessionStatistics): [string, string][] {
  const { regions, bytes, compileMs, entries } = compiled
  if (regions === 0) return []
  const share = ((100 * compiled.instructions) / Math.max(1, instructions)).toFixed(0)
  const made = `${count(regions)} regions, ${count(bytes)} bytes of WebAssembly, ${milliseconds(compileMs)}`
  return [['compiled', `${made}; entered ${count(entries)} times, ${share} % of the instructions`]]
}

function count(value: number): string {
  return value.toLocaleString('en-US')
}

function milliseconds(value: number): string {
  return value < 1000 ? `${value.toFixed(0)} ms` : `${(value / 1000).toFixed(2)} s`
}

function counts(values: Readonly<Record<string, number>>): string {
  const entries = Object.entries(values).filter(([, value]) => value > 0)
  return entries.length === 0 ? 'none' : entries.map(([name, value]) => `${name} ${count(value)}`).join(', ')
}
