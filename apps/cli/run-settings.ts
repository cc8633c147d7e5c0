/** The flags of `virga run`, checked. */

import { ok, type Result, userError } from '@virga/base'
import type { InterruptArchitecture } from '@virga/vmm'
import type { BootFlags } from './boot-files.ts'
import { type DiskFlag, parseDisk } from './disk-flag.ts'
import type { EngineName } from './engine-names.ts'
import { parseBytes, parseDurationMs } from './units.ts'

/** As they are written. */
export interface RunFlags extends BootFlags {
  readonly cpus: string
  readonly memory: string
  readonly engine: EngineName
  readonly stats?: 'text' | 'json'
  readonly timeout?: string
  readonly interrupts?: InterruptArchitecture
  readonly disk?: readonly string[]
  readonly balloon?: string
  /** false with --no-rng */
  readonly rng: boolean
  readonly perfMap?: true
  /** false with --no-code-cache */
  readonly codeCache: boolean
}

/** What they mean. */
export interface RunSettings {
  readonly cpus: number
  readonly memoryBytes: number
  readonly timeoutMs?: number
  readonly disks: readonly DiskFlag[]
  readonly hasRng: boolean
  /** what the guest is asked to do without; absent: no balloon */
  readonly balloonBytes?: number
  /** absent: what suits the boot */
  readonly interrupts?: InterruptArchitecture
}

const pageBytes = 4096
/** What 32-bit WebAssembly addresses; the machine's own tables take some of it, too. */
const memoryBytesEnd = 2 ** 32

/** Reads the amounts, and refuses flags that do not go together. */
export function readSettings(flags: RunFlags): Result<RunSettings> {
  if (!/^\d+$/.test(flags.cpus))
    return userError(`--cpus takes a whole number from 1 to 64, not '${flags.cpus}'`)
  const memory = parseBytes('--memory', flags.memory)
  if (!memory.ok) return memory
  if (memory.value >= memoryBytesEnd) {
    return userError(
      `--memory ${flags.memory} is too much, a machine has less than 4 GiB; use 4000MiB or less`,
    )
  }
  const conflict = conflictOf(flags)
  if (conflict !== undefined) return userError(conflict)
  const memoryBytes = Math.floor(memory.value / pageBytes) * pageBytes
  const disks: DiskFlag[] = []
  for (const text of flags.disk ?? []) {
    const disk = parseDisk(text)
    if (!disk.ok) return disk
    disks.push(disk.value)
  }
  const { interrupts } = flags
  // A bare program finds what it asked for; lockstep repeats instructions, which must not meet another thread's writes.
  const hasRng = flags.rng && flags.bare === undefined && flags.engine !== 'lockstep'
  const cpus = Number(flags.cpus)
  const balloon = flags.balloon === undefined ? undefined : parseBytes('--balloon', flags.balloon)
  if (balloon !== undefined && !balloon.ok) return balloon
  const settings = {
    cpus,
    memoryBytes,
    disks,
    hasRng,
    ...(balloon && { balloonBytes: balloon.value }),
    ...(interrupts && { interrupts }),
  }
  if (flags.timeout === undefined) return ok(settings)
  const timeout = parseDurationMs('--timeout', flags.timeout)
  return timeout.ok ? ok({ ...settings, timeoutMs: timeout.value }) : timeout
}

function conflictOf(flags: RunFlags): string | undefined {
  if (flags.engine === 'lockstep' && Number(flags.cpus) !== 1)
    return `--engine lockstep runs one hart, not ${flags.cpus}; leave out --cpus`
  if (flags.engine === 'lockstep' && flags.interrupts === 'aia')
    return '--engine lockstep runs with --interrupts plic; leave out --interrupts aia'
  if (flags.engine === 'lockstep' && flags.disk !== undefined)
    return '--engine lockstep runs without disks, which write to memory at any time; leave out --disk'
  if (flags.engine === 'lockstep' && flags.balloon !== undefined)
    return '--engine lockstep runs without a balloon, which takes memory at any time; leave out --balloon'
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
