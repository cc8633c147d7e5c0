/**
 * The files of Debian packages and of micro, as one tree for an initial RAM disk.
 * What installing would have done, and how it is done here:
 *
 *   merged /usr (base-files)   /bin, /sbin and /lib are links into /usr, and what is packed below them is there
 *   hard links                 symbolic ones, from the root: the archive has each path as a file of its own
 *   busybox's applets          where a real program has the name none is installed, or it is taken away: `shadows`
 *   documentation              left out, as dpkg's path-exclude would: memory that no program reads
 *
 * Invariants: a folder that holds something is there; each path is there once, of two packages the later one's;
 * no path leads out of the tree. Folders come first, then links, then files, so that a file below a link goes
 * where the link leads.
 */

import type { PackageFile } from '../unpack/deb.ts'
import { MalformedPackage } from '../unpack/malformed-package.ts'
import type { CpioEntry } from './cpio.ts'

/** Folders of the root that are links into /usr. @spec debian-policy "File System Structure" */
const mergedFolders = ['bin', 'lib', 'sbin'] as const

/** Whether an image takes this path of a package. */
export function isForImage(path: string): boolean {
  return !/^usr\/share\/(bug|doc|doc-base|info|lintian|locale|man)(\/|$)/.test(path)
}

/** A tree that grows entry by entry. */
export class PackageTree {
  readonly #entries = new Map<string, CpioEntry>()

  /** Adds a file of a package. Throws `MalformedPackage` where it cannot be. */
  addPackageFile({ path, mode, content }: PackageFile): void {
    const permissions = mode & 0o7777
    if (content.kind === 'directory') this.add({ kind: 'directory', path, mode: permissions })
    else if (content.kind === 'file') this.add({ kind: 'file', path, mode: permissions, data: content.data })
    else if (content.kind === 'symlink') this.add({ kind: 'symlink', path, target: content.target })
    else this.add({ kind: 'symlink', path, target: `/${mergedPath(content.target)}` })
  }

  /** Adds an entry. Throws `MalformedPackage` where it cannot be. */
  add(entry: CpioEntry): void {
    // base-files has the links that every tree has here.
    if (entry.kind === 'symlink' && isMergedFolder(entry.path)) return
    const path = mergedPath(entry.path)
    if (path.split('/').some((part) => part === '' || part === '.' || part === '..')) {
      throw new MalformedPackage(`it has a file at ${entry.path}, which is no path below the root`)
    }
    const there = this.#entries.get(path)
    if (entry.kind === 'directory') {
      if (there !== undefined && there.kind !== 'directory' && there.kind !== 'symlink') throw twoKinds(path)
      if (there !== undefined) return
    } else if (there?.kind === 'directory') {
      throw twoKinds(path)
    }
    this.#addFoldersAbove(path)
    this.#entries.set(path, { ...entry, path })
  }

  /** All that is in the tree, in an order in which a kernel can unpack it. */
  entries(): CpioEntry[] {
    const links = mergedFolders.map((path) => ({ kind: 'symlink', path, target: `usr/${path}` }) as const)
    const all = [...this.#entries.values()].sort((a, b) => (a.path < b.path ? -1 : 1))
    const ofKind = (...kinds: CpioEntry['kind'][]): CpioEntry[] =>
      all.filter(({ kind }) => kinds.includes(kind))
    return [...ofKind('directory'), ...links, ...ofKind('symlink'), ...ofKind('file', 'character-device')]
  }

  /**
   * Paths that have the name of a program, in the other folder of programs: an applet there would, by the order
   * of PATH, be run in its place.
   */
  shadows(): string[] {
    const inFolder = (folder: string): string[] =>
      [...this.#entries.keys()]
        .filter((path) => path.startsWith(`${folder}/`))
        .map((path) => path.slice(folder.length + 1))
    const [system, user] = [inFolder('usr/sbin'), inFolder('usr/bin')]
    return [
      ...user.filter((name) => !system.includes(name)).map((name) => `usr/sbin/${name}`),
      ...system.filter((name) => !user.includes(name)).map((name) => `usr/bin/${name}`),
    ].sort()
  }

  #addFoldersAbove(path: string): void {
    for (let end = path.lastIndexOf('/'); end > 0; end = path.lastIndexOf('/', end - 1)) {
      const folder = path.slice(0, end)
      const there = this.#entries.get(folder)
      if (there?.kind === 'file' || there?.kind === 'character-device') throw twoKinds(folder)
      if (there === undefined) this.#entries.set(folder, { kind: 'directory', path: folder, mode: 0o755 })
    }
  }
}

function isMergedFolder(path: string): boolean {
  return mergedFolders.some((folder) => folder === path)
}

/** Where `path` is when /usr is merged. */
function mergedPath(path: string): string {
  const [first = ''] = path.split('/', 1)
  return isMergedFolder(first) ? `usr/${path}` : path
}

function twoKinds(path: string): MalformedPackage {
  return new MalformedPackage(`/${path} is a folder in one package and a file in another`)
}
