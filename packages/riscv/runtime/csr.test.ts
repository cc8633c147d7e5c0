/** CSRs: which exist for whom, what each keeps of a write, and the views that share state. */
import { describe, expect, it } from 'vitest'
import { hartFlag } from '../hart/layout.ts'
import { csrByName, csrs } from '../isa/csr.ts'
import { makeHart, type TestHart } from './testing/hart.ts'

const all = (1n << 64n) - 1n
const levels = { user: 0, supervisor: 1, machine: 3 } as const

/** Number of the register called `name`. */
function n(name: string): number {
  const csr = csrByName(name)
  if (csr === undefined) throw new Error(`no CSR ${name}`)
  return csr.number
}

/** A hart whose every optional register is accessible wherever privilege allows it. */
function openHart(): TestHart {
  const hart = makeHart()
  hart.csrSet(n('mstatus'), 3n << 13n)
  for (const name of ['mcounteren', 'scounteren', 'menvcfg', 'mideleg']) hart.csrWrite(n(name), all)
  hart.set('flags', hartFlag.imsic)
  hart.csrWrite(n('siselect'), 0x70n)
  return hart
}

const value = (hart: TestHart, name: string) => {
  const outcome = hart.csrRead(n(name))
  if (!('value' in outcome)) throw new Error(`${name}: cause ${outcome.cause}`)
  return outcome.value
}

describe('the table and the runtime', () => {
  it.each([3, 1, 0] as const)('agree on all 4096 numbers in privilege %i', (prv) => {
    const hart = openHart()
    hart.become(prv)
    const accessible = Array.from({ length: 4096 }, (_, number) => number).filter(
      (number) => 'value' in hart.csrRead(number),
    )
    expect(accessible).toEqual(csrs.filter((csr) => levels[csr.privilege] <= prv).map((csr) => csr.number))
  })

  it('agree on what is read-only', () => {
    for (const csr of csrs) {
      const hart = openHart()
      expect('cause' in hart.csrSet(csr.number, 0n), csr.name).toBe(csr.readOnly)
    }
  })
})

describe('an operation', () => {
  it('writes, sets and clears, and returns the old value', () => {
    const hart = makeHart()
    expect(hart.csrWrite(n('sscratch'), 0xf0n)).toEqual({ value: 0n })
    expect(hart.csrSet(n('sscratch'), 0x0fn)).toEqual({ value: 0xf0n })
    expect(hart.csrClear(n('sscratch'), 0xf3n)).toEqual({ value: 0xffn })
    expect(hart.csrRead(n('sscratch'))).toEqual({ value: 0x0cn })
    expect(hart.csrWrite(n('mepc'), 0xf1n)).toEqual({ value: 0n })
    expect(hart.csrSet(n('mepc'), 0x0fn)).toEqual({ value: 0xf0n })
    expect(hart.csrClear(n('mepc'), 0xf0n)).toEqual({ value: 0xfen })
    expect(hart.csrRead(n('mepc'))).toEqual({ value: 0x0en })
  })

  it('that does not write may read read-only registers', () => {
    const hart = makeHart()
    expect(hart.csrRead(n('mhartid'))).toEqual({ value: 7n })
  })
})

describe('what is kept of all ones, then of all zeros', () => {
  const status = {
    m: 0x8000_000a_007e_79aan,
    s: 0x8000_0002_000c_6122n,
  }
  it.each([
    ['mstatus', status.m, 0xa_0000_0000n],
    ['sstatus', status.s, 0x2_0000_0000n],
    ['misa', 0x8000_0000_0014_112dn, 0x8000_0000_0014_112dn],
    ['medeleg', 0xb3ffn, 0n],
    ['mideleg', 0x222n, 0n],
    ['mie', 0xaaan, 0n],
    ['mtvec', all & ~2n, 0n],
    ['stvec', all & ~2n, 0n],
    ['mcounteren', 0xffff_ffffn, 0n],
    ['scounteren', 0xffff_ffffn, 0n],
    ['mcountinhibit', 0xffff_fffdn, 0n],
    ['menvcfg', 0xe000_0000_0000_00f1n, 0n],
    ['senvcfg', 0xf1n, 0n],
    ['mscratch', all, 0n],
    ['sscratch', all, 0n],
    ['mepc', all & ~1n, 0n],
    ['sepc', all & ~1n, 0n],
    ['mcause', all, 0n],
    ['scause', all, 0n],
    ['mtval', all, 0n],
    ['stval', all, 0n],
    ['stimecmp', all, 0n],
    ['tselect', 0n, 0n],
    ['tdata1', 0n, 0n],
    ['mhpmcounter3', all, 0n],
    ['mhpmevent31', all, 0n],
  ])('in %s', (name, ones, zeros) => {
    const hart = makeHart()
    hart.csrWrite(n(name), all)
    expect(value(hart, name)).toBe(ones)
    hart.csrWrite(n(name), 0n)
    expect(value(hart, name)).toBe(zeros)
  })
})

describe('fields with reserved values', () => {
  it('MPP = 2 becomes U', () => {
    const hart = makeHart()
    hart.csrWrite(n('mstatus'), 2n << 11n)
    expect(value(hart, 'mstatus') & (3n << 11n)).toBe(0n)
  })

  it('CBIE = 2 becomes 0', () => {
    const hart = makeHart()
    for (const name of ['menvcfg', 'senvcfg']) {
      hart.csrWrite(n(name), 0x60n)
      expect(value(hart, name)).toBe(0x40n)
    }
  })

  it('satp ignores modes that do not exist', () => {
    const hart = makeHart()
    const good = (9n << 60n) | (0xffffn << 44n) | 0xfff_ffff_ffffn
    hart.csrWrite(n('satp'), good)
    for (const mode of [1n, 7n, 11n, 15n]) hart.csrWrite(n('satp'), (mode << 60n) | 5n)
    expect(value(hart, 'satp')).toBe(good)
    hart.csrWrite(n('satp'), 0n)
    expect(value(hart, 'satp')).toBe(0n)
  })

  it('SD follows FS', () => {
    const hart = makeHart()
    for (const [fs, sd] of [
      [0n, 0n],
      [1n, 0n],
      [2n, 0n],
      [3n, 1n],
    ] as const) {
      hart.csrWrite(n('sstatus'), fs << 13n)
      expect(value(hart, 'mstatus') >> 63n).toBe(sd)
      expect(value(hart, 'sstatus') >> 63n).toBe(sd)
    }
  })
})

describe('supervisor views', () => {
  it('sstatus changes only its fields of mstatus', () => {
    const hart = makeHart()
    hart.csrSet(n('mstatus'), 0x7e_1888n)
    const before = value(hart, 'mstatus')
    hart.csrWrite(n('sstatus'), 2n)
    expect(value(hart, 'mstatus')).toBe((before & ~(1n << 18n) & ~(1n << 19n)) | 2n)
  })

  it('sie and sip show what mideleg delegates', () => {
    const hart = makeHart()
    hart.csrWrite(n('mie'), all)
    hart.set('mip', 0xaaa)
    for (const delegated of [0n, 0x2n, 0x220n, 0x222n]) {
      hart.csrWrite(n('mideleg'), delegated)
      expect(value(hart, 'sie')).toBe(delegated)
      expect(value(hart, 'sip')).toBe(delegated)
    }
  })

  it('sie writes only delegated bits of mie', () => {
    const hart = makeHart()
    hart.csrWrite(n('mideleg'), 0x20n)
    hart.csrWrite(n('mie'), 0x808n)
    hart.csrWrite(n('sie'), all)
    expect(value(hart, 'mie')).toBe(0x828n)
    hart.csrWrite(n('sie'), 0n)
    expect(value(hart, 'mie')).toBe(0x808n)
  })

  it('sip writes SSIP if it is delegated', () => {
    const hart = makeHart()
    hart.csrWrite(n('sip'), all)
    expect(value(hart, 'mip')).toBe(0n)
    hart.csrWrite(n('mideleg'), all)
    hart.csrWrite(n('sip'), all)
    expect(value(hart, 'mip')).toBe(2n)
  })
})

describe('mip', () => {
  it('takes SSIP, SEIP and STIP from software, STIP only without STCE', () => {
    const hart = makeHart()
    hart.csrWrite(n('mip'), all)
    expect(value(hart, 'mip')).toBe(0x222n)
    hart.csrWrite(n('mip'), 0n)
    hart.csrSet(n('menvcfg'), 1n << 63n)
    hart.csrWrite(n('mip'), all)
    expect(value(hart, 'mip')).toBe(0x202n)
  })

  it('shows the lines of controllers, and does not write them back', () => {
    const hart = makeHart()
    hart.set('lines', 0xa80)
    expect(hart.csrSet(n('mip'), 2n)).toEqual({ value: 0xa80n })
    expect(value(hart, 'mip')).toBe(0xa82n)
    hart.set('lines', 0)
    expect(value(hart, 'mip')).toBe(2n)
    hart.csrSet(n('mip'), 0x200n)
    hart.set('lines', 0x200)
    hart.csrClear(n('mip'), 0x200n)
    expect(value(hart, 'mip')).toBe(0x202n)
    hart.set('lines', 0)
    expect(value(hart, 'mip')).toBe(2n)
  })
})

describe('floating-point registers', () => {
  it('are parts of fcsr', () => {
    const hart = openHart()
    hart.csrWrite(n('fcsr'), 0x1b5n)
    expect([value(hart, 'fcsr'), value(hart, 'frm'), value(hart, 'fflags')]).toEqual([0xb5n, 5n, 0x15n])
    hart.csrWrite(n('frm'), 0xffn)
    hart.csrWrite(n('fflags'), 0x2an)
    expect(value(hart, 'fcsr')).toBe(0xean)
  })

  it('are illegal while FS is off, and become dirty when written', () => {
    const hart = makeHart()
    for (const name of ['fflags', 'frm', 'fcsr']) {
      hart.csrClear(n('mstatus'), 3n << 13n)
      expect(hart.csrRead(n(name))).toHaveProperty('cause', 2)
      hart.csrSet(n('mstatus'), 1n << 13n)
      hart.csrRead(n(name))
      expect((value(hart, 'mstatus') >> 13n) & 3n).toBe(1n)
      hart.csrWrite(n(name), 1n)
      expect((value(hart, 'mstatus') >> 13n) & 3n).toBe(3n)
    }
  })
})

describe('counters', () => {
  /** After `done` instructions of a slice. */
  const at = (hart: TestHart, done: number) => {
    hart.set('sliceBudget', 1000)
    hart.set('icount', 1000 - done)
  }

  it('count retired instructions, over slices', () => {
    const hart = openHart()
    hart.set('retired', 5000n)
    at(hart, 10)
    for (const name of ['mcycle', 'minstret', 'cycle', 'instret']) expect(value(hart, name)).toBe(5010n)
  })

  it('read what was written at the next instruction', () => {
    const hart = openHart()
    at(hart, 10)
    hart.csrWrite(n('minstret'), 0n)
    at(hart, 11)
    expect(value(hart, 'minstret')).toBe(0n)
    at(hart, 15)
    expect(value(hart, 'instret')).toBe(4n)
    expect(value(hart, 'mcycle')).toBe(15n)
  })

  it('stand still while inhibited', () => {
    const hart = openHart()
    at(hart, 10)
    hart.csrWrite(n('mcountinhibit'), 4n)
    at(hart, 20)
    expect([value(hart, 'mcycle'), value(hart, 'minstret')]).toEqual([20n, 10n])
    hart.csrWrite(n('minstret'), 100n)
    at(hart, 30)
    hart.csrWrite(n('mcountinhibit'), 1n)
    at(hart, 35)
    expect([value(hart, 'mcycle'), value(hart, 'minstret')]).toEqual([30n, 105n])
  })

  it('time is the clock', () => {
    const hart = openHart()
    hart.host.ticks = 2 ** 40 + 3
    expect(value(hart, 'time')).toBe(2n ** 40n + 3n)
  })

  it('are for S if mcounteren says so, for U if scounteren does too', () => {
    const hart = openHart()
    const readable = (prv: 0 | 1 | 3, mcounteren: bigint, scounteren: bigint, name: string) => {
      hart.set('mcounteren', mcounteren)
      hart.set('scounteren', scounteren)
      hart.become(prv)
      return 'value' in hart.csrRead(n(name))
    }
    for (const [name, bit] of [
      ['cycle', 1n],
      ['time', 2n],
      ['instret', 4n],
      ['hpmcounter31', 1n << 31n],
    ] as const) {
      expect(readable(3, 0n, 0n, name)).toBe(true)
      expect(readable(1, all & ~bit, all, name)).toBe(false)
      expect(readable(1, bit, 0n, name)).toBe(true)
      expect(readable(0, bit, all & ~bit, name)).toBe(false)
      expect(readable(0, all & ~bit, bit, name)).toBe(false)
      expect(readable(0, bit, bit, name)).toBe(true)
    }
  })
})

describe('stimecmp', () => {
  it('is for S if STCE and mcounteren.TM are set', () => {
    const hart = makeHart()
    const readable = (stce: bigint, tm: bigint) => {
      hart.set('menvcfg', stce << 63n)
      hart.set('mcounteren', tm << 1n)
      hart.become(1)
      return 'value' in hart.csrRead(n('stimecmp'))
    }
    expect([readable(0n, 0n), readable(0n, 1n), readable(1n, 0n), readable(1n, 1n)]).toEqual([
      false,
      false,
      false,
      true,
    ])
  })

  it('drives STIP, as the clock stands', () => {
    const hart = openHart()
    hart.host.ticks = 100
    hart.csrWrite(n('stimecmp'), 101n)
    expect(value(hart, 'mip')).toBe(0n)
    hart.csrWrite(n('stimecmp'), 100n)
    expect(value(hart, 'mip')).toBe(0x20n)
    hart.csrWrite(n('stimecmp'), all)
    expect(value(hart, 'mip')).toBe(0n)
    hart.csrWrite(n('stimecmp'), 200n)
    hart.host.ticks = 200
    hart.call('enter')
    expect(value(hart, 'mip')).toBe(0x20n)
  })

  it('drives nothing without STCE', () => {
    const hart = makeHart()
    hart.csrWrite(n('mip'), 0x20n)
    hart.csrWrite(n('stimecmp'), 1000n)
    hart.call('enter')
    expect(value(hart, 'mip')).toBe(0x20n)
  })
})

describe('TVM', () => {
  it('makes satp illegal in S-mode, not in M-mode', () => {
    const hart = makeHart()
    hart.csrSet(n('mstatus'), 1n << 20n)
    expect(hart.csrRead(n('satp'))).toEqual({ value: 0n })
    hart.become(1)
    expect(hart.csrRead(n('satp'))).toHaveProperty('cause', 2)
    expect(hart.csrWrite(n('satp'), 8n << 60n)).toHaveProperty('cause', 2)
    expect(hart.get('satp')).toBe(0n)
  })
})
