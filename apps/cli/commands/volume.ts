/** `virga volume`: disks as files. One command a file. */

import type { Command } from 'commander'
import { addVolumeCheckCommand } from './volume-check.ts'
import { addVolumeConvertCommand } from './volume-convert.ts'
import { addVolumeCreateCommand } from './volume-create.ts'
import { addVolumeInfoCommand } from './volume-info.ts'
import { addVolumeResizeCommand } from './volume-resize.ts'

/** Adds the group of commands to the program. */
export function addVolumeCommands(program: Command): void {
  const volume = program
    .command('volume')
    .description('make, resize, check and convert disks that are files: qcow2 and raw')
  addVolumeCreateCommand(volume)
  addVolumeInfoCommand(volume)
  addVolumeResizeCommand(volume)
  addVolumeCheckCommand(volume)
  addVolumeConvertCommand(volume)
}
