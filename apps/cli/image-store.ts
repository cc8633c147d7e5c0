/** The cache of images, and pulling into it with progress on stderr. */

import { join } from 'node:path'
import { ok, type Result } from '@virga/base'
import { findImage, type ImageFiles, type ImageName, pullImage, type Store } from '@virga/guest'
import { CacheFolder, cacheRoot } from '@virga/host/cache'

/** Where images are kept on this machine. */
export function imageStore(): Store {
  return new CacheFolder(cacheRoot(process.env))
}

/** An image of the cache, and where its files are. */
export interface CachedImage extends ImageFiles {
  readonly kernelPath: string
  readonly initrdPath: string
}

/** The image `name`, pulled if it is not there. When it is, nothing is printed and no network is used. */
export async function pull(name: ImageName): Promise<Result<CachedImage>> {
  const root = cacheRoot(process.env)
  const store = new CacheFolder(root)
  const there = await findImage(store, name)
  const image = there === undefined ? await pullAnew(name, store) : ok(there)
  if (!image.ok) return image
  const { kernel, initrd } = image.value
  return ok({ ...image.value, kernelPath: join(root, kernel.path), initrdPath: join(root, initrd.path) })
}

async function pullAnew(name: ImageName, store: Store): Promise<Result<ImageFiles>> {
  // Loaded only here: it takes a good part of the time in which a machine starts.
  const { fetchNetwork } = await import('./adapters/fetch-network.ts')
  const { findMirror } = await import('./adapters/mirror.ts')
  const { PullProgress } = await import('./pull-progress.ts')
  const progress = new PullProgress(process.stderr)
  try {
    return await pullImage({
      name,
      mirror: () => findMirror(process.env),
      store,
      network: fetchNetwork(process.env),
      progress: (event) => progress.show(event),
    })
  } finally {
    await progress.close()
  }
}
