/** Decoded pages: making, sharing, refreshing after fence.i, evicting; instructions across pages. */
import { describe, expect, it } from 'vitest'
import { codeSlots, kernelLeaf, makeHart, pte, ramBase } from './testing/hart.ts'
import { makeTables } from './testing/tables.ts'

const page = ramBase + 0x10000
const pc = BigInt(page)

/** Fetches at `at` and gives the records' address; fails on an exception. */
function records(hart: ReturnType<typeof makeHart>, at = pc): number {
  const outcome = hart.fetch(at)
  if (!('value' in outcome)) throw new Error(`cause ${outcome.cause}`)
  return Number(outcome.value)
}

describe('a decoded page', () => {
  it('starts with a snapshot, empty records and the page end', () => {
    const hart = makeHart()
    hart.write(page, 0x1234n)
    hart.write(page + 4088, 0x5678n)
    const base = records(hart)
    const { at, layout, mapAt } = hart.codePages
    expect(base).toBe(at + layout.records)
    expect(hart.view.getBigUint64(at + layout.snapshot, true)).toBe(0x1234n)
    expect(hart.view.getBigUint64(at + layout.snapshot + 4088, true)).toBe(0x5678n)
    expect(hart.view.getBigUint64(base, true)).toBe(0n)
    expect(hart.view.getUint16(at + layout.sentinel, true)).toBe(1)
    expect(hart.view.getUint32(at + layout.source, true)).toBe(hart.arenaOf(page))
    expect(hart.view.getUint16(mapAt + (hart.arenaOf(page) >>> 12) * 2, true)).toBe(1)
    expect(hart.probe('x', pc)).toBe(base)
  })

  it('is shared by all addresses and modes that map the frame', () => {
    const hart = makeHart()
    hart.openPmp()
    const base = records(hart)
    const tables = makeTables(hart, 'sv39')
    tables.map(0x1000n, page, kernelLeaf)
    tables.map(0x7000n, page, kernelLeaf)
    tables.use()
    hart.become(1)
    hart.view.setUint16(base, 77, true)
    expect(records(hart, 0x1000n)).toBe(base)
    expect(records(hart, 0x7ffen)).toBe(base)
    expect(hart.view.getUint16(base, true)).toBe(77)
  })

  it('keeps its records over fence.i if the code is the same', () => {
    const hart = makeHart()
    const base = records(hart)
    hart.view.setUint16(base, 77, true)
    hart.call('fence_i')
    expect(hart.probe('x', pc)).toBeUndefined()
    expect(records(hart)).toBe(base)
    expect(hart.view.getUint16(base, true)).toBe(77)
  })

  it.each([0, 8, 40, 64, 2048, 4088])('starts over after fence.i if the 8 bytes at %i changed', (offset) => {
    const hart = makeHart()
    const base = records(hart)
    hart.view.setUint16(base, 77, true)
    hart.write(page + offset, 0x1000_0000_0000_0000n)
    expect(records(hart)).toBe(base)
    expect(hart.view.getUint16(base, true)).toBe(77)
    hart.call('fence_i')
    expect(records(hart)).toBe(base)
    expect(hart.view.getUint16(base, true)).toBe(0)
    const { at, layout } = hart.codePages
    expect(hart.view.getBigUint64(at + layout.snapshot + offset, true)).toBe(0x1000_0000_0000_0000n)
    expect(hart.view.getUint16(at + layout.sentinel, true)).toBe(1)
  })

  it('starts over when another hart asked for fence.i', () => {
    const hart = makeHart()
    const base = records(hart)
    hart.view.setUint16(base, 77, true)
    hart.write(page, 1n)
    hart.set('requests', 1)
    hart.call('enter')
    records(hart)
    expect(hart.view.getUint16(base, true)).toBe(0)
  })

  it('gives its slot to another when there are no more, in turn', () => {
    const hart = makeHart()
    const bases = Array.from({ length: codeSlots }, (_, i) => records(hart, pc + BigInt(i * 4096)))
    expect(new Set(bases).size).toBe(codeSlots)
    const next = records(hart, pc + BigInt(codeSlots * 4096))
    expect(next).toBe(bases[0])
    expect(hart.probe('x', pc)).toBeUndefined()
    expect(hart.probe('x', pc + 4096n)).toBe(bases[1])
    expect(hart.view.getUint16(hart.codePages.mapAt + (hart.arenaOf(page) >>> 12) * 2, true)).toBe(0)
    expect(records(hart)).toBe(bases[1])
  })
})

describe('an instruction across pages', () => {
  /** Pages at 0x1000 and 0x2000 that are apart in memory; the instruction is at 0x1ffe. */
  function across(secondBits: bigint) {
    const hart = makeHart()
    hart.openPmp()
    const tables = makeTables(hart, 'sv39')
    tables.map(0x1000n, page, kernelLeaf)
    tables.map(0x2000n, page + 0x5000, secondBits)
    hart.write(page + 0xff8, 0xbeef_0000_0000_0000n)
    hart.write(page + 0x5000, 0xdeadn)
    tables.use()
    hart.become(1)
    return hart
  }

  it('is put together', () => {
    const hart = across(kernelLeaf)
    expect(hart.outcome(() => hart.call('fetch_cross', 0x1ffen))).toEqual({ value: 1n })
    expect(hart.get('scratch') & 0xffff_ffffn).toBe(0xdead_beefn)
  })

  it('reports the second page', () => {
    const hart = across(kernelLeaf & ~pte.X)
    expect(hart.outcome(() => hart.call('fetch_cross', 0x1ffen))).toEqual({ cause: 12, tval: 0x2000n })
    expect(hart.outcome(() => hart.call('fetch_cross', 0x2ffen))).toEqual({ cause: 12, tval: 0x2ffen })
  })
})

describe('a fetch', () => {
  it('from a device is an access fault', () => {
    const hart = makeHart()
    expect(hart.fetch(0x1000_0000n)).toEqual({ cause: 1, tval: 0x1000_0000n })
    expect(hart.devices).toEqual([])
  })
})
