/**
 * The one test that wants a real mirror: it pulls `micro` into the real cache, from where this machine gets its
 * Debian packages, unless the image is there already; and looks whether it is what machines need.
 */

import { execFileSync } from 'node:child_process'
import { type ImageFiles, pullImage } from '@virga/guest'
import { CacheFolder, cacheRoot } from '@virga/host/cache'
import { beforeAll, describe, expect, it } from 'vitest'
import { fetchNetwork } from './fetch-network.ts'
import { findMirror } from './mirror.ts'

const store = new CacheFolder(cacheRoot(process.env))
const minuteMs = 60_000
let image: ImageFiles
let kernel: Uint8Array
let initrd: Uint8Array

async function read(path: string): Promise<Uint8Array> {
  const bytes = await store.read(path)
  if (!bytes.ok) throw new Error(bytes.error.message)
  return bytes.value
}

beforeAll(async () => {
  const pulled = await pullImage({
    name: 'micro',
    mirror: () => findMirror(process.env),
    store,
    network: fetchNetwork(process.env),
    progress: () => undefined,
  })
  if (!pulled.ok) throw new Error(pulled.error.message)
  image = pulled.value
  kernel = await read(image.kernel.path)
  initrd = await read(image.initrd.path)
}, 15 * minuteMs)

describe('the micro image from Debian', () => {
  it('has a RISC-V Image of Linux 6.12 as its kernel', () => {
    expect(image.kernelRelease).toMatch(/^6\.12\.\d+\+deb13-riscv64$/)
    expect(Buffer.from(kernel.subarray(0x30, 0x3c)).toString('latin1')).toBe('RISCV\0\0\0RSC\x05')
    const imageBytes = Number(new DataView(kernel.buffer, kernel.byteOffset).getBigUint64(0x10, true))
    expect(imageBytes).toBeGreaterThanOrEqual(kernel.length)
  })

  it('has an initramfs with busybox for riscv64, init, and modules with all that they depend on', () => {
    const listed = execFileSync('cpio', ['-it', '--quiet'], { input: initrd }).toString().split('\n')
    expect(listed).toEqual(expect.arrayContaining(['init', 'bin/busybox', 'dev/console']))
    const busybox = fileOf('bin/busybox')
    const machineRiscv = 243
    expect(busybox.readUInt32BE(0)).toBe(0x7f454c46)
    expect(busybox.readUInt16LE(0x12)).toBe(machineRiscv)

    const root = `lib/modules/${image.kernelRelease}`
    const dependencies = fileOf(`${root}/modules.dep`).toString().trimEnd().split('\n')
    const named = dependencies.flatMap((line) => line.split(/:? /)).map((path) => path.replace(/:$/, ''))
    expect(listed).toEqual(expect.arrayContaining(named.map((path) => `${root}/${path}`)))
    const aliases = fileOf(`${root}/modules.alias`).toString()
    for (const alias of ['virtio:d00000001v* virtio_net', 'virtio:d00000002v* virtio_blk', 'fs-ext4 ext4']) {
      expect(aliases).toContain(`alias ${alias}\n`)
    }
    expect(aliases).toContain('alias fs-overlay overlay\n')
  })

  it('was made from packages of trixie', () => {
    expect(image.packages.map(({ name }) => name)).toEqual([
      'busybox-static',
      `linux-image-${image.kernelRelease}`,
    ])
  })
})

function fileOf(path: string): Buffer {
  const options = { input: initrd, maxBuffer: 1 << 26 }
  return execFileSync('cpio', ['-i', '--quiet', '--to-stdout', path], options)
}
