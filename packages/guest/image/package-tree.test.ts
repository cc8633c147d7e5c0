/** The tree that packages are laid into: the merged /usr, links, and what may not be. */

import { describe, expect, it } from 'vitest'
import type { PackageFile } from '../unpack/deb.ts'
import { MalformedPackage } from '../unpack/malformed-package.ts'
import { isForImage, PackageTree } from './package-tree.ts'

const file = (path: string, text = path, mode = 0o755): PackageFile => ({
  path,
  mode,
  content: { kind: 'file', data: new TextEncoder().encode(text) },
})
const folder = (path: string, mode = 0o755): PackageFile => ({ path, mode, content: { kind: 'directory' } })
const symlink = (path: string, target: string): PackageFile => ({
  path,
  mode: 0o777,
  content: { kind: 'symlink', target },
})
const hardlink = (path: string, target: string): PackageFile => ({
  path,
  mode: 0o755,
  content: { kind: 'hardlink', target },
})

function treeOf(...files: PackageFile[]): PackageTree {
  const tree = new PackageTree()
  for (const each of files) tree.addPackageFile(each)
  return tree
}

/** Entries as one reads them: `path/`, `path -> target`, `path=text`. */
function listed(...files: PackageFile[]): string[] {
  return treeOf(...files)
    .entries()
    .map((entry) => {
      if (entry.kind === 'file') return `${entry.path}=${new TextDecoder().decode(entry.data)}`
      return entry.kind === 'symlink' ? `${entry.path} -> ${entry.target}` : `${entry.path}/`
    })
}

const merged = ['bin -> usr/bin', 'lib -> usr/lib', 'sbin -> usr/sbin']

describe('PackageTree', () => {
  it('has the folders above a file, and /bin, /lib and /sbin as links', () => {
    expect(listed(file('etc/ssl/openssl.cnf', 'x'))).toEqual([
      'etc/',
      'etc/ssl/',
      ...merged,
      'etc/ssl/openssl.cnf=x',
    ])
  })

  it('lays what is packed below /bin, /lib and /sbin into /usr', () => {
    const found = listed(folder('lib'), file('lib/ld.so', 'l'), file('bin/a', 'a'), symlink('bin', 'usr/bin'))
    expect(found).toEqual(['usr/', 'usr/bin/', 'usr/lib/', ...merged, 'usr/bin/a=a', 'usr/lib/ld.so=l'])
  })

  it('makes hard links symbolic ones, into /usr too', () => {
    const found = listed(file('usr/bin/perl', 'p'), hardlink('usr/bin/perl5', 'bin/perl'))
    expect(found).toContain('usr/bin/perl5 -> /usr/bin/perl')
  })

  it('keeps the first mode of a folder, the last content of a file, and all of a mode', () => {
    const entries = treeOf(
      folder('tmp', 0o1777),
      folder('tmp', 0o755),
      file('a', '1'),
      file('a', '2', 0o104755),
    ).entries()
    expect(entries).toContainEqual({ kind: 'directory', path: 'tmp', mode: 0o1777 })
    expect(entries).toContainEqual({ kind: 'file', path: 'a', mode: 0o4755, data: new Uint8Array([0x32]) })
  })

  it('puts links before files, so that a file below one has its folder', () => {
    const found = listed(symlink('a/b', 'real'), file('a/b/c', 'c'), folder('a/real'))
    expect(found.slice(-1)).toEqual(['a/b/c=c'])
  })

  it.each([
    ['a file where a folder is', [folder('a'), file('a')]],
    ['a folder where a file is', [file('a'), folder('a')]],
    ['a link where a folder is', [file('a/b'), symlink('a', 'c')]],
    ['a file below a file', [file('a'), file('a/b')]],
    ['a path out of the tree', [file('a/../../b')]],
    ['an empty name', [file('a//b')]],
  ])('refuses %s', (_, files) => {
    expect(() => listed(...files)).toThrow(MalformedPackage)
  })

  it('knows where an applet would hide a program', () => {
    const tree = treeOf(
      file('usr/bin/ip'),
      file('usr/sbin/fsck'),
      file('bin/dd'),
      symlink('sbin/dd', '../bin/dd'),
    )
    expect(tree.shadows()).toEqual(['usr/bin/fsck', 'usr/sbin/ip'])
  })
})

describe('isForImage', () => {
  it.each([
    ['usr/share/doc', false],
    ['usr/share/man/man1/xz.1.gz', false],
    ['usr/share/documents', true],
    ['usr/bin/xz', true],
    ['etc/doc', true],
  ])('%s: %s', (path, expected) => {
    expect(isForImage(path)).toBe(expected)
  })
})
