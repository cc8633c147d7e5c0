/** The APLIC against the rules of its specification: source modes, pending bits, delivery; and the IMSICs' pages. */
import { describe, expect, it } from 'vitest'
import { memoryMap } from './memory-map.ts'
import { createBench } from './testing.ts'

const { base } = memoryMap.aplic
const at = {
  domaincfg: base,
  sourcecfg: (source: number) => base + 4 * source,
  setip: base + 0x1c00,
  setipnum: base + 0x1cdc,
  inClrip: base + 0x1d00,
  clripnum: base + 0x1ddc,
  setie: base + 0x1e00,
  setienum: base + 0x1edc,
  clrie: base + 0x1f00,
  clrienum: base + 0x1fdc,
  setipnumLe: base + 0x2000,
  setipnumBe: base + 0x2004,
  genmsi: base + 0x3000,
  target: (source: number) => base + 0x3000 + 4 * source,
}
const mode = { inactive: 0, detached: 1, edge1: 4, edge0: 5, level1: 6, level0: 7 }
const on = 0x100
const source = 40

/** A domain that is on, with source 40 enabled in a mode and aimed at identity 77 of hart 1. */
function openDomain(sourceMode: number, domaincfg = on) {
  const bench = createBench({ harts: 2, boot: 'direct', interrupts: 'aia' })
  bench.store(at.domaincfg, domaincfg)
  bench.store(at.sourcecfg(source), sourceMode)
  bench.store(at.target(source), (1 << 18) | 77)
  bench.store(at.setienum, source)
  const wire = bench.platform.aplic.source(source)
  const isPending = () => (bench.load(at.setip + 4) >>> 8) & 1
  const set = (level: boolean) => bench.platform.locked(() => wire.set(level))
  return { ...bench, set, isPending }
}

describe('registers', () => {
  it('keep what exists', () => {
    const bench = createBench({ harts: 2, boot: 'direct', interrupts: 'aia' })
    expect(bench.load(at.domaincfg)).toBe(0x8000_0004)
    bench.store(at.domaincfg, 0xffff_ffff)
    expect(bench.load(at.domaincfg)).toBe(0x8000_0104)
    bench.store(at.target(source), 0xffff_ffff)
    expect(bench.load(at.target(source))).toBe(0)
    for (const [written, kept] of [
      [0x400, 0],
      [0x406, 0],
      [2, 0],
      [3, 0],
      [1, 1],
      [4, 4],
      [5, 5],
      [6, 6],
      [0xffff_f807, 7],
    ] as const) {
      bench.store(at.sourcecfg(source), written)
      expect([written, bench.load(at.sourcecfg(source))]).toEqual([written, kept])
    }
    bench.store(at.target(source), 0xffff_ffff)
    expect(bench.load(at.target(source))).toBe(0xfffc_00ff)
    bench.store(at.setie + 4, 0xffff_ffff)
    expect([bench.load(at.setie + 4), bench.load(at.clrie + 4), bench.load(at.setienum)]).toEqual([256, 0, 0])
    bench.store(at.clrie + 4, 256)
    expect(bench.load(at.setie + 4)).toBe(0)
  })

  it('take words only', () => {
    const { platform } = createBench({ boot: 'direct', interrupts: 'aia' })
    expect([platform.bus.load(base, 1), platform.bus.load(base, 2)]).toEqual([false, false])
  })

  it('an inactive source has nothing, and forgets what it had', () => {
    const { store, load, isPending } = openDomain(mode.detached, 0)
    store(at.setipnum, source)
    expect(isPending()).toBe(1)
    store(at.sourcecfg(source), mode.inactive)
    store(at.setipnum, source)
    store(at.setienum, source)
    expect([isPending(), load(at.setie + 4), load(at.target(source))]).toEqual([0, 0, 0])
  })

  it.each([0, 96, 1023, 0xffff_ffff])('source %i that there is not is ignored', (number) => {
    const { store, messages } = openDomain(mode.detached)
    for (const register of [at.setipnum, at.clripnum, at.setienum, at.clrienum, at.setipnumLe]) {
      store(register, number)
    }
    expect(messages).toEqual([])
  })
})

describe('a detached source', () => {
  it('ignores its wire, and is set by number and by bit', () => {
    const { set, store, load, messages } = openDomain(mode.detached)
    set(true)
    expect([messages, load(at.inClrip + 4)]).toEqual([[], 0])
    store(at.setipnum, source)
    store(at.setip + 4, 256)
    store(at.setipnumLe, source)
    store(at.setipnumBe, 0x2800_0000)
    expect(messages).toEqual([
      [1, 77],
      [1, 77],
      [1, 77],
    ])
  })
})

describe('an edge', () => {
  it.each([
    ['rising', mode.edge1, true],
    ['falling', mode.edge0, false],
  ])('%s sends once', (_, edge, high) => {
    const { set, messages, isPending } = openDomain(mode.detached)
    const bench = openDomain(mode.detached)
    expect([messages, isPending()]).toEqual([[], 0])
    set(!high)
    bench.set(!high)
    bench.store(at.sourcecfg(source), edge)
    bench.set(high)
    bench.set(high)
    bench.set(!high)
    expect([bench.messages, bench.isPending()]).toEqual([[[1, 77]], 0])
  })

  it('waits while the domain is off or the source disabled, also when the wire has fallen', () => {
    const { set, store, messages, isPending } = openDomain(mode.edge1, 0)
    set(true)
    set(false)
    expect([messages, isPending()]).toEqual([[], 1])
    store(at.clrienum, source)
    store(at.domaincfg, on)
    expect(messages).toEqual([])
    store(at.setienum, source)
    expect([messages, isPending()]).toEqual([[[1, 77]], 0])
  })
})

describe('a level', () => {
  it('sends when it rises, and again only when software asks while it is high', () => {
    const { set, store, load, messages } = openDomain(mode.level1)
    store(at.setipnum, source)
    expect(messages).toEqual([])
    set(true)
    expect([messages.length, load(at.inClrip + 4)]).toEqual([1, 256])
    store(at.setipnum, source)
    expect(messages.length).toBe(2)
    set(false)
    store(at.setipnum, source)
    expect(messages.length).toBe(2)
  })

  it('that falls takes its pending bit with it', () => {
    const { set, store, messages, isPending } = openDomain(mode.level1, 0)
    set(true)
    expect(isPending()).toBe(1)
    set(false)
    store(at.domaincfg, on)
    expect([messages, isPending()]).toEqual([[], 0])
  })

  it('is cleared by number and by bit', () => {
    const { set, store, isPending } = openDomain(mode.level1, 0)
    set(true)
    store(at.clripnum, source)
    expect(isPending()).toBe(0)
    store(at.setip + 4, 256)
    store(at.inClrip + 4, 256)
    expect(isPending()).toBe(0)
  })

  it('is seen when its mode is set while it asks, inverted too', () => {
    const { store, messages } = openDomain(mode.level0)
    expect(messages).toEqual([[1, 77]])
    store(at.sourcecfg(source), mode.level1)
    store(at.sourcecfg(source), mode.level0)
    expect(messages.length).toBe(2)
  })
})

describe('genmsi', () => {
  it('sends at once, even while the domain is off, and is never busy', () => {
    const { store, load, messages } = openDomain(mode.detached, 0)
    store(at.genmsi, (1 << 18) | 0x1005)
    expect([messages, load(at.genmsi)]).toEqual([[[1, 5]], (1 << 18) | 5])
  })
})

describe('what reaches nobody', () => {
  it('a hart or identity that does not exist', () => {
    const { store, messages } = openDomain(mode.detached)
    store(at.genmsi, (2 << 18) | 5)
    store(at.genmsi, 1 << 18)
    expect(messages).toEqual([])
  })
})

describe("an interrupt file's page", () => {
  const page = (hart: number) => memoryMap.imsic.base + 0x1000 * hart

  it('takes identities in its first word, and reads as zeros', () => {
    const { store, load, messages } = createBench({ harts: 2, boot: 'direct', interrupts: 'aia' })
    store(page(1), 255)
    store(page(0), 1)
    expect([messages, load(page(0)), load(page(63) + 0xffc)]).toEqual([
      [
        [1, 255],
        [0, 1],
      ],
      0,
      0,
    ])
  })

  it('ignores what does not exist: identities, harts, other words and other sizes', () => {
    const { store, messages, platform } = createBench({ harts: 2, boot: 'direct', interrupts: 'aia' })
    for (const value of [0, 256, 0xffff_ffff]) store(page(0), value)
    store(page(2), 5)
    store(page(0) + 4, 0x0500_0000)
    store(page(0) + 8, 5)
    store(page(0), 5, 8)
    expect([messages, platform.bus.store(page(0), 2, 5), platform.bus.load(page(0), 8)]).toEqual([
      [],
      false,
      true,
    ])
  })

  it('is not there on a machine with a PLIC, nor is the PLIC on one with an APLIC', () => {
    const wired = createBench()
    const messaged = createBench({ boot: 'direct', interrupts: 'aia' })
    expect([wired.platform.bus.load(page(0), 4), messaged.platform.bus.load(page(0), 4)]).toEqual([
      false,
      true,
    ])
    const plic = memoryMap.plic.base
    expect([wired.platform.bus.load(plic, 4), messaged.platform.bus.load(plic, 4)]).toEqual([true, false])
  })
})
