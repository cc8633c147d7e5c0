/** Builds an image: packages chosen, fetched and verified, unpacked by its recipe, put into the store whole. */

import { defined, ok, type Result, userError, worldError } from '@virga/base'
import { archiveUrl, fetchIndex } from '../archive/fetch-index.ts'
import type { DebianPackage, PackageIndex } from '../archive/package-index.ts'
import { trixieKeys } from '../archive/release-keys.ts'
import { resolvePackages } from '../archive/resolve.ts'
import { download } from '../transfer/download.ts'
import type { Store } from '../transfer/store.ts'
import { unpackFailure } from '../unpack/unpack-failure.ts'
import type { PullOptions } from './images.ts'
import { type ImageFiles, imageFolder, type Manifest, manifestBytes } from './manifest.ts'
import { type BootFiles, buildMicro } from './micro.ts'
import { buildPackagesImage } from './packages-image.ts'
import {
  debian,
  microPackages,
  microRecipeVersion,
  microRequest,
  packagesRecipeVersion,
  packagesRequest,
} from './recipe.ts'

/**
 * Builds `options.name` anew: micro, or micro and the packages in `requested`, with what they need. The caller
 * keeps others from doing so at the same time.
 */
export async function buildImage(
  options: PullOptions,
  requested?: readonly string[],
): Promise<Result<ImageFiles>> {
  const { name, store, network, progress } = options
  const mirror = await options.mirror()
  if (!mirror.ok) return mirror

  const bytesProgress = (label: string, totalBytes: number) => (receivedBytes: number) =>
    progress({ kind: 'fetching', label, receivedBytes, totalBytes })
  const source = { ...debian, mirror: mirror.value, keys: options.keys ?? trixieKeys }
  const index = await fetchIndex(source, store, network, bytesProgress)
  if (!index.ok) return index
  const chosen = choose(index.value, requested)
  if (!chosen.ok) return chosen
  const { value: packages } = chosen
  const paths = new Map<string, string>()
  for (const each of packages) {
    const remote = { ...each, label: each.name, url: archiveUrl(mirror.value, each.path) }
    const fetched = await download(remote, store, network, bytesProgress(each.name, each.bytes))
    if (!fetched.ok) return fetched
    progress({ kind: 'verified', label: each.name })
    paths.set(each.name, fetched.value)
  }

  progress({ kind: 'unpacking', label: name })
  const open = (each: DebianPackage) => () =>
    store.stream(defined(paths.get(each.name), `path of ${each.name}`))
  const built = await unpack(requested === undefined ? undefined : name, packages, open)
  if (!built.ok) return built
  const manifest = manifestOf(name, built.value, packages, requested)
  const written = await writeImage(manifest, built.value, store)
  if (written.ok)
    progress({ kind: 'built', name, bytes: written.value.kernel.bytes + written.value.initrd.bytes })
  return written
}

/** Micro's packages first. That the archive has no package that was asked for is the asker's mistake. */
function choose(index: PackageIndex, requested: readonly string[] | undefined): Result<DebianPackage[]> {
  const resolved = resolvePackages(index, microRequest)
  if (!resolved.ok) return resolved
  const micro = resolved.value.filter(({ name }) => name !== microPackages.kernel)
  if (requested === undefined) return ok(micro)
  const unknown = requested.filter((name) => index.candidates({ name }).length === 0)
  if (unknown.length > 0) {
    const { codename, architecture } = debian
    return userError(
      `Debian ${codename} has no package ${unknown.join(', ')} for ${architecture}; check the name`,
    )
  }
  const chosen = resolvePackages(index, packagesRequest(requested, micro))
  return chosen.ok ? chosen : userError(chosen.error.message)
}

/** `hostname`: of an image with packages besides micro's; without it the image is micro. */
async function unpack(
  hostname: string | undefined,
  packages: readonly DebianPackage[],
  open: (each: DebianPackage) => () => AsyncIterable<Uint8Array>,
): Promise<Result<BootFiles>> {
  const kernel = packages.find(({ name }) => name.startsWith('linux-image-'))
  if (kernel === undefined) {
    return worldError(`${microPackages.kernel} on the mirror depends on no kernel; use another mirror`)
  }
  const busybox = defined(
    packages.find(({ name }) => name === microPackages.busybox),
    microPackages.busybox,
  )
  const micro = { kernel: open(kernel), busybox: open(busybox) }
  const others = packages.filter((each) => each !== kernel && each !== busybox)
  try {
    return ok(
      hostname === undefined
        ? await buildMicro(micro)
        : await buildPackagesImage({ hostname, micro, packages: others.map(open) }),
    )
  } catch (cause) {
    return unpackFailure('a package for the image', cause)
  }
}

function manifestOf(
  name: string,
  { kernel, initrd, kernelRelease, memoryBytesMin }: BootFiles,
  packages: readonly DebianPackage[],
  requested: readonly string[] | undefined,
): Manifest {
  const folder = imageFolder(name)
  return {
    name,
    recipeVersion: microRecipeVersion,
    ...(requested === undefined ? {} : { requested, packagesRecipeVersion }),
    kernelRelease,
    ...(memoryBytesMin === undefined ? {} : { memoryBytesMin }),
    kernel: { path: `${folder}/kernel`, bytes: kernel.length },
    initrd: { path: `${folder}/initrd`, bytes: initrd.length },
    packages: packages.map(({ name, version, sha256 }) => ({ name, version, sha256 })),
  }
}

/** All under a `.part` name first, so that a program that is killed here leaves no half image behind. */
async function writeImage(
  manifest: Manifest,
  { kernel, initrd }: BootFiles,
  store: Store,
): Promise<Result<ImageFiles>> {
  const folder = imageFolder(manifest.name)
  const partFolder = `${folder}.part`
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
