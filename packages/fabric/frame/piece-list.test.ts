/** Pieces at the ends of memory that is as large as a host's can be. */
import { describe, expect, it } from 'vitest'
import { bytesOf, copyPieces, extract, PieceList, scatter } from './piece-list.ts'

const arenaBytes = 2 ** 32

describe('pieces in 4 GiB', () => {
  // Address space only, until it is touched.
  const memory = new Uint8Array(
    new WebAssembly.Memory({ initial: 65_536, maximum: 65_536, shared: true }).buffer,
  )

  it.each([
    ['first', 0],
    ['in the middle', 2 ** 31 - 32],
    ['last', arenaBytes - 64],
  ])('%s are written and read, by words and by bytes', (_, offset) => {
    const sent = Uint8Array.from({ length: 64 }, (_, i) => i + 1)
    const target = new PieceList(2)
    target.clear(memory)
    target.add(offset, 33)
    target.add(offset + 33, 31)
    scatter(bytesOf(sent), 0, 64, target, 0)
    expect([...memory.subarray(offset, offset + 64)]).toEqual([...sent])
    const whole = new PieceList(1)
    whole.clear(memory)
    whole.add(1024, 64)
    copyPieces(target, 0, whole, 0, 64)
    expect([...extract(whole, 0, 64)]).toEqual([...sent])
  })
})
