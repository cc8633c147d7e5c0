/**
 * A built image's description of itself, kept beside its files as manifest.json.
 * Invariant: an image's folder appears whole or not at all, so a manifest vouches for the files it names.
 */

import type { Store } from '../transfer/store.ts'

/** A built image, ready to start machines from. */
export interface ImageFiles {
  readonly name: string
  readonly kernel: ImageFile
  readonly initrd: ImageFile
  /** Such as `6.12.1+deb13-riscv64`: what `uname -r` says. */
  readonly kernelRelease: string
  /** Least memory of a machine that can start from it; absent: as little as a kernel and its files take. */
  readonly memoryBytesMin?: number
  /** What it was made from. */
  readonly packages: readonly SourcePackage[]
  /** Names of the packages that were asked for besides micro's; absent: it is a built-in image. */
  readonly requested?: readonly string[]
}

/** One file of an image. `path` is in the store. */
export interface ImageFile {
  readonly path: string
  readonly bytes: number
}

/** A Debian package that an image was made from. `sha256` is that of the .deb. */
export interface SourcePackage {
  readonly name: string
  readonly version: string
  readonly sha256: string
}

/** The file: an image and the versions of the recipes that made it. */
export interface Manifest extends ImageFiles {
  readonly recipeVersion: number
  /** Of the recipe for what was asked for; there if `requested` is. */
  readonly packagesRecipeVersion?: number
}

/** The folder of the image called `name`. */
export function imageFolder(name: string): string {
  return `images/${name}`
}

/** Reads the manifest of image `name`; undefined when there is no such image, or not one that is whole. */
export async function readManifest(store: Store, name: string): Promise<Manifest | undefined> {
  const path = `${imageFolder(name)}/manifest.json`
  if ((await store.size(path)) === undefined) return undefined
  const bytes = await store.read(path)
  const manifest = bytes.ok ? parseManifest(new TextDecoder().decode(bytes.value)) : undefined
  if (manifest === undefined) return undefined
  const sizes = await Promise.all([manifest.kernel, manifest.initrd].map((file) => store.size(file.path)))
  return sizes[0] === manifest.kernel.bytes && sizes[1] === manifest.initrd.bytes ? manifest : undefined
}

/** The bytes of manifest.json. */
export function manifestBytes(manifest: Manifest): Uint8Array {
  return new TextEncoder().encode(`${JSON.stringify(manifest, undefined, 2)}\n`)
}

/** An older program's, or a damaged, manifest is undefined: such an image is built anew. */
function parseManifest(text: string): Manifest | undefined {
  let value: unknown
  try {
    value = JSON.parse(text)
  } catch {
    return undefined
  }
  return isManifest(value) ? value : undefined
}

function isManifest(value: unknown): value is Manifest {
  return (
    isRecord(value) &&
    typeof value.name === 'string' &&
    typeof value.kernelRelease === 'string' &&
    typeof value.recipeVersion === 'number' &&
    (value.memoryBytesMin === undefined || typeof value.memoryBytesMin === 'number') &&
    isImageFile(value.kernel) &&
    isImageFile(value.initrd) &&
    Array.isArray(value.packages) &&
    value.packages.every(isSourcePackage) &&
    (value.requested === undefined ||
      (Array.isArray(value.requested) && value.requested.every((name) => typeof name === 'string')))
  )
}

function isImageFile(value: unknown): value is ImageFile {
  return isRecord(value) && typeof value.path === 'string' && typeof value.bytes === 'number'
}

function isSourcePackage(value: unknown): value is SourcePackage {
  return isRecord(value) && ['name', 'version', 'sha256'].every((key) => typeof value[key] === 'string')
}

function isRecord(value: unknown): value is Record<string, unknown> {
  return typeof value === 'object' && value !== null
}
