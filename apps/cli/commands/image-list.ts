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

/** One image as `-o json` prints it; the last three only of one that is in the cache. */
interface ImageEntry {
  readonly name: string
  readonly cached: boolean
  readonly bytes?: number
  readonly kernelRelease?: string
  readonly packages?: readonly { readonly name: string; readonly version: string; readonly sha256: string }[]
}

function entryFor(name: string, files: ImageFiles | undefined): ImageEntry {
  if (files === undefined) return { name, cached: false }
  const { kernel, initrd, kernelRelease, packages } = files
  return { name, cached: true, bytes: kernel.bytes + initrd.bytes, kernelRelease, packages }
}

async function table(images: readonly ImageEntry[]): Promise<string> {
  const { textTable } = await import('../text-table.ts')
  const rows = images.map(({ name, cached, bytes, kernelRelease, packages }) => [
    name,
    cached ? mebibytes(bytes ?? 0) : 'not pulled',
    kernelRelease ?? '',
    (packages ?? []).map((each) => `${each.name} ${each.version}`).join('\n'),
  ])
  return textTable({ head: ['image', 'size', 'kernel', 'made from'], rows })
}
