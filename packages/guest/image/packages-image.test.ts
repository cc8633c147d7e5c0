/** Images of packages, built from a throwaway archive in memory: what is in them, when they are built, what is refused. */

import { execFileSync } from 'node:child_process'
import { createHash } from 'node:crypto'
import { ok } from '@virga/base'
import { beforeAll, beforeEach, describe, expect, it } from 'vitest'
import { MemoryStore, makeTestArchive, type TestArchive } from '../testing.ts'
import type { Network } from '../transfer/network.ts'
import {
  buildPackageImage,
  findImage,
  listImages,
  parseImageName,
  parsePackageNames,
  pullImage,
  removeImage,
} from './images.ts'
import { readManifest } from './manifest.ts'
import type { PullEvent } from './pull-event.ts'

let archive: TestArchive
let store: MemoryStore
let requests: string[]
let events: PullEvent[]

beforeAll(async () => {
  const file = (path: string) => ({ files: { [path]: path } })
  archive = await makeTestArchive({
    xz: (bytes) => execFileSync('xz', ['-c'], { input: bytes }),
    packages: {
      dash: {
        fields: { 'Pre-Depends': 'libc6 (>= 2)' },
        files: { 'usr/bin/dash': 'dash', 'usr/bin/sh': { symlink: 'dash' } },
      },
      libc6: { fields: { Version: '2.41' }, files: { 'lib/riscv64-linux-gnu/libc.so.6': 'libc' } },
      tool: {
        fields: { Depends: 'libtool | libtool-old, dpkg, tool-data' },
        files: {
          'usr/bin/tool': 'tool',
          'usr/bin/tool-1': { hardlink: 'usr/bin/tool' },
          'usr/share/doc/tool/copyright': 'mine',
        },
      },
      'libtool-old': file('usr/lib/libtool.so'),
      files: { fields: { Provides: 'tool-data' }, files: { 'usr/share/tool/data': 'data' } },
      dpkg: file('usr/bin/dpkg'),
      broken: { fields: { Depends: 'gone (>= 3)' }, files: {} },
      rival: { fields: { Conflicts: 'busybox-static' }, files: {} },
    },
  })
})

beforeEach(() => {
  store = new MemoryStore()
  requests = []
  events = []
})

const network: Network = {
  fetch: async (url) => {
    const path = url.replace('http://mirror/', '')
    requests.push(path)
    const content = archive.files.get(path)
    return content === undefined
      ? new Response('', { status: 404 })
      : new Response(content as Uint8Array<ArrayBuffer>)
  },
  clock: { nowMs: Date.now, after: () => () => undefined },
  newSha256: () => createHash('sha256'),
  stallMs: 1000,
}

const means = (name: string) => ({
  name,
  mirror: async () => ok('http://mirror/'),
  store,
  network,
  progress: (event: PullEvent) => void events.push(event),
  keys: [archive.key],
})
const build = (name: string, ...packages: string[]) => buildPackageImage({ ...means(name), packages })

async function failure(name: string, ...packages: string[]): Promise<unknown> {
  const result = await build(name, ...packages)
  if (result.ok) throw new Error('the build succeeded')
  expect(await listImages(store)).toEqual([])
  expect(result.error.message).not.toContain('\n')
  return result.error
}

/** What is in an image's initial RAM disk, as cpio lists it: `path`, or `path -> target`. */
function contents(name: string): string[] {
  const input = store.files.get(`images/${name}/initrd`) ?? new Uint8Array(0)
  const lines = execFileSync('cpio', ['-itv', '--quiet'], { input }).toString().trim().split('\n')
  return lines.map((line) => line.replace(/^.* 1970 /, ''))
}

function textOf(name: string, path: string): string {
  const input = store.files.get(`images/${name}/initrd`) ?? new Uint8Array(0)
  return execFileSync('cpio', ['-i', '--quiet', '--to-stdout', path], { input }).toString()
}

describe('an image of packages', () => {
  it('holds micro, the packages and what they need, in a merged /usr', async () => {
    const built = await build('bench', 'tool')
    if (!built.ok) throw new Error(built.error.message)
    expect(built.value).toMatchObject({ name: 'bench', requested: ['tool'], kernelRelease: '6.12.1-test' })
    expect(built.value.packages.map(({ name, version }) => `${name} ${version}`)).toEqual([
      'busybox-static 1:1.37',
      'linux-image-6.12.1-test 6.12.1',
      'tool 1',
      'dash 1',
      'libtool-old 1',
      'files 1',
      'libc6 2.41',
    ])
    const listed = contents('bench')
    expect(listed).toEqual(
      expect.arrayContaining([
        ...['bin -> usr/bin', 'lib -> usr/lib', 'usr/bin/busybox', 'usr/bin/sh -> dash', 'usr/bin/tool'],
        ...['usr/bin/tool-1 -> /usr/bin/tool', 'usr/lib/riscv64-linux-gnu/libc.so.6', 'usr/share/tool/data'],
        ...['usr/lib/modules/6.12.1-test/modules.dep', 'init', 'dev/console', 'virga/shadows'],
      ]),
    )
    expect(listed.filter((path) => /dpkg|usr\/share\/doc|^lib\//.test(path))).toEqual([])
    expect(textOf('bench', 'virga/shadows').split('\n')).toContain('/usr/sbin/tool')
    expect(textOf('bench', 'init')).toMatch('xargs rm -f < /virga/shadows')
    expect(textOf('bench', 'etc/hostname')).toBe('bench\n')
    expect(events.at(-1)).toMatchObject({ kind: 'built', name: 'bench' })
    const { kernel, initrd, memoryBytesMin } = built.value
    expect(memoryBytesMin).toBeGreaterThan(kernel.bytes + 3 * initrd.bytes)
  })

  it('is built again only for other packages, and is pulled without a network', async () => {
    const first = await build('bench', 'tool')
    requests = []
    expect(await build('bench', 'tool')).toEqual(first)
    expect(await pullImage(means('bench'))).toEqual(first)
    expect(requests).toEqual([])
    const second = await build('bench', 'files')
    expect(second.ok && second.value.requested).toEqual(['files'])
    expect(requests).toEqual(['dists/trixie/InRelease'])
    expect(contents('bench')).not.toContain('usr/bin/tool')
  })

  it('has the same bytes each time', async () => {
    await build('bench', 'tool')
    const first = store.files.get('images/bench/initrd') ?? new Uint8Array(0)
    store = new MemoryStore()
    await build('bench', 'tool')
    const second = store.files.get('images/bench/initrd') ?? new Uint8Array(1)
    expect(Buffer.compare(first, second)).toBe(0)
  })

  it('that another version of the recipe made is built anew when it is pulled', async () => {
    const first = await build('bench', 'tool')
    const manifest = await readManifest(store, 'bench')
    const old = { ...manifest, packagesRecipeVersion: 0 }
    store.files.set('images/bench/manifest.json', new TextEncoder().encode(JSON.stringify(old)))
    expect(await findImage(store, 'bench')).toBeUndefined()
    const again = await pullImage(means('bench'))
    expect(again.ok && again.value.packages).toEqual(first.ok && first.value.packages)
    expect(await findImage(store, 'bench')).toMatchObject({ requested: ['tool'] })
  })

  it('is listed beside micro, and removed without what micro needs', async () => {
    const micro = await pullImage(means('micro'))
    await build('bench', 'tool')
    expect((await listImages(store)).map(({ name }) => name)).toEqual(['bench', 'micro'])
    expect(await removeImage(store, 'bench')).toEqual(ok(true))
    expect(await listImages(store)).toHaveLength(1)
    const kept = micro.ok ? micro.value.packages.map(({ sha256 }) => sha256).sort() : []
    expect(await store.list('objects')).toEqual(kept)
  })
})

describe('what is refused', () => {
  it.each([
    [
      'bench',
      ['nosuch', 'tool', 'nothing'],
      'Debian trixie has no package nosuch, nothing for riscv64; check',
    ],
    ['bench', ['broken'], 'the archive has no package gone (>= 3), which broken needs'],
    ['bench', ['rival'], 'busybox-static and rival exclude each other'],
    ['micro', ['tool'], 'micro is an image that is pulled; give the new image another name'],
  ])('%s of %s', async (name, packages, message) => {
    expect(await failure(name, ...packages)).toMatchObject({
      fault: 'user',
      message: expect.stringContaining(message),
    })
  })

  it('to pull or remove an image that nobody built', async () => {
    const message = 'there is no image debian; there is micro, server (virga image build makes others)'
    expect(await pullImage(means('debian'))).toEqual({ ok: false, error: { fault: 'user', message } })
    expect(await removeImage(store, 'debian')).toEqual({ ok: false, error: { fault: 'user', message } })
    expect(requests).toEqual([])
  })

  it.each(['', '-a', 'a-', 'A', 'a.part', '../a', 'a/b', 'a b', 'a'.repeat(64)])(
    'the image name %j',
    (name) => {
      expect(parseImageName(name)).toMatchObject({ ok: false, error: { fault: 'user' } })
    },
  )

  it.each(['a', '0', 'bench-2', 'a'.repeat(63)])('but not the image name %j', (name) => {
    expect(parseImageName(name)).toEqual(ok(name))
  })

  it.each([
    ['', 'no package is named'],
    [' , ', 'no package is named'],
    ['xz-utils,Openssl', "'Openssl' is no name"],
    ['perl:any', "'perl:any' is no name"],
    ['a b', "'a b' is no name"],
    ['../etc', "'../etc' is no name"],
  ])('the list of packages %j', (list, message) => {
    expect(parsePackageNames(list)).toMatchObject({
      ok: false,
      error: { fault: 'user', message: expect.stringContaining(message) },
    })
  })

  it('but not a list with spaces and repetitions', () => {
    expect(parsePackageNames(' g++, xz-utils ,g++,')).toEqual(ok(['g++', 'xz-utils']))
  })
})
