/** `virga local log`: what the host's process has had to say. */

import { createReadStream } from 'node:fs'
import { pipeline } from 'node:stream/promises'
import { ok, type Result, worldError } from '@virga/base'
import type { Command } from 'commander'
import { reportFailure } from '../failure.ts'

const help = `
Example:
  virga local log | tail`

/** Adds the command to its group. */
export function addLocalLogCommand(local: Command): void {
  local
    .command('log')
    .description("print the log of the host's process")
    .addHelpText('after', help)
    .action(async () => {
      const printed = await printLog()
      if (!printed.ok) process.exitCode = reportFailure(printed.error)
    })
}

async function printLog(): Promise<Result<void>> {
  const { hostFolders } = await import('@virga/host')
  const folders = hostFolders(process.env)
  if (!folders.ok) return folders
  const { log } = folders.value
  try {
    await pipeline(createReadStream(log), process.stdout, { end: false })
    return ok(undefined)
  } catch (cause) {
    const code = cause instanceof Error && 'code' in cause ? cause.code : cause
    // There is none before the first host.
    if (code === 'ENOENT') return ok(undefined)
    return worldError(`cannot read ${log} (${code}); check its permissions`, cause)
  }
}
