/** The cache of images, and pulling into it with progress on stderr. */

import { join } from 'node:path'
import { ok, type Result } from '@virga/base'
import { type ImageFiles, type ImageName, pullImage, type Store } from '@virga/guest'
import { CacheFolder, cacheRoot } from './adapters/cache-folder.ts'
import { fetchNetwork } from './adapters/fetch-network.ts'
import { findMirror } from './adapters/mirror.ts'
import { PullProgress } from './pull-progress.ts'

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
  const progress = new PullProgress(process.stderr)
  const root = cacheRoot(process.env)
  try {
    const pulled = await pullImage({
      name,
      mirror: () => findMirror(process.env),
      store: imageStore(),
      network: fetchNetwork(process.env),
      progress: (event) => progress.show(event),
    })
    if (!pulled.ok) return pulled
    const { kernel, initrd } = pulled.value
    return ok({ ...pulled.value, kernelPath: join(root, kernel.path), initrdPath: join(root, initrd.path) })
  } finally {
    await progress.close()
  }
}
