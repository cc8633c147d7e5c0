/** Pulling an image from a mirror that is slow, broken, wrong or hostile, through real sockets and a real disk. */

import { execFileSync } from 'node:child_process'
import { existsSync, mkdirSync, mkdtempSync, readdirSync, rmSync, symlinkSync, writeFileSync } from 'node:fs'
import { createServer, type IncomingMessage, type Server, type ServerResponse } from 'node:http'
import type { AddressInfo } from 'node:net'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { ok } from '@virga/base'
import { type ImageFiles, listImages, type PullEvent, pullImage, removeImage } from '@virga/guest'
import { makeTestArchive, type TestArchive } from '@virga/guest/testing'
import { CacheFolder } from '@virga/host/cache'
import { afterEach, beforeAll, beforeEach, describe, expect, it } from 'vitest'
import { fetchNetwork } from './fetch-network.ts'

const xz = (bytes: Uint8Array): Uint8Array => execFileSync('xz', ['-c'], { input: bytes })

/** Answers a request in a way of its own; false leaves it to the ordinary way. */
type Quirk = (request: IncomingMessage, response: ServerResponse, content: Uint8Array) => boolean

let good: TestArchive
let archive: TestArchive
let quirk: Quirk
let requests: { path: string; range: string | undefined }[]
let server: Server
let mirror: string
let root: string
let store: CacheFolder
let events: PullEvent[]

beforeAll(async () => {
  good = await makeTestArchive({ xz })
})

beforeEach(async () => {
  archive = good
  stallSeconds = '60'
  quirk = () => false
  requests = []
  events = []
  root = mkdtempSync(join(tmpdir(), 'virga-pull-'))
  store = new CacheFolder(join(root, 'virga'))
  server = createServer(serve)
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve))
  mirror = `http://127.0.0.1:${(server.address() as AddressInfo).port}/debian/`
})

afterEach(async () => {
  server.closeAllConnections()
  await new Promise((resolve) => server.close(resolve))
  rmSync(root, { recursive: true })
})

function serve(request: IncomingMessage, response: ServerResponse): void {
  const path = (request.url ?? '').replace('/debian/', '')
  requests.push({ path, range: request.headers.range })
  const content = archive.files.get(path)
  if (content === undefined) return void response.writeHead(404).end()
  if (quirk(request, response, content)) return
  const start = Number(/^bytes=(\d+)-$/.exec(request.headers.range ?? '')?.[1] ?? 0)
  if (start >= content.length) return void response.writeHead(416).end()
  const range = { 'content-range': `bytes ${start}-${content.length - 1}/${content.length}` }
  response.writeHead(start > 0 ? 206 : 200, start > 0 ? range : {}).end(content.subarray(start))
}

/** What a busy host never takes, but where a test waits for it. */
let stallSeconds: string

const pull = (keys: readonly string[] = [archive.key], at: CacheFolder = store) =>
  pullImage({
    name: 'micro',
    mirror: async () => ok(mirror),
    store: at,
    network: fetchNetwork({ VIRGA_STALL_SECONDS: stallSeconds }),
    progress: (event) => events.push(event),
    keys,
  })

async function pulled(): Promise<ImageFiles> {
  const result = await pull()
  if (!result.ok) throw new Error(result.error.message)
  return result.value
}

/** The message of a pull that must fail, and must leave no image and no lock. */
async function failure(keys?: readonly string[]): Promise<string> {
  const result = await pull(keys)
  if (result.ok) throw new Error('the pull succeeded')
  expect(result.error.message).not.toContain('\n')
  expect(result.error.fault).toBe('world')
  expect(await listImages(store)).toEqual([])
  expect(kept('images')).toEqual([])
  expect(existsSync(join(store.root, 'images.lock'))).toBe(false)
  return result.error.message
}

/** Names in a folder of the cache. */
function kept(folder: string): string[] {
  const path = join(store.root, folder)
  return existsSync(path) ? readdirSync(path) : []
}

/** What `part` of a request's path does; every other path is answered as usual. */
function onlyFor(part: string, then: Quirk): Quirk {
  return (request, response, content) =>
    request.url?.includes(part) === true && then(request, response, content)
}

describe('a pull', () => {
  it('makes an image that is what the packages hold', async () => {
    const image = await pulled()
    const kernel = await store.read(image.kernel.path)
    const initrd = await store.read(image.initrd.path)
    if (!kernel.ok || !initrd.ok) throw new Error('an image file cannot be read')
    expect(Buffer.compare(kernel.value, archive.kernel)).toBe(0)
    expect(image.kernelRelease).toBe('6.12.1-test')
    expect(image.packages.map(({ name, version }) => `${name} ${version}`)).toEqual([
      'busybox-static 1:1.37',
      'linux-image-6.12.1-test 6.12.1',
    ])

    const listed = execFileSync('cpio', ['-it', '--quiet'], { input: initrd.value }).toString().split('\n')
    expect(listed).toEqual(expect.arrayContaining(['init', 'bin/busybox', 'dev/console', 'etc/inittab']))
    const fromInitrd = (path: string) =>
      execFileSync('cpio', ['-i', '--quiet', '--to-stdout', path], { input: initrd.value }).toString()
    const dep = fromInitrd('lib/modules/6.12.1-test/modules.dep').split('\n')
    expect(dep).toContain(
      'kernel/drivers/net/virtio_net.ko: kernel/drivers/net/net_failover.ko kernel/net/core/failover.ko',
    )
    expect(dep).toContain(
      'kernel/fs/ext4/ext4.ko: kernel/lib/crc16.ko kernel/fs/mbcache.ko kernel/fs/jbd2/jbd2.ko kernel/lib/fresh_split.ko',
    )
    expect(fromInitrd('lib/modules/6.12.1-test/modules.alias')).toContain('alias test:fs/ext4/ext4* ext4\n')
    expect(fromInitrd('init')).toMatch(/^#!\/bin\/busybox sh\n/)
  })

  it('asks the network for nothing the second time, not even which mirror there is', async () => {
    const first = await pulled()
    requests = []
    const second = await pullImage({
      name: 'micro',
      mirror: () => Promise.reject(new Error('asked for a mirror')),
      store,
      network: fetchNetwork({}),
      progress: (event) => events.push(event),
    })
    expect(second).toEqual(ok(first))
    expect(requests).toEqual([])
  })

  it('tells of its progress, up to the whole of each file', async () => {
    await pulled()
    const size = archive.files.get(archive.kernelPath)?.length ?? -1
    const label = 'linux-image-6.12.1-test'
    expect(events).toContainEqual({ kind: 'fetching', label, receivedBytes: size, totalBytes: size })
    expect(events.at(-1)?.kind).toBe('built')
  })

  it('is done once when two are started at once', async () => {
    const results = await Promise.all([pull(), pull([archive.key], new CacheFolder(store.root))])
    expect(results[0]).toEqual(results[1])
    expect(results[0]?.ok).toBe(true)
    expect(requests.filter(({ path }) => path === archive.kernelPath)).toHaveLength(1)
    expect(events).toContainEqual({ kind: 'waiting' })
  })

  it('takes over from a program that was killed', async () => {
    mkdirSync(join(store.root, 'images/micro.part'), { recursive: true })
    writeFileSync(join(store.root, 'images/micro.part/kernel'), 'half')
    writeFileSync(join(store.root, 'images.lock'), '999999999 1')
    await pulled()
    expect(kept('images')).toEqual(['micro'])
  })

  it('builds anew what is damaged', async () => {
    const image = await pulled()
    writeFileSync(join(store.root, image.kernel.path), 'short')
    expect(await listImages(store)).toEqual([])
    expect(await pulled()).toEqual(image)
    expect(requests.filter(({ path }) => path === archive.kernelPath)).toHaveLength(1)
  })
})

describe('an image', () => {
  it('is listed, and removed with what it was made from', async () => {
    const image = await pulled()
    expect(await listImages(store)).toEqual([
      expect.objectContaining({ name: image.name, kernel: image.kernel }),
    ])
    expect(await removeImage(store, 'micro')).toEqual(ok(true))
    expect(await listImages(store)).toEqual([])
    expect([...kept('images'), ...kept('objects')]).toEqual([])
    expect(await removeImage(store, 'micro')).toEqual(ok(false))
  })
})

describe('a Release file', () => {
  it('signed by somebody else is not believed, and nothing else is fetched', async () => {
    const other = await makeTestArchive({ xz })
    expect(await failure([other.key])).toMatch('no good signature')
    expect(requests).toHaveLength(1)
  })

  it('is not believed by Debian keys when Debian did not sign it', async () => {
    const result = await pullImage({
      name: 'micro',
      mirror: async () => ok(mirror),
      store,
      network: fetchNetwork({}),
      progress: () => undefined,
    })
    expect(result.ok ? '' : result.error.message).toMatch('no good signature')
  })

  it.each([
    ['changed after it was signed', (text: string) => text.replace('Origin: Debian', 'Origin: Debjan')],
    ['without a signature', (text: string) => text.slice(0, text.indexOf('-----BEGIN PGP SIG'))],
    ['that is no such thing', () => '<html>Welcome</html>'],
  ])('%s is not believed', async (_, change) => {
    quirk = onlyFor('InRelease', (_request, response, content) => {
      response.end(change(new TextDecoder().decode(content)))
      return true
    })
    expect(await failure()).toMatch('no good signature')
  })

  it('is believed only in what is inside the signature', async () => {
    quirk = onlyFor('InRelease', (_request, response, content) => {
      response.end(`Codename: trixie\nSHA256:\n 00 1 x\n\n${new TextDecoder().decode(content)}`)
      return true
    })
    expect((await pull()).ok).toBe(true)
  })

  it.each([
    ['of another release', { Codename: 'forky' }, 'Release file of forky, not of trixie'],
    ['that names no release', { Codename: undefined }, 'Release file of no suite'],
    ['that is too old', { 'Valid-Until': 'Sat, 01 Jan 2022 00:00:00 UTC' }, 'good until Sat, 01 Jan 2022'],
  ])('%s is not used', async (_, release, message) => {
    archive = await makeTestArchive({ xz, release })
    expect(await failure()).toMatch(message)
  })

  it('that breaks off is an error', async () => {
    quirk = onlyFor('InRelease', (_request, response, content) => {
      response.writeHead(200, { 'content-length': content.length })
      response.write(content.subarray(0, 100), () => response.destroy())
      return true
    })
    expect(await failure()).toMatch(/broke off while getting .*InRelease; run again/)
  })

  it('that never ends is not read to its end', async () => {
    quirk = onlyFor('InRelease', (_request, response) => {
      const more = (): void =>
        void (response.destroyed || response.write(Buffer.alloc(1 << 20), () => setImmediate(more)))
      more()
      return true
    })
    expect(await failure()).toMatch('far too long')
  })
})

describe('a package', () => {
  it('whose hash is wrong is thrown away', async () => {
    quirk = onlyFor('busybox', (_request, response, content) => {
      response.end(content.map((byte, index) => (index === 200 ? byte ^ 1 : byte)))
      return true
    })
    expect(await failure()).toMatch(/busybox-static\.deb does not have the hash .* another mirror/)
    expect(kept('objects')).toHaveLength(1)
  })

  it('that is longer than it should be is thrown away', async () => {
    quirk = onlyFor('busybox', (_request, response, content) => {
      response.end(Buffer.concat([content, Buffer.from('more')]))
      return true
    })
    expect(await failure()).toMatch('longer than it should be')
    expect(kept('objects')).toHaveLength(1)
  })

  it('that is cut short on the mirror is thrown away', async () => {
    const short = archive.files.get(archive.busyboxPath)?.subarray(0, 1000) ?? new Uint8Array()
    archive = { ...archive, files: new Map([...archive.files, [archive.busyboxPath, short]]) }
    expect(await failure()).toMatch('shorter than it should be')
    expect(kept('objects')).toHaveLength(1)
  })

  it('that is signed for, but is no package, is an error', async () => {
    archive = await makeTestArchive({ xz, busyboxDeb: new TextEncoder().encode('not a package') })
    expect(await failure()).toMatch('cannot be unpacked: it does not start as an ar archive does')
  })

  it('that lacks a kernel module is an error that names it', async () => {
    archive = await makeTestArchive({ xz, withoutModules: ['virtio_blk', 'crc16'] })
    expect(await failure()).toMatch('lacks the kernel modules virtio_blk, crc16')
  })
})

describe('a mirror', () => {
  it('that breaks off again and again is gone on with from there', async () => {
    quirk = onlyFor('linux-image', (request, response, content) => {
      const start = Number(/\d+/.exec(request.headers.range ?? '0')?.[0])
      response.writeHead(start > 0 ? 206 : 200, {
        'content-length': content.length - start,
        ...(start > 0 ? { 'content-range': `bytes ${start}-${content.length - 1}/${content.length}` } : {}),
      })
      response.write(content.subarray(start, start + Math.ceil(content.length / 4)), () => response.destroy())
      return true
    })
    await pulled()
    const ranges = requests.filter(({ path }) => path === archive.kernelPath).map(({ range }) => range)
    expect(ranges.length).toBeGreaterThan(1)
    expect(ranges.slice(1).every((range) => /^bytes=[1-9]\d*-$/.test(range ?? ''))).toBe(true)
  })

  it('that takes in a new release is asked for what it had before, by the other name of the suite', async () => {
    const fresh = await makeTestArchive({ xz, withoutModules: ['crc16'] })
    const at = (path: string, of = archive) => of.files.get(path) ?? new Uint8Array()
    const list = 'main/binary-riscv64/Packages.xz'
    const files = new Map([
      ...archive.files,
      ['dists/stable/InRelease', at('dists/trixie/InRelease')],
      [`dists/stable/${list}`, at(`dists/trixie/${list}`)],
      ['dists/trixie/InRelease', at('dists/trixie/InRelease', fresh)],
    ])
    const key = archive.key
    archive = { ...archive, files }
    const result = await pull([key, fresh.key])
    expect(result.ok ? '' : result.error.message).toBe('')
    expect(requests.map(({ path }) => path)).toContain(`dists/stable/${list}`)
  })

  it('that breaks off without end is an error', async () => {
    quirk = onlyFor('linux-image', (_request, response, content) => {
      response.writeHead(200, { 'content-length': content.length }).flushHeaders()
      setTimeout(() => response.destroy(), 5)
      return true
    })
    expect(await failure()).toMatch(/broke off at 0 of \d+ bytes .* run again/)
  })

  it('that stalls is an error, and the next run goes on where it was', async () => {
    stallSeconds = '1.5'
    let sent = 0
    quirk = onlyFor('linux-image', (_request, response, content) => {
      sent = content.length / 2
      response.write(content.subarray(0, sent))
      return true
    })
    expect(await failure()).toMatch(/gave no byte of .* for 1\.5 s/)
    expect(kept('objects').filter((name) => name.endsWith('.part'))).toHaveLength(1)
    stallSeconds = '60'
    quirk = () => false
    requests = []
    await pulled()
    expect(requests.map(({ path, range }) => ({ path, range }))).toEqual([
      { path: 'dists/trixie/InRelease', range: undefined },
      { path: archive.kernelPath, range: `bytes=${sent}-` },
    ])
    expect(kept('objects').filter((name) => name.endsWith('.part'))).toEqual([])
  })

  it('that takes a connection and says nothing is an error', async () => {
    stallSeconds = '1.5'
    quirk = () => true
    expect(await failure()).toMatch('gave no byte')
  })

  it('that cannot start in the middle sends all again', async () => {
    let isFirst = true
    quirk = onlyFor('linux-image', (_request, response, content) => {
      if (!isFirst) {
        response.end(content)
        return true
      }
      isFirst = false
      response.writeHead(200, { 'content-length': content.length })
      response.write(content.subarray(0, 1000), () => response.destroy())
      return true
    })
    await pulled()
    expect(requests.filter(({ path }) => path === archive.kernelPath)).toHaveLength(2)
  })

  it.each([
    [404, 'is it a complete Debian archive'],
    [500, 'HTTP status 500'],
    [403, 'HTTP status 403'],
  ])('that answers %i is an error', async (status, message) => {
    quirk = onlyFor('busybox', (_request, response) => {
      response.writeHead(status).end('no')
      return true
    })
    expect(await failure()).toMatch(message)
  })

  it('that is not there is an error', async () => {
    mirror = 'http://127.0.0.1:1/debian'
    expect(await failure()).toMatch('cannot reach the mirror')
  })
})

describe('a disk', () => {
  it('that is full is an error that says so, and is not left full', async () => {
    const list = archive.files.get('dists/trixie/main/binary-riscv64/Packages.xz') ?? new Uint8Array()
    const sha256 = execFileSync('sha256sum', { input: list }).toString().slice(0, 64)
    mkdirSync(join(store.root, 'objects'), { recursive: true })
    symlinkSync('/dev/full', join(store.root, 'objects', `${sha256}.part`))
    expect(await failure()).toMatch(
      /cannot write .*: the disk is full; free some space, or set XDG_CACHE_HOME/,
    )
    expect(kept('objects')).toEqual([])
  })

  it('that is full while the image is written leaves no half image', async () => {
    const full = new (class extends CacheFolder {
      override async append(file: string) {
        if (!file.endsWith('/initrd')) return await super.append(file)
        mkdirSync(join(this.root, 'images/micro.part'), { recursive: true })
        symlinkSync('/dev/full', join(this.root, file))
        return await super.append(file)
      }
    })(store.root)
    const result = await pull([archive.key], full)
    expect(result.ok ? '' : result.error.message).toMatch('the disk is full')
    expect(kept('images')).toEqual([])
  })

  it('with a file where the cache should be is an error', async () => {
    writeFileSync(store.root, 'a file')
    const result = await pull()
    expect(result.ok ? '' : result.error.message).toMatch(
      /cannot write .*: a file is where a folder should be/,
    )
  })
})
