/** `virga run`: one machine on this terminal. */

import { readFile } from 'node:fs/promises'
import { ok, type Result, userError, worldError } from '@virga/base'
import { execArchive } from '@virga/guest'
import type { BareBoot, DirectBoot } from '@virga/vmm'
import { Command, Option } from 'commander'
import { loadEngineModules } from '../engine-modules.ts'
import { exitStatus, reportFailure } from '../failure.ts'
import { openImage } from '../image-files.ts'
import { runSession, type SessionEnd } from '../session.ts'
import { renderStatistics, type StatisticsFormat } from '../statistics-text.ts'
import { parseBytes, parseDurationMs } from '../units.ts'

interface RunFlags {
  readonly cpus: string
  readonly memory: string
  readonly image: string
  readonly kernel?: string
  readonly initrd?: string
  readonly append?: string
  readonly exec?: string
  readonly bare?: string
  readonly engine: 'interpreter'
  readonly stats?: StatisticsFormat
  readonly timeout?: string
}

const examples = `
Examples:
  virga run                                   a shell on Debian's kernel; Ctrl-A x leaves, Ctrl-A h helps
  virga run --cpus 2 --memory 1GiB            two harts and more memory
  virga run --exec 'uname -a; exit 7'         runs one command and exits with its status (7)
  virga run --kernel Image --initrd root.cpio --append 'console=ttyS0 debug'
  virga run --bare program.elf                a program in M-mode; its HTIF result is the exit status
  virga run --exec true --stats json          what the machine did, as JSON on stderr`

/** The command, to be added to the program. */
export function runCommand(): Command {
  return new Command('run')
    .description('run a machine on this terminal')
    .option('--cpus <n>', 'harts, 1 to 64', '1')
    .option('--memory <size>', 'memory of the machine', '512MiB')
    .option('--image <name>', 'image to boot', 'micro')
    .option('--kernel <file>', 'kernel to boot instead of the image: Image, ELF or flat S-mode program')
    .option('--initrd <file>', 'initial RAM disk for --kernel')
    .option('--append <text>', "text added to the kernel's command line (with --kernel: all of it)")
    .option('--exec <command>', 'run one shell command in the guest and exit with its status')
    .option('--bare <file>', 'start an ELF or raw program in M-mode, without SBI')
    .addOption(
      new Option('--engine <name>', 'how guest code runs').choices(['interpreter']).default('interpreter'),
    )
    .addOption(
      new Option('--stats <format>', 'print statistics to stderr at the end').choices(['text', 'json']),
    )
    .option('--timeout <duration>', 'end the machine after this time, with status 124')
    .addHelpText('after', examples)
    .action(async (flags: RunFlags) => {
      process.exitCode = await run(flags)
    })
}

async function run(flags: RunFlags): Promise<number> {
  const settings = readSettings(flags)
  if (!settings.ok) return reportFailure(settings.error)
  const [boot, modules] = await Promise.all([readBoot(flags), loadEngineModules()])
  if (!boot.ok) return reportFailure(boot.error)
  if (!modules.ok) return reportFailure(modules.error)
  for (;;) {
    const ended = await runSession({
      ...settings.value,
      boot: boot.value,
      modules: modules.value,
      typing: flags.exec === undefined || process.stdin.isTTY === true,
    })
    if (!ended.ok) return reportFailure(ended.error)
    const { end, statistics } = ended.value
    if (flags.stats !== undefined) process.stderr.write(renderStatistics(statistics, flags.stats))
    if (end.kind === 'reboot' && flags.exec === undefined && flags.bare === undefined) continue
    return statusOf(end, flags)
  }
}

interface Settings {
  readonly cpus: number
  readonly memoryBytes: number
  readonly timeoutMs?: number
}

function readSettings(flags: RunFlags): Result<Settings> {
  if (!/^\d+$/.test(flags.cpus))
    return userError(`--cpus takes a whole number from 1 to 64, not '${flags.cpus}'`)
  const memory = parseBytes(flags.memory)
  if (!memory.ok) return memory
  const conflict = conflictOf(flags)
  if (conflict !== undefined) return userError(conflict)
  const base = { cpus: Number(flags.cpus), memoryBytes: memory.value }
  if (flags.timeout === undefined) return ok(base)
  const timeout = parseDurationMs(flags.timeout)
  return timeout.ok ? ok({ ...base, timeoutMs: timeout.value }) : timeout
}

function conflictOf(flags: RunFlags): string | undefined {
  if (flags.bare !== undefined) {
    for (const other of ['kernel', 'initrd', 'append', 'exec'] as const) {
      if (flags[other] !== undefined) return `--bare starts a program by itself; leave out --${other}`
    }
  }
  if (flags.initrd !== undefined && flags.kernel === undefined)
    return '--initrd goes with --kernel; add --kernel FILE'
  if (flags.exec !== undefined && flags.kernel !== undefined && flags.initrd === undefined) {
    return "--exec needs Virga's init in the initial RAM disk; use it with an image, or add --initrd"
  }
  return undefined
}

async function readBoot(flags: RunFlags): Promise<Result<DirectBoot | BareBoot>> {
  if (flags.bare !== undefined) {
    const program = await readUserFile(flags.bare)
    return program.ok ? ok({ kind: 'bare', program: program.value, programName: flags.bare }) : program
  }
  const files =
    flags.kernel === undefined ? await openImage(flags.image) : await readKernel(flags.kernel, flags.initrd)
  if (!files.ok) return files
  const { kernel, kernelName, initrd } = files.value
  const parts = [initrd, flags.exec === undefined ? undefined : execArchive(flags.exec)].filter(
    (part) => part !== undefined,
  )
  return ok({
    kind: 'direct',
    kernel,
    kernelName,
    commandLine: commandLineFor(flags),
    ...(parts.length === 0 ? {} : { initrd: Buffer.concat(parts) }),
  })
}

/** The kernel's command line: the console, its size, and how a panic ends. */
function commandLineFor(flags: RunFlags): string {
  if (flags.kernel !== undefined) return flags.append ?? ''
  const { columns, rows } = process.stdout
  const terminal =
    columns === undefined
      ? []
      : [`TERM=${process.env.TERM ?? 'vt220'}`, `COLUMNS=${columns}`, `LINES=${rows}`]
  const mode = flags.exec === undefined ? [] : ['quiet', 'panic=-1']
  return ['console=ttyS0', ...mode, ...terminal, ...(flags.append === undefined ? [] : [flags.append])].join(
    ' ',
  )
}

interface KernelFiles {
  readonly kernel: Uint8Array
  readonly kernelName: string
  readonly initrd?: Uint8Array
}

async function readKernel(kernel: string, initrd: string | undefined): Promise<Result<KernelFiles>> {
  const [kernelBytes, initrdBytes] = await Promise.all([
    readUserFile(kernel),
    initrd === undefined ? undefined : readUserFile(initrd),
  ])
  if (!kernelBytes.ok) return kernelBytes
  if (initrdBytes === undefined) return ok({ kernel: kernelBytes.value, kernelName: kernel })
  return initrdBytes.ok
    ? ok({ kernel: kernelBytes.value, kernelName: kernel, initrd: initrdBytes.value })
    : initrdBytes
}

/** A file that the user named. A missing one is the user's mistake, an unreadable one the world's. */
async function readUserFile(file: string): Promise<Result<Uint8Array>> {
  try {
    return ok(await readFile(file))
  } catch (cause) {
    const { code } = cause as NodeJS.ErrnoException
    if (code === 'ENOENT') return userError(`there is no file ${file}; check the path`, cause)
    if (code === 'EISDIR') return userError(`${file} is a folder; name a file`, cause)
    return worldError(`cannot read ${file} (${code ?? 'unknown error'}); check its permissions`, cause)
  }
}

function statusOf(end: SessionEnd['end'], flags: RunFlags): number {
  switch (end.kind) {
    case 'power-off':
      return end.status
    case 'stopped':
      return 0
    case 'timeout':
      process.stderr.write(`virga: the machine ran into --timeout ${flags.timeout} and was ended\n`)
      return exitStatus.timeout
    case 'reboot':
      return reportFailure({
        fault: 'world',
        message: 'the guest restarted before it was done (a kernel panic? try --append loglevel=7)',
      })
    case 'failed':
      return reportFailure({ fault: 'world', message: end.message })
  }
}
