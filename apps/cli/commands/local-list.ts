/** `virga local list`: the machines of this computer. */

import { ok, type Result } from '@virga/base'
import type { HostClient, MachineStatus } from '@virga/host'
import type { Command } from 'commander'
import { say } from '../failure.ts'
import { withHost } from '../local-host.ts'
import { mebibytes } from '../mebibytes.ts'
import { type OutputFlags, outputOption } from '../volume-flags.ts'

const help = `
Examples:
  virga local list
  virga local list -o json`

/** Adds the command to its group. */
export function addLocalListCommand(local: Command): void {
  local
    .command('list')
    .description('list the machines of this computer')
    .addOption(outputOption())
    .addHelpText('after', help)
    .action(async ({ output }: OutputFlags) => {
      await withHost((host) => list(host, output))
    })
}

async function list(host: HostClient, output: OutputFlags['output']): Promise<Result<string>> {
  const answer = await host.machines()
  if (!answer.ok) return answer
  for (const fault of answer.value.faults) say(fault)
  const { machines } = answer.value
  if (output === 'json') return ok(`${JSON.stringify(machines)}\n`)
  if (machines.length === 0) return ok('there is no machine; make one with `virga local start NAME`\n')
  const { textTable } = await import('../text-table.ts')
  return ok(
    textTable({
      head: ['machine', 'state', 'harts', 'memory', 'boots', 'note'],
      rows: machines.map(rowOf),
    }),
  )
}

function rowOf({ record, state, note, use }: MachineStatus): string[] {
  const { name, cpus, memoryBytes, boot } = record
  const memory = use === undefined ? '' : `${mebibytes(use.memoryBytes)} of `
  const boots = 'image' in boot ? boot.image : boot.kernel
  return [name, state, String(cpus), `${memory}${mebibytes(memoryBytes)}`, boots, note ?? '']
}
