/**
 * Our volumes as `qemu-img` sees them, and its images as we do: it checks what we write, both read the same bytes of
 * what either made, and each goes on where the other ended.
 */
import { readFileSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { checkVolume, copyVolume, type OpenOptions, type VolumeFormat } from '@virga/volume'
import { contentOf, newTrial, openIn, Random, VolumeModel } from '@virga/volume/testing'
import { describe, expect, it } from 'vitest'
import { qemuImg, qemuIo, tryQemuImg } from '../../framework/qemu-img.ts'
import { content, create, inFolder, open, platform } from './disk.ts'

const kib = 1024
const mib = 1024 * kib

/** Whether both are equal. The runner's own comparison takes seconds for a megabyte. */
function same(a: Uint8Array, b: Uint8Array): boolean {
  return Buffer.compare(a, b) === 0
}

/** What qemu-img reads, as one file of bytes. */
function bytesByQemu(folder: string, image: string): Uint8Array {
  qemuImg(folder, 'convert', '-f', 'qcow2', '-O', 'raw', image, 'by-qemu')
  return readFileSync(join(folder, 'by-qemu'))
}

describe('a volume that we make', () => {
  const clusters = [512, 4 * kib, 64 * kib, 2 * mib]
  it.each(clusters)(
    'with clusters of %i bytes is sound to qemu-img, with all that was written',
    (clusterBytes) => {
      inFolder((folder) => {
        const path = join(folder, 'ours')
        const sizeBytes = Math.max(6 * mib, 3 * clusterBytes) + 512
        create(path, { sizeBytes, clusterBytes })
        expect(qemuImg(folder, 'check', 'ours')).toMatch(/No errors were found/)
        const random = new Random(clusterBytes)
        const model = new VolumeModel(new Uint8Array(sizeBytes))
        const volume = open(path, 'write')
        for (let step = 0; step < 80; step++) model.step(volume, random)
        volume.close()
        expect(qemuImg(folder, 'check', 'ours')).toMatch(/No errors were found/)
        expect(same(bytesByQemu(folder, 'ours'), model.bytes)).toBe(true)
      })
    },
  )

  it('over another has what that has, and its own', () => {
    inFolder((folder) => {
      qemuImg(folder, 'create', '-f', 'qcow2', 'base', '3M')
      qemuIo(folder, 'base', 'write -P 1 0 3M')
      create(join(folder, 'ours'), { sizeBytes: 4 * mib, backing: { path: 'base', format: 'qcow2' } })
      const model = new VolumeModel(content(join(folder, 'ours')))
      expect([model.bytes[3 * mib - 1], model.bytes[3 * mib]]).toEqual([1, 0])
      const volume = open(join(folder, 'ours'), 'write')
      const random = new Random(3)
      for (let step = 0; step < 50; step++) model.step(volume, random)
      volume.close()
      expect(qemuImg(folder, 'check', 'ours')).toMatch(/No errors were found/)
      expect(same(bytesByQemu(folder, 'ours'), model.bytes)).toBe(true)
      expect(JSON.parse(qemuImg(folder, 'info', '--output=json', 'ours'))).toMatchObject({
        'backing-filename': 'base',
        'backing-filename-format': 'qcow2',
        'virtual-size': 4 * mib,
      })
    })
  })

  it('of 64 GiB with small clusters, that has grown and shrunk, is sound', () => {
    inFolder((folder) => {
      const path = join(folder, 'ours')
      create(path, { sizeBytes: 8 * mib, clusterBytes: 512 })
      const volume = open(path, 'write')
      volume.resize(2 ** 36)
      volume.write([new Uint8Array(9000).fill(4)], 2 ** 36 - 9000)
      volume.flush()
      expect(qemuImg(folder, 'check', 'ours')).toMatch(/No errors were found/)
      volume.resize(mib, 'shrink')
      volume.close()
      expect(qemuImg(folder, 'check', 'ours')).toMatch(/No errors were found/)
      expect(qemuImg(folder, 'info', 'ours')).toMatch(/virtual size: 1 MiB/)
    })
  })

  it('goes on in the hands of QEMU, and then in ours', () => {
    inFolder((folder) => {
      const path = join(folder, 'ours')
      create(path, { sizeBytes: 4 * mib })
      let volume = open(path, 'write')
      volume.write([new Uint8Array(100 * kib).fill(1)], 0)
      volume.close()
      qemuIo(folder, 'ours', 'write -P 2 50k 2M', 'discard 1M 64k', 'write -z 3M 64k')
      volume = open(path, 'write')
      volume.write([new Uint8Array(10 * kib).fill(3)], 60 * kib)
      volume.discard(2 * mib, mib)
      volume.close()
      expect(qemuImg(folder, 'check', 'ours')).toMatch(/No errors were found/)
      expect(same(bytesByQemu(folder, 'ours'), content(path))).toBe(true)
      const bytes = content(path)
      expect([0, 55, 65, 75, 1024, 3072].map((at) => bytes[at * kib])).toEqual([1, 2, 3, 2, 0, 0])
    })
  })
})

/** Options of `qemu-img create` or `convert`, of images that have to be read and written alike. */
const options: readonly string[] = [
  'compat=0.10',
  'compat=1.1,lazy_refcounts=on',
  'preallocation=metadata',
  'preallocation=full',
  'cluster_size=512',
  'cluster_size=4k',
  'cluster_size=2M',
  ...[1, 2, 4, 8, 32, 64].map((bits) => `refcount_bits=${bits}`),
  'cluster_size=512,refcount_bits=64',
]

describe('an image that qemu-img makes', () => {
  it.each(options)('with %s is read, written, and sound', (option) => {
    inFolder((folder) => {
      const path = join(folder, 'theirs')
      qemuImg(folder, 'create', '-f', 'qcow2', '-o', option, 'theirs', '5M')
      qemuIo(folder, 'theirs', 'write -P 7 100k 900k', 'write -z 300k 200k', 'write -P 9 4M 1M')
      const before = content(path)
      expect(same(before, bytesByQemu(folder, 'theirs'))).toBe(true)
      const model = new VolumeModel(before)
      const volume = open(path, 'write')
      const random = new Random(11)
      for (let step = 0; step < 60; step++) model.step(volume, random)
      volume.resize(7 * mib)
      model.resized(7 * mib)
      volume.close()
      expect(qemuImg(folder, 'check', 'theirs')).toMatch(/No errors were found/)
      expect(same(bytesByQemu(folder, 'theirs'), model.bytes)).toBe(true)
    })
  })

  it.each(['64k', '4k', '2M'])('that is compressed, with clusters of %s, is read and written', (cluster) => {
    inFolder((folder) => {
      const text = Buffer.from('what is written again and again. '.repeat(200_000)).subarray(0, 5 * mib)
      writeFileSync(join(folder, 'raw'), text)
      qemuImg(folder, 'convert', '-c', '-O', 'qcow2', '-o', `cluster_size=${cluster}`, 'raw', 'theirs')
      const path = join(folder, 'theirs')
      expect(same(content(path), text)).toBe(true)
      const model = new VolumeModel(text)
      const volume = open(path, 'write')
      const random = new Random(5)
      for (let step = 0; step < 60; step++) model.step(volume, random)
      volume.close()
      expect(qemuImg(folder, 'check', 'theirs')).toMatch(/No errors were found/)
      expect(same(bytesByQemu(folder, 'theirs'), model.bytes)).toBe(true)
    })
  })

  it('is one of a chain, relative and in another folder', () => {
    inFolder((folder) => {
      qemuImg(folder, 'create', '-f', 'raw', 'raw', '2M')
      writeFileSync(join(folder, 'raw'), new Uint8Array(2 * mib).fill(1))
      qemuImg(folder, 'create', '-f', 'qcow2', '-b', 'raw', '-F', 'raw', 'middle', '3M')
      qemuIo(folder, 'middle', 'write -P 2 1M 64k', 'write -z 1100k 100k')
      qemuImg(folder, 'create', '-f', 'qcow2', '-b', join(folder, 'middle'), '-F', 'qcow2', 'top')
      qemuIo(folder, 'top', 'write -P 3 0 1k')
      expect(same(content(join(folder, 'top')), bytesByQemu(folder, 'top'))).toBe(true)
    })
  })

  it.each([
    ['extended_l2=on', /has extended L2 entries; convert it/],
    ['data_file=data', /keeps its data in another file; make one/],
    ['encrypt.format=aes,encrypt.key-secret=s', /is encrypted; decrypt it/],
  ])('with %s is refused', (option, says) => {
    inFolder((folder) => {
      const secret = ['--object', 'secret,id=s,data=geheim']
      qemuImg(folder, 'create', ...secret, '-q', '-f', 'qcow2', '-o', option, 'theirs', '1M')
      expect(() => open(join(folder, 'theirs'), 'read')).toThrow(says)
    })
  })

  it('that is compressed with zstd is refused', () => {
    inFolder((folder) => {
      qemuImg(folder, 'create', '-f', 'qcow2', '-o', 'compression_type=zstd', 'theirs', '1M')
      expect(() => open(join(folder, 'theirs'), 'read')).toThrow(/compressed with zstd; convert it/)
    })
  })

  it('with snapshots or bitmaps is read, and not written', () => {
    inFolder((folder) => {
      for (const [name, make, says] of [
        ['snapshot', ['snapshot', '-c', 'one', 'snapshot'], /has internal snapshots; delete them/],
        ['bitmap', ['bitmap', '--add', 'bitmap', 'one'], /has bitmaps; remove them/],
      ] as const) {
        qemuImg(folder, 'create', '-f', 'qcow2', name, '1M')
        qemuImg(folder, ...make)
        const path = join(folder, name)
        expect(content(path)).toHaveLength(mib)
        expect(() => open(path, 'write')).toThrow(says)
      }
    })
  })
})

describe('a copy', () => {
  const copy = (from: string, to: string, format: VolumeFormat): void => {
    const source: OpenOptions = { ...platform, path: from, access: 'read' }
    const steps = copyVolume(source, { ...platform, path: to, format })
    let step = steps.next()
    while (step.done !== true) step = steps.next()
    if (!step.value.ok) throw new Error(step.value.error.message)
  }

  it('is identical to qemu-img, both ways, and takes no space for zeros', () => {
    inFolder((folder) => {
      qemuImg(folder, 'create', '-f', 'qcow2', 'base', '20M')
      qemuIo(folder, 'base', 'write -P 1 1M 1M', 'write -P 0 5M 1M', 'write -P 2 19M 1M')
      qemuImg(folder, 'create', '-f', 'qcow2', '-b', 'base', '-F', 'qcow2', 'top', '21M')
      qemuIo(folder, 'top', 'write -z 1M 100k', 'write -P 3 20M 4k')
      copy(join(folder, 'top'), join(folder, 'as-raw'), 'raw')
      copy(join(folder, 'as-raw'), join(folder, 'again'), 'qcow2')
      expect(qemuImg(folder, 'compare', '-f', 'qcow2', '-F', 'raw', 'top', 'as-raw')).toMatch(/identical/)
      expect(qemuImg(folder, 'compare', '-f', 'raw', '-F', 'qcow2', 'as-raw', 'again')).toMatch(/identical/)
      expect(qemuImg(folder, 'check', 'again')).toMatch(/No errors were found/)
      const size = (image: string) =>
        JSON.parse(qemuImg(folder, 'info', '--output=json', image))['actual-size']
      expect(size('as-raw')).toBeLessThan(3 * mib)
      expect(size('again')).toBeLessThan(3 * mib)
    })
  })
})

describe('what both find wrong', () => {
  it('is the same, and what we repair is sound to qemu-img', () => {
    inFolder((folder) => {
      const path = join(folder, 'ours')
      for (let seed = 1; seed <= 25; seed++) {
        const random = new Random(seed)
        const trial = newTrial(random)
        const volume = openIn(trial.folder, trial.path, 'write')
        for (let step = 0; step < 10; step++) trial.model.step(volume, random)
        volume.close()
        // Without its backing file, which is not looked at.
        const bytes = trial.folder.files.get(trial.path)?.content() ?? new Uint8Array(0)
        bytes.fill(0, 8, 20)
        const head = Buffer.from(bytes.buffer)
        const block = Number(head.readBigUInt64BE(head.readUInt32BE(52)))
        const clusters = Math.ceil(bytes.length / 2 ** head.readUInt32BE(20))
        const counted = random.below(Math.min(clusters, 2 ** head.readUInt32BE(20) / 2))
        head.writeUInt16BE(random.pick([0, 1, 2]), block + 2 * counted)
        writeFileSync(path, bytes)
        const theirs = JSON.parse(tryQemuImg(folder, 'check', '--output=json', '-f', 'qcow2', 'ours').stdout)
        const ours = checkVolume({ ...platform, path, access: 'read' })
        if (!ours.ok) throw new Error(ours.error.message)
        const { leaks, miscounted, damages } = ours.value
        expect(damages, `seed ${seed}`).toBe(0)
        expect(leaks > 0, `seed ${seed}`).toBe('leaks' in theirs)
        // A count of two is a leak to us, and a wrong flag, too, to QEMU.
        if (leaks === 0) expect(miscounted > 0, `seed ${seed}`).toBe('corruptions' in theirs)
        expect(checkVolume({ ...platform, path, access: 'write' }).ok).toBe(true)
        expect(qemuImg(folder, 'check', '-f', 'qcow2', 'ours')).toMatch(/No errors were found/)
      }
    })
  })

  it('is repaired where QEMU was killed with lazy counts', () => {
    inFolder((folder) => {
      qemuImg(folder, 'create', '-f', 'qcow2', '-o', 'lazy_refcounts=on', 'theirs', '4M')
      tryQemuIoThatDies(folder)
      expect(tryQemuImg(folder, 'check', 'theirs').status).not.toBe(0)
      const path = join(folder, 'theirs')
      expect(() => open(path, 'write')).toThrow(
        /was not closed.*repair it with `virga volume check --repair`/,
      )
      expect(checkVolume({ ...platform, path, access: 'write' })).toMatchObject({
        ok: true,
        value: { damages: 0 },
      })
      expect(qemuImg(folder, 'check', 'theirs')).toMatch(/No errors were found/)
      expect(content(path)[1000]).toBe(5)
    })
  })
})

function tryQemuIoThatDies(folder: string): void {
  // It ends by its own hand, as if killed: what it has not written is lost.
  expect(() => qemuIo(folder, 'theirs', 'write -P 5 0 1M', 'flush', 'sigraise 9')).toThrow()
}

describe('every write of ours', () => {
  it('leaves what qemu-img calls sound', () => {
    inFolder((folder) => {
      const random = new Random(2)
      const trial = newTrial(random)
      const volume = openIn(trial.folder, trial.path, 'write')
      const file = trial.folder.files.get(trial.path)
      if (file === undefined) throw new Error('no file')
      let looks = 0
      file.listen = () => {
        const bytes = file.content()
        bytes.fill(0, 8, 20)
        writeFileSync(join(folder, 'then'), bytes)
        expect(qemuImg(folder, 'check', '-f', 'qcow2', 'then')).toMatch(/No errors were found/)
        looks += 1
      }
      while (looks < 100) trial.model.step(volume, random)
      expect(contentOf(volume)).toHaveLength(volume.sizeBytes)
    })
  })
})
