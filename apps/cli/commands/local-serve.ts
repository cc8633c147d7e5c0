/** `virga local serve`: the host's process, here on this terminal. The other commands start it in the background. */

import type { Result } from '@virga/base'
import type { Command } from 'commander'
import { reportFailure, say } from '../failure.ts'
import { parseDurationMs } from '../units.ts'

const help = `
Ctrl-C ends it, and all machines.

Examples:
  virga local serve
  virga local serve --idle 1h`

/** Adds the command to its group. */
export function addLocalServeCommand(local: Command): void {
  local
    .command('serve')
    .description("be the host's process, which has the machines; usually it is started when it is needed")
    .option('--idle <duration>', 'end when no machine has run, and nobody was connected, for this long', '5m')
    .addHelpText('after', help)
    .action(async ({ idle }: { idle: string }) => {
      const served = await serve(idle)
      if (!served.ok) process.exitCode = reportFailure(served.error)
      else if (!served.value) say('a host runs already')
    })
}

async function serve(idle: string): Promise<Result<boolean>> {
  const idleMs = parseDurationMs('--idle', idle)
  if (!idleMs.ok) return idleMs
  const [{ serveHost }, { loadEngineModules }, { RegionCompilerThread }, { machineStarter }, { HostIo }] =
    await Promise.all([
      import('@virga/host/serve'),
      import('../engine-modules.ts'),
      import('../region-compiler.ts'),
      import('../local-machine.ts'),
      import('../host-io.ts'),
    ])
  const modules = await loadEngineModules('jit')
  if (!modules.ok) return modules
  const compiler = new RegionCompilerThread({ cached: true })
  const log = (line: string) => void process.stderr.write(`${new Date().toISOString()} ${line}\n`)
  const io = new HostIo(log)
  const served = await serveHost({
    environment: process.env,
    startMachine: machineStarter({ modules: modules.value, compiler, io }),
    networks: io,
    log,
    idleMs: idleMs.value,
  })
  await io.end()
  return served
}
