/** The walk cache and the cache of SLAT tables: that they are used, and that all that must forget them does. */
import { describe, expect, it } from 'vitest'
import { hartRequest } from '../hart/layout.ts'
import { at } from './testing/arena.ts'
import { kernelLeaf, makeHart, pte, ramBase, userLeaf } from './testing/hart.ts'
import { makeTables } from './testing/tables.ts'

const first = ramBase + 0x10000
const old = ramBase + 0x20000
const fresh = ramBase + 0x30000
const va = 0x4000_0000n
const beside = va + 0x1000n
const kernel = 0xffff_ffd6_0000_0000n
const adue = 1n << 61n

/** A hart in S-mode; the pages hold 1, 2 and 3. */
function start() {
  const hart = makeHart()
  hart.openPmp()
  for (const [index, page] of [first, old, fresh].entries()) hart.write(page, BigInt(index + 1))
  return hart
}

/**
 * The last table for `va` is known from a walk and then replaced, so that `beside` is `old` in the former one and
 * `fresh` in the new one. Nothing of `beside` itself is cached.
 */
function replaced(level: 1 | 2 = 1, space = 1) {
  const hart = start()
  const tables = makeTables(hart, 'sv48', space)
  tables.map(va, first, kernelLeaf)
  tables.map(beside, old, kernelLeaf)
  tables.use()
  hart.become(1)
  expect(hart.load(va)).toEqual({ value: 1n })
  const other = makeTables(hart, 'sv48', 9)
  other.map(va, first, kernelLeaf)
  other.map(beside, fresh, kernelLeaf)
  hart.write(tables.slot(va, level), hart.read(other.slot(va, level)))
  const request = (bits: number) => {
    hart.set('requests', bits)
    hart.call('enter')
  }
  const asMachine = (action: () => void) => {
    hart.become(3)
    action()
    hart.become(1)
  }
  return { hart, tables, request, asMachine }
}

describe('a table that a walk met', () => {
  it.each([1, 2] as const)('is used again until a fence, whatever stands in the entry of level %i', (level) => {
    const { hart } = replaced(level)
    expect(hart.load(beside)).toEqual({ value: 2n })
  })

  const fences: Readonly<Record<string, (made: ReturnType<typeof replaced>) => void>> = {
    'sfence.vma of everything': ({ hart }) => hart.call('sfence_vma', 0n, 0n, 0),
    'sfence.vma of an address below it': ({ hart }) => hart.call('sfence_vma', beside, 0n, 1),
    'sfence.vma of the address space': ({ hart }) => hart.call('sfence_vma', 0n, 1n, 2),
    'sfence.vma of an address in the address space': ({ hart }) => hart.call('sfence_vma', va, 1n, 3),
    "another hart's sfence.vma": ({ request }) => request(hartRequest.flushTlb),
    'a change of the SLAT': ({ request }) => request(hartRequest.flushSlat),
    'a change of PMP': ({ hart, asMachine }) => asMachine(() => hart.csrWrite(0x3b5, 0n)),
    'a change of who sets A and D': ({ hart, asMachine }) => asMachine(() => hart.csrSet(0x30a, adue)),
  }
  it.each(
    Object.keys(fences).flatMap((name) => [
      [name, 1],
      [name, 2],
    ] as const),
  )('is forgotten by %s (level %i)', (name, level) => {
    const made = replaced(level)
    fences[name]?.(made)
    expect(made.hart.load(beside)).toEqual({ value: 3n })
  })

  it('outlives fences of other addresses and address spaces', () => {
    const { hart } = replaced()
    hart.call('sfence_vma', va + 0x20_0000n * 256n * 512n, 0n, 1)
    hart.call('sfence_vma', 0n, 2n, 2)
    expect(hart.load(beside)).toEqual({ value: 2n })
  })

  it('is not used where it has no translation', () => {
    const { hart, tables } = replaced()
    // in the new table alone
    tables.map(va + 0x2000n, fresh, kernelLeaf)
    expect(hart.load(va + 0x2000n)).toEqual({ value: 3n })
    expect(hart.load(va + 0x3000n)).toEqual({ cause: 13, tval: va + 0x3000n })
  })

  it('is not used in another address space', () => {
    const { hart } = replaced()
    const other = makeTables(hart, 'sv48', 2)
    other.map(beside, fresh, kernelLeaf)
    other.use()
    expect(hart.load(beside)).toEqual({ value: 3n })
  })

  it('of a kernel serves other address spaces for what is global in it, and no more', () => {
    const hart = start()
    const [a, b] = [1, 2].map((asid) => makeTables(hart, 'sv39', asid)) as [
      ReturnType<typeof makeTables>,
      ReturnType<typeof makeTables>,
    ]
    const [shared, own, onlyInB] = [kernel, kernel + 0x1000n, kernel + 0x2000n]
    for (const tables of [a, b]) tables.map(shared, first, kernelLeaf | pte.G)
    a.map(own, old, kernelLeaf)
    b.map(own, fresh, kernelLeaf)
    b.map(onlyInB, fresh, kernelLeaf | pte.G)
    a.use()
    hart.become(1)
    expect(hart.load(shared)).toEqual({ value: 1n })
    b.use()
    expect(hart.load(own)).toEqual({ value: 3n })
    expect(hart.load(onlyInB)).toEqual({ value: 3n })
    a.use()
    expect(hart.load(own)).toEqual({ value: 2n })
  })

  it('of another address space gets no marks of this one', () => {
    const hart = start()
    hart.csrSet(0x30a, adue)
    const clean = (kernelLeaf | pte.G) & ~(pte.A | pte.D)
    const entries = [1, 2].map((asid) => {
      const tables = makeTables(hart, 'sv39', asid)
      tables.map(kernel, first, kernelLeaf | pte.G)
      const entry = tables.map(kernel + 0x1000n, old, clean)
      tables.use()
      hart.become(1)
      hart.load(kernel)
      return entry
    })
    const marks = () => entries.map((entry) => hart.read(entry) & (pte.A | pte.D))
    // in the second one; the table in the cache is the first one's
    hart.load(kernel + 0x1000n)
    expect(marks()).toEqual([0n, pte.A])
    hart.store(kernel + 0x1000n, 0n)
    expect(marks()).toEqual([0n, pte.A | pte.D])
  })

  it('lets a store set D, and only a store', () => {
    const { hart, tables, asMachine } = replaced()
    asMachine(() => hart.csrSet(0x30a, adue))
    hart.load(va)
    const entry = tables.map(va + 0x2000n, fresh, kernelLeaf & ~(pte.A | pte.D))
    expect(hart.load(va + 0x2000n)).toEqual({ value: 3n })
    expect(hart.read(entry) & (pte.A | pte.D)).toBe(pte.A)
    expect(hart.probe('w', va + 0x2000n)).toBeUndefined()
    hart.store(va + 0x2000n, 4n)
    expect(hart.read(entry) & (pte.A | pte.D)).toBe(pte.A | pte.D)
    expect(hart.probe('w', va + 0x2000n)).toBeDefined()
  })

  it('does not weaken what a leaf says', () => {
    const { hart, tables } = replaced()
    tables.map(va + 0x2000n, fresh, userLeaf)
    tables.map(va + 0x3000n, fresh, pte.V | pte.R | pte.A | pte.D)
    expect(hart.load(va + 0x2000n)).toEqual({ cause: 13, tval: va + 0x2000n })
    hart.csrSet(0x100, 1n << 18n)
    expect(hart.load(va + 0x2000n)).toEqual({ value: 3n })
    expect(hart.fetch(va + 0x2000n)).toEqual({ cause: 12, tval: va + 0x2000n })
    expect(hart.store(va + 0x3000n, 0n)).toEqual({ cause: 15, tval: va + 0x3000n })
  })
})

describe('fences', () => {
  /** 64 MiB on is the same place in the TLB. */
  const sameSlot = va + 0x400_0000n

  it('of an address leave the page that is in its place', () => {
    const { hart, tables } = replaced()
    tables.map(sameSlot, old, kernelLeaf)
    hart.load(sameSlot)
    hart.call('sfence_vma', va, 0n, 1)
    expect(hart.probe('r', sameSlot)).toBeDefined()
    hart.call('sfence_vma', sameSlot, 0n, 1)
    expect(hart.probe('r', sameSlot)).toBeUndefined()
  })

  it.each([
    ['everywhere', 0n, 1],
    ['in its address space', 1n, 3],
  ])('of an address %s drop loads, stores and fetches', (_where, asid, mode) => {
    const { hart } = replaced()
    hart.load(va)
    hart.fetch(va)
    const cached = () => (['r', 'w', 'x'] as const).map((array) => hart.probe(array, va) !== undefined)
    expect(cached()).toEqual([true, true, true])
    hart.call('sfence_vma', va, asid, mode)
    expect(cached()).toEqual([false, false, false])
  })

  it('of an address in one address space leave the others, and what is global', () => {
    const { hart, tables } = replaced()
    const global = kernel + 0x7000n
    tables.map(global, old, kernelLeaf | pte.G)
    hart.load(va)
    hart.load(global)
    hart.call('sfence_vma', va, 2n, 3)
    hart.call('sfence_vma', global, 1n, 3)
    expect(hart.probe('r', va)).toBeDefined()
    expect(hart.probe('r', global)).toBeDefined()
    hart.call('sfence_vma', va, 1n, 3)
    hart.call('sfence_vma', global, 0n, 1)
    expect(hart.probe('r', va)).toBeUndefined()
    expect(hart.probe('r', global)).toBeUndefined()
  })

  it('are counted by what they name', () => {
    const { hart } = replaced()
    for (const [mode, times] of [2, 3, 4, 5].entries())
      for (let i = 0; i < times; i++) hart.call('sfence_vma', va, 1n, mode)
    expect([0, 1, 2, 3].map((mode) => hart.get('statFences', mode))).toEqual([2n, 3n, 4n, 5n])
  })

  it.each([3, 200])('of instructions drop all of %i pages', (pages) => {
    const hart = start()
    const addresses = Array.from({ length: pages }, (_, i) => BigInt(ramBase + i * 4096))
    for (const pc of addresses) hart.fetch(pc)
    const cached = () => addresses.filter((pc) => hart.probe('x', pc) !== undefined).length
    expect(cached()).toBeGreaterThan(2)
    hart.call('fence_i')
    expect(cached()).toBe(0)
    hart.fetch(BigInt(ramBase))
    expect(cached()).toBe(1)
    hart.call('fence_i')
    expect(cached()).toBe(0)
  })
})

describe('a SLAT table', () => {
  const large = at.ram + 0x20_0000
  const place = ramBase + 0x20_0000

  it('is used again until SLAT is flushed', () => {
    const hart = start()
    hart.load(BigInt(place))
    hart.write(place + 0x1000, 5n)
    hart.view.setBigUint64(large + 0x1000, 6n, true)
    hart.slat.setLarge(place, large, userLeaf)
    expect(hart.load(BigInt(place + 0x1000))).toEqual({ value: 5n })
    hart.set('requests', hartRequest.flushSlat)
    hart.call('enter')
    expect(hart.load(BigInt(place + 0x1000))).toEqual({ value: 6n })
  })

  it('gives a page that was backed meanwhile', () => {
    const hart = start()
    hart.load(BigInt(place))
    hart.write(place + 0x1000, 5n)
    hart.slat.set(place + 0x1000, 0n)
    hart.host.slatFault = () => {
      hart.slat.set(place + 0x1000, userLeaf)
      return 0
    }
    expect(hart.load(BigInt(place + 0x1000))).toEqual({ value: 5n })
    expect(hart.host.slatFaults).toHaveLength(1)
  })

  it('shows a first store after the dirty log was read', () => {
    const hart = start()
    hart.store(BigInt(place), 1n)
    hart.slat.set(place, userLeaf & ~pte.D)
    hart.set('requests', hartRequest.flushSlat)
    hart.call('enter')
    hart.load(BigInt(place))
    expect(hart.probe('w', BigInt(place))).toBeUndefined()
    hart.store(BigInt(place), 2n)
    expect(hart.slat.get(place) & pte.D).toBe(pte.D)
  })
})
