/** `virga image`: the images that machines boot from. One command a file. */

import type { Command } from 'commander'
import { addImageBuildCommand } from './image-build.ts'
import { addImageListCommand } from './image-list.ts'
import { addImagePullCommand } from './image-pull.ts'
import { addImageRmCommand } from './image-rm.ts'

/** Adds the group of commands to the program. */
export function addImageCommands(program: Command): void {
  const image = program
    .command('image')
    .description('list, pull, build and remove the images that machines boot from')
  addImageListCommand(image)
  addImagePullCommand(image)
  addImageBuildCommand(image)
  addImageRmCommand(image)
}
