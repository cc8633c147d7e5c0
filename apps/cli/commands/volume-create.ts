/** `virga volume create`: a new disk, empty, over another, or with the files of an image. */

import { rm } from 'node:fs/promises'
import { ok, type Result, userError } from '@virga/base'
import type { VolumeFormat } from '@virga/volume'
import type { Command } from 'commander'
import { reportFailure } from '../failure.ts'
import { mebibytes } from '../mebibytes.ts'
import { formatOption, openOptions, parseSize } from '../volume-flags.ts'

interface CreateFlags {
  readonly size?: string
  readonly format: VolumeFormat
  readonly backing?: string
  readonly image?: string
  readonly backingFormat?: VolumeFormat
  readonly cluster?: string
}

const help = `
A qcow2 volume takes space as it is written. With --backing it begins as what that file has, which is only read from
then on and must not change; its path starts from the new file's folder, and is kept as it is given. With --image it is a
root volume: a machine is started once to put the files of that image there, and \`virga run --disk\` starts from it.

Examples:
  virga volume create disk.qcow2 --size 10GiB
  virga volume create web.qcow2 --backing debian.qcow2       an overlay, as large as what it is over
  virga volume create web.qcow2 --backing disk.img --backing-format raw --size 20GiB
  virga volume create disk.img --format raw --size 1GiB
  virga volume create root.qcow2 --image server --size 4GiB`

/** Adds the command to its group. */
export function addVolumeCreateCommand(volume: Command): void {
  volume
    .command('create')
    .description('make a new volume')
    .argument('<file>', 'the new file')
    .option('--size <size>', 'size of the disk; with --backing that of the backing file')
    .addOption(formatOption('--format <format>', 'how to keep it').default('qcow2'))
    .option('--backing <file>', 'what it is over')
    .option('--image <name>', 'make it a root volume with the files of this image (default size: 2GiB)')
    .addOption(formatOption('--backing-format <format>', 'format of the backing file (default: qcow2)'))
    .option('--cluster <size>', 'cluster of qcow2, 512B to 2MiB (default: 64KiB)')
    .addHelpText('after', help)
    .action(async (file: string, flags: CreateFlags) => {
      const made = await create(file, flags)
      if (made.ok) process.stdout.write(`made ${file}: ${flags.format}, ${mebibytes(made.value)}\n`)
      else process.exitCode = reportFailure(made.error)
    })
}

async function create(path: string, flags: CreateFlags): Promise<Result<number>> {
  const size = parseSize('--size', flags.size)
  if (!size.ok) return size
  if (flags.image !== undefined) return await createRoot(path, flags.image, flags, size.value)
  return await createFile(path, flags, size.value)
}

async function createRoot(
  path: string,
  imageName: string,
  flags: CreateFlags,
  sizeBytes: number | undefined,
): Promise<Result<number>> {
  if (flags.backing !== undefined) {
    return userError(
      'a root volume is made of an image or over another volume; leave out --image or --backing',
    )
  }
  const { fillRootVolume, rootVolumeBytesDefault, rootVolumeImage } = await import('../root-volume.ts')
  const bytes = sizeBytes ?? rootVolumeBytesDefault
  const image = await rootVolumeImage(imageName, bytes)
  if (!image.ok) return image
  const made = await createFile(path, flags, bytes)
  if (!made.ok) return made
  const filled = await fillRootVolume(image.value, `${path},format=${flags.format}`)
  if (filled.ok) return made
  await rm(path, { force: true })
  return filled
}

async function createFile(
  path: string,
  flags: CreateFlags,
  sizeBytes: number | undefined,
): Promise<Result<number>> {
  const cluster = parseSize('--cluster', flags.cluster)
  if (!cluster.ok) return cluster
  const { createVolume } = await import('@virga/volume')
  const { createDiskFile } = await import('../adapters/disk-file.ts')
  const { backing, backingFormat = 'qcow2', format } = flags
  let isBegun = false
  const made = createVolume({
    ...(await openOptions(path, 'write')),
    format,
    createFile: (file) => {
      const created = createDiskFile(file)
      isBegun = true
      return created
    },
    sizeBytes,
    clusterBytes: cluster.value,
    backing: backing === undefined ? undefined : { path: backing, format: backingFormat },
  })
  if (!made.ok && isBegun) await rm(path, { force: true })
  return made.ok ? ok(made.value.sizeBytes) : made
}
