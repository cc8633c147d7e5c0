/** The images there can be, and those that are in the store: pull, build, list, remove. */

import { ok, type Result, userError } from '@virga/base'
import { objectPath } from '../transfer/download.ts'
import type { Network } from '../transfer/network.ts'
import type { Store } from '../transfer/store.ts'
import { type ImageFiles, imageFolder, type Manifest, readManifest } from './manifest.ts'
import type { PullEvent } from './pull-event.ts'
import { microRecipeVersion, packagesRecipeVersion, serverPackages } from './recipe.ts'

/** The images that can be pulled, and what they have besides micro; all others are built first. */
const knownPackages: ReadonlyMap<string, readonly string[] | undefined> = new Map([
  ['micro', undefined],
  ['server', serverPackages],
])

/** Names of the images that can be pulled. */
export const knownImages: readonly string[] = [...knownPackages.keys()]

/** A name that `parseImageName` accepts, whether there is such an image or not. */
export type ImageName = string

/** What to pull or build, from where, and by what means. */
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

/** What to build: an image called `name` of micro, these packages, and what they need. */
export interface BuildOptions extends PullOptions {
  readonly packages: readonly string[]
}

/** Whether an image can have this name: it is a folder's in the store and the guest's own. */
export function parseImageName(name: string): Result<ImageName> {
  return /^[a-z0-9]([a-z0-9-]{0,61}[a-z0-9])?$/.test(name)
    ? ok(name)
    : userError(`there is no image ${name}; names are 1 to 63 of a-z, 0-9 and -, with no - at either end`)
}

/**
 * Reads a list of packages such as `openssl,xz-utils`: each name once, in order. Names of Debian packages only:
 * no versions, no architectures. @spec debian-policy "Package"
 */
export function parsePackageNames(list: string): Result<string[]> {
  const names = list
    .split(',')
    .map((name) => name.trim())
    .filter((name) => name !== '')
  const wrong = names.find((name) => !/^[a-z0-9][a-z0-9+.-]+$/.test(name))
  if (wrong !== undefined) return userError(`'${wrong}' is no name of a Debian package`)
  if (names.length === 0) return userError('no package is named; give names such as openssl,xz-utils')
  return ok([...new Set(names)])
}

/**
 * The image `name`, built now when the store does not have it as this version builds it: a known one, or one that
 * was built before. When the store has it, nothing is fetched, verified or loaded for that, and no network is
 * needed.
 */
export async function pullImage(options: PullOptions): Promise<Result<ImageFiles>> {
  const there = await readManifest(options.store, options.name)
  if (there !== undefined && isCurrent(there)) return ok(there)
  if (isKnown(options.name)) return await buildUnlessThere(options, knownPackages.get(options.name))
  if (there?.requested === undefined) return await noSuchImage(options)
  return await buildUnlessThere(options, there.requested)
}

/** The image of `options.packages`, built now unless the store has one of that name and of these packages. */
export async function buildPackageImage(options: BuildOptions): Promise<Result<ImageFiles>> {
  const { name, packages } = options
  if (isKnown(name)) return userError(`${name} is an image that is pulled; give the new image another name`)
  return await buildUnlessThere(options, packages)
}

async function buildUnlessThere(
  options: PullOptions,
  requested: readonly string[] | undefined,
): Promise<Result<ImageFiles>> {
  const { name, store, progress } = options
  const found = async (): Promise<ImageFiles | undefined> => {
    const image = await findImage(store, name)
    return image?.requested?.join() === requested?.join() ? image : undefined
  }
  const there = await found()
  if (there !== undefined) return ok(there)
  return await store.exclusively(
    storeKey,
    () => progress({ kind: 'waiting' }),
    async () => {
      const builtMeanwhile = await found()
      if (builtMeanwhile !== undefined) return ok(builtMeanwhile)
      // Loaded only here: what verifies and unpacks takes longer to load than a machine takes to start.
      const { buildImage } = await import('./build-image.ts')
      return await buildImage(options, requested)
    },
  )
}

function isKnown(name: string): boolean {
  return knownPackages.has(name)
}

async function noSuchImage({ store, name }: Pick<PullOptions, 'store' | 'name'>): Promise<Result<never>> {
  const built = (await listImages(store)).map((image) => image.name)
  const names = [...new Set([...knownImages, ...built])]
  return userError(`there is no image ${name}; there is ${names.join(', ')} (virga image build makes others)`)
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
      if (!isThere && !isKnown(name)) return await noSuchImage({ store, name })
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
  return manifest !== undefined && isCurrent(manifest) ? manifest : undefined
}

function isCurrent({
  name,
  recipeVersion,
  requested,
  packagesRecipeVersion: packagesVersion,
}: Manifest): boolean {
  if (recipeVersion !== microRecipeVersion) return false
  if (isKnown(name) && knownPackages.get(name)?.join() !== requested?.join()) return false
  return requested === undefined || packagesVersion === packagesRecipeVersion
}
