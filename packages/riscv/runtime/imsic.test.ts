/** Ssaia: the window of siselect and sireg, the interrupt file behind it, stopei and stopi. */
import { describe, expect, it } from 'vitest'
import { hartFlag } from '../hart/layout.ts'
import { csrByName } from '../isa/csr.ts'
import { makeHart, type TestHart } from './testing/hart.ts'

const all = (1n << 64n) - 1n
const illegal = 2
const file = { eidelivery: 0x70n, eithreshold: 0x72n, eip0: 0x80n, eie0: 0xc0n }

function n(name: string): number {
  const csr = csrByName(name)
  if (csr === undefined) throw new Error(`no CSR ${name}`)
  return csr.number
}

/** A hart in S-mode with an IMSIC, supervisor external interrupts delegated and enabled in sie. */
function openHart(): TestHart {
  const hart = makeHart()
  hart.set('flags', hartFlag.imsic)
  hart.csrWrite(n('mideleg'), all)
  hart.csrWrite(n('sie'), all)
  hart.become(1)
  return hart
}

const value = (hart: TestHart, name: string) => {
  const outcome = hart.csrRead(n(name))
  if (!('value' in outcome)) throw new Error(`${name}: cause ${outcome.cause}`)
  return outcome.value
}
const select = (hart: TestHart, register: bigint) => hart.csrWrite(n('siselect'), register)
function write(hart: TestHart, register: bigint, bits: bigint) {
  select(hart, register)
  return hart.csrWrite(n('sireg'), bits)
}
function read(hart: TestHart, register: bigint) {
  select(hart, register)
  return value(hart, 'sireg')
}
/** A message, as another thread delivers it. */
function arrive(hart: TestHart, identity: number) {
  const word = Math.floor(identity / 64)
  hart.set('seiPending', hart.get('seiPending', word) | (1n << BigInt(identity % 64)), word)
}
const pending = (hart: TestHart) => (value(hart, 'sip') >> 9n) & 1n

describe('without an IMSIC', () => {
  it.each(['siselect', 'sireg', 'stopei', 'stopi'])('%s does not exist', (name) => {
    const hart = makeHart()
    expect(hart.csrRead(n(name))).toMatchObject({ cause: illegal })
  })

  it('a message means nothing', () => {
    const hart = makeHart()
    arrive(hart, 3)
    hart.set('seiEnabled', 8n)
    expect(value(hart, 'mip')).toBe(0n)
  })
})

describe('siselect', () => {
  it('holds 12 bits', () => {
    const hart = openHart()
    hart.csrWrite(n('siselect'), all)
    expect(value(hart, 'siselect')).toBe(0xfffn)
  })

  it('names what there is, and sireg is illegal elsewhere', () => {
    const hart = openHart()
    const found: number[] = []
    for (let register = 0; register < 0x200; register++) {
      select(hart, BigInt(register))
      if ('value' in hart.csrRead(n('sireg'))) found.push(register)
    }
    const even = (from: number, to: number) =>
      Array.from({ length: (to - from) / 2 }, (_, i) => from + 2 * i)
    const reserved = Array.from({ length: 16 }, (_, i) => 0x70 + i)
    expect(found).toEqual([...even(0x30, 0x40), ...reserved, ...even(0x80, 0x100)])
  })
})

describe('what is kept of all ones', () => {
  it.each([
    ['iprio0', 0x30n, 0n],
    ['iprio14', 0x3en, 0n],
    ['eidelivery', 0x70n, 1n],
    ['a reserved register', 0x71n, 0n],
    ['eithreshold', 0x72n, 0xffn],
    ['another', 0x7fn, 0n],
    ['eip0', 0x80n, all & ~1n],
    ['eip2', 0x82n, all],
    ['eip6', 0x86n, all],
    ['eip8', 0x88n, 0n],
    ['eip62', 0xben, 0n],
    ['eie0', 0xc0n, all & ~1n],
    ['eie6', 0xc6n, all],
    ['eie8', 0xc8n, 0n],
  ])('in %s', (_, register, kept) => {
    const hart = openHart()
    expect(write(hart, register, all)).toMatchObject({ value: 0n })
    expect(read(hart, register)).toBe(kept)
    hart.csrClear(n('sireg'), 0xf0n)
    expect(read(hart, register)).toBe(kept & ~0xf0n)
    hart.csrSet(n('sireg'), 0x30n & kept)
    expect(read(hart, register)).toBe((kept & ~0xf0n) | (kept & 0x30n))
    hart.csrWrite(n('sireg'), 0n)
    expect(read(hart, register)).toBe(0n)
  })
})

describe('the interrupt file', () => {
  it('asks for SEI when an identity is pending and enabled, and delivery is on', () => {
    const hart = openHart()
    arrive(hart, 200)
    expect(pending(hart)).toBe(0n)
    write(hart, file.eie0 + 6n, 1n << 8n)
    expect(pending(hart)).toBe(0n)
    write(hart, file.eidelivery, 1n)
    expect([pending(hart), value(hart, 'stopi')]).toEqual([1n, (9n << 16n) | 1n])
    write(hart, file.eie0 + 6n, 0n)
    expect([pending(hart), value(hart, 'stopi')]).toEqual([0n, 0n])
  })

  it('gives the lowest identity first, and stopei does not mind eidelivery', () => {
    const hart = openHart()
    for (const identity of [255, 64, 65, 3]) {
      arrive(hart, identity)
      write(hart, file.eie0 + 2n * BigInt(Math.floor(identity / 64)), all)
    }
    for (const identity of [3n, 64n, 65n, 255n]) {
      expect(hart.csrWrite(n('stopei'), 0n)).toEqual({ value: (identity << 16n) | identity })
    }
    expect(value(hart, 'stopei')).toBe(0n)
  })

  it('counts a threshold: identities from it on stay silent', () => {
    const hart = openHart()
    write(hart, file.eidelivery, 1n)
    write(hart, file.eie0, all)
    arrive(hart, 7)
    write(hart, file.eithreshold, 7n)
    expect([pending(hart), value(hart, 'stopei')]).toEqual([0n, 0n])
    write(hart, file.eithreshold, 8n)
    expect([pending(hart), value(hart, 'stopei')]).toEqual([1n, 0x7_0007n])
  })

  it('a claim takes what was read, and only that; reading alone takes nothing', () => {
    const hart = openHart()
    write(hart, file.eie0, all)
    arrive(hart, 9)
    arrive(hart, 5)
    expect([value(hart, 'stopei'), value(hart, 'stopei')]).toEqual([0x5_0005n, 0x5_0005n])
    hart.csrSet(n('stopei'), 0x123n)
    expect(hart.get('seiPending')).toBe(1n << 9n)
    hart.csrWrite(n('stopei'), 0n)
    hart.csrWrite(n('stopei'), 0n)
    expect(hart.get('seiPending')).toBe(0n)
  })

  it('makes the hart look when an enable lets an interrupt through', () => {
    const hart = openHart()
    hart.csrSet(n('sstatus'), 2n)
    arrive(hart, 5)
    write(hart, file.eidelivery, 1n)
    hart.set('attention', 0)
    write(hart, file.eie0, 1n << 5n)
    expect(hart.get('attention')).toBe(1n)
    hart.set('stvec', 0x8000_0100n)
    hart.call('enter')
    expect([hart.get('scause'), hart.get('pc')]).toEqual([(1n << 63n) | 9n, 0x8000_0100n])
  })

  it('wakes a WFI', () => {
    const hart = openHart()
    write(hart, file.eidelivery, 1n)
    write(hart, file.eie0, all)
    expect(hart.call('wfi')).toBe(1)
    arrive(hart, 5)
    expect(hart.call('wfi')).toBe(0)
  })
})

describe('stopi', () => {
  it('is the first of what is pending and enabled, by the default order, whatever sstatus says', () => {
    const hart = openHart()
    hart.set('mip', 0x222)
    expect(value(hart, 'stopi') >> 16n).toBe(9n)
    hart.set('mip', 0x22)
    expect(value(hart, 'stopi')).toBe((1n << 16n) | 1n)
    hart.csrClear(n('sie'), 2n)
    expect(value(hart, 'stopi') >> 16n).toBe(5n)
    hart.csrClear(n('sie'), all)
    expect(value(hart, 'stopi')).toBe(0n)
  })

  it('cannot be written', () => {
    const hart = openHart()
    expect(hart.csrWrite(n('stopi'), 0n)).toMatchObject({ cause: illegal })
  })
})
