/** Guest memory from a device's side: what is not memory first, then views across pages, whole or with holes. */
import { describe, expect, it } from 'vitest'
import { testMachine } from '../testing.ts'
import { GuestDma } from './guest-dma.ts'
import { ramBase } from './guest-memory.ts'

const mib = 2 ** 20

function open(poolBytes?: number) {
  const { machine } = testMachine(poolBytes === undefined ? {} : { poolBytes })
  const { arena, memory, slat } = machine
  let exhausted = 0
  const dma = new GuestDma({
    arena,
    memory,
    slat,
    onExhausted: () => {
      exhausted++
    },
  })
  return { dma, memory, slat, machine, exhausted: () => exhausted }
}

const length = (pieces: readonly Uint8Array[] | undefined) => pieces?.map((piece) => piece.length)

describe('what is no memory', () => {
  it.each([
    [0, 1],
    [ramBase - 1, 2],
    [ramBase + 8 * mib - 4, 8],
    [ramBase + 8 * mib, 2],
    [2 ** 53, 2],
    [ramBase, 2 ** 32],
  ])('%i + %i gives no view', (gpa, bytes) => {
    const { dma } = open()
    expect([dma.pieces(gpa, bytes, 'read'), dma.pieces(gpa, bytes, 'write')]).toEqual([undefined, undefined])
    expect(dma.contains(gpa, bytes)).toBe(false)
  })

  it('is neither loaded nor stored', () => {
    const { dma } = open()
    for (const gpa of [0, ramBase + 1, ramBase + 8 * mib]) {
      expect([dma.load16(gpa), dma.store16(gpa, 5)]).toEqual([-1, false])
    }
    expect(dma.write(ramBase + 8 * mib - 1, new Uint8Array(2))).toBe(false)
    expect(dma.read(ramBase - 1, new Uint8Array(2))).toBe(false)
  })
})

describe('views', () => {
  const from = ramBase + 4 * mib - 100

  it('of pages that were never touched read as zeros, and take no frame', () => {
    const { dma, slat } = open()
    const pieces = dma.pieces(from, 5000, 'read')
    expect(length(pieces)).toEqual([100, 4096, 804])
    expect(pieces?.every((piece) => piece.every((byte) => byte === 0))).toBe(true)
    expect(slat.lookup(from)).toBe(0)
  })

  it('are one where frames follow each other, and show what is written', () => {
    const { dma, memory } = open()
    const pieces = dma.pieces(from, 9000, 'write') ?? []
    expect(pieces.reduce((sum, piece) => sum + piece.length, 0)).toBe(9000)
    let value = 0
    for (const piece of pieces) for (let i = 0; i < piece.length; i++) piece[i] = value++ % 251
    const read = new Uint8Array(9000)
    memory.read(from, read)
    expect(read.every((byte, i) => byte === i % 251)).toBe(true)
    expect(length(dma.pieces(from, 9000, 'read'))).toEqual(length(pieces))
  })

  it('have zeros for the holes between pages that are there', () => {
    const { dma, memory } = open()
    memory.write(from, new Uint8Array(100).fill(1))
    memory.write(from + 100 + 4096, Uint8Array.of(2))
    const bytes = (dma.pieces(from, 4200, 'read') ?? []).flatMap((piece) => [...piece])
    expect([bytes.length, bytes[0], bytes[99], bytes[100], bytes[4195], bytes[4196]]).toEqual([
      4200, 1, 1, 0, 0, 2,
    ])
  })

  it('to write are refused when no frame is left, and that is told', () => {
    const { dma, exhausted } = open(2 * mib)
    expect([dma.pieces(ramBase + 4 * mib, 4 * mib, 'write'), exhausted()]).toEqual([undefined, 1])
  })
})

describe('halves', () => {
  it('are loaded and stored whole', () => {
    const { dma } = open()
    expect(dma.load16(ramBase + 5 * mib)).toBe(0)
    expect(dma.store16(ramBase + 5 * mib, 0xbeef)).toBe(true)
    expect(dma.load16(ramBase + 5 * mib)).toBe(0xbeef)
  })
})
