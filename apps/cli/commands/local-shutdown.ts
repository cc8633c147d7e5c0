/** `virga local shutdown`: ends the host's process, and all machines. */

import { ok, type Result } from '@virga/base'
import type { Command } from 'commander'
import { reportFailure } from '../failure.ts'

const help = `
What was made stays: the next command of \`virga local\` starts the process again, with its machines off.

Example:
  virga local shutdown`

/** Adds the command to its group. */
export function addLocalShutdownCommand(local: Command): void {
  local
    .command('shutdown')
    .description("end all machines, and the host's process")
    .addHelpText('after', help)
    .action(async () => {
      const done = await shutdown()
      if (done.ok) process.stdout.write(done.value)
      else process.exitCode = reportFailure(done.error)
    })
}

/** Also ends a host of another version, which other commands refuse to speak to. */
async function shutdown(): Promise<Result<string>> {
  const { HostClient, hostFolders } = await import('@virga/host')
  const folders = hostFolders(process.env)
  if (!folders.ok) return folders
  const host = new HostClient(folders.value.socket)
  if (!(await host.isThere())) return ok('no host runs\n')
  const asked = await host.shutdown()
  if (!asked.ok) return asked
  await host.gone()
  return ok('the host has ended\n')
}
