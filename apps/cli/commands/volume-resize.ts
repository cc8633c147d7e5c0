/** `virga volume resize`: another size for a disk. */

import { ok, type Result } from '@virga/base'
import type { VolumeFormat } from '@virga/volume'
import type { Command } from 'commander'
import { reportFailure } from '../failure.ts'
import { mebibytes } from '../mebibytes.ts'
import { parseBytes } from '../units.ts'
import { formatOption, openOptions } from '../volume-flags.ts'

interface ResizeFlags {
  readonly shrink?: true
  readonly format?: VolumeFormat
}

const help = `
What comes to a larger disk reads as zeros. A smaller size loses what lies behind it, so it has to be allowed: make the
file system in it smaller first. Resize no volume that a machine is using.

Examples:
  virga volume resize disk.qcow2 20GiB
  virga volume resize disk.qcow2 5GiB --shrink`

/** Adds the command to its group. */
export function addVolumeResizeCommand(volume: Command): void {
  volume
    .command('resize')
    .description('change the size of a volume')
    .argument('<file>', 'the volume')
    .argument('<size>', 'its new size')
    .option('--shrink', 'allow a smaller size, which loses data')
    .addOption(formatOption('--format <format>', 'its format (default: by its first bytes)'))
    .addHelpText('after', help)
    .action(async (file: string, size: string, flags: ResizeFlags) => {
      const resized = await resize(file, size, flags)
      if (resized.ok) process.stdout.write(`${file} has ${mebibytes(resized.value)} now\n`)
      else process.exitCode = reportFailure(resized.error)
    })
}

async function resize(file: string, text: string, { shrink, format }: ResizeFlags): Promise<Result<number>> {
  const size = parseBytes('SIZE', text, 'space')
  if (!size.ok) return size
  const { resizeVolume } = await import('@virga/volume')
  const options = await openOptions(file, 'write', format)
  const resized = resizeVolume(options, size.value, shrink === true ? 'shrink' : 'grow')
  return resized.ok ? ok(size.value) : resized
}
