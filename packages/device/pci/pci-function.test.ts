/** Configuration space as a driver finds it: what is there, what a write keeps, BARs that move, capabilities, the pin. */
import { describe, expect, it } from 'vitest'
import { header, layOutConfig } from './config-header.ts'
import { benchPlan, createFunctionBench } from './testing.ts'

const enable = 6

describe('a declaration that makes no function', () => {
  const bar = { index: 0, bytes: 0x1000, width: 32, prefetchable: false } as const
  it.each([
    ['a BAR of odd size', { bars: [{ ...bar, bytes: 0x1800 }] }],
    ['a BAR of 8 bytes', { bars: [{ ...bar, bytes: 8 }] }],
    ['a 64-bit BAR without a second register', { bars: [{ ...bar, index: 5, width: 64 as const }] }],
    ['a BAR twice', { bars: [bar, bar] }],
    ['capabilities without end', { capabilities: [{ id: 9, body: new Uint8Array(200) }] }],
  ])('%s is asserted', (_, change) =>
    expect(() => layOutConfig({ ...benchPlan, ...change })).toThrow('assertion failed'),
  )
})

describe('configuration space', () => {
  it('says what the function is, at every width', () => {
    const { function: f } = createFunctionBench()
    expect(f.loadConfig(0, 4)).toBe(0x1042_1af4)
    expect([f.loadConfig(2, 2), f.loadConfig(3, 1)]).toEqual([0x1042, 0x10])
    expect(f.loadConfig(8, 4)).toBe(0x0180_0001)
    expect(f.loadConfig(header.subsystemVendorId, 4)).toBe(0x1100_1af4)
    expect([f.loadConfig(header.headerType, 1), f.loadConfig(header.interruptPin, 1)]).toEqual([0, 1])
    expect([f.loadConfig(0x100, 4), f.loadConfig(0xffc, 4)]).toEqual([0, 0])
  })

  it('keeps of a write what can be written', () => {
    const { function: f } = createFunctionBench()
    const before = Array.from({ length: 64 }, (_, i) => f.loadConfig(4 * i, 4))
    for (let at = 0; at < 4096; at += 4) f.storeConfig(at, 4, 0xffff_ffff)
    const changed = before.map((value, i) => (f.loadConfig(4 * i, 4) ^ value) >>> 0)
    const expected: Record<number, number> = {
      4: 0x406,
      12: 0xff,
      20: 0xffff_f000,
      32: 0xffff_c000,
      36: 0xffff_ffff,
      60: 0xff,
      68: 0xfd,
      72: 0xc000_0000,
    }
    for (const [i, bits] of changed.entries()) expect([4 * i, bits]).toEqual([4 * i, expected[4 * i] ?? 0])
  })

  it('has its capabilities in a list that ends', () => {
    const { function: f } = createFunctionBench()
    expect(f.loadConfig(header.status, 2) & 0x10).toBe(0x10)
    const found: number[] = []
    for (let at = f.loadConfig(header.capabilities, 1); at !== 0; at = f.loadConfig(at + 1, 1))
      found.push(f.loadConfig(at, 1))
    expect(found).toEqual([9, 0x11])
    const msiX = f.loadConfig(0x41, 1)
    expect([f.loadConfig(msiX + 2, 2), f.loadConfig(msiX + 4, 4), f.loadConfig(msiX + 8, 4)]).toEqual([
      2, 1, 0x801,
    ])
  })
})

describe('a BAR', () => {
  it('tells its size and kind when all ones are written', () => {
    const { function: f } = createFunctionBench()
    f.storeConfig(header.bar + 4, 4, 0xffff_ffff)
    f.storeConfig(header.bar + 16, 4, 0xffff_ffff)
    f.storeConfig(header.bar + 20, 4, 0xffff_ffff)
    expect(f.loadConfig(header.bar + 4, 4)).toBe(0xffff_f000)
    expect(f.loadConfig(header.bar + 16, 4)).toBe(0xffff_c00c)
    expect(f.loadConfig(header.bar + 20, 4)).toBe(0xffff_ffff)
  })

  it('decodes only while memory space is enabled, and where it was put last', () => {
    const { function: f } = createFunctionBench()
    f.storeConfig(header.bar + 4, 4, 0x4000_0000)
    f.storeConfig(header.bar + 16, 4, 0x8000)
    f.storeConfig(header.bar + 20, 4, 4)
    expect(f.decodes(0x4000_0010)).toBe(-1)
    f.storeConfig(header.command, 2, enable)
    expect([f.decodes(0x4000_0010), f.barOffset]).toEqual([1, 0x10])
    expect([f.decodes(0x4_0000_8000 + 0x3ffc), f.barOffset]).toEqual([4, 0x3ffc])
    expect([f.decodes(0x4000_1000), f.decodes(0x3fff_ffff), f.decodes(0x8000)]).toEqual([-1, -1, -1])
    f.storeConfig(header.bar + 20, 4, 5)
    expect([f.decodes(0x4_0000_8000), f.decodes(0x5_0000_8000)]).toEqual([-1, 4])
    f.storeConfig(header.command, 2, 0)
    expect(f.decodes(0x5_0000_8000)).toBe(-1)
  })
})

describe('the interrupt pin', () => {
  it('is pulled, shown in the status register, and silenced by the command register', () => {
    const { function: f, state } = createFunctionBench()
    f.pull(true)
    expect([state.pin, f.loadConfig(header.status, 2) & 8, f.loadConfig(4, 4) & 0x8_0000]).toEqual([
      true,
      8,
      0x8_0000,
    ])
    f.storeConfig(header.command, 2, 0x400)
    expect([state.pin, f.loadConfig(header.status, 1) & 8]).toEqual([false, 8])
    f.storeConfig(header.command, 2, 0)
    expect(state.pin).toBe(true)
    f.pull(false)
    expect([state.pin, f.loadConfig(header.status, 2) & 8]).toEqual([false, 0])
  })
})

describe('snapshot', () => {
  it('carries BARs and table to fresh objects, and refuses what is of another function', async () => {
    const one = createFunctionBench()
    one.function.storeConfig(header.bar + 4, 4, 0x4000_0000)
    one.function.storeConfig(header.command, 2, enable)
    one.function.storeBar(1, 0, 4, 0x2800_0000)
    await one.function.pause()
    const snapshot = one.function.snapshot()
    const two = createFunctionBench()
    await two.function.pause()
    expect(two.function.restore(snapshot).ok).toBe(true)
    expect([two.function.decodes(0x4000_0000), two.function.loadBar(1, 0, 4)]).toEqual([1, 0x2800_0000])
    snapshot.state[0] = 0
    expect(two.function.restore(snapshot)).toMatchObject({
      error: { reason: 'bench: the snapshot is of another function' },
    })
  })
})
