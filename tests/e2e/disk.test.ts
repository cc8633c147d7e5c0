/** Machines with disks: what one writes, the host and the next machine read; and what a disk must not do. */
import { spawnSync } from 'node:child_process'
import { closeSync, ftruncateSync, openSync, readFileSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { beforeAll, describe, expect, it } from 'vitest'
import { newFolder, virga } from './virga.ts'

const pullMsMax = 600_000
const bootMsMax = 240_000
const mib = 2 ** 20

beforeAll(async () => {
  const { status, stderr } = await virga(['image', 'pull'])
  expect(status, stderr).toBe(0)
}, pullMsMax)

/** A host's tool; fails with what it takes to have it. */
function host(tool: string, args: readonly string[], debianPackage: string): string {
  const ran = spawnSync(tool, args, { encoding: 'utf8' })
  expect(ran.error, `this test needs ${tool}: apt-get install ${debianPackage}`).toBeUndefined()
  expect({ status: ran.status, stderr: ran.status === 0 ? '' : ran.stderr }).toEqual({
    status: 0,
    stderr: '',
  })
  return ran.stdout
}

/** A file of `bytes` zeros. */
function blankFile(bytes: number): string {
  const path = join(newFolder(), 'disk.img')
  const file = openSync(path, 'w')
  ftruncateSync(file, bytes)
  closeSync(file)
  return path
}

const run = (disks: readonly string[], command: string, more: readonly string[] = []) =>
  virga(['run', ...disks.flatMap((disk) => ['--disk', disk]), ...more, '--exec', command])

describe('a disk that cannot be used', () => {
  it.each([
    ['is not there', 'nowhere.img', /^virga: there is no file nowhere\.img; check the path\n$/],
    ['is no qcow2 image', 'plain.qcow2', /plain\.qcow2/],
    ['is a folder', '.', /is a folder; name a file/],
  ])('since it %s is told in one line', async (_, name, line) => {
    const folder = newFolder()
    writeFileSync(join(folder, 'plain.qcow2'), 'no image')
    const ended = await virga(['run', '--disk', name, '--exec', 'true'], { folder })
    expect(ended.stderr).toMatch(line)
    expect([ended.stdout, ended.stderr.split('\n').length]).toEqual(['', 2])
    expect(ended.status).toBeGreaterThan(0)
  })

  it('is refused with lockstep', async () => {
    const ended = await virga(['run', '--disk', 'x', '--engine', 'lockstep'])
    expect([ended.status, ended.stderr]).toEqual([2, expect.stringMatching(/leave out --disk\n$/)])
  })
})

describe('a raw disk', () => {
  it(
    'with ext4 keeps what a machine wrote, for the host and for the next machine',
    async () => {
      const disk = blankFile(32 * mib)
      host('mkfs.ext4', ['-q', disk], 'e2fsprogs')
      const first = await run(
        [disk],
        `modprobe ext4; mount /dev/vda /mnt && seq 1 20000 > /mnt/numbers && echo kept > /mnt/word && sync
         grep -c 'MSI.*virtio.-req.0' /proc/interrupts; cat /sys/block/vda/serial; umount /mnt`,
      )
      expect([first.status, first.stderr, first.stdout]).toEqual([0, '', '1\ndisk.img'])
      expect(host('debugfs', ['-R', 'cat /word', disk], 'e2fsprogs')).toBe('kept\n')
      host('e2fsck', ['-fn', disk], 'e2fsprogs')
      const second = await run(
        [`${disk},readonly`],
        `modprobe ext4; cat /sys/block/vda/ro; mount -o ro /dev/vda /mnt && md5sum < /mnt/numbers
         touch /mnt/no 2>/dev/null || echo refused; dd if=/dev/zero of=/dev/vda bs=4k count=1 2>&1 | head -1`,
        ['--interrupts', 'plic'],
      )
      expect([second.status, second.stdout]).toEqual([
        0,
        `1\n${host('sh', ['-c', 'seq 1 20000 | md5sum'], 'coreutils')}refused\ndd: error writing '/dev/vda': Operation not permitted\n`,
      ])
    },
    bootMsMax,
  )

  it(
    'has the bytes where a machine put them, and a second disk its own',
    async () => {
      const [one, two] = [blankFile(8 * mib), blankFile(4 * mib + 512)]
      const ended = await run(
        [one, two],
        `for i in 0 1 2 3; do echo block$i; done > /tmp/text
         dd if=/tmp/text of=/dev/vda bs=4096 seek=2047 conv=sync,fsync 2>/dev/null
         dd if=/tmp/text of=/dev/vdb bs=512 seek=8192 conv=sync,fsync 2>/dev/null
         cat /sys/block/vda/size /sys/block/vdb/size
         dd if=/dev/vdb bs=512 skip=8192 iflag=direct 2>/dev/null | head -1`,
      )
      expect([ended.status, ended.stdout]).toEqual([0, '16384\n8193\nblock0\n'])
      expect(
        readFileSync(one)
          .subarray(2047 * 4096, 2047 * 4096 + 7)
          .toString(),
      ).toBe('block0\n')
      expect(
        readFileSync(two)
          .subarray(8192 * 512, 8192 * 512 + 14)
          .toString(),
      ).toBe('block0\nblock1\n')
      expect(
        readFileSync(two)
          .subarray(0, 8192 * 512)
          .every((byte) => byte === 0),
      ).toBe(true)
    },
    bootMsMax,
  )
})

describe('a qcow2 disk', () => {
  it(
    'is written by a machine, is sound after, and has the bytes',
    async () => {
      const disk = join(newFolder(), 'disk.qcow2')
      expect((await virga(['volume', 'create', disk, '--size', '64MiB'])).status).toBe(0)
      const ended = await run(
        [disk],
        `dd if=/bin/busybox of=/dev/vda bs=1M seek=3 conv=fsync 2>/dev/null; md5sum < /bin/busybox
         dd if=/dev/vda bs=1M skip=3 iflag=direct 2>/dev/null | head -c $(stat -c %s /bin/busybox) | md5sum`,
      )
      const [written, read] = ended.stdout.trim().split('\n')
      expect([ended.status, read]).toEqual([0, written])
      host('qemu-img', ['check', '-q', disk], 'qemu-utils')
    },
    bootMsMax,
  )
})

describe('the source of random numbers', () => {
  it(
    'is there, and is not with --no-rng',
    async () => {
      const command = 'cat /sys/class/misc/hw_random/rng_current; head -c 32 /dev/hwrng 2>/dev/null | wc -c'
      const [with_, without] = [await run([], command), await run([], command, ['--no-rng'])]
      expect(with_.stdout).toBe('virtio_rng.0\n32\n')
      expect(without.stdout).toMatch(/^(none\n)?0\n$/)
    },
    bootMsMax,
  )
})
