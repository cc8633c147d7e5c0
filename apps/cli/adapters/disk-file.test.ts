/** Files of disks: what is read and written, in one buffer and in many, and what the system refuses. */
import { mkdirSync, mkdtempSync, rmSync, symlinkSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterAll, describe, expect, it } from 'vitest'
import { createDiskFile, openDiskFile } from './disk-file.ts'

const folder = mkdtempSync(join(tmpdir(), 'virga-disk-'))
afterAll(() => rmSync(folder, { recursive: true }))

describe('a file', () => {
  it('has what was written to it, through buffers in shared memory', () => {
    const { file } = createDiskFile(join(folder, 'shared'))
    const shared = new Uint8Array(new SharedArrayBuffer(4096)).fill(5)
    file.write([shared.subarray(0, 100), new Uint8Array(0), shared.subarray(100, 300)], 1000)
    const [first, second] = [new Uint8Array(1100), new Uint8Array(new SharedArrayBuffer(300)).fill(1)]
    file.read([first, second], 0)
    expect([first[999], first[1000], second[199], second[200], second[299]]).toEqual([0, 5, 5, 0, 0])
    expect(file.size()).toBe(1300)
    file.close()
  })

  it('takes more buffers than the system does at a time', () => {
    const { file } = createDiskFile(join(folder, 'many'))
    const pieces = Array.from({ length: 3000 }, (_, index) => new Uint8Array(3).fill(index % 251))
    file.write(pieces, 7)
    const found = Array.from({ length: 3000 }, () => new Uint8Array(3))
    file.read(found, 7)
    expect(found).toEqual(pieces)
    file.close()
  })
})

describe('opening', () => {
  writeFileSync(join(folder, 'file'), 'x')
  mkdirSync(join(folder, 'inner'))
  symlinkSync('../file', join(folder, 'inner', 'link'))

  it('starts at the folder of the file that names another, and knows a file by any name', () => {
    const file = openDiskFile({ path: join(folder, 'file'), access: 'read' })
    const link = openDiskFile({ path: 'inner/link', from: join(folder, 'other'), access: 'read' })
    expect(link.identity).toBe(file.identity)
    expect(link.path).toBe(join(folder, 'inner/link'))
  })

  it.each([
    ['absent', /there is no file .*absent; check the path/],
    ['inner', /(is a folder; name a file)/],
    ['file/x', /a file is where a folder should be/],
  ])('refuses %s', (name, says) => {
    for (const access of ['read', 'write'] as const) {
      expect(() => openDiskFile({ path: join(folder, name), access })).toThrow(says)
    }
  })

  it('makes no file where one is', () => {
    expect(() => createDiskFile(join(folder, 'file'))).toThrow(/is there already; remove it/)
  })
})
