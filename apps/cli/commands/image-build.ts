/** `virga image build`: an image of micro and named Debian packages, in the cache. */

import type { Result } from '@virga/base'
import type { ImageFiles } from '@virga/guest'
import type { Command } from 'commander'
import { reportFailure } from '../failure.ts'
import { mebibytes } from '../mebibytes.ts'

const help = `
The image is micro with these packages of Debian and all that they need in its initial RAM disk; a real program takes
the place of busybox's of that name. No maintainer script is run. It is built again only when the packages asked for
are others. Mirror, verification and cache are as for \`virga image pull\`.

Example:
  virga image build --name bench --packages openssl,xz-utils,python3-minimal
  virga run --image bench --memory 1GiB --exec 'openssl version'
  virga image build --name web --server --packages python3-minimal
  virga volume create web.qcow2 --image web`

interface BuildFlags {
  readonly name: string
  readonly packages: string
  readonly server?: true
}

/** Adds the command to its group. */
export function addImageBuildCommand(image: Command): void {
  image
    .command('build')
    .description('build an image of micro and Debian packages into the cache')
    .requiredOption('--name <name>', 'what the image is to be called')
    .requiredOption('--packages <list>', 'names of Debian packages, separated by commas')
    .option('--server', 'and what the image server has, so that root volumes can be made of it')
    .addHelpText('after', help)
    .action(async (flags: BuildFlags) => {
      const built = await build(flags)
      if (!built.ok) process.exitCode = reportFailure(built.error)
      else process.stdout.write(summary(built.value))
    })
}

async function build(flags: BuildFlags): Promise<Result<ImageFiles>> {
  const { buildPackageImage, parseImageName, parsePackageNames, serverPackages } = await import(
    '@virga/guest'
  )
  const name = parseImageName(flags.name)
  if (!name.ok) return name
  const packages = parsePackageNames(flags.packages)
  if (!packages.ok) return packages
  const [{ imageStore }, { fetchNetwork }, { findMirror }, { PullProgress }] = await Promise.all([
    import('../image-store.ts'),
    import('../adapters/fetch-network.ts'),
    import('../adapters/mirror.ts'),
    import('../pull-progress.ts'),
  ])
  const progress = new PullProgress(process.stderr)
  try {
    return await buildPackageImage({
      name: name.value,
      packages: [...new Set([...(flags.server ? serverPackages : []), ...packages.value])],
      mirror: () => findMirror(process.env),
      store: imageStore(),
      network: fetchNetwork(process.env),
      progress: (event) => progress.show(event),
    })
  } finally {
    await progress.close()
  }
}

function summary({ name, packages, initrd, kernelRelease }: ImageFiles): string {
  const size = mebibytes(initrd.bytes)
  return `image ${name} is in the cache (${packages.length} packages, ${size}, kernel ${kernelRelease})\n`
}
