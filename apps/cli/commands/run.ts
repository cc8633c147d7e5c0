/** `virga run`: one machine on this terminal. */

import { availableParallelism } from 'node:os'
import { setFlagsFromString } from 'node:v8'
import { type Command, Option } from 'commander'
import { engineNames } from '../engine-names.ts'
import { reportFailure } from '../failure.ts'
import { PcpuThreads } from '../pcpu-threads.ts'
import { type RunFlags, readSettings } from '../run-settings.ts'

const examples = `
Examples:
  virga run                                   a shell on Debian's kernel
  virga run --cpus 2 --memory 1GiB            two harts and more memory
  virga run --exec 'uname -a; exit 7'         runs one command and exits with its status (7)
  virga run --kernel Image --initrd root.cpio --append 'console=ttyS0 debug'
  virga run --disk data.qcow2                 with a disk, /dev/vda; see virga volume
  virga run --bare program.elf                a program in M-mode; its HTIF result is the exit status
  virga run --exec true --stats json          what the machine did, as JSON on stderr
  virga run --engine lockstep --exec true     looks for the first thing that compiled code does wrong
  perf record -e cpu-clock virga run --exec 'gzip -9 < /bin/busybox | wc -c' --perf-map

Keys: Ctrl-A x leaves, Ctrl-A h helps, all others are the guest's.
Input from a pipe or file is typed in; when it has ended, the machine is ended as soon as it has been silent and
idle for 2 seconds. With --exec only a terminal is connected to the guest, a pipe is not read.
The image is pulled when it is not in the cache. Exit status: the guest's, or 124 after --timeout; with --engine
lockstep 1 and a report when the engines came apart.`

/** Adds the command to the program. */
export function addRunCommand(program: Command): void {
  program
    .command('run')
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
      new Option('--engine <name>', 'how guest code runs (lockstep: both engines, compared)')
        .choices(engineNames)
        .default('jit'),
    )
    .option('--disk <file>', 'a disk, FILE[,readonly][,format=raw|qcow2]; again for more', collect)
    .option('--no-rng', 'leave out the source of random numbers')
    .addOption(
      new Option('--interrupts <kind>', 'how devices interrupt: messages (aia) or wires (plic)').choices([
        'aia',
        'plic',
      ]),
    )
    .addOption(
      new Option('--stats <format>', 'print statistics to stderr at the end').choices(['text', 'json']),
    )
    .option('--timeout <duration>', 'end the machine after this time, with status 124')
    .option('--perf-map', 'name guest functions for Linux perf (/tmp/perf-PID.map) and --cpu-prof')
    .option('--no-code-cache', 'compile all code anew, and keep none of it on disk')
    .addHelpText('after', examples)
    .action(async (flags: RunFlags) => {
      process.exitCode = await run(flags)
    })
}

/** Flags that may be given more than once. */
function collect(value: string, before: readonly string[] = []): string[] {
  return [...before, value]
}

async function run(flags: RunFlags): Promise<number> {
  const settings = readSettings(flags)
  if (!settings.ok) return reportFailure(settings.error)
  const threadCount = Math.max(1, Math.min(availableParallelism(), settings.value.cpus))
  // A thread looks at this flag once, when it begins.
  if (flags.perfMap) setFlagsFromString('--perf-basic-prof')
  const threads = new PcpuThreads(threadCount)
  const { openBoot } = await import('../boot-files.ts')
  const boot = await openBoot(flags, settings.value.memoryBytes, flags.perfMap)
  if (!boot.ok) return reportFailure(boot.error)
  // While the threads begin, this thread loads the rest of the program.
  const { runMachine } = await import('../machine-run.ts')
  return await runMachine({ flags, settings: settings.value, threads, boot: boot.value })
}
