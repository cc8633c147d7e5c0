/** `virga image pull`: fetches, verifies and builds an image into the cache. */

import type { Command } from 'commander'
import { reportFailure } from '../failure.ts'

const help = `
The packages come from the Debian mirror in VIRGA_DEBIAN_MIRROR, or else from the one that this machine's apt uses,
are checked against Debian's signature, and are kept in XDG_CACHE_HOME/virga (~/.cache/virga). A pull that broke off
goes on where it was. VIRGA_STALL_SECONDS is how long the mirror may be silent (default 30).`

/** Adds the command to its group. */
export function addImagePullCommand(image: Command): void {
  image
    .command('pull')
    .description('fetch an image into the cache, unless it is there')
    .argument('[name]', 'image', 'micro')
    .addHelpText('after', help)
    .action(async (name: string) => {
      const [{ parseImageName }, { pull }] = await Promise.all([
        import('@virga/guest'),
        import('../image-store.ts'),
      ])
      const known = parseImageName(name)
      const pulled = known.ok ? await pull(known.value) : known
      if (pulled.ok)
        process.stdout.write(`image ${name} is in the cache (kernel ${pulled.value.kernelRelease})\n`)
      else process.exitCode = reportFailure(pulled.error)
    })
}
