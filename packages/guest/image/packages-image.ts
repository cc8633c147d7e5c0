/** The recipe of an image that is micro with Debian packages besides, for any list of them. */

import { readDeb } from '../unpack/deb.ts'
import { type CpioEntry, writeCpio } from './cpio.ts'
import { shadowsPath } from './init-script.ts'
import { type BootFiles, type MicroPackages, type OpenPackage, readMicro } from './micro.ts'
import { isForImage, PackageTree } from './package-tree.ts'

/** What goes into the image. */
export interface PackagesImageParts {
  /** The image's name: what the guest calls itself. */
  readonly hostname: string
  readonly micro: MicroPackages
  /** In this order; of two that have the same file the later one's is taken. */
  readonly packages: readonly OpenPackage[]
}

/** Builds the image. Throws `MalformedPackage` when a package is not as expected. */
export async function buildPackagesImage(parts: PackagesImageParts): Promise<BootFiles> {
  const { hostname, micro, packages } = parts
  const { kernel, kernelRelease, entries } = await readMicro(micro, { hostname, hasPrograms: true })
  const tree = new PackageTree()
  for (const open of packages) {
    for await (const file of readDeb(open(), 'data', isForImage)) tree.addPackageFile(file)
  }
  // Last, so that what init relies on is as it expects.
  for (const entry of entries) tree.add(entry)
  const shadows = tree.shadows().map((path) => `/${path}\n`)
  tree.add({ kind: 'file', path: shadowsPath, mode: 0o644, data: new TextEncoder().encode(shadows.join('')) })
  const all = tree.entries()
  const initrd = writeCpio(all)
  // Linux lets files in memory take half of what is free while the archive is still there, packed.
  const memoryBytesMin = kernel.length + initrd.length + 2 * unpackedBytes(all) + kernelWorkingBytes
  return { kernel, kernelRelease, initrd, memoryBytesMin }
}

const pageBytes = 4096
/** What Debian's kernel takes besides its own file and its initial RAM disk, and a little for programs. */
const kernelWorkingBytes = 64 * 2 ** 20

/** Memory that the files take: whole pages each. */
function unpackedBytes(entries: readonly CpioEntry[]): number {
  return entries.reduce(
    (sum, entry) => sum + (entry.kind === 'file' ? Math.ceil(entry.data.length / pageBytes) * pageBytes : 0),
    0,
  )
}
