/** A qcow2 volume against a model of plain bytes: random writes, zeroes, discards, flushes, sizes, over random chains. */
import { describe, expect, it } from 'vitest'
import { checkVolume } from '../index.ts'
import { contentOf, createIn, inflate, MemoryFolder, newTrial, openIn, Random } from '../testing.ts'
import { VolumeError } from '../volume-error.ts'

const seeds = Array.from({ length: 60 }, (_, seed) => seed + 1)

/** The runner's own comparison takes a second for a megabyte. */
function expectSame(found: Uint8Array, expected: Uint8Array, when: string): void {
  expect(Buffer.compare(found, expected), when).toBe(0)
}

function expectClean(folder: MemoryFolder, path: string): void {
  const checked = checkVolume({ path, access: 'read', openFile: folder.openFile, inflate })
  expect(checked).toMatchObject({ ok: true, value: { leaks: 0, miscounted: 0, damages: 0 } })
}

describe('a volume', () => {
  it.each(seeds)('has what was written, seed %i', (seed) => {
    const random = new Random(seed)
    const { folder, path, model } = newTrial(random)
    let volume = openIn(folder, path, 'write')
    for (let step = 0; step < 60; step++) {
      const what = model.step(volume, random)
      expectSame(contentOf(volume), model.bytes, `step ${step}: ${what}`)
      if (random.oneIn(15)) {
        const sizeBytes = random.between(0, 200) * 512 * random.pick([1, 8])
        volume.resize(sizeBytes, 'shrink')
        model.resized(sizeBytes)
        expectSame(contentOf(volume), model.bytes, `resized to ${sizeBytes}`)
        if (sizeBytes === 0) return
      }
      if (random.oneIn(10)) {
        volume.close()
        expectClean(folder, path)
        volume = openIn(folder, path, 'write')
        model.flushed()
        expectSame(contentOf(volume), model.bytes, 'opened again')
      }
    }
  })

  it.each(seeds.slice(0, 20))('goes on after the disk was full, seed %i', (seed) => {
    const random = new Random(seed)
    const { folder, path, model } = newTrial(random)
    const volume = openIn(folder, path, 'write')
    const file = folder.files.get(path)
    for (let step = 0; step < 60 && file !== undefined; step++) {
      // What a write that fails leaves in its range is not said, so the model is asked again of all of it.
      file.isFull = random.oneIn(3)
      try {
        model.step(volume, random)
      } catch (error) {
        expect(error).toBeInstanceOf(VolumeError)
      }
      file.isFull = false
      volume.flush()
      model.bytes = contentOf(volume)
    }
    volume.close()
    expectClean(folder, path)
    expectSame(contentOf(openIn(folder, path, 'read')), model.bytes, 'at the end')
  })
})

describe('space', () => {
  const clusterBytes = 4096
  const disk = (options = {}) => {
    const folder = new MemoryFolder()
    folder.add('base', new Uint8Array(40 * clusterBytes).fill(7))
    createIn(folder, 'disk', { sizeBytes: 40 * clusterBytes, clusterBytes, ...options })
    const file = folder.files.get('disk')
    if (file === undefined) throw new Error('no file')
    return { folder, file, volume: openIn(folder, 'disk', 'write') }
  }
  const backing = { path: 'base', format: 'raw' } as const

  it('is not taken by what was never written, nor by zeroes over nothing', () => {
    const { file, volume } = disk()
    const before = file.size()
    volume.writeZeroes(0, volume.sizeBytes, 'keep')
    volume.discard(0, volume.sizeBytes)
    volume.flush()
    expect(file.size()).toBe(before)
  })

  it('is used again after a discard and a flush', () => {
    const { folder, file, volume } = disk()
    const bytes = new Uint8Array(20 * clusterBytes).fill(1)
    volume.write([bytes], 0)
    volume.flush()
    const sizes = new Set<number>()
    for (let round = 0; round < 20; round++) {
      volume.discard(0, bytes.length)
      volume.flush()
      volume.write([bytes], 0)
      volume.flush()
      sizes.add(file.size())
    }
    expect(sizes.size).toBe(1)
    expectClean(folder, 'disk')
  })

  it('is given back when the volume shrinks', () => {
    const { file, volume } = disk()
    const empty = file.size()
    volume.write([new Uint8Array(40 * clusterBytes).fill(1)], 0)
    volume.flush()
    volume.resize(clusterBytes, 'shrink')
    expect(file.size()).toBeLessThan(empty + 8 * clusterBytes)
  })

  it('that was discarded reads as zeros, whatever is behind', () => {
    const { volume } = disk({ backing })
    volume.discard(clusterBytes, 2 * clusterBytes)
    const bytes = contentOf(volume)
    expect([...new Set(bytes.subarray(0, clusterBytes))]).toEqual([7])
    expect([...new Set(bytes.subarray(clusterBytes, 3 * clusterBytes))]).toEqual([0])
    expect([...new Set(bytes.subarray(3 * clusterBytes))]).toEqual([7])
  })

  it('behind a shorter disk does not appear when it grows', () => {
    const { volume } = disk({ backing, sizeBytes: 1536 })
    volume.resize(10 * clusterBytes)
    const bytes = contentOf(volume)
    expect([...new Set(bytes.subarray(0, 1536))]).toEqual([7])
    expect([...new Set(bytes.subarray(1536))]).toEqual([0])
  })

  it('is written in one call where it lies in one row', () => {
    const { file, volume } = disk()
    const writes: number[] = []
    file.listen = (event) => {
      if (event.kind === 'write') writes.push(event.bytes.length)
    }
    const bytes = new Uint8Array(30 * clusterBytes).fill(3)
    volume.write([bytes], 0)
    volume.write([bytes], 0)
    expect(writes).toEqual([bytes.length, bytes.length])
  })

  it('is read into shared memory, piece by piece', () => {
    const { volume } = disk({ backing })
    const shared = new Uint8Array(new SharedArrayBuffer(3000))
    volume.read([shared.subarray(0, 1000), shared.subarray(2000)], 4000)
    expect(shared.slice(0, 1000).every((byte) => byte === 7)).toBe(true)
    expect(shared.slice(1000, 2000).every((byte) => byte === 0)).toBe(true)
    expect(shared.slice(2000).every((byte) => byte === 7)).toBe(true)
  })
})

describe('sizes', () => {
  it('shrink only with leave', () => {
    const folder = new MemoryFolder()
    createIn(folder, 'disk', { sizeBytes: 1 << 20 })
    const volume = openIn(folder, 'disk', 'write')
    expect(() => volume.resize(1 << 19)).toThrow(/allow it with --shrink/)
    expect(volume.sizeBytes).toBe(1 << 20)
  })

  it('end where the L1 table is too large', () => {
    const folder = new MemoryFolder()
    createIn(folder, 'disk', { sizeBytes: 1 << 20, clusterBytes: 512 })
    const volume = openIn(folder, 'disk', 'write')
    expect(() => volume.resize(2 ** 40)).toThrow(/too much for its clusters of 512 bytes/)
  })

  it('grow from nothing', () => {
    const folder = new MemoryFolder()
    createIn(folder, 'disk', { sizeBytes: 0 })
    const volume = openIn(folder, 'disk', 'write')
    volume.resize(1 << 20)
    volume.write([new Uint8Array(512).fill(9)], 1000)
    volume.close()
    expect(contentOf(openIn(folder, 'disk', 'read'))[1000]).toBe(9)
    expectClean(folder, 'disk')
  })
})
