/** Images that are not what they say: each is refused in one line that says what to do, and none does harm. */
import { describe, expect, it } from 'vitest'
import { checkVolume, openVolume } from './index.ts'
import { createIn, inflate, MemoryFolder, misbehaviour, newDamagedTrial, openIn, Random } from './testing.ts'

const clusterBytes = 4096
const sizeBytes = 64 * clusterBytes

/** A folder with an image `disk` that has some data, and ways to change its bytes. */
function newDisk() {
  const folder = new MemoryFolder()
  createIn(folder, 'disk', { sizeBytes, clusterBytes })
  const volume = openIn(folder, 'disk', 'write')
  volume.write([new Uint8Array(5 * clusterBytes).fill(1)], 0)
  volume.close()
  const file = folder.files.get('disk')
  if (file === undefined) throw new Error('no file')
  const view = new DataView(file.content().buffer)
  const set = (offset: number, ...bytes: number[]) => file.write([Uint8Array.from(bytes)], offset)
  const set32 = (offset: number, value: number) =>
    set(offset, value >>> 24, (value >>> 16) & 255, (value >>> 8) & 255, value & 255)
  const l1 = view.getUint32(44)
  const l2 = view.getUint32(l1 + 4)
  const refcountTable = view.getUint32(52)
  const block = view.getUint32(refcountTable + 4)
  return { folder, file, set, set32, l1, l2, refcountTable, block, data: view.getUint32(l2 + 4) }
}

type Disk = ReturnType<typeof newDisk>

const open = (folder: MemoryFolder, access: 'read' | 'write', path = 'disk') => {
  const opened = openVolume({ path, access, openFile: folder.openFile, inflate })
  return opened.ok ? '' : opened.error.message
}

type Damage = readonly [what: string, change: (disk: Disk) => void, says: RegExp, reads: 'reads' | '']

/** What is changed, and what is said by opening for writing; `reads` is whether it can be read all the same. */
const damages: readonly Damage[] = [
  ['a version to come', ({ set32 }) => set32(4, 4), /version 4; convert it to 3/, ''],
  ['clusters too small', ({ set32 }) => set32(20, 8), /its clusters have 2\^8 bytes; take another copy/, ''],
  ['clusters too large', ({ set32 }) => set32(20, 22), /its clusters have 2\^22 bytes/, ''],
  ['a size beyond numbers', ({ set32 }) => set32(24, 0xff00_0000), /says that the disk has \d+ bytes/, ''],
  ['a size beyond its L1 table', ({ set32 }) => set32(24, 1), /L1 table of 1 entries is too small/, ''],
  ['encryption', ({ set32 }) => set32(32, 1), /is encrypted; decrypt it/, ''],
  ['a huge L1 table', ({ set32 }) => set32(36, 0x7fff_ffff), /L1 table has 2147483647 entries/, ''],
  ['an L1 table nowhere', ({ set32 }) => set32(40, 1), /L1 table is said to be at/, ''],
  ['an L1 table at the header', ({ set32 }) => set32(44, 0), /L1 table is said to be at 0/, ''],
  ['an L1 table aside', ({ set32, l1 }) => set32(44, l1 + 512), /L1 table is said to be at/, ''],
  ['no refcount table', ({ set32 }) => set32(56, 0), /refcount table has 0 clusters/, ''],
  ['a huge refcount table', ({ set32 }) => set32(56, 0xffff), /refcount table has 65535 clusters/, ''],
  ['a refcount table nowhere', ({ set32 }) => set32(48, 1), /refcount table is said to be at/, ''],
  ['snapshots', ({ set32 }) => set32(60, 1), /has internal snapshots; delete them/, 'reads'],
  ['the corrupt bit', ({ set32 }) => set32(76, 2), /is marked as corrupt; repair it/, 'reads'],
  ['an external data file', ({ set32 }) => set32(76, 4), /keeps its data in another file/, ''],
  ['extended L2 entries', ({ set32 }) => set32(76, 16), /has extended L2 entries; convert it/, ''],
  ['zstd', ({ set }) => set(104, 1), /is compressed with zstd; convert it/, ''],
  ['wide counts', ({ set32 }) => set32(96, 7), /reference counts have 2\^7 bits/, ''],
  ['a short header', ({ set32 }) => set32(100, 96), /its header has 96 bytes/, ''],
  ['a long header', ({ set32 }) => set32(100, 8192), /its header has 8192 bytes/, ''],
  ['a long extension', ({ set32 }) => set32(116, 0xffff), /a header extension has 65535 bytes/, ''],
  [
    'a backing file beyond',
    ({ set32 }) => set32(12, 4000) ?? set32(16, 200),
    /backing file's name has 200 bytes/,
    '',
  ],
  ['an L2 table nowhere', ({ set32, l1 }) => set32(l1 + 4, 0x7fff_0000), /L2 table 0 is said to be at/, ''],
  ['an L2 table aside', ({ set32, l1, l2 }) => set32(l1 + 4, l2 + 512), /L2 table 0 is said to be at/, ''],
  ['an L2 table that is the L1 table', ({ set32, l1 }) => set32(l1 + 4, l1), /which is used already/, ''],
  [
    'an L2 table that leads to itself',
    ({ set32, l2 }) => set32(l2 + 4, l2),
    /which is used already/,
    'reads',
  ],
  ['a cluster twice', ({ set32, l2, data }) => set32(l2 + 12, data), /which is used already/, 'reads'],
  [
    'a cluster that is the header',
    ({ set32, l2 }) => set32(l2, 0x8000_0000) ?? set32(l2 + 4, 0x200),
    /said to be at 512/,
    '',
  ],
  [
    'a cluster beyond the end',
    ({ set32, l2 }) => set32(l2 + 4, 0x7fff_0000),
    /cluster 0 of the disk is said to be/,
    '',
  ],
  [
    'bits without meaning',
    ({ set, l2 }) => set(l2 + 7, 8),
    /cluster 0 of the disk has bits without meaning/,
    '',
  ],
  [
    'a block of counts beyond',
    ({ set32, refcountTable }) => set32(refcountTable, 1),
    /block of counts 0 is said/,
    'reads',
  ],
  [
    'a block that is data',
    ({ set32, refcountTable, data }) => set32(refcountTable + 4, data),
    /used already/,
    'reads',
  ],
  [
    'a count too low',
    ({ set, block, data }) => set(block + (2 * data) / clusterBytes, 0, 0),
    /virga volume check --repair/,
    'reads',
  ],
  ['a flag that is missing', ({ set32, l2 }) => set32(l2, 0), /virga volume check --repair/, 'reads'],
  ['its end cut off', ({ file }) => file.resize(3 * clusterBytes), /is said to be at/, ''],
]

describe('an image with', () => {
  it.each(damages)('%s is refused', (_, change, says, reads) => {
    const disk = newDisk()
    expect(open(disk.folder, 'write')).toBe('')
    change(disk)
    const message = open(disk.folder, 'write')
    expect(message).toMatch(says)
    expect(message).toMatch(/^disk [^\n]*; [^\n]*$/)
    // What is read of it may be refused when it comes to it.
    if (reads === 'reads') expect(open(disk.folder, 'read')).toBe('')
  })

  it('a feature to come is called by the name that the image gives it', () => {
    const { folder, set, set32 } = newDisk()
    // The first entry of its table of names, which begins behind the extension's header.
    set(120, 0, 9, ...new TextEncoder().encode('telepathy\0'))
    set32(76, 1 << 9)
    expect(open(folder, 'read')).toBe(
      'disk needs what this version does not know: telepathy; use a newer version of Virga',
    )
  })
})

describe('a chain', () => {
  const overlay = (folder: MemoryFolder, path: string, backing: string) =>
    createIn(folder, path, { sizeBytes, clusterBytes, backing: { path: backing, format: 'qcow2' } })

  it('that bites its tail is refused', () => {
    const folder = new MemoryFolder()
    createIn(folder, 'c', { sizeBytes, clusterBytes })
    overlay(folder, 'b', 'c')
    overlay(folder, 'a', 'b')
    overlay(folder, 'c', 'a')
    expect(open(folder, 'read', 'a')).toMatch(/has itself behind it, by a; change its backing file/)
  })

  it('that is too long is refused', () => {
    const folder = new MemoryFolder()
    createIn(folder, 'disk0', { sizeBytes, clusterBytes })
    for (let index = 1; index < 32; index++) overlay(folder, `disk${index}`, `disk${index - 1}`)
    expect(open(folder, 'read', 'disk31')).toBe('')
    overlay(folder, 'disk32', 'disk31')
    expect(open(folder, 'read', 'disk32')).toMatch(/more than 32 images behind each other; convert it/)
  })

  it.each(['nbd://host/x', 'json:{}', 'file:base', 'ssh:x'])('that goes on at %s is refused', (path) => {
    const folder = new MemoryFolder()
    folder.add(path)
    expect(() => overlay(folder, 'disk', path)).toThrow(/that is no path of a file/)
  })

  it('does not guess the format of what is behind', () => {
    const folder = new MemoryFolder()
    createIn(folder, 'base', { sizeBytes, clusterBytes })
    overlay(folder, 'disk', 'base')
    // The extension that says it becomes one that nobody knows.
    folder.files.get('disk')?.write([Uint8Array.of(1, 2, 3, 4)], 112)
    expect(open(folder, 'read')).toMatch(
      /does not say which format base has; say it with `qemu-img rebase -u/,
    )
  })
})

describe('a repair', () => {
  const check = (folder: MemoryFolder, access: 'read' | 'write') => {
    const checked = checkVolume({ path: 'disk', access, openFile: folder.openFile, inflate })
    if (!checked.ok) throw new Error(checked.error.message)
    return checked.value
  }

  it('mends counts and flags, and keeps the data', () => {
    const { folder, file, set, block, l2, set32 } = newDisk()
    file.resize(100 * clusterBytes)
    set(block, ...new Uint8Array(200).fill(1))
    set32(l2, 0)
    const found = check(folder, 'read')
    expect([found.leaks > 50, found.miscounted, found.damages]).toEqual([true, 1, 0])
    expect(check(folder, 'write')).toEqual(found)
    expect(check(folder, 'read')).toMatchObject({ leaks: 0, miscounted: 0, damages: 0, findings: [] })
    const bytes = new Uint8Array(5 * clusterBytes)
    openIn(folder, 'disk', 'read').read([bytes], 0)
    expect(bytes.every((byte) => byte === 1)).toBe(true)
  })

  it('makes all counts anew where there are none', () => {
    const { folder, set, block } = newDisk()
    set(block, ...new Uint8Array(clusterBytes))
    expect(check(folder, 'write')).toMatchObject({ leaks: 0, damages: 0 })
    expect(check(folder, 'read')).toMatchObject({ leaks: 0, miscounted: 0, damages: 0 })
  })

  it('changes nothing of what is damaged', () => {
    const { folder, file, set32, l2, data } = newDisk()
    set32(l2 + 12, data)
    const before = file.content()
    expect(check(folder, 'write').damages).toBe(1)
    expect(file.content()).toEqual(before)
  })
})

describe('random damage', () => {
  const seeds = Array.from({ length: 40 }, (_, index) => index * 10)
  it.each(seeds)('does no harm, seeds %i and nine more', (first) => {
    for (let seed = first; seed < first + 10; seed++) {
      const random = new Random(seed)
      expect(misbehaviour(newDamagedTrial(random), random), `seed ${seed}`).toBeUndefined()
    }
  })
})
