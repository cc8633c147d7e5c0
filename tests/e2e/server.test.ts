/** A server's life: its volume is made, it boots, is logged into, loses its power, is switched off, and starts again. */
import { spawnSync } from 'node:child_process'
import { join } from 'node:path'
import { afterEach, beforeAll, describe, expect, it } from 'vitest'
import { pull } from '../../apps/cli/image-store.ts'
import { qemuImg } from '../framework/qemu-img.ts'
import { makeSshKey, QemuServer, type QemuServerOptions } from '../framework/qemu-server.ts'
import { newFolder, virga } from './virga.ts'

const pullMsMax = 600_000
const lifeMsMax = 400_000
const readyMsMax = 120_000

let files: Pick<QemuServerOptions, 'kernel' | 'initrd'>
beforeAll(async () => {
  for (const name of ['micro', 'server']) {
    const { status, stderr } = await virga(['image', 'pull', name])
    expect(status, stderr).toBe(0)
  }
  const micro = await pull('micro')
  if (!micro.ok) throw new Error(micro.error.message)
  files = { kernel: micro.value.kernelPath, initrd: micro.value.initrdPath }
}, pullMsMax)

let server: QemuServer | undefined
afterEach(() => server?.kill())

/** The file system of a volume is as e2fsck wants it. */
function checkVolume(folder: string, volume: string): void {
  qemuImg(folder, 'check', '-q', volume)
  const raw = join(folder, 'judged.img')
  qemuImg(folder, 'convert', '-O', 'raw', volume, raw)
  const ran = spawnSync('e2fsck', ['-fn', raw], { encoding: 'utf8' })
  expect(ran.error, 'this test needs e2fsck: apt-get install e2fsprogs').toBeUndefined()
  expect([ran.status, ran.status === 0 ? '' : ran.stdout]).toEqual([0, ''])
}

describe('a root volume', () => {
  it('is refused of an image that cannot make one, and too small', async () => {
    const folder = newFolder()
    const create = (...args: string[]) => virga(['volume', 'create', 'root.qcow2', ...args], { folder })
    const micro = await create('--image', 'micro')
    expect([micro.status, micro.stderr]).toEqual([
      2,
      expect.stringMatching(/^virga: image micro has no programs/),
    ])
    const small = await create('--image', 'server', '--size', '10MiB')
    expect([small.status, small.stderr]).toEqual([2, expect.stringMatching(/use --size \d+MiB or more\n$/)])
    const both = await create('--image', 'server', '--backing', 'x.qcow2')
    expect([both.status, both.stderr]).toEqual([
      2,
      expect.stringMatching(/leave out --image or --backing\n$/),
    ])
  })

  it(
    'is made without tools of the host, and a server lives on an overlay of it, in QEMU and here',
    async () => {
      const folder = newFolder()
      const made = await virga(['volume', 'create', 'root.qcow2', '--image', 'server', '--size', '512MiB'], {
        folder,
      })
      expect([made.status, made.stderr]).toEqual([0, ''])
      const base = join(folder, 'root.qcow2')
      checkVolume(folder, base)
      const disk = join(folder, 'web.qcow2')
      await virga(['volume', 'create', disk, '--backing', base, '--size', '1GiB'])

      const key = makeSshKey(folder)
      const userData = '#cloud-config\nruncmd:\n  - echo once >> /root/count\n'
      const metadata = {
        'metadata/instance-id': '42',
        'metadata/hostname': 'web-1',
        'metadata/public-keys': JSON.stringify([key.publicKey]),
        userdata: userData,
      }
      server = await QemuServer.start({ ...files, disk, metadata })
      const first = await server.agent(readyMsMax)
      expect(first.notice).toEqual({ hostname: 'web-1', instance: '42', addresses: ['eth0/169.254.0.15/16'] })
      expect(server.ssh(key, 'hostname; cat count; echo kept > word; sync; uname -m')).toBe(
        'web-1\nonce\nriscv64\n',
      )
      const grown = await first.client.run('df -m / | tail -n 1 | tr -s " " | cut -d " " -f 2')
      expect(grown.ok && Number(new TextDecoder().decode(grown.value.stdout))).toBeGreaterThan(900)
      server.kill()
      await server.ended

      server = await QemuServer.start({ ...files, disk, metadata })
      const second = await server.agent(readyMsMax)
      expect(server.ssh(key, 'cat count word')).toBe('once\nkept\n')
      expect(
        await second.client.writeFile('/root/said', new TextEncoder().encode('by the agent'), 0o600),
      ).toEqual({
        ok: true,
        value: undefined,
      })
      await server.pressPower()
      expect(await server.ended, server.console.slice(-2000)).toBe(0)
      checkVolume(folder, disk)

      const here = await virga(['run', '--disk', disk, '--append', 'quiet', '--timeout', '4m'], {
        input: 'cat /root/word /root/said; hostname; grep " / " /proc/mounts; poweroff\n',
      })
      expect([here.status, here.stderr]).toEqual([0, ''])
      expect(here.stdout).toMatch(/kept\r\nby the agent(\r\n)?web-1\r\n\/dev\/vda \/ ext4 rw/)
      checkVolume(folder, disk)
    },
    lifeMsMax,
  )
})
