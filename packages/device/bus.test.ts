/** The bus, from the side of a guest that may try anything. */
import { describe, expect, it } from 'vitest'
import { type AccessBytes, Bus, type MmioDevice, type Register, RegisterMap, SharedMutex } from './index.ts'

class Recorder implements MmioDevice {
  readonly name: string
  readonly base: number
  readonly bytes: number
  readonly widths: readonly AccessBytes[]
  readonly seen: string[] = []

  constructor(base: number, bytes = 16, widths: readonly AccessBytes[] = [1, 2, 4]) {
    this.name = `recorder@${base.toString(16)}`
    this.base = base
    this.bytes = bytes
    this.widths = widths
  }

  load(offset: number, bytes: AccessBytes): number {
    this.seen.push(`load ${offset} ${bytes}`)
    return -1 - offset
  }

  store(offset: number, bytes: AccessBytes, value: number): void {
    this.seen.push(`store ${offset} ${bytes} ${value.toString(16)}`)
  }
}

function busOf(...devices: MmioDevice[]): Bus {
  return new Bus(new SharedMutex(new Int32Array(new SharedArrayBuffer(4)), 0), devices)
}

describe('an access that nobody answers', () => {
  const cases: [string, number, number][] = [
    ['below', 0xff8, 8],
    ['just behind', 0x1010, 4],
    ['at zero', 0, 4],
    ['beyond 32 bits', 0x1_0000_1000, 4],
    ['at the end of the physical space', 2 ** 56 - 8, 8],
    ['misaligned', 0x1002, 4],
    ['misaligned by a half', 0x1004, 8],
    ['of three bytes', 0x1000, 3],
    ['of sixteen bytes', 0x1000, 16],
    ['of no bytes', 0x1000, 0],
    ['at a negative address', -8, 4],
    ['at no number', Number.NaN, 4],
  ]
  for (const [what, gpa, bytes] of cases) {
    it(`${what} is false and reaches no device`, () => {
      const device = new Recorder(0x1000)
      const bus = busOf(device)
      expect(bus.load(gpa, bytes)).toBe(false)
      expect(bus.store(gpa, bytes, 1, 2)).toBe(false)
      expect(device.seen).toEqual([])
    })
  }

  it('for its width is false', () => {
    const device = new Recorder(0x1000, 16, [4])
    const bus = busOf(device)
    expect([1, 2, 4, 8].map((bytes) => bus.load(0x1000, bytes))).toEqual([false, false, true, true])
    expect(busOf(new Recorder(0x1000, 16, [1])).load(0x1000, 8)).toBe(false)
  })

  it('leaves nothing of an earlier load behind', () => {
    const bus = busOf(new Recorder(0x1000))
    bus.load(0x1000, 8)
    bus.load(0x2000, 8)
    expect([bus.low, bus.high]).toEqual([0, 0])
  })
})

describe('an access that is answered', () => {
  it('reads unsigned and no wider than asked', () => {
    const bus = busOf(new Recorder(0x1000))
    const loaded = [1, 2, 4].map((bytes) => {
      expect(bus.load(0x1000, bytes)).toBe(true)
      return [bus.low, bus.high]
    })
    expect(loaded).toEqual([
      [0xff, 0],
      [0xffff, 0],
      [0xffff_ffff, 0],
    ])
  })

  it('of eight bytes is split, low half first', () => {
    const device = new Recorder(0x1000)
    const bus = busOf(device)
    expect(bus.load(0x1008, 8)).toBe(true)
    expect([bus.low, bus.high]).toEqual([0xffff_fff7, 0xffff_fff3])
    bus.store(0x1008, 8, 0x1234_5678, -1)
    expect(device.seen).toEqual(['load 8 4', 'load 12 4', 'store 8 4 12345678', 'store 12 4 ffffffff'])
  })

  it('finds the right device of several', () => {
    const devices = [new Recorder(0x2000), new Recorder(0x1000), new Recorder(0x1010)]
    const bus = busOf(...devices)
    bus.store(0x100f, 1, 0x1ff)
    bus.store(0x1010, 2, 0x1_0002)
    bus.store(0x2000, 4, -1)
    expect(devices.map((device) => device.seen)).toEqual([
      ['store 0 4 ffffffff'],
      ['store 15 1 ff'],
      ['store 0 2 2'],
    ])
  })

  it('releases the lock when a device breaks an assertion', () => {
    const device = new Recorder(0x1000)
    device.load = () => {
      throw new Error('broken device')
    }
    const bus = busOf(device)
    expect(() => bus.load(0x1000, 4)).toThrow('broken device')
    expect(bus.store(0x1000, 4, 1)).toBe(true)
  })
})

describe('construction', () => {
  it('refuses windows that overlap or are askew', () => {
    expect(() => busOf(new Recorder(0x1000), new Recorder(0x1008))).toThrow('overlaps')
    expect(() => busOf(new Recorder(0x1004))).toThrow('aligned')
  })
})

describe('RegisterMap', () => {
  const rows: Register<number[]>[] = [
    { name: 'id', offset: 0, read: () => 0x99 },
    {
      name: 'slots',
      offset: 0x10,
      count: 3,
      stride: 8,
      read: (d, i) => d[i] ?? 0,
      write: (d, v, i) => (d[i] = v),
    },
    { name: 'kick', offset: 0x14, write: (d) => d.push(1) },
  ]

  it('reads and writes what is there, and nothing else', () => {
    const map = new RegisterMap(rows)
    const state = [1, 2, 3]
    map.store(state, 0, 5)
    map.store(state, 0x18, 20)
    map.store(state, 0x28, 9)
    map.store(state, 0x11, 9)
    map.store(state, 0x14, 0)
    expect(state).toEqual([1, 20, 3, 1])
    expect([0, 0x10, 0x18, 0x20, 0x28, 0x14, 0x12, 0xfff].map((offset) => map.load(state, offset))).toEqual([
      0x99, 1, 20, 3, 0, 0, 0, 0,
    ])
  })

  it('refuses two registers at one offset', () => {
    expect(() => new RegisterMap([...rows, { name: 'thief', offset: 0x18 }])).toThrow('thief')
  })
})
