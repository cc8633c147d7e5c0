/** MSWI and MTIMER from M-mode's side. */
import { describe, expect, it } from 'vitest'
import { memoryMap } from './memory-map.ts'
import { createBench } from './testing.ts'

const base = memoryMap.aclint.base
const msip = (hart: number) => base + 4 * hart
const mtimecmp = (hart: number) => base + 0x4000 + 8 * hart
const mtime = base + 0xbff8
const off = 2 ** 64

describe('wrong moves', () => {
  it('registers of harts that do not exist read zero and swallow writes', () => {
    const bench = createBench({ harts: 2 })
    bench.store(msip(2), 1)
    bench.store(mtimecmp(2), 0, 8)
    expect([bench.load(msip(2)), bench.load(mtimecmp(2), 8), bench.wires()]).toEqual([0, 0, []])
  })

  it('mtime cannot be written', () => {
    const bench = createBench()
    bench.time.ticks = 77
    bench.store(mtime, 5, 8)
    expect(bench.load(mtime, 8)).toBe(77)
  })

  it('only words are answered', () => {
    const { bus } = createBench().platform
    expect([1, 2].map((bytes) => bus.load(mtime, bytes) || bus.store(msip(0), bytes, 1))).toEqual([
      false,
      false,
    ])
  })

  it('does not exist under direct boot', () => {
    const { platform } = createBench({ boot: 'direct' })
    expect(platform.bus.load(mtime, 8) || platform.bus.store(msip(0), 4, 1)).toBe(false)
    expect(platform.serviceHartTimer(0)).toBe(Infinity)
  })
})

describe('software interrupts', () => {
  it('follow bit 0 of msip, each hart its own', () => {
    const bench = createBench({ harts: 3 })
    bench.store(msip(2), 0xffff_ffff)
    bench.store(msip(1), 2)
    expect([bench.load(msip(2)), bench.load(msip(1)), bench.wires()]).toEqual([1, 0, ['MSI2']])
    bench.store(msip(2), 0)
    expect(bench.wires()).toEqual([])
  })
})

describe('timer', () => {
  it('is off after start: no wire however late it is', () => {
    const bench = createBench()
    bench.time.ticks = 2 ** 53
    expect([bench.load(mtimecmp(0), 8), bench.platform.serviceHartTimer(0), bench.wires()]).toEqual([
      off,
      Infinity,
      [],
    ])
  })

  it('raises the wire at its tick, not before, and lowers it when moved into the future', () => {
    const bench = createBench({ harts: 2 })
    bench.store(mtimecmp(1), 1000, 8)
    expect(bench.woken).toEqual([1])
    bench.time.ticks = 999.9
    expect([bench.platform.serviceHartTimer(1), bench.platform.serviceHartTimer(0)]).toEqual([1000, Infinity])
    expect(bench.wires()).toEqual([])
    bench.time.ticks = 1000
    expect([bench.platform.serviceHartTimer(1), bench.wires()]).toEqual([Infinity, ['MTI1']])
    bench.store(mtimecmp(1), 2 ** 40, 8)
    expect([bench.platform.serviceHartTimer(1), bench.wires()]).toEqual([2 ** 40, []])
  })

  it('fires at once when set to the past', () => {
    const bench = createBench()
    bench.time.ticks = 10
    bench.store(mtimecmp(0), 10, 8)
    expect(bench.wires()).toEqual(['MTI0'])
  })

  it('can be set by halves in the order that avoids a false alarm', () => {
    const bench = createBench()
    bench.time.ticks = 0x2_0000_0005
    bench.store(mtimecmp(0), 0xffff_ffff)
    bench.store(mtimecmp(0) + 4, 2)
    bench.store(mtimecmp(0), 7)
    expect([bench.load(mtimecmp(0), 8), bench.wires()]).toEqual([0x2_0000_0007, []])
    bench.time.ticks = 0x2_0000_0007
    bench.platform.serviceHartTimer(0)
    expect(bench.wires()).toEqual(['MTI0'])
  })

  it('is never seen half set by an 8-byte store', () => {
    const bench = createBench()
    bench.time.ticks = 100
    bench.store(mtimecmp(0), 0xffff_ffff, 8)
    // Half of this, above the old half, is tick 5: a moment in the past.
    bench.store(mtimecmp(0), 0x1_0000_0005, 8)
    expect(bench.raised).toEqual([])
    bench.store(mtimecmp(0), 5)
    bench.store(mtimecmp(0) + 4, 0)
    expect(bench.raised).toEqual(['MTI0'])
  })

  it('mtime is whole, by word and by half', () => {
    const bench = createBench()
    bench.time.ticks = 0x3_ffff_ffff + 0.75
    expect(bench.load(mtime, 8)).toBe(0x3_ffff_ffff)
    expect([bench.load(mtime), bench.load(mtime + 4)]).toEqual([0xffff_ffff, 3])
  })

  it('mtime is not torn when the clock moves on at every look', () => {
    const bench = createBench()
    Object.defineProperty(bench.time, 'ticks', { get: stepping(0xffff_ffff) })
    expect(bench.load(mtime, 8)).toBe(0xffff_ffff)
    expect(bench.load(mtime, 8)).toBe(0x1_0000_0000)
  })
})

function stepping(first: number): () => number {
  let next = first
  return () => next++
}
