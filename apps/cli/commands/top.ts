/** `virga top`: what the machines of this computer are doing. */

import { setTimeout as sleep } from 'node:timers/promises'
import { ok, type Result } from '@virga/base'
import type { HostClient } from '@virga/host'
import type { Command } from 'commander'
import { withRunningHost } from '../local-host.ts'
import { type MachineRates, ratesBetween } from '../machine-rates.ts'
import { mebibytes } from '../mebibytes.ts'
import { parseDurationMs } from '../units.ts'
import { type OutputFlags, outputOption } from '../volume-flags.ts'

interface TopFlags extends OutputFlags {
  readonly every: string
  readonly once?: true
}

const help = `
Of each machine: how busy its harts are (a bar for each), millions of instructions a second, memory that it has taken.
Ctrl-C ends it. With -o json each look is a line.

Examples:
  virga top
  virga top --once
  virga top --once -o json --every 5s`

/** Cursor to the upper left; from there to the end, nothing. */
const clearScreen = '\x1b[H\x1b[J'

/** Adds the command to the program. */
export function addTopCommand(program: Command): void {
  program
    .command('top')
    .description('show what the machines of this computer are doing')
    .option('--every <duration>', 'time between two looks', '1s')
    .option('--once', 'look once, and end')
    .addOption(outputOption())
    .addHelpText('after', help)
    .action(async (flags: TopFlags) => {
      await withRunningHost('no host runs, and so no machine\n', (host) => show(host, flags))
    })
}

async function show(host: HostClient, { every, once, output }: TopFlags): Promise<Result<string>> {
  const everyMs = parseDurationMs('--every', every)
  if (!everyMs.ok) return everyMs
  let earlier = await host.machines()
  for (;;) {
    if (!earlier.ok) return earlier
    await sleep(Math.max(100, everyMs.value))
    const later = await host.machines()
    if (!later.ok) return later
    const rates = ratesBetween(earlier.value.machines, later.value.machines)
    const text = output === 'json' ? `${JSON.stringify(rates)}\n` : await table(rates)
    if (once) return ok(text)
    process.stdout.write(process.stdout.isTTY && output === 'text' ? `${clearScreen}${text}` : text)
    earlier = later
  }
}

async function table(rates: readonly MachineRates[]): Promise<string> {
  if (rates.length === 0) return 'there is no machine\n'
  const { textTable } = await import('../text-table.ts')
  return textTable({
    head: ['machine', 'state', 'busy', 'harts', 'MIPS', 'memory'],
    rows: rates.map(rowOf),
  })
}

function rowOf({ name, state, cpus, busy, instructionsPerSecond, ...memory }: MachineRates): string[] {
  const all =
    busy === undefined ? '' : `${Math.round((100 * busy.reduce((sum, each) => sum + each, 0)) / cpus)}%`
  const mips = instructionsPerSecond === undefined ? '' : (instructionsPerSecond / 1e6).toFixed(1)
  const taken = memory.memoryBytes === undefined ? '' : `${mebibytes(memory.memoryBytes)} of `
  return [name, state, all, bars(busy, cpus), mips, `${taken}${mebibytes(memory.memoryBytesMax)}`]
}

const levels = ' ▁▂▃▄▅▆▇█'

/** How busy each hart is, as a bar of one character; dots for those of which nothing is known. */
function bars(busy: readonly number[] | undefined, cpus: number): string {
  if (busy === undefined) return '·'.repeat(cpus)
  return busy.map((part) => levels[Math.round(part * (levels.length - 1))]).join('')
}
