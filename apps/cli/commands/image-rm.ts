/** `virga image rm`: takes an image out of the cache, with what was fetched for it alone. */

import type { Command } from 'commander'
import { reportFailure } from '../failure.ts'

/** Adds the command to its group. */
export function addImageRmCommand(image: Command): void {
  image
    .command('rm')
    .description('remove an image from the cache')
    .argument('<name>', 'image')
    .action(async (name: string) => {
      const [{ parseImageName, removeImage }, { imageStore }] = await Promise.all([
        import('@virga/guest'),
        import('../image-store.ts'),
      ])
      const known = parseImageName(name)
      const removed = known.ok ? await removeImage(imageStore(), known.value) : known
      if (!removed.ok) process.exitCode = reportFailure(removed.error)
      else
        process.stdout.write(
          removed.value ? `removed image ${name}\n` : `image ${name} was not in the cache\n`,
        )
    })
}
