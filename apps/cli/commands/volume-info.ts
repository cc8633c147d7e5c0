/** `virga volume info`: what a volume's file says of it. */

import type { VolumeFormat, VolumeInfo } from '@virga/volume'
import type { Command } from 'commander'
import { reportFailure } from '../failure.ts'
import { mebibytes } from '../mebibytes.ts'
import { formatOption, type OutputFlags, openOptions, outputOption } from '../volume-flags.ts'

const help = `
Examples:
  virga volume info disk.qcow2
  virga volume info disk.qcow2 -o json`

/** Adds the command to its group. */
export function addVolumeInfoCommand(volume: Command): void {
  volume
    .command('info')
    .description('say what a volume is')
    .argument('<file>', 'the volume')
    .addOption(formatOption('--format <format>', 'its format (default: by its first bytes)'))
    .addOption(outputOption())
    .addHelpText('after', help)
    .action(async (file: string, { format, output }: OutputFlags & { format?: VolumeFormat }) => {
      const { inspectVolume } = await import('@virga/volume')
      const info = inspectVolume(await openOptions(file, 'read', format))
      if (!info.ok) process.exitCode = reportFailure(info.error)
      else {
        const text =
          output === 'json' ? `${JSON.stringify({ file, ...info.value })}\n` : await table(info.value)
        process.stdout.write(text)
      }
    })
}

async function table({ format, sizeBytes, fileBytes, version, clusterBytes, backing, features }: VolumeInfo) {
  const { textTable } = await import('../text-table.ts')
  const rows = [
    ['format', version === undefined ? format : `${format}, version ${version}`],
    ['size', `${mebibytes(sizeBytes)} (${sizeBytes} bytes)`],
    ['file', mebibytes(fileBytes)],
  ]
  if (clusterBytes !== undefined) rows.push(['cluster', `${clusterBytes} bytes`])
  if (backing !== undefined)
    rows.push(['backing', `${backing.path} (${backing.format ?? 'format not said'})`])
  if (features !== undefined && features.length > 0) rows.push(['features', features.join(', ')])
  return textTable({ rows })
}
