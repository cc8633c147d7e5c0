/** A file that writes itself into guest memory: the pieces that it is given. */
import { expect, it } from 'vitest'
import { testMachine } from '../testing.ts'
import { largeFrameBytes } from './arena.ts'
import { ramBase } from './guest-memory.ts'

const mib = 2 ** 20

/** A late file that keeps what it was given. */
function lateBytes(length: number) {
  const given: Uint8Array[] = []
  return {
    given,
    length,
    head: new Uint8Array(),
    fill: (pieces: readonly Uint8Array[]) => void given.push(...pieces),
  }
}

it('gives a late file the memory that the guest sees, in few pieces', () => {
  const { memory } = testMachine({ memoryBytes: 16 * mib }).machine
  const gpa = ramBase + 4 * mib + 4096 - 3
  const file = lateBytes(5 * mib)
  expect(memory.place(gpa, file)).toBe('done')
  const bytes = Uint8Array.from({ length: file.length }, (_, at) => at * 7 + (at >> 9))
  let at = 0
  for (const piece of file.given) {
    piece.set(bytes.subarray(at, at + piece.length))
    at += piece.length
  }
  expect(at).toBe(file.length)
  expect(file.given.some(({ length }) => length >= largeFrameBytes)).toBe(true)
  expect(file.given.length).toBeLessThan(10)
  const seen = new Uint8Array(file.length + 2)
  memory.read(gpa - 1, seen)
  expect(Buffer.compare(seen.subarray(1, -1), bytes)).toBe(0)
  expect([seen[0], seen.at(-1)]).toEqual([0, 0])
})

it('gives none where there is no memory, or not enough', () => {
  const { memory } = testMachine({ poolBytes: 2 * mib }).machine
  const outside = lateBytes(4096)
  expect(memory.place(ramBase + 8 * mib - 4095, outside)).toBe('outside')
  const tooMuch = lateBytes(4 * mib)
  expect(memory.place(ramBase, tooMuch)).toBe('out-of-frames')
  expect([outside.given, tooMuch.given]).toEqual([[], []])
})
