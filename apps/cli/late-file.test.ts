/** Files that fill memory by themselves: what lies where, however the pieces are cut. */

import { mkdtempSync, rmSync, writeFileSync } from 'node:fs'
import { open } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterAll, beforeAll, expect, it } from 'vitest'
import { lateFile } from './late-file.ts'

const sizeBytes = (17 << 20) + 5
const content = Uint8Array.from({ length: sizeBytes }, (_, at) => (at * 31 + (at >> 12)) & 0xff)
const tail = Uint8Array.of(1, 2, 3, 4, 5, 6)
let folder: string

beforeAll(() => {
  folder = mkdtempSync(join(tmpdir(), 'virga-late-'))
  writeFileSync(join(folder, 'content'), content)
})

afterAll(() => rmSync(folder, { recursive: true }))

it.each([
  ['one piece', [sizeBytes + tail.length]],
  ['pages and what is left', [...Array.from({ length: 4352 }, () => 4096), 5 + tail.length]],
  ['pieces that end within the tail', [sizeBytes + 2, 3, 1]],
  ['a piece for the tail', [sizeBytes, tail.length]],
])('fills %s', async (_, lengths) => {
  const file = await open(join(folder, 'content'))
  // As guest memory is: shared, and more than is filled.
  const memory = new Uint8Array(new SharedArrayBuffer(sizeBytes + 100))
  let at = 50
  const pieces = lengths.map((length) => {
    at += length
    return memory.subarray(at - length, at)
  })
  const filling: Promise<unknown>[] = []
  const late = lateFile({ file, sizeBytes, head: content.subarray(0, 64), tail }, filling)
  expect(late.length).toBe(sizeBytes + tail.length)
  late.fill(pieces)
  await Promise.all(filling)
  await file.close()
  expect(Buffer.compare(memory.subarray(50, 50 + sizeBytes), content)).toBe(0)
  expect([...memory.subarray(50 + sizeBytes, 56 + sizeBytes)]).toEqual([...tail])
  expect(memory.subarray(0, 50).every((byte) => byte === 0)).toBe(true)
  expect(memory.subarray(56 + sizeBytes).every((byte) => byte === 0)).toBe(true)
})

it('leaves what a file that has shrunk does not have', async () => {
  const file = await open(join(folder, 'content'))
  const memory = new Uint8Array(sizeBytes + 4096)
  const filling: Promise<unknown>[] = []
  const known = { file, sizeBytes: sizeBytes + 4096, head: content.subarray(0, 64), tail: new Uint8Array() }
  lateFile(known, filling).fill([memory])
  await Promise.all(filling)
  await file.close()
  expect(Buffer.compare(memory.subarray(0, sizeBytes), content)).toBe(0)
  expect(memory.subarray(sizeBytes).every((byte) => byte === 0)).toBe(true)
})
