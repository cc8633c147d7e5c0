/** `virga image list`: what can be booted, and what of it is in the cache. */

import type { ImageFiles } from '@virga/guest'
import { type Command, Option } from 'commander'
import { mebibytes } from '../mebibytes.ts'

/** Adds the command to its group. */
export function addImageListCommand(image: Command): void {
  image
    .command('list')
    .description('list the images and what of them is in the cache')
    .addOption(new Option('-o, --output <format>', 'how to print').choices(['text', 'json']).default('text'))
    .action(async ({ output }: { output: 'text' | 'json' }) => {
      const [{ knownImages, listImages }, { imageStore }] = await Promise.all([
        import('@virga/guest'),
        import('../image-store.ts'),
      ])
      const cached = await listImages(imageStore())
      const images = [...new Set([...knownImages, ...cached.map(({ name }) => name)])].map((name) =>
        entryFor(
          name,
          cached.find((each) => each.name === name),
        ),
      )
      process.stdout.write(output === 'json' ? `${JSON.stringify(images)}\n` : await table(images))
    })
}

/** One image as `-o json` prints it; the name and `cached` always, the rest of one that is in the cache. */
interface ImageEntry {
  readonly name: string
  readonly cached: boolean
  readonly bytes?: number
  readonly kernelRelease?: string
  /** the packages that it was asked to be built of, without what they need */
  readonly requested?: readonly string[]
  readonly packages?: readonly { readonly name: string; readonly version: string; readonly sha256: string }[]
}

function entryFor(name: string, files: ImageFiles | undefined): ImageEntry {
  if (files === undefined) return { name, cached: false }
  const { kernel, initrd, kernelRelease, packages, requested } = files
  const entry = { name, cached: true, bytes: kernel.bytes + initrd.bytes, kernelRelease, packages }
  return requested === undefined ? entry : { ...entry, requested }
}

/** For people: each package with its version, or, of an image built of many, what was asked for. */
function madeFrom({ packages = [], requested }: ImageEntry): string {
  if (requested === undefined) return packages.map((each) => `${each.name} ${each.version}`).join('\n')
  return [...requested, `and what they need: ${packages.length} packages`].join('\n')
}

async function table(images: readonly ImageEntry[]): Promise<string> {
  const { textTable } = await import('../text-table.ts')
  const rows = images.map((entry) => [
    entry.name,
    entry.cached ? mebibytes(entry.bytes ?? 0) : 'not pulled',
    entry.kernelRelease ?? '',
    madeFrom(entry),
  ])
  return textTable({ head: ['image', 'size', 'kernel', 'made from'], rows })
}
