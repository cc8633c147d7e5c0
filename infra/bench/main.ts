/**
 * `npm run bench [-- NAME …] [--json] [--pairs N] [--engine NAME] [--only TEXT]`: this machine beside QEMU, in
 * alternation, medians of five. `--engine` is passed on to `virga run`.
 *
 *   boot  wall time of `virga run --exec true` and of the same boot in QEMU
 *   cpu   millions of instructions a second in an integer loop on the bare machine
 *   fork  seconds that the guest takes to fork and execute /bin/true 500 times
 *   start milliseconds from the command to the first guest instruction, warm cache (no peer)
 *   idle  resident MiB of an idle 512 MiB machine at its shell (no peer)
 *   harts what two harts do of a parallel integer program, as a multiple of what one does (no peer)
 *   disk  seconds by the guest's clock for 1 GiB read and 512 MiB written in requests of 1 MiB, and 20,000 of 4 KiB
 *   ring  millions of frames a second, and Gbit/s, through the switch alone: no guest, one thread (no peer)
 *   gang  the gang scheduler: what it gives in the simulator, and microseconds of a decision (no guest, no peer)
 *   programs  Debian's programs in the image `bench`, each, and means; three turns. `--only xz --only perl` picks
 *             some by their names
 */

import { mkdtempSync, rmSync, writeFileSync } from 'node:fs'
import { cpus, tmpdir } from 'node:os'
import { join } from 'node:path'
import { parseArgs } from 'node:util'
import { measureDisk } from './disk.ts'
import { measureGang } from './gang.ts'
import { passed, qemuArguments } from './guest.ts'
import { measureHarts } from './harts.ts'
import { measureIdle } from './idle.ts'
import { integerLoop } from './integer-loop.ts'
import { type Outcome, qemu, qemuVersion, virga } from './machines.ts'
import { type Comparison, compare, median } from './measure.ts'
import { measurePrograms, type ProgramResult, programLine } from './programs.ts'
import { measureRing } from './ring.ts'

const memoryMiB = 512
/** Turns of each machine. One of all programs is many figures, and takes long. */
const [pairsUsual, programPairs] = [5, 3]
const forks = 500
/** Of the integer loop: compiled, it runs for about a second. */
const loopRounds = 400_000_000
const forkScript = `read a b < /proc/uptime
i=0; while [ $i -lt ${forks} ]; do /bin/true; i=$((i+1)); done
read c d < /proc/uptime; echo "uptime $a $c"`

interface Figure {
  readonly name: string
  readonly unit: string
  readonly value: number
}

/** What a benchmark needs: a folder for its files, how this machine is run, and where to say how far it is. */
interface Setting {
  readonly directory: string
  readonly pairs: number
  readonly progress: (line: string) => void
  /** `virga run` with the engine that is measured. */
  readonly virgaRun: (...args: readonly string[]) => Promise<Outcome>
  /** Texts of which a program's name must have one; empty: all programs. */
  readonly only: readonly string[]
}

type Measured = Comparison | Figure

const benchmarks: Readonly<
  Record<string, (setting: Setting) => Promise<Measured | readonly (Comparison | Figure | ProgramResult)[]>>
> = {
  boot: async ({ directory, pairs, progress, virgaRun }) => {
    const guest = await guestFor(directory, 'true')
    return compare(
      'boot',
      's',
      pairs,
      () => seconds(virgaRun('--exec', 'true')),
      () => seconds(qemu(...guest)),
      progress,
    )
  },
  cpu: async ({ directory, pairs, progress, virgaRun }) => {
    const { bytes, instructions } = integerLoop(loopRounds)
    const empty = integerLoop(1)
    const file = join(directory, 'loop.bin')
    const emptyFile = join(directory, 'empty.bin')
    writeFileSync(file, bytes)
    writeFileSync(emptyFile, empty.bytes)
    const mips = async (full: Promise<Outcome>, without: () => Promise<Outcome>) => {
      const ms = (await passed(full)).wallMs - (await passed(without())).wallMs
      return instructions / ms / 1000
    }
    return compare(
      'cpu',
      'MIPS',
      pairs,
      () => mips(virgaRun('--bare', file), () => virgaRun('--bare', emptyFile)),
      () =>
        mips(qemu('-m', String(memoryMiB), '-bios', file), () =>
          qemu('-m', String(memoryMiB), '-bios', emptyFile),
        ),
      progress,
    )
  },
  fork: async ({ directory, pairs, progress, virgaRun }) => {
    const guest = await guestFor(directory, forkScript)
    return compare(
      'fork',
      's',
      pairs,
      () => guestSeconds(virgaRun('--exec', forkScript)),
      () => guestSeconds(qemu(...guest)),
      progress,
    )
  },
  start: async ({ pairs, progress, virgaRun }) => {
    const samples: number[] = []
    for (let sample = 0; sample < pairs; sample++) {
      const { stderr } = await passed(virgaRun('--stats', 'json', '--exec', 'true'))
      const stats = JSON.parse(stderr.trim().split('\n').at(-1) ?? '') as { startMs: number }
      samples.push(stats.startMs)
      progress(`start ${sample + 1}/${pairs}: ${stats.startMs.toFixed(0)} ms`)
    }
    return { name: 'start', unit: 'ms', value: median(samples) }
  },
  idle: async ({ progress }) => {
    const { residentMiB, corePercent } = await measureIdle()
    progress(`idle: ${residentMiB.toFixed(0)} MiB, ${corePercent.toFixed(2)} % of a core`)
    return { name: 'idle', unit: `MiB (and ${corePercent.toFixed(2)} % of a core)`, value: residentMiB }
  },
  harts: measureHarts,
  disk: (setting) => measureDisk({ ...setting, memoryMiB }),
  ring: async ({ pairs, progress }) => measureRing(pairs, progress),
  gang: async ({ pairs, progress }) => measureGang(pairs, progress),
  programs: measurePrograms,
}

/** QEMU's arguments for the same guest that `virga run --exec command` starts. */
function guestFor(directory: string, command: string): Promise<readonly string[]> {
  return qemuArguments(directory, { image: 'micro', memoryMiB, command })
}

async function seconds(running: Promise<Outcome>): Promise<number> {
  return (await passed(running)).wallMs / 1000
}

async function guestSeconds(running: Promise<Outcome>): Promise<number> {
  const { stdout } = await passed(running)
  const [, from, to] = /uptime ([\d.]+) ([\d.]+)/.exec(stdout) ?? []
  if (from === undefined || to === undefined) throw new Error(`no uptime in: ${stdout}`)
  return Number(to) - Number(from)
}

async function main(): Promise<void> {
  const { values, positionals } = parseArgs({
    allowPositionals: true,
    options: {
      json: { type: 'boolean' },
      pairs: { type: 'string' },
      engine: { type: 'string' },
      only: { type: 'string', multiple: true, default: [] },
    },
  })
  const names =
    positionals.length === 0 || positionals.includes('all') ? Object.keys(benchmarks) : positionals
  const directory = mkdtempSync(join(tmpdir(), 'virga-bench-'))
  const engine = values.engine === undefined ? [] : ['--engine', values.engine]
  const setting = {
    directory,
    progress: (line: string) => console.error(line),
    virgaRun: (...args: readonly string[]) => virga('run', ...engine, ...args),
    only: values.only,
  }
  try {
    const results: (Measured | ProgramResult)[] = []
    for (const name of names) {
      const benchmark = benchmarks[name]
      if (benchmark === undefined)
        throw new Error(`no benchmark ${name}; there are ${Object.keys(benchmarks).join(', ')}`)
      const pairs = Number(values.pairs ?? (name === 'programs' ? programPairs : pairsUsual))
      results.push(...[await benchmark({ ...setting, pairs })].flat())
    }
    const machine = {
      engine: values.engine ?? 'as virga chooses',
      cpu: cpus()[0]?.model,
      cores: cpus().length,
      node: process.version,
      qemu: await qemuVersion(),
    }
    if (values.json)
      console.log(JSON.stringify({ date: new Date().toISOString(), machine, results }, null, 2))
    else console.log(table(results, machine))
  } finally {
    rmSync(directory, { recursive: true, force: true })
  }
}

function table(
  results: readonly (Measured | ProgramResult)[],
  machine: Readonly<Record<string, unknown>>,
): string {
  const lines = results.map((result) => {
    if ('kind' in result) return programLine(result)
    return 'ratio' in result
      ? `${result.name.padEnd(6)} virga ${result.ours.toFixed(2)} ${result.unit}, qemu ${result.peer.toFixed(2)} ${result.unit}, ratio ${result.ratio.toFixed(2)}`
      : `${result.name.padEnd(6)} virga ${result.value.toFixed(result.value < 10 ? 2 : 1)} ${result.unit}`
  })
  return [
    ...lines,
    Object.entries(machine)
      .map(([name, value]) => `${name}: ${value}`)
      .join(', '),
  ].join('\n')
}

await main()
