/** Traps and returns, interrupts and their order, the privileged instructions. */
import { describe, expect, it } from 'vitest'
import { makeHart, type TestHart } from './testing/hart.ts'

const interrupt = 1n << 63n
const status = {
  SIE: 1n << 1n,
  MIE: 1n << 3n,
  SPIE: 1n << 5n,
  MPIE: 1n << 7n,
  SPP: 1n << 8n,
  MPRV: 1n << 17n,
}
const mpp = (prv: number) => BigInt(prv) << 11n
const [mtvec, stvec] = [0x8000_1000n, 0xffff_ffff_8000_2000n]

/** A hart with trap vectors, in privilege `prv`. */
function hartIn(prv: 0 | 1 | 3): TestHart {
  const hart = makeHart()
  hart.set('mtvec', mtvec)
  hart.set('stvec', stvec)
  hart.set('pc', 0x1234n)
  hart.become(prv)
  return hart
}

const fields = (hart: TestHart, names: readonly string[]) =>
  Object.fromEntries(names.map((name) => [name, hart.get(name)]))
const changeStatus = (hart: TestHart, set: bigint) => hart.set('mstatus', hart.get('mstatus') | set)

describe('an exception', () => {
  it.each([0, 1, 3] as const)('goes to M-mode from privilege %i', (prv) => {
    const hart = hartIn(prv)
    changeStatus(hart, status.MIE)
    hart.except(13, 0x4444n, 0x5555n)
    expect(fields(hart, ['prv', 'pc', 'mepc', 'mcause', 'mtval', 'scause'])).toEqual({
      prv: 3n,
      pc: mtvec,
      mepc: 0x4444n,
      mcause: 13n,
      mtval: 0x5555n,
      scause: 0n,
    })
    expect(hart.get('mstatus') & (status.MIE | status.MPIE | mpp(3))).toBe(status.MPIE | mpp(prv))
    expect(hart.get('excCause')).toBe(-1n)
    expect(hart.get('statExceptions', 13)).toBe(1n)
  })

  it.each([0, 1] as const)('that is delegated goes to S-mode from privilege %i', (prv) => {
    const hart = hartIn(prv)
    hart.set('medeleg', 1n << 13n)
    changeStatus(hart, status.SIE)
    hart.except(13, 0x4444n, 0x5555n)
    expect(fields(hart, ['prv', 'pc', 'sepc', 'scause', 'stval', 'mcause'])).toEqual({
      prv: 1n,
      pc: stvec,
      sepc: 0x4444n,
      scause: 13n,
      stval: 0x5555n,
      mcause: 0n,
    })
    expect(hart.get('mstatus') & (status.SIE | status.SPIE | status.SPP)).toBe(
      status.SPIE | (prv === 1 ? status.SPP : 0n),
    )
  })

  it('that is delegated stays in M-mode when it happens there', () => {
    const hart = hartIn(3)
    hart.set('medeleg', 1n << 13n)
    hart.except(13, 0x4444n)
    expect(fields(hart, ['prv', 'mcause', 'scause'])).toEqual({ prv: 3n, mcause: 13n, scause: 0n })
  })

  it('is not vectored, and drops the reservation', () => {
    const hart = hartIn(3)
    hart.set('mtvec', mtvec | 1n)
    hart.set('reservationValid', 1)
    hart.except(7, 0n)
    expect(hart.get('pc')).toBe(mtvec)
    expect(hart.get('reservationValid')).toBe(0n)
  })
})

describe('an interrupt', () => {
  const [SSI, MSI, STI, MTI, SEI, MEI] = [1, 3, 5, 7, 9, 11] as const

  it('goes where it is delegated', () => {
    const hart = hartIn(0)
    hart.set('mideleg', 0x222n)
    hart.set('mie', 0xaaan)
    hart.set('mip', 1 << STI)
    hart.call('enter')
    expect(fields(hart, ['prv', 'pc', 'sepc', 'scause', 'stval'])).toEqual({
      prv: 1n,
      pc: stvec,
      sepc: 0x1234n,
      scause: interrupt | BigInt(STI),
      stval: 0n,
    })
    expect(hart.get('statInterrupts', STI)).toBe(1n)
  })

  it('is vectored if xtvec says so', () => {
    const hart = hartIn(0)
    hart.set('mtvec', mtvec | 1n)
    hart.set('mie', 0xaaan)
    hart.set('lines', 1 << MTI)
    hart.call('enter')
    expect(hart.get('pc')).toBe(mtvec + 28n)
  })

  it('needs to be enabled, in mie and by the mode', () => {
    const taken = (
      prv: 0 | 1 | 3,
      irq: number,
      setup: { mie?: bigint; mideleg?: bigint; status?: bigint },
    ) => {
      const hart = hartIn(prv)
      hart.set('mie', setup.mie ?? 0xaaan)
      hart.set('mideleg', setup.mideleg ?? 0n)
      changeStatus(hart, setup.status ?? 0n)
      hart.set('mip', 1 << irq)
      hart.call('enter')
      return hart.get('pc') !== 0x1234n
    }
    expect(taken(0, MTI, { mie: 0n })).toBe(false)
    expect(taken(0, MTI, {})).toBe(true)
    expect(taken(1, MTI, {})).toBe(true)
    expect(taken(3, MTI, {})).toBe(false)
    expect(taken(3, MTI, { status: status.MIE })).toBe(true)
    const mideleg = 0x222n
    expect(taken(0, STI, { mideleg })).toBe(true)
    expect(taken(1, STI, { mideleg })).toBe(false)
    expect(taken(1, STI, { mideleg, status: status.SIE })).toBe(true)
    expect(taken(3, STI, { mideleg, status: status.SIE | status.MIE })).toBe(false)
    expect(taken(3, STI, { status: status.MIE })).toBe(true)
  })

  it('comes in the order external, software, timer, and M before S', () => {
    const order = [MEI, MSI, MTI, SEI, SSI, STI]
    for (let first = 0; first < order.length; first++) {
      const hart = hartIn(0)
      hart.set('mie', 0xaaan)
      hart.set(
        'mip',
        order.slice(first).reduce((bits, irq) => bits | (1 << irq), 0),
      )
      hart.call('enter')
      expect(hart.get('mcause')).toBe(interrupt | BigInt(order[first] ?? -1))
    }
  })

  it('that traps to M-mode comes before those delegated to S-mode', () => {
    const hart = hartIn(0)
    hart.set('mie', 0xaaan)
    hart.set('mideleg', 0x200n)
    hart.set('mip', (1 << SEI) | (1 << STI))
    hart.call('enter')
    expect(hart.get('mcause')).toBe(interrupt | BigInt(STI))
  })

  it('raises attention when a write makes it takeable', () => {
    const cases: readonly ((hart: TestHart) => void)[] = [
      (hart) => hart.csrSet(0x100, status.SIE),
      (hart) => hart.csrSet(0x104, 2n),
      (hart) => hart.csrSet(0x144, 2n),
      (hart) => hart.csrWrite(0x14d, 0n),
      (hart) => hart.call('sret'),
    ]
    for (const [i, act] of cases.entries()) {
      const hart = hartIn(1)
      hart.set('mideleg', 0x222n)
      hart.set('mcounteren', 2n)
      hart.set('menvcfg', 1n << 63n)
      hart.set('mie', i === 1 ? 0n : 0x222n)
      hart.set('mip', i < 2 || i === 4 ? 2 : 0)
      if (i !== 0 && i !== 4) changeStatus(hart, status.SIE)
      expect(hart.get('attention'), `case ${i}`).toBe(0n)
      act(hart)
      expect(hart.get('attention'), `case ${i}`).toBe(1n)
      hart.call('enter')
      expect(hart.get('attention')).toBe(0n)
      expect(hart.get('scause') >> 63n, `case ${i}`).toBe(1n)
    }
  })
})

describe('mret', () => {
  it.each([0, 1, 3] as const)('returns to privilege %i', (prv) => {
    const hart = hartIn(3)
    hart.set('mepc', 0x7000n)
    changeStatus(hart, mpp(prv) | status.MPIE | status.MPRV)
    hart.call('mret')
    expect(fields(hart, ['prv', 'pc'])).toEqual({ prv: BigInt(prv), pc: 0x7000n })
    const expected = status.MIE | status.MPIE | (prv === 3 ? status.MPRV : 0n)
    expect(hart.get('mstatus') & (status.MIE | status.MPIE | mpp(3) | status.MPRV)).toBe(expected)
  })

  it('restores a disabled MIE, and is illegal below M-mode', () => {
    const hart = hartIn(3)
    changeStatus(hart, status.MIE | mpp(1))
    hart.call('mret')
    expect(hart.get('mstatus') & (status.MIE | status.MPIE)).toBe(status.MPIE)
    expect(hart.outcome(() => hart.call('mret'))).toHaveProperty('cause', 2)
    expect(hart.get('prv')).toBe(1n)
  })
})

describe('sret', () => {
  it.each([
    [0, 0n],
    [1, status.SPP],
  ])('returns to privilege %i', (prv, spp) => {
    const hart = hartIn(1)
    hart.set('sepc', 0x7000n)
    changeStatus(hart, spp | status.SPIE | status.MPRV)
    hart.call('sret')
    expect(fields(hart, ['prv', 'pc'])).toEqual({ prv: BigInt(prv), pc: 0x7000n })
    expect(hart.get('mstatus') & (status.SIE | status.SPIE | status.SPP | status.MPRV)).toBe(
      status.SIE | status.SPIE,
    )
  })

  it('is illegal in U-mode, and in S-mode under TSR; M-mode may', () => {
    const legal = (prv: 0 | 1 | 3, set: bigint) => {
      const hart = hartIn(prv)
      changeStatus(hart, set)
      return !('cause' in hart.outcome(() => hart.call('sret')))
    }
    const TSR = 1n << 22n
    expect([legal(0, 0n), legal(1, 0n), legal(1, TSR), legal(3, TSR)]).toEqual([false, true, false, true])
  })
})

describe('wfi', () => {
  it('leaves only when nothing that is enabled is pending, whatever the global enables say', () => {
    const leaves = (mie: bigint, mip: number, lines: number) => {
      const hart = hartIn(1)
      hart.set('mie', mie)
      hart.set('mip', mip)
      hart.set('lines', lines)
      return hart.call('wfi')
    }
    expect(leaves(0xaaan, 0, 0)).toBe(1)
    expect(leaves(0n, 2, 0)).toBe(1)
    expect(leaves(2n, 2, 0)).toBe(0)
    expect(leaves(0x200n, 0, 0x200)).toBe(0)
  })

  it('looks at the timer first', () => {
    const hart = hartIn(1)
    hart.set('menvcfg', 1n << 63n)
    hart.set('mie', 0x20n)
    hart.set('stimecmp', 50n)
    hart.host.ticks = 49
    expect(hart.call('wfi')).toBe(1)
    hart.host.ticks = 50
    expect(hart.call('wfi')).toBe(0)
  })

  it('is illegal in U-mode, and in S-mode under TW', () => {
    const legal = (prv: 0 | 1 | 3, set: bigint) => {
      const hart = hartIn(prv)
      changeStatus(hart, set)
      return !('cause' in hart.outcome(() => hart.call('wfi')))
    }
    const TW = 1n << 21n
    expect([legal(0, 0n), legal(1, 0n), legal(1, TW), legal(3, TW)]).toEqual([false, true, false, true])
  })
})

describe('ecall', () => {
  it.each([
    [0, 8],
    [1, 9],
    [3, 11],
  ] as const)('from privilege %i has cause %i', (prv, cause) => {
    const hart = hartIn(prv)
    expect(hart.outcome(() => hart.call('ecall'))).toEqual({ cause, tval: 0n })
  })

  it('from S-mode leaves where the VMM is the SBI', () => {
    const hart = hartIn(1)
    hart.set('flags', 1)
    expect(hart.outcome(() => hart.call('ecall'))).toEqual({ value: 1n })
    hart.become(0)
    expect(hart.outcome(() => hart.call('ecall'))).toHaveProperty('cause', 8)
  })
})

describe('reset', () => {
  it('is M-mode with everything off', () => {
    const hart = makeHart()
    expect(fields(hart, ['prv', 'excCause', 'satp', 'mie', 'medeleg', 'pmpActive', 'stimecmp'])).toEqual({
      prv: 3n,
      excCause: -1n,
      satp: 0n,
      mie: 0n,
      medeleg: 0n,
      pmpActive: 0n,
      stimecmp: (1n << 64n) - 1n,
    })
  })
})
