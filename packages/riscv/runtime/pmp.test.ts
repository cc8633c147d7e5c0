/** Physical memory protection. @spec riscv-priv "Physical Memory Protection" */
import { describe, expect, it } from 'vitest'
import { kernelLeaf, makeHart, ramBase, type TestHart } from './testing/hart.ts'
import { makeTables } from './testing/tables.ts'

const cfg = { R: 1, W: 2, X: 4, TOR: 8, NA4: 16, NAPOT: 24, L: 128 } as const
const page = ramBase + 0x10000
const va = BigInt(page)

/** pmpaddr of a naturally aligned region. */
const napot = (base: number, bytes: number) => BigInt(base / 4 + bytes / 8 - 1)

/** Writes entry `index` through the CSRs, in M-mode. */
function setEntry(hart: TestHart, index: number, config: number, address: bigint): void {
  hart.csrWrite(0x3b0 + index, address)
  const register = 0x3a0 + (index >> 3) * 2
  const shift = BigInt((index & 7) * 8)
  hart.csrClear(register, 0xffn << shift)
  hart.csrSet(register, BigInt(config) << shift)
}

describe('without an entry', () => {
  it('M may do everything, S and U nothing', () => {
    const hart = makeHart()
    expect(hart.load(va)).toEqual({ value: 0n })
    for (const prv of [1, 0] as const) {
      hart.become(prv)
      expect(hart.load(va)).toEqual({ cause: 5, tval: va })
      expect(hart.store(va, 1n)).toEqual({ cause: 7, tval: va })
      expect(hart.fetch(va)).toEqual({ cause: 1, tval: va })
    }
  })
})

describe('an entry that covers whole pages', () => {
  it.each([
    ['NAPOT', 0, cfg.NAPOT, napot(page, 8192)],
    ['TOR', 0, cfg.TOR, BigInt((page + 8192) / 4)],
  ])('%s gives its permissions, and the TLB keeps them', (_mode, index, mode, address) => {
    for (const [config, allowed] of [
      [cfg.R, 'r'],
      [cfg.R | cfg.W, 'rw'],
      [cfg.X, 'x'],
      [cfg.R | cfg.X, 'rx'],
      [0, ''],
    ] as const) {
      const hart = makeHart()
      setEntry(hart, index, mode | config, address)
      hart.become(1)
      expect(hart.load(va)).toEqual(allowed.includes('r') ? { value: 0n } : { cause: 5, tval: va })
      expect(hart.store(va, 0n)).toEqual(allowed.includes('w') ? { value: 0n } : { cause: 7, tval: va })
      expect('value' in hart.fetch(va)).toBe(allowed.includes('x'))
      for (const array of ['r', 'w', 'x'] as const) {
        expect(hart.probe(array, va) !== undefined).toBe(allowed.includes(array))
      }
      expect('cause' in hart.load(va + 0x40000n)).toBe(true)
    }
  })

  it('does not bind M-mode unless it is locked', () => {
    const hart = makeHart()
    setEntry(hart, 0, cfg.NAPOT, napot(page, 4096))
    expect(hart.load(va)).toEqual({ value: 0n })
    setEntry(hart, 0, cfg.NAPOT | cfg.L | cfg.R, napot(page, 4096))
    expect(hart.load(va)).toEqual({ value: 0n })
    expect(hart.store(va, 1n)).toEqual({ cause: 7, tval: va })
  })

  it('takes effect on cached translations at once', () => {
    const hart = makeHart()
    hart.openPmp()
    hart.load(va)
    setEntry(hart, 0, cfg.NAPOT | cfg.L, napot(page, 4096))
    expect(hart.probe('r', va)).toBeUndefined()
    expect(hart.load(va)).toEqual({ cause: 5, tval: va })
  })

  it('gives way to an entry of lower number', () => {
    const hart = makeHart()
    setEntry(hart, 5, cfg.NAPOT | cfg.R, (1n << 54n) - 1n)
    setEntry(hart, 4, cfg.NAPOT | cfg.R | cfg.W, napot(page, 4096))
    hart.become(1)
    expect(hart.store(va, 1n)).toEqual({ value: 0n })
    expect(hart.store(va + 4096n, 1n)).toEqual({ cause: 7, tval: va + 4096n })
  })
})

describe('an entry that splits a page', () => {
  it('is checked at each access, which is never cached', () => {
    const hart = makeHart()
    setEntry(hart, 0, cfg.NAPOT | cfg.R | cfg.W, napot(page, 16))
    hart.become(1)
    for (let i = 0; i < 2; i++) {
      expect(hart.load(va + 8n)).toEqual({ value: 0n })
      expect(hart.load(va + 16n)).toEqual({ cause: 5, tval: va + 16n })
      expect(hart.probe('r', va)).toBeUndefined()
    }
  })

  it('fails an access that it matches only in part', () => {
    const hart = makeHart()
    setEntry(hart, 0, cfg.NA4 | cfg.R, BigInt(page / 4))
    setEntry(hart, 1, cfg.NAPOT | cfg.R | cfg.W, (1n << 54n) - 1n)
    hart.become(1)
    expect(hart.load(va, 4)).toEqual({ value: 0n })
    expect(hart.load(va, 8)).toEqual({ cause: 5, tval: va })
    expect(hart.store(va, 0n, 4)).toEqual({ cause: 7, tval: va })
    expect(hart.store(va + 4n, 0n, 4)).toEqual({ value: 0n })
  })

  it('TOR runs from the entry below it', () => {
    const hart = makeHart()
    setEntry(hart, 0, 0, BigInt((page + 0x100) / 4))
    setEntry(hart, 1, cfg.TOR | cfg.R, BigInt((page + 0x108) / 4))
    hart.become(1)
    expect('cause' in hart.load(va + 0xf8n)).toBe(true)
    expect(hart.load(va + 0x100n)).toEqual({ value: 0n })
    expect('cause' in hart.load(va + 0x108n)).toBe(true)
  })
})

describe('the page walk', () => {
  it('reads tables with the permissions of S, and faults as the access', () => {
    const hart = makeHart()
    const tables = makeTables(hart, 'sv39')
    tables.map(0x1000n, page, kernelLeaf)
    setEntry(hart, 0, cfg.NAPOT, napot(tables.root, 4096))
    setEntry(hart, 1, cfg.NAPOT | cfg.R | cfg.W | cfg.X, (1n << 54n) - 1n)
    tables.use()
    hart.become(1)
    expect(hart.load(0x1000n)).toEqual({ cause: 5, tval: 0x1000n })
    expect(hart.fetch(0x1000n)).toEqual({ cause: 1, tval: 0x1000n })
    hart.become(3)
    setEntry(hart, 0, cfg.NAPOT | cfg.R, napot(tables.root, 4096))
    hart.become(1)
    expect(hart.load(0x1000n)).toEqual({ value: 0n })
  })

  it('sets A only where S may write', () => {
    const hart = makeHart()
    const tables = makeTables(hart, 'sv39')
    const entry = tables.map(0x1000n, page, kernelLeaf & ~0xc0n)
    setEntry(hart, 0, cfg.NAPOT | cfg.R, napot(entry - (entry % 4096), 4096))
    setEntry(hart, 1, cfg.NAPOT | cfg.R | cfg.W | cfg.X, (1n << 54n) - 1n)
    hart.csrSet(0x30a, 1n << 61n)
    tables.use()
    hart.become(1)
    expect(hart.load(0x1000n)).toEqual({ cause: 5, tval: 0x1000n })
    expect(hart.read(entry) & 0xc0n).toBe(0n)
  })
})

describe('the registers', () => {
  it('keep 54 bits of address with a grain of 4 bytes', () => {
    const hart = makeHart()
    for (const index of [0, 15]) {
      hart.csrWrite(0x3b0 + index, -1n)
      expect(hart.csrRead(0x3b0 + index)).toEqual({ value: (1n << 54n) - 1n })
    }
  })

  it('of 16 entries exist, and only even configuration registers', () => {
    const hart = makeHart()
    for (const number of [0x3a0, 0x3a2, 0x3b0, 0x3bf]) expect(hart.csrRead(number)).toHaveProperty('value')
    for (const number of [0x3a1, 0x3a3, 0x3a4, 0x3c0, 0x3ef])
      expect(hart.csrRead(number)).toHaveProperty('cause', 2)
  })

  it('read reserved bits as zero, and W without R as neither', () => {
    const hart = makeHart()
    hart.csrWrite(0x3a0, 0x7a_66n)
    expect(hart.csrRead(0x3a0)).toEqual({ value: 0x18_04n })
  })

  it('stay as they are once locked, with the address below a TOR entry', () => {
    const hart = makeHart()
    hart.csrWrite(0x3b2, 0x123n)
    hart.csrWrite(0x3b3, 0x456n)
    hart.csrWrite(0x3a0, BigInt(cfg.L | cfg.TOR | cfg.R) << 24n)
    hart.csrWrite(0x3b2, 0n)
    hart.csrWrite(0x3b3, 0n)
    hart.csrWrite(0x3a0, 0n)
    expect(hart.csrRead(0x3b2)).toEqual({ value: 0x123n })
    expect(hart.csrRead(0x3b3)).toEqual({ value: 0x456n })
    expect(hart.csrRead(0x3a0)).toEqual({ value: BigInt(cfg.L | cfg.TOR | cfg.R) << 24n })
    hart.csrWrite(0x3b1, 0x789n)
    expect(hart.csrRead(0x3b1)).toEqual({ value: 0x789n })
  })
})
