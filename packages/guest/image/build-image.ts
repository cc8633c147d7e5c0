/** Builds an image: packages chosen, fetched and verified, unpacked by its recipe, put into the store whole. */

import { defined, ok, type Result, worldError } from '@virga/base'
import { archiveUrl, fetchIndex } from '../archive/fetch-index.ts'
import type { DebianPackage } from '../archive/package-index.ts'
import { trixieKeys } from '../archive/release-keys.ts'
import { resolvePackages } from '../archive/resolve.ts'
import { download } from '../transfer/download.ts'
import type { Store } from '../transfer/store.ts'
import { unpackFailure } from '../unpack/unpack-failure.ts'
import type { PullOptions } from './images.ts'
import { type ImageFiles, imageFolder, type Manifest, manifestBytes } from './manifest.ts'
import { type BootFiles, buildMicro } from './micro.ts'
import { debian, microPackages, microRecipeVersion, microRequest } from './recipe.ts'

/** Builds `options.name` anew. The caller keeps others from doing so at the same time. */
export async function buildImage(options: PullOptions): Promise<Result<ImageFiles>> {
  const { name, store, network, progress } = options
  const mirror = await options.mirror()
  if (!mirror.ok) return mirror

  const bytesProgress = (label: string, totalBytes: number) => (receivedBytes: number) =>
    progress({ kind: 'fetching', label, receivedBytes, totalBytes })
  const source = { ...debian, mirror: mirror.value, keys: options.keys ?? trixieKeys }
  const index = await fetchIndex(source, store, network, bytesProgress)
  if (!index.ok) return index
  const resolved = resolvePackages(index.value, microRequest)
  if (!resolved.ok) return resolved

  const packages = resolved.value.filter(({ name }) => name !== microPackages.kernel)
  const paths = new Map<string, string>()
  for (const each of packages) {
    const remote = { ...each, label: each.name, url: archiveUrl(mirror.value, each.path) }
    const fetched = await download(remote, store, network, bytesProgress(each.name, each.bytes))
    if (!fetched.ok) return fetched
    progress({ kind: 'verified', label: each.name })
    paths.set(each.name, fetched.value)
  }

  progress({ kind: 'unpacking', label: name })
  const built = await unpack(packages, paths, store)
  if (!built.ok) return built
  const written = await writeImage(name, built.value, packages, store)
  if (written.ok)
    progress({ kind: 'built', name, bytes: written.value.kernel.bytes + written.value.initrd.bytes })
  return written
}

async function unpack(
  packages: readonly DebianPackage[],
  paths: ReadonlyMap<string, string>,
  store: Store,
): Promise<Result<BootFiles>> {
  const kernel = packages.find(({ name }) => name.startsWith('linux-image-'))
  if (kernel === undefined) {
    return worldError(`${microPackages.kernel} on the mirror depends on no kernel; use another mirror`)
  }
  const open = (name: string) => () => store.stream(defined(paths.get(name), `path of ${name}`))
  try {
    return ok(await buildMicro({ kernel: open(kernel.name), busybox: open(microPackages.busybox) }))
  } catch (cause) {
    return unpackFailure('a package for the image', cause)
  }
}

/** All under a `.part` name first, so that a program that is killed here leaves no half image behind. */
async function writeImage(
  name: string,
  { kernel, initrd, kernelRelease }: BootFiles,
  packages: readonly DebianPackage[],
  store: Store,
): Promise<Result<ImageFiles>> {
  const folder = imageFolder(name)
  const partFolder = `${folder}.part`
  const manifest: Manifest = {
    name,
    recipeVersion: microRecipeVersion,
    kernelRelease,
    kernel: { path: `${folder}/kernel`, bytes: kernel.length },
    initrd: { path: `${folder}/initrd`, bytes: initrd.length },
    packages: packages.map(({ name, version, sha256 }) => ({ name, version, sha256 })),
  }
  const files = { kernel, initrd, 'manifest.json': manifestBytes(manifest) }

  const result = await inOrder([
    () => store.remove(partFolder),
    ...Object.entries(files).map(
      ([file, bytes]) =>
        () =>
          writeFile(store, `${partFolder}/${file}`, bytes),
    ),
    () => store.rename(partFolder, folder),
  ])
  if (result.ok) return ok(manifest)
  const removed = await store.remove(partFolder)
  return removed.ok ? result : removed
}

async function writeFile(store: Store, path: string, bytes: Uint8Array): Promise<Result<void>> {
  const appender = await store.append(path)
  if (!appender.ok) return appender
  const written = await appender.value.write(bytes)
  const closed = await appender.value.close()
  return written.ok ? closed : written
}

/** Runs the steps one after the other, up to the first that fails. */
async function inOrder(steps: readonly (() => Promise<Result<void>>)[]): Promise<Result<void>> {
  for (const step of steps) {
    const result = await step()
    if (!result.ok) return result
  }
  return ok(undefined)
}
