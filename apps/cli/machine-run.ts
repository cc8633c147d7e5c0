/** Runs a machine as the flags of `virga run` say, again after each reboot, and says how it ended. */

import { type OpenBoot, openBoot } from './boot-files.ts'
import { loadEngineModules, makeExactModule } from './engine-modules.ts'
import { exitStatus, reportFailure, say } from './failure.ts'
import { PcpuThreads } from './pcpu-threads.ts'
import { RegionCompilerThread } from './region-compiler.ts'
import type { RunFlags, RunSettings } from './run-settings.ts'
import { runSession, type SessionOptions, type SessionOutcome } from './session.ts'

/** What to run; `threads` and `boot` are those of the first start. */
export interface MachineRun {
  readonly flags: RunFlags
  readonly settings: RunSettings
  readonly threads: PcpuThreads
  readonly boot: OpenBoot
}

/** Resolves to the exit status. */
export async function runMachine({ flags, settings, threads, boot }: MachineRun): Promise<number> {
  const modules = await loadEngineModules(flags.engine)
  if (!modules.ok) return reportFailure(modules.error)
  const compiler = flags.engine === 'interpreter' ? undefined : await startCompiler(flags, boot)
  const exactModule = flags.engine === 'lockstep' ? await makeExactModule() : undefined
  let opened = boot
  for (let starting = threads; ; starting = new PcpuThreads(threads.count)) {
    const ended = await runSession({
      ...settings,
      ...opened,
      modules: modules.value,
      threads: starting,
      compiler,
      exactModule,
      input: inputFor(flags),
    })
    if (!ended.ok) return reportFailure(ended.error)
    const { outcome, midLine, statistics, difference } = ended.value
    if (midLine && process.stdout.isTTY) process.stdout.write('\n')
    if (flags.stats !== undefined) {
      const { renderStatistics } = await import('./statistics-text.ts')
      process.stderr.write(renderStatistics(statistics, flags.stats))
    }
    if (difference !== undefined) return reportDifference(difference)
    if (outcome.kind !== 'reboot' || flags.exec !== undefined || flags.bare !== undefined) {
      return conclude(outcome, flags)
    }
    const again = await openBoot(flags, settings.memoryBytes, flags.perfMap)
    if (!again.ok) return reportFailure(again.error)
    opened = again.value
  }
}

/** Says where compiled code went wrong, and gives the exit status. */
function reportDifference(report: string): number {
  process.stderr.write(report)
  const message =
    'compiled code and the interpreter came apart, see above; this is a defect of Virga, please report it'
  return reportFailure({ fault: 'world', message })
}

/** Begins the compiler's thread. */
async function startCompiler(
  { perfMap, engine, codeCache }: RunFlags,
  { boot }: OpenBoot,
): Promise<RegionCompilerThread> {
  const cached = codeCache && engine === 'jit'
  if (!perfMap) return new RegionCompilerThread({ cached })
  const { readGuestSymbols } = await import('@virga/vmm')
  return new RegionCompilerThread({ symbols: readGuestSymbols(boot), cached })
}

function inputFor(flags: RunFlags): SessionOptions['input'] {
  if (process.stdin.isTTY) return 'terminal'
  return flags.exec === undefined ? 'pipe' : 'nothing'
}

/** Says how the machine ended, where the person cannot know, and gives the exit status. */
function conclude(outcome: SessionOutcome, flags: RunFlags): number {
  switch (outcome.kind) {
    case 'power-off':
      if (flags.exec === undefined && process.stdin.isTTY) say('the machine powered off')
      return outcome.status
    case 'left':
      say('machine ended')
      return 0
    case 'input-ended':
      say('the input ended and the machine went idle; machine ended')
      return 0
    case 'timeout':
      say(`the machine ran into --timeout ${flags.timeout} and was ended`)
      return exitStatus.timeout
    case 'reboot':
      return reportFailure({
        fault: 'world',
        message: 'the guest restarted before it was done (a kernel panic? try --append loglevel=7)',
      })
    case 'failed':
      return reportFailure({ fault: 'world', message: outcome.message })
  }
}
