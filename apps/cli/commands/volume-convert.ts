/** `virga volume convert`: a copy of a disk, in another format, with all that was behind it. */

import { rename, rm } from 'node:fs/promises'
import { setImmediate as pause } from 'node:timers/promises'
import { ok, type Result, userError, worldError } from '@virga/base'
import type { VolumeFormat } from '@virga/volume'
import type { Command } from 'commander'
import { reportFailure } from '../failure.ts'
import { mebibytes } from '../mebibytes.ts'
import { formatOption, openOptions, parseSize } from '../volume-flags.ts'

interface ConvertFlags {
  readonly to: VolumeFormat
  readonly format?: VolumeFormat
  readonly cluster?: string
}

const help = `
The copy stands alone: what was in backing files is in it. Zeros take no space. It is written beside its name, and gets
the name when it is whole.

Examples:
  virga volume convert disk.qcow2 disk.img --to raw
  virga volume convert disk.img disk.qcow2 --to qcow2
  virga volume convert web.qcow2 alone.qcow2 --to qcow2      an overlay, with what it is over`

/** Adds the command to its group. */
export function addVolumeConvertCommand(volume: Command): void {
  volume
    .command('convert')
    .description('copy a volume into a new file, in the same or another format')
    .argument('<from>', 'the volume')
    .argument('<to>', 'the new file')
    .addOption(formatOption('--to <format>', 'format of the copy').makeOptionMandatory())
    .addOption(formatOption('--format <format>', 'format of the volume (default: by its first bytes)'))
    .option('--cluster <size>', 'cluster of a qcow2 copy, 512B to 2MiB (default: 64KiB)')
    .addHelpText('after', help)
    .action(async (from: string, to: string, flags: ConvertFlags) => {
      const copied = await convert(from, to, flags)
      if (!copied.ok) process.exitCode = reportFailure(copied.error)
      else {
        const { sizeBytes, writtenBytes } = copied.value
        const sizes = `${mebibytes(sizeBytes)}, ${mebibytes(writtenBytes)} of them not zero`
        process.stdout.write(`made ${to}: ${flags.to}, ${sizes}\n`)
      }
    })
}

type Copied = Promise<Result<{ sizeBytes: number; writtenBytes: number }>>

async function convert(from: string, to: string, flags: ConvertFlags): Copied {
  const cluster = parseSize('--cluster', flags.cluster)
  if (!cluster.ok) return cluster
  const { existsSync } = await import('node:fs')
  if (existsSync(to)) return userError(`${to} is there already; remove it, or choose another name`)
  const partial = `${to}.part`
  await rm(partial, { force: true })
  const copied = await copy(from, partial, flags, cluster.value)
  if (!copied.ok) {
    await rm(partial, { force: true })
    return copied
  }
  try {
    await rename(partial, to)
  } catch (cause) {
    return worldError(`cannot write ${to}; the copy is ${partial}`, cause)
  }
  return ok(copied.value)
}

async function copy(from: string, to: string, flags: ConvertFlags, clusterBytes: number | undefined): Copied {
  const { copyVolume } = await import('@virga/volume')
  const { createDiskFile } = await import('../adapters/disk-file.ts')
  const source = await openOptions(from, 'read', flags.format)
  const target = { ...source, path: to, format: flags.to, createFile: createDiskFile, clusterBytes }
  const { CopyBar } = await import('../copy-bar.ts')
  const bar = new CopyBar(process.stderr, 'copying')
  const steps = copyVolume(source, target)
  try {
    for (;;) {
      const step = steps.next()
      if (step.done === true) return step.value
      bar.show(step.value.doneBytes, step.value.totalBytes)
      // Signals, and whoever else waits, get their turn.
      await pause()
    }
  } finally {
    bar.end()
  }
}
