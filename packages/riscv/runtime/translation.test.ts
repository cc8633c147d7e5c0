/** The page walk as loads, stores and fetches see it. @spec riscv-priv "Virtual Address Translation Process" */
import { describe, expect, it } from 'vitest'
import { kernelLeaf, makeHart, pte, ramBase, userLeaf } from './testing/hart.ts'
import { type Mode, makeTables, modes } from './testing/tables.ts'

const page = ramBase + 0x10000
const data = 0x1122_3344_5566_7788n
const modeNames = Object.keys(modes) as Mode[]
const status = { SUM: 1n << 18n, MXR: 1n << 19n, MPRV: 1n << 17n, MPP: 3n << 11n }
const envcfg = { ADUE: 1n << 61n, PBMTE: 1n << 62n }

/** A hart in S-mode with an address space in `mode`. */
function translated(mode: Mode = 'sv39') {
  const hart = makeHart()
  hart.openPmp()
  hart.write(page, data)
  const tables = makeTables(hart, mode)
  tables.use()
  hart.become(1)
  return { hart, tables }
}

/** An address that uses the top bit of every level of `mode`, in the upper or the lower half. */
function highest(mode: Mode, half: 'upper' | 'lower'): bigint {
  const bits = BigInt(12 + 9 * modes[mode].levels)
  return half === 'upper' ? BigInt.asUintN(64, -(1n << (bits - 1n))) : (1n << (bits - 1n)) - 4096n
}

describe('a walk', () => {
  it.each(modeNames)('finds 4 KiB pages at both ends of %s', (mode) => {
    const { hart, tables } = translated(mode)
    for (const half of ['upper', 'lower'] as const) {
      tables.map(highest(mode, half), page, kernelLeaf)
      expect(hart.load(highest(mode, half))).toEqual({ value: data })
      expect(hart.probe('r', highest(mode, half), 8)).toBe(hart.arenaOf(page))
    }
  })

  it.each(modeNames)('refuses addresses that are not canonical in %s', (mode) => {
    const { hart, tables } = translated(mode)
    tables.map(highest(mode, 'upper'), page, kernelLeaf)
    tables.map(highest(mode, 'lower'), page, kernelLeaf)
    const bits = BigInt(12 + 9 * modes[mode].levels)
    for (const addr of [
      1n << (bits - 1n),
      highest(mode, 'upper') ^ (1n << 63n),
      highest(mode, 'lower') | (1n << 63n),
    ]) {
      expect(hart.load(addr)).toEqual({ cause: 13, tval: addr })
      expect(hart.store(addr, 0n)).toEqual({ cause: 15, tval: addr })
      expect(hart.fetch(addr)).toEqual({ cause: 12, tval: addr })
    }
  })

  it.each(
    modeNames.flatMap((mode) =>
      Array.from({ length: modes[mode].levels - 1 }, (_, i) => [mode, i + 1] as const),
    ),
  )('takes a superpage of %s at level %i, and refuses it misaligned', (mode, level) => {
    const { hart, tables } = translated(mode)
    const size = 1n << BigInt(12 + 9 * level)
    // all of memory is inside the first superpage of 1 GiB and more that starts at or below it
    const base = BigInt(ramBase) & ~(size - 1n)
    tables.map(0n, base, kernelLeaf, level)
    const va = BigInt(page) - base
    expect(hart.load(va)).toEqual({ value: data })
    tables.map(0n, base | (size >> 9n), kernelLeaf, level)
    hart.call('sfence_vma', va, 0n, 1)
    expect(hart.load(va)).toEqual({ cause: 13, tval: va })
  })

  it('reports the missing level as a page fault, whatever the level', () => {
    for (const level of [0, 1, 2]) {
      const { hart, tables } = translated()
      const va = 0x12_3456_7000n
      tables.map(va, page, kernelLeaf)
      hart.write(tables.slot(va, level), 0n)
      expect(hart.load(va + 8n)).toEqual({ cause: 13, tval: va + 8n })
    }
  })

  it('reports a table outside memory as an access fault of the access', () => {
    const { hart, tables } = translated()
    hart.write(tables.slot(0x1000n, 1), (0x1000_0000n >> 2n) | pte.V)
    expect(hart.load(0x1000n)).toEqual({ cause: 5, tval: 0x1000n })
    expect(hart.store(0x1000n, 1n)).toEqual({ cause: 7, tval: 0x1000n })
    expect(hart.fetch(0x1000n)).toEqual({ cause: 1, tval: 0x1000n })
  })
})

describe('an entry', () => {
  const va = 0x4000_0000n
  const cases: readonly (readonly [name: string, bits: bigint])[] = [
    ['not valid', kernelLeaf & ~pte.V],
    ['writable but not readable', pte.V | pte.W | pte.A | pte.D],
    ['writable and executable but not readable', pte.V | pte.W | pte.X | pte.A | pte.D],
    ['with reserved bit 54', kernelLeaf | (1n << 54n)],
    ['with reserved bit 60', kernelLeaf | (1n << 60n)],
    ['with PBMT while menvcfg.PBMTE is 0', kernelLeaf | pte.PBMT],
    ['with N and an undefined size', kernelLeaf | pte.N],
    ['that points on below the last level', pte.V],
  ]
  it.each(cases)('%s is a page fault', (_name, bits) => {
    const { hart, tables } = translated()
    tables.map(va, page, bits)
    expect(hart.load(va)).toEqual({ cause: 13, tval: va })
    expect(hart.store(va, 0n)).toEqual({ cause: 15, tval: va })
    expect(hart.fetch(va)).toEqual({ cause: 12, tval: va })
  })

  it.each([
    ['A', pte.A],
    ['D', pte.D],
    ['U', pte.U],
    ['N', pte.N],
    ['PBMT', pte.PBMT],
  ])('that points on and has %s set is a page fault', (_name, bit) => {
    const { hart, tables } = translated()
    tables.map(va, page, kernelLeaf)
    const upper = tables.slot(va, 1)
    hart.write(upper, hart.read(upper) | bit)
    expect(hart.load(va)).toEqual({ cause: 13, tval: va })
  })

  it('may use the bits that are for software', () => {
    const { hart, tables } = translated()
    tables.map(va, page, kernelLeaf | (3n << 8n))
    expect(hart.load(va)).toEqual({ value: data })
  })

  it('with PBMT 1 or 2 maps once menvcfg.PBMTE is set; 3 stays reserved', () => {
    const { hart, tables } = translated()
    hart.become(3)
    hart.csrSet(0x30a, envcfg.PBMTE)
    hart.become(1)
    for (const [type, expected] of [
      [1n, { value: data }],
      [2n, { value: data }],
      [3n, { cause: 13, tval: va }],
    ] as const) {
      tables.map(va, page, kernelLeaf | (type << 61n))
      hart.call('sfence_vma', va, 0n, 1)
      expect(hart.load(va)).toEqual(expected)
    }
  })

  it('with N maps 64 KiB by any of its 16 places', () => {
    const { hart, tables } = translated()
    for (let i = 0; i < 16; i++) hart.write(ramBase + 0x20000 + i * 4096, BigInt(i))
    for (let i = 0; i < 16; i++) tables.map(va + BigInt(i * 4096), ramBase + 0x28000, kernelLeaf | pte.N)
    for (let i = 0; i < 16; i++) expect(hart.load(va + BigInt(i * 4096))).toEqual({ value: BigInt(i) })
  })

  it('with N is reserved above the last level', () => {
    const { hart, tables } = translated()
    tables.map(va, ramBase, kernelLeaf | pte.N, 1)
    expect(hart.load(va)).toEqual({ cause: 13, tval: va })
  })
})

describe('permissions', () => {
  const va = 0x5000n
  type Access = 'load' | 'store' | 'fetch'
  const causes = { load: 13, store: 15, fetch: 12 } as const
  interface Row {
    readonly name: string
    readonly bits: bigint
    readonly prv: 0 | 1
    readonly status?: bigint
    readonly allowed: readonly Access[]
  }
  const AD = pte.V | pte.A | pte.D
  const rows: readonly Row[] = [
    { name: 'S, kernel page rwx', bits: kernelLeaf, prv: 1, allowed: ['load', 'store', 'fetch'] },
    { name: 'S, kernel page r', bits: AD | pte.R, prv: 1, allowed: ['load'] },
    { name: 'S, kernel page rw', bits: AD | pte.R | pte.W, prv: 1, allowed: ['load', 'store'] },
    { name: 'S, kernel page x', bits: AD | pte.X, prv: 1, allowed: ['fetch'] },
    {
      name: 'S, kernel page x, MXR',
      bits: AD | pte.X,
      prv: 1,
      status: status.MXR,
      allowed: ['load', 'fetch'],
    },
    { name: 'S, user page', bits: userLeaf, prv: 1, allowed: [] },
    { name: 'S, user page, SUM', bits: userLeaf, prv: 1, status: status.SUM, allowed: ['load', 'store'] },
    { name: 'S, user page x, SUM', bits: AD | pte.U | pte.X, prv: 1, status: status.SUM, allowed: [] },
    {
      name: 'S, user page x, SUM and MXR',
      bits: AD | pte.U | pte.X,
      prv: 1,
      status: status.SUM | status.MXR,
      allowed: ['load'],
    },
    { name: 'U, kernel page', bits: kernelLeaf, prv: 0, allowed: [] },
    { name: 'U, kernel page, SUM', bits: kernelLeaf, prv: 0, status: status.SUM, allowed: [] },
    { name: 'U, user page rwx', bits: userLeaf, prv: 0, allowed: ['load', 'store', 'fetch'] },
    { name: 'U, user page x', bits: AD | pte.U | pte.X, prv: 0, allowed: ['fetch'] },
    {
      name: 'U, user page x, MXR',
      bits: AD | pte.U | pte.X,
      prv: 0,
      status: status.MXR,
      allowed: ['load', 'fetch'],
    },
  ]
  it.each(rows)('$name', ({ bits, prv, status: set = 0n, allowed }) => {
    const { hart, tables } = translated()
    tables.map(va, page, bits)
    hart.set('mstatus', hart.get('mstatus') | set)
    hart.become(prv)
    const attempts = {
      load: () => hart.load(va),
      store: () => hart.store(va, data),
      fetch: () => hart.fetch(va),
    }
    for (const access of ['load', 'store', 'fetch'] as const) {
      const outcome = attempts[access]()
      if (allowed.includes(access)) expect(outcome).not.toHaveProperty('cause')
      else expect(outcome).toEqual({ cause: causes[access], tval: va })
    }
    expect(hart.probe('r', va, 8) !== undefined).toBe(allowed.includes('load'))
    expect(hart.probe('w', va, 8) !== undefined).toBe(allowed.includes('store'))
    expect(hart.probe('x', va) !== undefined).toBe(allowed.includes('fetch'))
  })

  it('of MPRV are those of MPP, for loads and stores only', () => {
    const { hart, tables } = translated()
    tables.map(va, page, userLeaf)
    hart.become(3)
    hart.csrClear(0x300, status.MPP)
    hart.csrSet(0x300, status.MPRV)
    expect(hart.load(va)).toEqual({ value: data })
    expect(hart.fetch(va)).toEqual({ cause: 1, tval: va })
    hart.csrSet(0x300, 1n << 11n)
    expect(hart.load(va)).toEqual({ cause: 13, tval: va })
    hart.csrSet(0x300, status.SUM)
    expect(hart.load(va)).toEqual({ value: data })
    hart.csrSet(0x300, status.MPP)
    expect(hart.load(BigInt(page))).toEqual({ value: data })
  })

  it('of M-mode ignore the page table', () => {
    const { hart } = translated()
    hart.become(3)
    expect(hart.load(BigInt(page))).toEqual({ value: data })
    expect(hart.load(BigInt(page) | (1n << 56n))).toEqual({ cause: 5, tval: BigInt(page) | (1n << 56n) })
  })
})

describe('accessed and dirty bits', () => {
  const va = 0x7000n
  const clean = kernelLeaf & ~(pte.A | pte.D)

  it('are page faults while clear, without ADUE', () => {
    const { hart, tables } = translated()
    const entry = tables.map(va, page, clean)
    expect(hart.load(va)).toEqual({ cause: 13, tval: va })
    expect(hart.fetch(va)).toEqual({ cause: 12, tval: va })
    tables.map(va, page, clean | pte.A)
    expect(hart.load(va)).toEqual({ value: data })
    expect(hart.store(va, 0n)).toEqual({ cause: 15, tval: va })
    expect(hart.probe('w', va, 8)).toBeUndefined()
    expect(hart.read(entry) & 0xffn).toBe(clean | pte.A)
  })

  it('are set in memory with ADUE, D only by a store', () => {
    const { hart, tables } = translated()
    hart.become(3)
    hart.csrSet(0x30a, envcfg.ADUE)
    hart.become(1)
    const entry = tables.map(va, page, clean)
    expect(hart.load(va)).toEqual({ value: data })
    expect(hart.read(entry) & 0xffn).toBe(clean | pte.A)
    expect(hart.probe('w', va, 8)).toBeUndefined()
    expect(hart.store(va, 1n)).toEqual({ value: 0n })
    expect(hart.read(entry) & 0xffn).toBe(kernelLeaf)
    expect(hart.probe('w', va, 8)).toBe(hart.arenaOf(page))
  })

  it('are not set by an access that the entry does not allow', () => {
    const { hart, tables } = translated()
    hart.become(3)
    hart.csrSet(0x30a, envcfg.ADUE)
    hart.become(1)
    const entry = tables.map(va, page, pte.V | pte.R)
    expect(hart.store(va, 1n)).toEqual({ cause: 15, tval: va })
    expect(hart.read(entry) & 0xffn).toBe(pte.V | pte.R)
  })
})

describe('virtual_to_arena', () => {
  it('finds memory and changes nothing', () => {
    const { hart, tables } = translated()
    hart.become(3)
    hart.csrSet(0x30a, envcfg.ADUE)
    hart.become(1)
    const entry = tables.map(0x3000n, page, pte.V | pte.R | pte.W)
    expect(hart.call('virtual_to_arena', 0x3008n, 1)).toBe(hart.arenaOf(page + 8))
    expect(hart.call('virtual_to_arena', 0x3008n, 2)).toBe(0)
    expect(hart.call('virtual_to_arena', 0x9000n, 0)).toBe(0)
    expect(hart.get('excCause')).toBe(-1n)
    expect(hart.read(entry) & 0xffn).toBe(pte.V | pte.R | pte.W)
    expect(hart.probe('r', 0x3000n)).toBeUndefined()
    expect(hart.host.slatFaults).toEqual([])
  })
})
