/** Disks as files, from the command line; and what is there when whoever writes one is killed. */
import { readFileSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { setTimeout as sleep } from 'node:timers/promises'
import { Random } from '@virga/volume/testing'
import { beforeAll, describe, expect, it } from 'vitest'
import { content, create } from '../conformance/volume/disk.ts'
import { qemuImg, qemuIo } from '../framework/qemu-img.ts'
import { newFolder, type Running, start, virga } from './virga.ts'
import { clusterBytes, type VolumeWrite, writesOf } from './volume-writes.ts'

const folder = newFolder()
const at = (name: string) => join(folder, name)
const volume = (command: string) => virga(['volume', ...command.split(' ')], { folder })

describe('a disk', () => {
  it('is made, written by QEMU, resized, checked and converted', async () => {
    expect(await volume('create base.qcow2 --size 8MiB')).toMatchObject({
      status: 0,
      stdout: 'made base.qcow2: qcow2, 8.0 MiB\n',
      stderr: '',
    })
    qemuIo(folder, 'base.qcow2', 'write -P 1 0 8M')
    expect((await volume('create web.qcow2 --backing base.qcow2 --cluster 4KiB')).stdout).toMatch(/8\.0 MiB/)
    qemuIo(folder, 'web.qcow2', 'write -P 2 1M 1M')
    expect((await volume('resize web.qcow2 16MiB')).stdout).toBe('web.qcow2 has 16.0 MiB now\n')
    const info = JSON.parse((await volume('info web.qcow2 -o json')).stdout)
    expect(info).toMatchObject({
      format: 'qcow2',
      sizeBytes: 2 ** 24,
      clusterBytes: 4096,
      backing: { path: 'base.qcow2', format: 'qcow2' },
    })
    expect((await volume('info web.qcow2')).stdout).toMatch(/^backing +base\.qcow2 \(qcow2\)$/m)
    expect(await volume('check web.qcow2')).toMatchObject({
      status: 0,
      stdout: expect.stringMatching(/; sound$/m),
    })
    expect((await volume('convert web.qcow2 web.img --to raw')).stdout).toMatch(
      /^made web\.img: raw, 16\.0 MiB, 8\.0 MiB/,
    )
    expect((await volume('convert web.img alone.qcow2 --to qcow2')).status).toBe(0)
    expect(qemuImg(folder, 'compare', 'web.qcow2', 'alone.qcow2')).toMatch(/identical/)
    expect((await volume('resize web.qcow2 1MiB --shrink')).status).toBe(0)
    for (const name of ['base', 'web', 'alone']) {
      expect(qemuImg(folder, 'check', `${name}.qcow2`)).toMatch(/No errors were found/)
    }
  })

  it('that leaks is found, repaired, and sound to QEMU', async () => {
    await volume('create leaky.qcow2 --size 1MiB')
    const bytes = readFileSync(at('leaky.qcow2'))
    // The first block of counts is the third cluster; nothing is in the tenth.
    bytes.writeUInt16BE(1, 2 * 65_536 + 2 * 9)
    writeFileSync(at('leaky.qcow2'), Buffer.concat([bytes, new Uint8Array(10 * 65_536 - bytes.length)]))
    const checked = await volume('check leaky.qcow2')
    expect(checked.status).toBe(1)
    expect(checked.stdout).toMatch(/cluster 9 is counted 1 times, and used 0 times/)
    expect(checked.stderr).toMatch(/mend it with `virga volume check --repair leaky\.qcow2`/)
    const repaired = await volume('check leaky.qcow2 --repair -o json')
    expect(repaired.status).toBe(0)
    expect(JSON.parse(repaired.stdout)).toMatchObject({ sound: true, leaks: 1, damages: 0 })
    expect(qemuImg(folder, 'check', 'leaky.qcow2')).toMatch(/No errors were found/)
  })
})

describe('a mistake', () => {
  const mistakes: readonly (readonly [command: string, status: number, says: RegExp])[] = [
    ['create x.qcow2', 2, /say how large x\.qcow2 is to be, with --size/],
    ['create x.qcow2 --size huge', 2, /--size takes an amount of space such as 512MiB/],
    ['create x.qcow2 --size 1EiB', 2, /--size takes an amount of space/],
    ['create x.qcow2 --size 9000TiB', 2, /no disk of \d+ bytes can be made/],
    ['create x.qcow2 --size 1MiB --cluster 3KiB', 2, /a power of two from 512 bytes to 2 MiB/],
    ['create x.qcow2 --size 1TiB --cluster 512B', 2, /choose larger ones/],
    ['create x.qcow2 --backing absent', 2, /there is no file absent; check the path/],
    ['create x.img --format raw --size 1MiB --backing y', 2, /a raw volume has no backing file/],
    ['create mistakes/x.qcow2 --size 1MiB', 2, /there is no file mistakes\/x\.qcow2; check the path/],
    ['resize absent 1GiB', 2, /there is no file absent/],
    ['resize . 1GiB', 1, /is a folder; name a file|it is a folder/],
    ['check text', 2, /text is raw, which has nothing to check/],
    ['check cut.qcow2', 1, /cut\.qcow2 is damaged: its header is cut off/],
    ['info version.qcow2', 1, /is a qcow2 image of version 4; convert it to 3/],
    [
      'convert feature.qcow2 y --to raw',
      1,
      /needs what this version does not know: bit 37; use a newer version/,
    ],
    ['convert cycle.qcow2 y --to raw', 1, /has itself behind it, by cycle\.qcow2/],
    ['convert --to raw text', 2, /missing required argument 'to'/],
    ['convert text text --to qcow2', 2, /text is there already/],
    ['convert text y', 2, /required option '--to <format>' not specified/],
  ]
  beforeAll(() => {
    writeFileSync(at('text'), 'this is a text '.repeat(100))
    writeFileSync(at('cut.qcow2'), 'QFI\xfb', 'latin1')
    for (const [name, offset, byte] of [
      ['version', 7, 4],
      ['feature', 75, 32],
    ] as const) {
      qemuImg(folder, 'create', '-f', 'qcow2', `${name}.qcow2`, '1M')
      const bytes = readFileSync(at(`${name}.qcow2`))
      bytes[offset] = byte
      writeFileSync(at(`${name}.qcow2`), bytes)
    }
    qemuImg(folder, 'create', '-f', 'qcow2', 'cycle.qcow2', '1M')
    qemuImg(folder, 'rebase', '-u', '-b', 'cycle.qcow2', '-F', 'qcow2', 'cycle.qcow2')
  })

  it.each(mistakes)('%s: status %i, one line', async (command, status, says) => {
    const ended = await volume(command)
    expect(ended.stderr).toMatch(says)
    expect(ended.stderr.trim().split('\n')).toHaveLength(1)
    expect(ended.status).toBe(status)
  })
})

describe('a writer that is killed', () => {
  const kills = 50
  const sizeBytes = 2 ** 20
  /** Writers at a time. */
  const lanes = 2

  it(`${kills} times leaves an image without fault, with all that it flushed`, async () => {
    const random = new Random(Date.now() % 1e9)
    create(at('base'), { sizeBytes: sizeBytes / 2 })
    qemuIo(folder, 'base', `write -P 170 0 ${sizeBytes / 2}`)
    // One that ends leaves its compiled code for the others.
    create(at('first'), { sizeBytes, clusterBytes })
    expect((await startWriter(at('first'), 1, '10').ended).stderr).toBe('')
    let flushes = 0
    const killOne = async (kill: number): Promise<void> => {
      const name = `killed${kill}`
      const backing = kill % 2 === 0 ? { path: 'base', format: 'qcow2' as const } : undefined
      create(at(name), { sizeBytes, clusterBytes, backing })
      const seed = random.below(2 ** 31)
      const flushed = await killWhileWriting(at(name), seed, random.below(100))
      flushes += flushed / 5
      expect(qemuImg(folder, 'check', name), `seed ${seed}`).toMatch(/No errors were found/)
      expect(impossibleByte(content(at(name)), backing !== undefined, seed, flushed), `seed ${seed}`).toBe(-1)
    }
    for (let kill = 0; kill < kills; kill += lanes) {
      await Promise.all(Array.from({ length: lanes }, (_, lane) => killOne(kill + lane)))
    }
    expect(flushes).toBeGreaterThan(kills)
  })

  function startWriter(path: string, seed: number, ...more: readonly string[]): Running {
    const program = join(import.meta.dirname, 'volume-writer.ts')
    const environment = { NODE_COMPILE_CACHE: at('compiled') }
    return start([process.execPath, program], [path, String(seed), ...more], { environment })
  }

  /** Kills a writer `afterMs` after it has begun; resolves to how many writes it said were flushed. */
  async function killWhileWriting(path: string, seed: number, afterMs: number): Promise<number> {
    const writer = startWriter(path, seed)
    await writer.shows(/ready/)
    await sleep(afterMs)
    writer.process.kill('SIGKILL')
    const { signal, stdout, stderr } = await writer.ended
    expect(stderr).toBe('')
    expect(signal).toBe('SIGKILL')
    // A line that was cut off was not said.
    const said = stdout.split('\n').slice(0, -1).at(-1) ?? ''
    return Number(/^flushed (\d+)$/.exec(said)?.[1] ?? 0)
  }

  /**
   * The first byte that can be no outcome of the first `flushed` writes and any of those behind them that may have been
   * begun; -1 when there is none.
   */
  function impossibleByte(found: Uint8Array, isBacked: boolean, seed: number, flushed: number): number {
    const expected = new Uint8Array(found.length)
    if (isBacked) expected.fill(170, 0, found.length / 2)
    const byteAfter = ({ kind, fill }: VolumeWrite) => (kind === 'write' ? fill : 0)
    const later: VolumeWrite[] = []
    let count = 0
    for (const write of writesOf(seed, found.length)) {
      if (count < flushed) expected.fill(byteAfter(write), write.offset, write.offset + write.bytes)
      // Five writes to a flush, and the next flush may have been made and not said.
      else if (count < flushed + 10) later.push(write)
      else break
      count += 1
    }
    return found.findIndex(
      (byte, offset) =>
        byte !== expected[offset] &&
        !later.some(
          (write) =>
            offset >= write.offset && offset < write.offset + write.bytes && byte === byteAfter(write),
        ),
    )
  }
})
