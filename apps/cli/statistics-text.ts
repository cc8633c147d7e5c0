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
    ...jitRows(statistics),
    [
      'TLB misses',
      `${count(tlbMisses.read)} read, ${count(tlbMisses.write)} write, ${count(tlbMisses.fetch)} fetch`,
    ],
    [
      'fences',
      `${count(fences.sfenceVma)} sfence.vma, of which ${count(fences.sfenceVmaOfAddress)} of an address and ${count(fences.sfenceVmaOfAsid)} of an ASID; ${count(fences.fenceI)} fence.i`,
    ],
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

/** What the tiers did, what compiling took and why compiled code came back; nothing without a JIT. */
function jitRows({ jit }: SessionStatistics): [string, string][] {
  const { tiers, regions, restored, dropped, bytes, guestInstructions, emitMs, moduleMs, entries, exits } =
    jit
  if (regions === 0) return []
  const percent = (share: number) => `${(100 * share).toFixed(1)} %`
  const each = ((1000 * emitMs) / Math.max(1, guestInstructions)).toFixed(2)
  const back = {
    'page not in the fetch TLB': exits.uncached,
    'no region there': exits.uncompiled,
    'attention or end of slice': exits.poll,
    'left to the interpreter': exits.bail,
  }
  return [
    [
      'tiers',
      `interpreter ${count(tiers.interpreter)} (${percent(1 - tiers.compiledShare)}), compiled code ${count(tiers.compiled)} (${percent(tiers.compiledShare)})`,
    ],
    [
      'regions',
      `${count(regions)}, of which ${count(restored)} restored, ${count(dropped)} dropped; ${count(guestInstructions)} instructions became ${count(bytes)} bytes of WebAssembly`,
    ],
    ['compiling', `${milliseconds(emitMs)} (${each} µs an instruction), modules ${milliseconds(moduleMs)}`],
    ['chain', `entered ${count(entries)} times; back: ${counts(back)}`],
  ]
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
