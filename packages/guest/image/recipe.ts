/** What an image is made of, apart from how: small, so that looking into the cache loads nothing else. */

import type { DebianPackage } from '../archive/package-index.ts'
import type { PackageRequest } from '../archive/resolve.ts'

/** Where in Debian the packages are. */
export const debian = {
  codename: 'trixie',
  suite: 'stable',
  component: 'main',
  architecture: 'riscv64',
} as const

/** Raised whenever the recipe gives other bytes from the same packages, so that cached images are rebuilt. */
export const microRecipeVersion = 5

/** Names of the packages that `micro` begins from. The kernel's depends on the package of the newest kernel. */
export const microPackages = { kernel: 'linux-image-riscv64', busybox: 'busybox-static' } as const

/** Only kernels are followed: the rest of what these need is for installing them and starting from a disk. */
export const microRequest: PackageRequest = {
  packages: [microPackages.kernel, microPackages.busybox],
  follow: (dependencyName) => dependencyName.startsWith('linux-image-'),
}

/**
 * What `server` has besides micro: SSH with file transfer, file systems for root volumes, and a measure of networks.
 * Why no part of micro: it would hold twice as much memory, which a machine that runs one command has no use for, and
 * one that starts from a root volume finds there.
 */
export const serverPackages = ['dropbear-bin', 'openssh-sftp-server', 'e2fsprogs', 'iperf3'] as const

/** Raised whenever the same packages besides micro's give other bytes; `microRecipeVersion` counts as well. */
export const packagesRecipeVersion = 2

/**
 * Chosen for every image that has packages besides micro's. Its shell: busybox's runs applets of its own in place
 * of programs in PATH.
 */
const basePackages = ['dash'] as const

/**
 * Dependencies that are not followed. The first line is for maintainer scripts, of which none is run; the second
 * drives graphics cards, of which no machine has one, and is two thirds of all that stress-ng would bring.
 */
const unfollowed: ReadonlySet<string> = new Set([
  ...['adduser', 'debconf', 'debconf-2.0', 'dpkg', 'init-system-helpers', 'install-info', 'passwd', 'ucf'],
  ...['libegl-mesa0', 'libgl1-mesa-dri', 'libglx-mesa0', 'mesa-libgallium'],
])

/** The request for `names` and what they need, besides `given`, which is micro's. */
export function packagesRequest(names: readonly string[], given: readonly DebianPackage[]): PackageRequest {
  const follow = (name: string, dependent: string): boolean =>
    // The server of file transfers is run by dropbear here, and needs no client.
    !unfollowed.has(name) && !(dependent === 'openssh-sftp-server' && name === 'openssh-client')
  return { packages: [...names, ...basePackages], given, follow }
}
