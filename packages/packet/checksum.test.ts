/** Checksums against exact arithmetic, in full, by increments, and put together from pieces. */
import fc from 'fast-check'
import { describe, expect, it } from 'vitest'
import { readU16, writeU16 } from './byte-order.ts'
import { checksumOf, foldSum, sumBytes, swapSum, updateChecksum, updatePartial } from './checksum.ts'

/** The sum modulo 65535, where only no bits at all give zero. */
function exactSum(bytes: Uint8Array): number {
  let total = 0n
  bytes.forEach((byte, at) => {
    total += BigInt(byte) << (at % 2 === 0 ? 8n : 0n)
  })
  return total === 0n ? 0 : Number((total - 1n) % 0xffffn) + 1
}

const bytes = fc.uint8Array({ maxLength: 300 })

describe('the sum', () => {
  it('is the exact one, wherever the bytes begin', () =>
    fc.assert(
      fc.property(bytes, fc.nat(9), (data, at) => {
        const padded = new Uint8Array(at + data.length + 4).fill(0xff)
        padded.set(data, at)
        expect(sumBytes(padded, at, data.length)).toBe(exactSum(data))
      }),
    ))

  it.each([65_535, 70_001])('does not overflow at %d bytes of ones', (length) => {
    const data = new Uint8Array(length).fill(0xff)
    expect(foldSum(sumBytes(data, 0, length, 0xffff))).toBe(exactSum(data))
  })

  it('is that of its pieces, exchanged where they begin at an odd place', () =>
    fc.assert(
      fc.property(bytes, bytes, (left, right) => {
        const odd = left.length % 2 === 1
        const sum = sumBytes(right, 0, right.length)
        const total = foldSum(sumBytes(left, 0, left.length) + (odd ? swapSum(sum) : sum))
        expect(total).toBe(exactSum(Uint8Array.from([...left, ...right])))
      }),
    ))
})

describe('an update', () => {
  const change = fc.tuple(
    fc.uint8Array({ minLength: 8, maxLength: 40 }).filter((data) => data.some((byte) => byte !== 0)),
    fc.nat(3),
    fc.integer({ min: 0, max: 0xffff }),
  )

  it('gives a checksum that a receiver finds right', () =>
    fc.assert(
      fc.property(change, ([data, word, is]) => {
        const checksum = checksumOf(sumBytes(data, 0, data.length))
        const was = readU16(data, word * 2)
        writeU16(data, word * 2, is)
        const updated = updateChecksum(checksum, was, is)
        expect((exactSum(data) + updated) % 0xffff).toBe(0)
      }),
    ))

  it('of a partial one gives the sum itself', () =>
    fc.assert(
      fc.property(change, ([data, word, is]) => {
        const partial = exactSum(data)
        const was = readU16(data, word * 2)
        writeU16(data, word * 2, is)
        expect(updatePartial(partial, was, is) % 0xffff).toBe(exactSum(data) % 0xffff)
      }),
    ))
})
