/** What an image is made of, apart from how: small, so that looking into the cache loads nothing else. */

import type { PackageRequest } from '../archive/resolve.ts'

/** Where in Debian the packages are. */
export const debian = { codename: 'trixie', component: 'main', architecture: 'riscv64' } as const

/** Raised whenever the recipe gives other bytes from the same packages, so that cached images are rebuilt. */
export const microRecipeVersion = 3

/** Names of the packages that `micro` begins from. The kernel's depends on the package of the newest kernel. */
export const microPackages = { kernel: 'linux-image-riscv64', busybox: 'busybox-static' } as const

/** Only kernels are followed: the rest of what these need is for installing them and starting from a disk. */
export const microRequest: PackageRequest = {
  packages: [microPackages.kernel, microPackages.busybox],
  follow: (dependencyName) => dependencyName.startsWith('linux-image-'),
}
