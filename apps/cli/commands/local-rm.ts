/** `virga local rm`: removes a machine. */

import { ok } from '@virga/base'
import type { Command } from 'commander'
import { withHost } from '../local-host.ts'

const help = `
Files that it had as disks stay.

Examples:
  virga local rm web
  virga local rm web --force`

/** Adds the command to its group. */
export function addLocalRmCommand(local: Command): void {
  local
    .command('rm')
    .description('remove a machine')
    .argument('<name>', 'the machine')
    .option('--force', 'end it first, if it runs')
    .addHelpText('after', help)
    .action(async (name: string, { force }: { force?: true }) => {
      await withHost(async (host) => {
        const removed = await host.remove(name, force === true)
        return removed.ok ? ok(`machine ${name} is removed\n`) : removed
      })
    })
}
