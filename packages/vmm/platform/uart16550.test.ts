/** The UART from its driver's side, and from the console's. */
import { describe, expect, it } from 'vitest'
import { memoryMap } from './memory-map.ts'
import { createBench } from './testing.ts'

const register = {
  rbr: 0,
  thr: 0,
  dll: 0,
  ier: 1,
  dlm: 1,
  iir: 2,
  fcr: 2,
  lcr: 3,
  mcr: 4,
  lsr: 5,
  msr: 6,
  scr: 7,
}
type RegisterName = keyof typeof register
const text = (value: string) => new TextEncoder().encode(value)
const txRing = 0x1_0000
const noInterrupt = 0xc1

/** A driver's hands. The PLIC lets the UART's interrupt through to hart 0 in S-mode. */
function driver() {
  const bench = createBench({ boot: 'direct' })
  const { console } = bench.platform
  const source = memoryMap.uart.interrupt
  bench.store(memoryMap.plic.base + 4 * source, 1)
  bench.store(memoryMap.plic.base + 0x2080, 1 << source)
  const claim = memoryMap.plic.base + 0x20_1004
  return {
    bench,
    console,
    read: (name: RegisterName) => bench.load(memoryMap.uart.base + register[name], 1),
    write: (name: RegisterName, value: number) => bench.store(memoryMap.uart.base + register[name], value, 1),
    /** Is the interrupt asserted? Claims and completes it, as the kernel would. */
    interrupted: () => {
      const claimed = bench.load(claim)
      if (claimed !== 0) bench.store(claim, claimed)
      return claimed === source
    },
    output: () => new TextDecoder().decode(console.output()),
  }
}

describe('a driver that does it wrong', () => {
  it('reads zero from an empty receiver', () => {
    const { read } = driver()
    expect(read('rbr')).toBe(0)
    expect(read('lsr')).toBe(0x60)
  })

  it('writes read-only and unknown registers in vain', () => {
    const { bench, read, write } = driver()
    write('lsr', 0xff)
    write('msr', 0xff)
    bench.store(memoryMap.uart.base + 0x80, 0xff, 4)
    expect([read('lsr'), read('msr'), bench.load(memoryMap.uart.base + 0x80, 4)]).toEqual([0x60, 0xb0, 0])
  })

  it('sets bits that do not exist in vain', () => {
    const { read, write } = driver()
    for (const name of ['ier', 'mcr'] as const) write(name, 0xff)
    expect([read('ier'), read('mcr')]).toEqual([0x0f, 0x1f])
  })

  it('that ignores THRE loses its own bytes, and only what is too many', () => {
    const { console, read, write } = driver()
    for (let i = 0; i < txRing + 100; i++) write('thr', i & 0xff)
    expect(read('lsr')).toBe(0)
    const out = console.output()
    expect(out.length).toBe(txRing)
    expect(out.every((byte, i) => byte === (i & 0xff))).toBe(true)
  })
})

describe('registers', () => {
  it('the scratch register keeps a byte', () => {
    const { read, write } = driver()
    write('scr', 0x5a)
    expect(read('scr')).toBe(0x5a)
  })

  it('the divisor hides data and IER while DLAB is set', () => {
    const { read, write, output } = driver()
    write('ier', 0x05)
    write('lcr', 0x83)
    write('dll', 0x34)
    write('dlm', 0x12)
    expect([read('dll'), read('dlm'), read('lcr')]).toEqual([0x34, 0x12, 0x83])
    write('lcr', 0x03)
    expect([read('ier'), output()]).toEqual([0x05, ''])
  })

  it('IIR shows the FIFOs only when they are on', () => {
    const { read, write } = driver()
    const seen = [0x00, 0x01, 0xc7, 0x00].map((value) => {
      write('fcr', value)
      return read('iir')
    })
    expect(seen).toEqual([0x01, noInterrupt, noInterrupt, 0x01])
  })

  it('answers wider accesses with the one register', () => {
    const { bench, read, output } = driver()
    bench.store(memoryMap.uart.base, 0x1122_3341, 4)
    expect(output()).toBe('A')
    bench.store(memoryMap.uart.base + 4, 0xffff_ff02, 4)
    expect([read('mcr'), bench.load(memoryMap.uart.base + 4, 4)]).toEqual([2, 2])
  })
})

describe('sending', () => {
  it('delivers bytes in order and rings once until they are taken', () => {
    const { bench, write, output } = driver()
    const before = bench.platform.doorbell.count()
    for (const byte of text('hello')) write('thr', byte)
    expect(bench.platform.doorbell.count()).toBe(before + 1)
    expect(output()).toBe('hello')
    write('thr', 0x21)
    expect(bench.platform.doorbell.count()).toBe(before + 2)
    expect(output()).toBe('!')
  })

  it('enabling the THRE interrupt raises it; IIR takes it back; disabling hides it', () => {
    const { read, write, interrupted } = driver()
    write('fcr', 1)
    write('ier', 2)
    expect(interrupted()).toBe(true)
    expect(read('iir')).toBe(0xc2)
    expect(read('iir')).toBe(noInterrupt)
    write('ier', 0)
    write('ier', 2)
    expect(read('iir')).toBe(0xc2)
    write('thr', 0x41)
    expect(read('iir')).toBe(0xc2)
    write('ier', 0)
    expect(read('iir')).toBe(noInterrupt)
  })

  it('a full ring holds THRE low, and taking the output raises it with an interrupt', () => {
    const { read, write, console, interrupted } = driver()
    write('fcr', 1)
    write('ier', 2)
    let sent = 0
    while (sent < 2 * txRing && (read('lsr') & 0x20) !== 0) {
      for (let i = 0; i < 16; i++) write('thr', sent++ & 0xff)
    }
    expect(sent).toBe(txRing)
    interrupted()
    expect(read('iir')).toBe(noInterrupt)
    expect(read('lsr') & 0x60).toBe(0)
    expect(console.output().length).toBe(sent)
    expect(interrupted()).toBe(true)
    expect(read('iir')).toBe(0xc2)
    expect(read('lsr')).toBe(0x60)
  })
})

describe('receiving', () => {
  it('polled: data ready until all is read', () => {
    const { read, console } = driver()
    expect(console.input(text('ab'))).toBe(2)
    expect(read('lsr')).toBe(0x61)
    expect([read('rbr'), read('rbr'), read('rbr')]).toEqual([0x61, 0x62, 0])
    expect(read('lsr')).toBe(0x60)
  })

  it('by interrupt: trigger level, else timeout, gone with the last byte', () => {
    const { read, write, console, interrupted } = driver()
    write('fcr', 0x81)
    write('ier', 1)
    expect(interrupted()).toBe(false)
    console.input(text('12345678'))
    expect(interrupted()).toBe(true)
    expect(read('iir')).toBe(0xc4)
    read('rbr')
    expect(read('iir')).toBe(0xcc)
    while ((read('lsr') & 1) !== 0) read('rbr')
    expect(read('iir')).toBe(noInterrupt)
    // One claim may still be pending from before the wire fell; after it there is silence.
    interrupted()
    expect(interrupted()).toBe(false)
  })

  it('without FIFOs every byte is data available', () => {
    const { read, write, console } = driver()
    write('ier', 1)
    console.input(text('x'))
    expect(read('iir')).toBe(0x04)
  })

  it('takes what fits and rings when there is room again', () => {
    const { bench, read, console } = driver()
    expect(console.input(new Uint8Array(5000))).toBe(4096)
    const before = bench.platform.doorbell.count()
    for (let i = 0; i < 2048; i++) read('rbr')
    expect(bench.platform.doorbell.count()).toBe(before + 1)
    expect(console.input(new Uint8Array(5000))).toBe(2048)
  })

  it('line status comes before data, data before THRE, THRE before the modem', () => {
    const { read, write, console } = driver()
    write('fcr', 1)
    write('mcr', 0x10)
    for (let i = 0; i < 17; i++) write('thr', i)
    write('ier', 0x0f)
    const reasons = [read('iir')]
    read('lsr')
    reasons.push(read('iir'))
    while ((read('lsr') & 1) !== 0) read('rbr')
    reasons.push(read('iir'), read('iir'))
    read('msr')
    reasons.push(read('iir'))
    expect(reasons).toEqual([0xc6, 0xc4, 0xc2, 0xc0, noInterrupt])
    expect(console.output().length).toBe(0)
  })
})

describe('input that came before the driver', () => {
  /** What a driver does when it opens the port: reset FIFOs, clear stale state, enable the interrupt. */
  function open({ read, write }: ReturnType<typeof driver>): void {
    write('fcr', 1)
    write('fcr', 7)
    write('fcr', 0)
    for (let i = 0; i < 2; i++) for (const name of ['lsr', 'rbr', 'iir', 'msr'] as const) read(name)
    write('lcr', 3)
    write('fcr', 0x81)
    write('ier', 5)
  }

  it('survives probing and opening by interrupt', () => {
    const d = driver()
    d.console.input(text('typed early'))
    open(d)
    expect(d.interrupted()).toBe(true)
    const got: number[] = []
    while ((d.read('lsr') & 1) !== 0) got.push(d.read('rbr'))
    expect(String.fromCharCode(...got)).toBe('typed early')
  })

  it('shows up for a driver that resets the receiver and then polls', () => {
    const d = driver()
    d.console.input(text('k'))
    d.write('fcr', 7)
    expect(d.read('lsr') & 1).toBe(0)
    let polls = 1
    while (polls < 100 && (d.read('lsr') & 1) === 0) polls++
    expect(polls).toBeLessThan(20)
    expect(d.read('rbr')).toBe(0x6b)
  })

  it('is not hidden by a receiver reset once the driver listens', () => {
    const d = driver()
    open(d)
    d.console.input(text('z'))
    d.write('fcr', 0x83)
    expect(d.read('lsr') & 1).toBe(1)
  })
})

describe('loopback', () => {
  it('turns the modem outputs into its inputs, as drivers test for', () => {
    const { read, write } = driver()
    expect(read('msr')).toBe(0xb0)
    const cases: [number, number][] = [
      [0x10, 0x00],
      [0x11, 0x20],
      [0x12, 0x10],
      [0x14, 0x40],
      [0x18, 0x80],
      [0x1a, 0x90],
    ]
    for (const [mcr, msr] of cases) {
      write('mcr', mcr)
      expect(read('msr') & 0xf0).toBe(msr)
    }
  })

  it('tells changes once, and of the ring indicator the trailing edge only', () => {
    const { read, write, interrupted } = driver()
    write('mcr', 0x10)
    expect(read('msr')).toBe(0x0b)
    expect(read('msr')).toBe(0x00)
    write('ier', 8)
    write('mcr', 0x14)
    expect(interrupted()).toBe(false)
    expect(read('msr')).toBe(0x40)
    write('mcr', 0x10)
    expect(interrupted()).toBe(true)
    expect(read('iir') & 0x0f).toBe(0)
    expect(read('msr')).toBe(0x04)
    write('mcr', 0)
    expect(read('msr')).toBe(0xbb)
  })

  it('sends to itself, not to the console, sixteen deep, and reports the overrun once', () => {
    const { read, write, console } = driver()
    console.input(text('outside'))
    write('fcr', 1)
    write('mcr', 0x10)
    for (let i = 0; i < 17; i++) write('thr', 0x30 + i)
    expect(read('lsr')).toBe(0x63)
    expect(read('lsr')).toBe(0x61)
    const got = Array.from({ length: 16 }, () => read('rbr'))
    expect(got).toEqual(Array.from({ length: 16 }, (_, i) => 0x30 + i))
    expect(read('lsr')).toBe(0x60)
    expect(console.output().length).toBe(0)
  })

  it('is one byte deep without FIFOs', () => {
    const { read, write } = driver()
    write('mcr', 0x10)
    write('thr', 1)
    write('thr', 2)
    expect(read('lsr') & 3).toBe(3)
    expect([read('rbr'), read('lsr') & 1]).toEqual([1, 0])
  })
})
