/** TLB contexts: what survives a switch of address space or mode, and what a fence drops. */
import { describe, expect, it } from 'vitest'
import { kernelLeaf, makeHart, pte, ramBase, userLeaf } from './testing/hart.ts'
import { type Mode, makeTables } from './testing/tables.ts'

const page = ramBase + 0x10000
const other = ramBase + 0x20000
const user = 0x10_0000n
const kernel = 0xffff_ffd6_0000_0000n
const sum = 1n << 18n
const mxr = 1n << 19n

/** A hart in S-mode with two address spaces: the same kernel page, and a user page of their own. */
function twoSpaces(kernelBits = kernelLeaf | pte.G, mode: Mode = 'sv39') {
  const hart = makeHart()
  hart.openPmp()
  hart.write(page, 1n)
  hart.write(other, 2n)
  const a = makeTables(hart, mode, 1)
  const b = makeTables(hart, mode, 2)
  a.map(user, page, userLeaf)
  b.map(user, other, userLeaf)
  a.map(kernel, page, kernelBits)
  b.map(kernel, page, kernelBits)
  a.use()
  hart.become(0)
  const misses = () => hart.get('statTlbMissR')
  const enter = (tables: typeof a, prv: 0 | 1) => {
    hart.set('satp', tables.satp)
    hart.become(prv)
  }
  return { hart, a, b, misses, enter }
}

describe('address spaces', () => {
  it('do not see each other, and keep their entries across switches', () => {
    const { hart, a, b, enter } = twoSpaces()
    expect(hart.load(user)).toEqual({ value: 1n })
    enter(b, 0)
    expect(hart.probe('r', user)).toBeUndefined()
    // the slot is shared, so a third page keeps the first alive
    a.map(user + 0x1000n, page, userLeaf)
    enter(a, 0)
    hart.load(user + 0x1000n)
    enter(b, 0)
    expect(hart.probe('r', user + 0x1000n)).toBeUndefined()
    enter(a, 0)
    expect(hart.probe('r', user + 0x1000n)).toBe(hart.arenaOf(page))
  })

  it('switch through the satp CSR as well', () => {
    const { hart, a, b } = twoSpaces()
    hart.become(1)
    hart.csrSet(0x100, sum)
    hart.load(user)
    b.use()
    expect(hart.probe('r', user)).toBeUndefined()
    expect(hart.load(user)).toEqual({ value: 2n })
    a.use()
    expect(hart.load(user)).toEqual({ value: 1n })
  })

  it('keep apart more than there are context sets', () => {
    const { hart } = twoSpaces()
    const spaces = Array.from({ length: 100 }, (_, i) => {
      const tables = makeTables(hart, 'sv39', 10 + i)
      const at = ramBase + 0x4_0000 + i * 4096
      hart.write(at, BigInt(1000 + i))
      tables.map(user, at, userLeaf)
      return tables
    })
    for (let round = 0; round < 3; round++) {
      for (const [i, tables] of spaces.entries()) {
        hart.set('satp', tables.satp)
        hart.become(0)
        expect(hart.load(user)).toEqual({ value: BigInt(1000 + i) })
      }
    }
  })

  it('share the entries of global pages in the upper half', () => {
    const { hart, a, b, enter } = twoSpaces()
    enter(a, 1)
    hart.load(kernel)
    enter(b, 1)
    expect(hart.probe('r', kernel, 8)).toBe(hart.arenaOf(page))
    expect(hart.get('noGlobalSplit')).toBe(0n)
  })

  it('do not share upper-half pages once one was not global', () => {
    const { hart, a, b, enter } = twoSpaces(kernelLeaf)
    b.map(kernel, other, kernelLeaf)
    enter(a, 1)
    expect(hart.load(kernel)).toEqual({ value: 1n })
    expect(hart.get('noGlobalSplit')).toBe(1n)
    expect(hart.probe('r', kernel, 8)).toBe(hart.arenaOf(page))
    enter(b, 1)
    expect(hart.probe('r', kernel)).toBeUndefined()
    expect(hart.load(kernel)).toEqual({ value: 2n })
    enter(a, 1)
    expect(hart.load(kernel)).toEqual({ value: 1n })
  })

  it('take G from any level', () => {
    const { hart, a, b, enter } = twoSpaces(kernelLeaf)
    for (const tables of [a, b]) {
      const upper = tables.slot(kernel, 2)
      hart.write(upper, hart.read(upper) | pte.G)
    }
    enter(a, 1)
    hart.load(kernel)
    enter(b, 1)
    expect(hart.probe('r', kernel)).toBeDefined()
    expect(hart.get('noGlobalSplit')).toBe(0n)
  })

  it('of another depth do not see global pages of this one', () => {
    const { hart, a, enter } = twoSpaces()
    const deep = makeTables(hart, 'sv48', 3)
    deep.map(kernel, other, kernelLeaf | pte.G)
    enter(a, 1)
    expect(hart.load(kernel)).toEqual({ value: 1n })
    enter(deep, 1)
    expect(hart.load(kernel)).toEqual({ value: 2n })
  })

  it('of bare mode are not confused with translated ones', () => {
    const { hart, a, enter } = twoSpaces()
    a.map(BigInt(page), other, kernelLeaf)
    enter(a, 1)
    expect(hart.load(BigInt(page))).toEqual({ value: 2n })
    hart.csrWrite(0x180, 0n)
    expect(hart.probe('r', BigInt(page))).toBeUndefined()
    expect(hart.load(BigInt(page))).toEqual({ value: 1n })
    a.use()
    expect(hart.load(BigInt(page))).toEqual({ value: 2n })
  })
})

describe('modes', () => {
  it('have entries of their own, which survive a trap and the return', () => {
    const { hart } = twoSpaces()
    hart.load(user)
    hart.set('medeleg', 1n << 8n)
    hart.except(8, 0x400n)
    expect(hart.get('prv')).toBe(1n)
    expect(hart.probe('r', user)).toBeUndefined()
    expect(hart.load(user)).toEqual({ cause: 13, tval: user })
    hart.call('sret')
    expect(hart.probe('r', user, 8)).toBe(hart.arenaOf(page))
  })

  it('change with SUM and MXR without a flush', () => {
    const { hart } = twoSpaces()
    hart.become(1)
    hart.csrSet(0x100, sum)
    hart.load(user)
    for (const bits of [sum, sum | mxr, mxr]) {
      hart.csrClear(0x100, sum | mxr)
      hart.csrSet(0x100, bits)
      expect(hart.probe('r', user) !== undefined).toBe(bits === sum)
    }
    hart.csrClear(0x100, mxr)
    hart.csrSet(0x100, sum)
    expect(hart.probe('r', user, 8)).toBe(hart.arenaOf(page))
  })

  it('change with MPRV', () => {
    const { hart } = twoSpaces()
    hart.load(user)
    hart.become(3)
    expect(hart.probe('r', user)).toBeUndefined()
    hart.csrClear(0x300, 3n << 11n)
    hart.csrSet(0x300, 1n << 17n)
    expect(hart.probe('r', user, 8)).toBe(hart.arenaOf(page))
    hart.csrClear(0x300, 1n << 17n)
    expect(hart.probe('r', user)).toBeUndefined()
  })
})

describe('ids', () => {
  it('start over when they run out, and no stale entry comes back', () => {
    const { hart, a, b, enter } = twoSpaces()
    let starts = 0
    for (let i = 0, before = 0; i < 1500; i++) {
      const ids = Number(hart.get('nextContext'))
      if (ids < before) starts += 1
      before = ids
      enter(a, 0)
      expect(hart.load(user)).toEqual({ value: 1n })
      enter(b, 1)
      hart.call('sfence_vma', 0n, 0n, 0)
      enter(b, 0)
      expect(hart.probe('r', user)).toBeUndefined()
      expect(hart.load(user)).toEqual({ value: 2n })
    }
    expect(starts).toBeGreaterThan(0)
  })
})

describe('sfence.vma', () => {
  /** Both spaces with their user page and the kernel page cached, then in space a, S-mode. */
  function warm() {
    const spaces = twoSpaces()
    const { hart, a, b, enter } = spaces
    a.map(user + 0x1000n, page, userLeaf)
    b.map(user + 0x2000n, other, userLeaf)
    enter(b, 0)
    hart.load(user + 0x2000n)
    enter(a, 0)
    hart.load(user)
    hart.load(user + 0x1000n)
    enter(a, 1)
    hart.load(kernel)
    const cached = () => {
      enter(a, 0)
      const inA = [user, user + 0x1000n].map((va) => hart.probe('r', va) !== undefined)
      enter(b, 0)
      const inB = hart.probe('r', user + 0x2000n) !== undefined
      enter(a, 1)
      return { inA, inB, kernel: hart.probe('r', kernel) !== undefined }
    }
    expect(cached()).toEqual({ inA: [true, true], inB: true, kernel: true })
    return { ...spaces, cached }
  }

  it('of everything drops everything', () => {
    const { hart, cached } = warm()
    hart.call('sfence_vma', 0n, 0n, 0)
    expect(cached()).toEqual({ inA: [false, false], inB: false, kernel: false })
  })

  it('of an ASID leaves the others and global pages', () => {
    const { hart, cached } = warm()
    hart.call('sfence_vma', 0n, 1n, 2)
    expect(cached()).toEqual({ inA: [false, false], inB: true, kernel: true })
  })

  it('looks at 16 bits of the ASID', () => {
    const { hart, cached } = warm()
    hart.call('sfence_vma', 0n, 0xdead_0002n, 2)
    expect(cached()).toEqual({ inA: [true, true], inB: false, kernel: true })
  })

  it('of an address leaves the other pages', () => {
    const { hart, cached } = warm()
    hart.call('sfence_vma', user + 8n, 1n, 3)
    expect(cached()).toEqual({ inA: [false, true], inB: true, kernel: true })
  })

  it('of an address sees the changed entry', () => {
    const { hart, a, enter } = warm()
    a.map(user, other, userLeaf)
    enter(a, 0)
    expect(hart.probe('r', user, 8)).toBe(hart.arenaOf(page))
    enter(a, 1)
    hart.call('sfence_vma', user, 0n, 1)
    enter(a, 0)
    expect(hart.load(user)).toEqual({ value: 2n })
  })

  it.each([
    ['2 MiB', 1, 0x20_0000n],
    ['1 GiB', 2, 0x4000_0000n],
  ])('of one address of a %s page drops all of it, and nothing else', (_size, level, size) => {
    const { hart, a, enter } = warm()
    const large = size * 8n
    a.map(large, BigInt(ramBase), kernelLeaf, level)
    enter(a, 1)
    const pieces = [0x3000n, 0x5000n, 0x1f_f000n].map((offset) => large + offset)
    const unrelated = user + 0x7000n
    a.map(unrelated, page, kernelLeaf)
    for (const va of [...pieces, unrelated]) hart.load(va)
    expect(pieces.map((va) => hart.probe('r', va) !== undefined)).toEqual([true, true, true])
    hart.call('sfence_vma', large + 0x9000n, 0n, 1)
    expect(pieces.map((va) => hart.probe('r', va))).toEqual([undefined, undefined, undefined])
    expect(hart.probe('r', unrelated)).toBeDefined()
  })

  it('of one address of a 512 GiB page drops all of it', () => {
    const { hart, enter } = warm()
    const deep = makeTables(hart, 'sv48', 3)
    deep.map(0n, 0n, kernelLeaf, 3)
    enter(deep, 1)
    hart.load(BigInt(page))
    hart.call('sfence_vma', 0x12_3456_7000n, 0n, 1)
    expect(hart.probe('r', BigInt(page))).toBeUndefined()
  })

  it('is illegal in U-mode, and in S-mode under TVM', () => {
    const { hart } = twoSpaces()
    const fence = () => hart.outcome(() => hart.call('sfence_vma', 0n, 0n, 0))
    expect(fence()).toHaveProperty('cause', 2)
    hart.become(1)
    expect(fence()).not.toHaveProperty('cause')
    hart.set('mstatus', hart.get('mstatus') | (1n << 20n))
    expect(fence()).toHaveProperty('cause', 2)
    hart.become(3)
    expect(fence()).not.toHaveProperty('cause')
    hart.become(0)
    expect(hart.outcome(() => hart.call('sinval_check'))).toHaveProperty('cause', 2)
    hart.become(1)
    expect(hart.outcome(() => hart.call('sinval_check'))).not.toHaveProperty('cause')
  })
})
