/** `virga volume check`: whether a qcow2 volume is sound, and repairing what can be repaired. */

import type { CheckReport } from '@virga/volume'
import type { Command } from 'commander'
import { exitStatus, reportFailure, say } from '../failure.ts'
import { type OutputFlags, openOptions, outputOption } from '../volume-flags.ts'

const help = `
Checks that each cluster of the file is counted as often as it is used, and that nothing is used twice. --repair mends
counts that are too high (leaks: lost space) or too low; it changes nothing of a volume that is damaged beyond that.
Its backing file is a volume of its own. Exit status: 0 sound, or repaired; 1 not.

Examples:
  virga volume check disk.qcow2
  virga volume check disk.qcow2 --repair -o json`

/** Adds the command to its group. */
export function addVolumeCheckCommand(volume: Command): void {
  volume
    .command('check')
    .description('check a qcow2 volume')
    .argument('<file>', 'the volume')
    .option('--repair', 'mend what can be mended')
    .addOption(outputOption())
    .addHelpText('after', help)
    .action(async (file: string, { repair, output }: OutputFlags & { repair?: true }) => {
      const [{ checkVolume }, { CopyBar }] = await Promise.all([
        import('@virga/volume'),
        import('../copy-bar.ts'),
      ])
      const access = repair === true ? 'write' : 'read'
      const bar = new CopyBar(process.stderr, 'checking')
      const checked = checkVolume(await openOptions(file, access), (part) => bar.show(part, 1))
      bar.end()
      if (!checked.ok) process.exitCode = reportFailure(checked.error)
      else report(file, checked.value, { isRepaired: repair === true, output })
    })
}

function report(file: string, found: CheckReport, how: OutputFlags & { isRepaired: boolean }): void {
  const { leaks, miscounted, damages, findings, clusters, usedClusters } = found
  const isRepaired = how.isRepaired && damages === 0 && leaks + miscounted > 0
  const isSound = damages === 0 && (isRepaired || leaks + miscounted === 0)
  if (how.output === 'json') process.stdout.write(`${JSON.stringify({ file, sound: isSound, ...found })}\n`)
  else {
    for (const finding of findings) process.stdout.write(`${finding}\n`)
    process.stdout.write(`${file}: ${usedClusters} of ${clusters} clusters used`)
    process.stdout.write(`, ${leaks} leaked, ${miscounted} miscounted, ${damages} damages`)
    process.stdout.write(isRepaired ? '; repaired\n' : isSound ? '; sound\n' : '\n')
  }
  if (isSound) return
  say(
    damages > 0
      ? `${file} is damaged; take another copy of it, or save what can be read with \`virga volume convert\``
      : `${file} is not sound; mend it with \`virga volume check --repair ${file}\``,
  )
  process.exitCode = exitStatus.world
}
