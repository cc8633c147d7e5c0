/** Loads, stores, atomics and cache-block operations that miss the TLB; devices; the second-level table. */
import { describe, expect, it } from 'vitest'
import { kernelLeaf, makeHart, pte, ramBase, userLeaf } from './testing/hart.ts'
import { makeTables } from './testing/tables.ts'

const page = ramBase + 0x10000
const sizes = [1, 2, 4, 8] as const
const bytes = 0xf8f7_f6f5_f4f3_f2f1n
const low = (value: bigint, size: number) => BigInt.asUintN(size * 8, value)

/** A hart in S-mode with two neighbouring pages at 0x1000 that lie far apart in memory. */
function translated(secondBits = kernelLeaf) {
  const hart = makeHart()
  hart.openPmp()
  const tables = makeTables(hart, 'sv39')
  tables.map(0x1000n, page, kernelLeaf)
  tables.map(0x2000n, page + 0x5000, secondBits)
  tables.use()
  hart.become(1)
  return { hart, tables }
}

describe('aligned accesses', () => {
  it.each(sizes)('of %i bytes load zero-extended and store only their bytes', (size) => {
    const { hart } = translated()
    hart.write(page, bytes)
    expect(hart.load(0x1000n, size)).toEqual({ value: low(bytes, size) })
    hart.write(page, 0n)
    expect(hart.store(0x1000n, -1n, size)).toEqual({ value: 0n })
    expect(hart.read(page)).toBe(low(-1n, size))
  })

  it('fill both TLBs where both are allowed', () => {
    const { hart } = translated(kernelLeaf & ~pte.W)
    hart.load(0x1000n)
    expect(hart.probe('w', 0x1008n, 8)).toBe(hart.arenaOf(page + 8))
    hart.load(0x2000n)
    expect(hart.probe('r', 0x2000n)).toBeDefined()
    expect(hart.probe('w', 0x2000n)).toBeUndefined()
  })

  it('do not fill the write TLB while D is clear', () => {
    const { hart } = translated(kernelLeaf & ~pte.D)
    hart.load(0x2000n)
    expect(hart.probe('w', 0x2000n)).toBeUndefined()
  })
})

describe('misaligned accesses', () => {
  it.each([2, 4, 8])('of %i bytes work inside a page', (size) => {
    const { hart } = translated()
    expect(hart.store(0x1003n, bytes, size)).toEqual({ value: 0n })
    expect(hart.load(0x1003n, size)).toEqual({ value: low(bytes, size) })
    expect(hart.read(page)).toBe(low(low(bytes, size) << 24n, 8))
  })

  it.each([2, 4, 8].flatMap((size) => Array.from({ length: size - 1 }, (_, i) => [size, i + 1] as const)))(
    'of %i bytes work across pages, %i of them on the first',
    (size, first) => {
      const { hart } = translated()
      const va = BigInt(0x2000 - first)
      expect(hart.store(va, bytes, size)).toEqual({ value: 0n })
      expect(hart.load(va, size)).toEqual({ value: low(bytes, size) })
      for (let i = 0; i < size; i++) {
        const at = i < first ? page + 4096 - first + i : page + 0x5000 + i - first
        expect(hart.u8(at)).toBe(Number((bytes >> BigInt(i * 8)) & 0xffn))
      }
    },
  )

  it('report the part that faults, and store nothing then', () => {
    const { hart } = translated(kernelLeaf & ~(pte.W | pte.R))
    expect(hart.load(0x1ffdn, 4)).toEqual({ cause: 13, tval: 0x2000n })
    expect(hart.store(0x1ffdn, -1n, 4)).toEqual({ cause: 15, tval: 0x2000n })
    expect(hart.read(page + 0xff8)).toBe(0n)
    expect(hart.load(0xffdn, 4)).toEqual({ cause: 13, tval: 0xffdn })
  })

  it('hit the TLB inside a page', () => {
    const { hart } = translated()
    hart.load(0x1000n)
    const misses = hart.get('statTlbMissR')
    hart.load(0x1001n)
    expect(hart.get('statTlbMissR')).toBe(misses)
  })

  it('do not use entries of another page in the same slot', () => {
    const { hart } = translated()
    hart.load(0x1000n)
    expect(hart.load(0x1000n + (1n << 22n) + 1n)).toHaveProperty('cause', 13)
  })
})

describe('atomic accesses', () => {
  it('give the arena address', () => {
    const { hart } = translated()
    for (const write of [0, 1] as const) {
      expect(hart.atomic(0x1010n, 8, write)).toEqual({ value: BigInt(hart.arenaOf(page + 0x10)) })
      expect(hart.atomic(0x1014n, 4, write)).toEqual({ value: BigInt(hart.arenaOf(page + 0x14)) })
    }
  })

  it('must be aligned, before anything else is looked at', () => {
    const { hart } = translated()
    for (const va of [0x1004n, 0x9_9999n]) {
      expect(hart.atomic(va, 8, 0)).toEqual({ cause: 4, tval: va })
      expect(hart.atomic(va, 8, 1)).toEqual({ cause: 6, tval: va })
    }
  })

  it('fault as loads (LR) or stores (AMO, SC)', () => {
    const { hart } = translated(userLeaf)
    expect(hart.atomic(0x2000n, 4, 0)).toEqual({ cause: 13, tval: 0x2000n })
    expect(hart.atomic(0x2000n, 4, 1)).toEqual({ cause: 15, tval: 0x2000n })
  })

  it('to devices are access faults', () => {
    const hart = makeHart()
    expect(hart.atomic(0x1000_0000n, 4, 0)).toEqual({ cause: 5, tval: 0x1000_0000n })
    expect(hart.atomic(0x1000_0000n, 4, 1)).toEqual({ cause: 7, tval: 0x1000_0000n })
    expect(hart.devices).toEqual([])
  })
})

describe('devices', () => {
  it.each(sizes)('see accesses of %i bytes with their guest-physical address', (size) => {
    const { hart, tables } = translated()
    tables.map(0x3000n, 0x1000_0000, kernelLeaf)
    hart.host.deviceValue = bytes
    expect(hart.load(0x3008n, size)).toEqual({ value: low(bytes, size) })
    expect(hart.store(0x3010n, bytes, size)).toEqual({ value: 0n })
    expect(hart.devices).toEqual([
      { address: 0x1000_0008, bytes: size },
      { address: 0x1000_0010, bytes: size, value: low(bytes, size) },
    ])
    expect(hart.probe('r', 0x3000n)).toBeUndefined()
    expect(hart.get('statMmioLoads')).toBe(1n)
    expect(hart.get('statMmioStores')).toBe(1n)
  })

  it('may refuse, which is an access fault', () => {
    const hart = makeHart()
    hart.host.deviceValue = undefined
    expect(hart.load(0x1000_0000n, 4)).toEqual({ cause: 5, tval: 0x1000_0000n })
    expect(hart.store(0x1000_0000n, 0n, 4)).toEqual({ cause: 7, tval: 0x1000_0000n })
  })

  it('are never asked for misaligned accesses', () => {
    const hart = makeHart()
    for (const va of [0x1000_0001n, 0x1000_0ffen]) {
      expect(hart.load(va, 4)).toEqual({ cause: 5, tval: va })
      expect(hart.store(va, 0n, 4)).toEqual({ cause: 7, tval: va })
    }
    expect(hart.devices).toEqual([])
  })

  it('are looked for in the SLAT once', () => {
    const hart = makeHart()
    for (let i = 0; i < 3; i++) hart.load(0x1000_0000n, 4)
    expect(hart.host.slatFaults).toEqual([{ address: 0x1000_0000, write: 0 }])
  })

  it('may be far up in the address space', () => {
    const hart = makeHart()
    hart.load(0xff_ffff_ffff_fff8n)
    expect(hart.devices).toEqual([{ address: Number(0xff_ffff_ffff_fff8n), bytes: 8 }])
  })
})

describe('the second-level table', () => {
  const va = BigInt(page)

  it('is backed by the VMM on first touch', () => {
    const hart = makeHart()
    hart.slat.set(page, 0n)
    hart.host.slatFault = () => {
      hart.slat.set(page, kernelLeaf | pte.U)
      return 0
    }
    expect(hart.load(va)).toEqual({ value: 0n })
    expect(hart.host.slatFaults).toEqual([{ address: page, write: 0 }])
    expect(hart.get('statSlatFaults')).toBe(1n)
  })

  it('that the VMM does not back for all its promises is a device', () => {
    const hart = makeHart()
    hart.slat.set(page, 0n)
    hart.host.slatFault = () => 0
    hart.load(va)
    expect(hart.devices).toHaveLength(1)
  })

  it('asks the VMM before the first store to a read-only page', () => {
    const hart = makeHart()
    hart.slat.set(page, pte.V | pte.R | pte.X | pte.U)
    hart.load(va)
    expect(hart.host.slatFaults).toEqual([])
    expect(hart.probe('w', va)).toBeUndefined()
    hart.host.slatFault = () => {
      hart.slat.set(page, kernelLeaf | pte.U)
      return 0
    }
    expect(hart.store(va, 5n)).toEqual({ value: 0n })
    expect(hart.read(page)).toBe(5n)
    expect(hart.host.slatFaults).toEqual([{ address: page, write: 1 }])
  })

  it('keeps a page that can only be read readable after a store was refused', () => {
    const hart = makeHart()
    hart.slat.set(page, pte.V | pte.R | pte.X | pte.U)
    hart.write(page, 9n)
    hart.store(va, 5n)
    expect(hart.devices).toEqual([{ address: page, bytes: 8, value: 5n }])
    hart.call('flush_all')
    hart.store(va + 8n, 5n)
    expect(hart.load(va)).toEqual({ value: 9n })
  })

  it('gets A by a load and D by the first store', () => {
    const hart = makeHart()
    hart.slat.set(page, pte.V | pte.R | pte.W | pte.X | pte.U)
    hart.load(va)
    expect(hart.slat.get(page) & 0xffn & (pte.A | pte.D)).toBe(pte.A)
    expect(hart.probe('w', va)).toBeUndefined()
    hart.store(va, 1n)
    expect(hart.slat.get(page) & (pte.A | pte.D)).toBe(pte.A | pte.D)
    expect(hart.probe('w', va)).toBeDefined()
  })

  it('may have leaves of 2 MiB', () => {
    const hart = makeHart()
    hart.slat.setLarge(ramBase, 0x20_0000, kernelLeaf | pte.U)
    hart.store(va + 0x10n, bytes)
    expect(hart.view.getBigUint64(0x20_0000 + 0x10010, true)).toBe(bytes)
    expect(hart.probe('r', va)).toBe(0x20_0000 + 0x10000)
  })

  it('without X refuses fetches', () => {
    const hart = makeHart()
    hart.slat.set(page, kernelLeaf & ~pte.X)
    expect(hart.fetch(va)).toEqual({ cause: 1, tval: va })
  })

  it('is looked at again after a flush request', () => {
    const hart = makeHart()
    hart.load(va)
    hart.slat.set(page, 0n)
    expect(hart.probe('r', va)).toBeDefined()
    hart.set('requests', 4)
    hart.call('enter')
    expect(hart.get('requests')).toBe(0n)
    expect(hart.probe('r', va)).toBeUndefined()
    hart.load(va)
    expect(hart.devices).toHaveLength(1)
  })
})

describe('cache-block operations', () => {
  const [INVAL, CLEAN, FLUSH, ZERO] = [0, 1, 2, 4]
  const enable = { inval: 0x30n, cleanFlush: 0x40n, zero: 0x80n }

  it('zero fills the block of the address with zeros', () => {
    const { hart } = translated()
    hart.set('menvcfg', enable.zero)
    for (let i = 0; i < 24; i++) hart.write(page + i * 8, -1n)
    expect(hart.outcome(() => hart.call('cbo', ZERO, 0x1047n))).not.toHaveProperty('cause')
    const zeros = Array.from({ length: 24 }, (_, i) => hart.read(page + i * 8) === 0n)
    expect(zeros).toEqual(Array.from({ length: 24 }, (_, i) => i >= 8 && i < 16))
  })

  it('fault as stores with the address as given', () => {
    const { hart } = translated(pte.V | pte.A | pte.D | pte.X)
    hart.set('menvcfg', 0xf0n)
    for (const kind of [INVAL, CLEAN, FLUSH, ZERO]) {
      expect(hart.outcome(() => hart.call('cbo', kind, 0x2047n))).toEqual({ cause: 15, tval: 0x2047n })
    }
  })

  it('that manage need either permission; zero needs the store', () => {
    const { hart } = translated(pte.V | pte.A | pte.R)
    hart.set('menvcfg', 0xf0n)
    for (const kind of [INVAL, CLEAN, FLUSH]) {
      expect(hart.outcome(() => hart.call('cbo', kind, 0x2000n))).not.toHaveProperty('cause')
    }
    expect(hart.outcome(() => hart.call('cbo', ZERO, 0x2000n))).toEqual({ cause: 15, tval: 0x2000n })
  })

  it.each([
    ['inval', INVAL, enable.inval],
    ['clean', CLEAN, enable.cleanFlush],
    ['flush', FLUSH, enable.cleanFlush],
    ['zero', ZERO, enable.zero],
  ])('%s needs menvcfg, and in U-mode senvcfg', (_name, kind, bit) => {
    const { hart, tables } = translated()
    tables.map(0x4000n, page, userLeaf)
    const legal = (prv: 0 | 1 | 3, menvcfg: bigint, senvcfg: bigint) => {
      hart.set('menvcfg', menvcfg)
      hart.set('senvcfg', senvcfg)
      hart.become(prv)
      const result = hart.outcome(() =>
        hart.call('cbo', kind, prv === 0 ? 0x4000n : prv === 1 ? 0x1000n : BigInt(page)),
      )
      return !('cause' in result && result.cause === 2)
    }
    expect(legal(3, 0n, 0n)).toBe(true)
    expect(legal(1, 0xf0n & ~bit, 0xf0n)).toBe(false)
    expect(legal(1, bit, 0n)).toBe(true)
    expect(legal(0, bit, 0xf0n & ~bit)).toBe(false)
    expect(legal(0, bit, bit)).toBe(true)
  })
})
