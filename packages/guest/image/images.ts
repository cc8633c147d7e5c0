/** The images there can be, and those that are in the store: pull, list, remove. */

import { ok, type Result, userError } from '@virga/base'
import { objectPath } from '../transfer/download.ts'
import type { Network } from '../transfer/network.ts'
import type { Store } from '../transfer/store.ts'
import { type ImageFiles, imageFolder, readManifest } from './manifest.ts'
import type { PullEvent } from './pull-event.ts'
import { microRecipeVersion } from './recipe.ts'

/** Names of the images that can be pulled. */
export const knownImages = ['micro'] as const
export type ImageName = (typeof knownImages)[number]

/** What to pull, from where, and by what means. */
export interface PullOptions {
  readonly name: ImageName
  /** Root of a Debian archive, such as one with a `dists` folder in it; asked for only when it is needed. */
  readonly mirror: () => Promise<Result<string>>
  readonly store: Store
  readonly network: Network
  readonly progress: (event: PullEvent) => void
  /** Armored keys to believe instead of Debian's, for an archive of one's own. */
  readonly keys?: readonly string[]
}

/** Whether `name` can be pulled; the error lists what can. */
export function parseImageName(name: string): Result<ImageName> {
  const known = knownImages.find((each) => each === name)
  return known === undefined
    ? userError(`there is no image ${name}; there is ${knownImages.join(', ')}`)
    : ok(known)
}

/**
 * The image `name`, built now when the store does not have it. When it does, nothing is fetched, verified or
 * loaded for that, and no network is needed.
 */
export async function pullImage(options: PullOptions): Promise<Result<ImageFiles>> {
  const { name, store, progress } = options
  const there = await findImage(store, name)
  if (there !== undefined) return ok(there)
  return await store.exclusively(
    storeKey,
    () => progress({ kind: 'waiting' }),
    async () => {
      const builtMeanwhile = await findImage(store, name)
      if (builtMeanwhile !== undefined) return ok(builtMeanwhile)
      // Loaded only here: what verifies and unpacks takes longer to load than a machine takes to start.
      const { buildImage } = await import('./build-image.ts')
      return await buildImage(options)
    },
  )
}

/** The images in the store. */
export async function listImages(store: Store): Promise<ImageFiles[]> {
  const manifests = await Promise.all((await store.list('images')).map((name) => readManifest(store, name)))
  return manifests.filter((manifest) => manifest !== undefined)
}

/**
 * Removes an image, and all fetched files that no other image was made from; the value says whether there was
 * such an image.
 */
export async function removeImage(store: Store, name: ImageName): Promise<Result<boolean>> {
  return await store.exclusively(
    storeKey,
    () => undefined,
    async () => {
      const isThere = (await store.list('images')).includes(name)
      const others = (await listImages(store)).filter((image) => image.name !== name)
      const kept = new Set(others.flatMap(({ packages }) => packages.map(({ sha256 }) => objectPath(sha256))))
      const fetched = (await store.list('objects')).map((file) => objectPath(file))
      for (const path of [imageFolder(name), ...fetched.filter((path) => !kept.has(path))]) {
        const removed = await store.remove(path)
        if (!removed.ok) return removed
      }
      return ok(isThere)
    },
  )
}

/** One key for all: what is fetched for one image can serve, or be cleared away with, another. */
const storeKey = 'images'

/** The image `name` if the store has it as this version builds it: what `pullImage` would give without pulling. */
export async function findImage(store: Store, name: ImageName): Promise<ImageFiles | undefined> {
  const manifest = await readManifest(store, name)
  return manifest?.recipeVersion === microRecipeVersion ? manifest : undefined
}
