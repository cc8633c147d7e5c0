/** The devices together: ending the machine, its lifecycle, and guests gone wild. */
import { describe, expect, it } from 'vitest'
import { memoryMap } from './memory-map.ts'
import { createPlatform, platformStateBytes } from './platform.ts'
import { type Bench, createBench } from './testing.ts'

const finisher = memoryMap.finisher.base

describe('finisher', () => {
  it('takes no unknown command, no byte, and no other offset', () => {
    const bench = createBench()
    for (const value of [0, 1, 0x5554, 0x3332, 0x7778, 0xffff_ffff]) bench.store(finisher, value)
    bench.store(finisher + 4, 0x5555)
    expect(bench.platform.bus.store(finisher, 1, 0x55)).toBe(false)
    expect([bench.platform.outcome(), bench.load(finisher)]).toEqual([{ kind: 'none' }, 0])
  })

  const commands = [
    [0x5555, { kind: 'poweroff' }],
    [0x7777, { kind: 'reset' }],
    [0x002a_3333, { kind: 'fail', code: 42 }],
    [0xffff_3333, { kind: 'fail', code: 0xffff }],
  ] as const
  for (const [value, outcome] of commands) {
    it(`0x${value.toString(16)} ends the machine with ${JSON.stringify(outcome)}, and that stays`, () => {
      const bench = createBench()
      const rung = bench.platform.doorbell.count()
      bench.store(finisher, value)
      for (const [later] of commands) bench.store(finisher, later)
      expect([bench.platform.outcome(), bench.platform.doorbell.count()]).toEqual([outcome, rung + 1])
    })
  }

  it('is forgotten by a reset of the machine', async () => {
    const { platform } = createBench()
    platform.finish({ kind: 'fail', code: 3 })
    await platform.pause()
    platform.reset()
    expect(platform.outcome()).toEqual({ kind: 'none' })
  })
})

describe('lifecycle', () => {
  it('refuses the wrong words, and moves in the wrong order', async () => {
    const options = { harts: 1, boot: 'bare', clock: () => 0, wallClock: () => 0 } as const
    const lines = { set: () => undefined, wake: () => undefined, message: () => undefined }
    const words = new Int32Array(new SharedArrayBuffer(platformStateBytes(2)))
    expect(() => createPlatform({ ...options, lines, words })).toThrow('words it asked for')
    expect(() => createPlatform({ ...options, lines, words, harts: 65 })).toThrow('1 to 64 harts')
    const { platform } = createBench()
    expect(() => platform.start()).toThrow('start is legal while init')
    expect(() => platform.reset()).toThrow('reset is legal while paused')
    expect(() => platform.snapshot()).toThrow('snapshot is legal while paused')
    await platform.pause()
    platform.halt()
    expect(() => platform.resume()).toThrow('not halted')
  })

  it('another object over the same words sees and does the same', () => {
    const bench = createBench()
    const other = createBench({ words: bench.words })
    other.store(memoryMap.uart.base, 0x41, 1)
    expect([...bench.platform.console.output()]).toEqual([0x41])
    other.platform.console.input(Uint8Array.of(0x42))
    expect(bench.load(memoryMap.uart.base, 1)).toBe(0x42)
  })

  /** Leaves a trace in each device, and wires high. */
  function use(bench: Bench): void {
    bench.time.ticks = 50
    bench.time.wallMs = 1000
    bench.store(memoryMap.plic.base + 4 * memoryMap.uart.interrupt, 5)
    bench.store(memoryMap.plic.base + 0x2180, 1 << memoryMap.uart.interrupt)
    bench.store(memoryMap.uart.base + 1, 1, 1)
    bench.platform.console.input(Uint8Array.of(1, 2, 3))
    bench.store(memoryMap.aclint.base + 4, 1)
    bench.store(memoryMap.aclint.base + 0x4000, 40, 8)
    bench.store(memoryMap.rtc.base + 8, 77)
  }
  const wiresInUse = ['MSI1', 'MTI0', 'SEI1']

  it('a reset is a cold start: all wires low, all words as they were', async () => {
    const bench = createBench({ harts: 2 })
    const cold = Int32Array.from(bench.words)
    use(bench)
    expect(bench.wires()).toEqual(wiresInUse)
    await bench.platform.pause()
    bench.platform.reset()
    bench.platform.resume()
    expect(bench.wires()).toEqual([])
    // Lock and doorbell are no device's state.
    expect(bench.words.subarray(2)).toEqual(cold.subarray(2))
  })

  it('a snapshot restored in a fresh machine has the same state and the same wires', async () => {
    const bench = createBench({ harts: 2 })
    use(bench)
    await bench.platform.pause()
    const snapshots = structuredClone(bench.platform.snapshot())
    const fresh = createBench({ harts: 2 })
    fresh.time.ticks = 50
    fresh.time.wallMs = 1000
    await fresh.platform.pause()
    expect(fresh.platform.restore(snapshots).ok).toBe(true)
    fresh.platform.resume()
    expect(fresh.wires()).toEqual(wiresInUse)
    expect([1, 2, 3].map(() => fresh.load(memoryMap.uart.base, 1))).toEqual([1, 2, 3])
    expect(fresh.load(memoryMap.plic.base + 0x20_3004)).toBe(memoryMap.uart.interrupt)
  })

  it('a snapshot of a machine with other harts, or one that lacks a device, is refused', async () => {
    const bench = createBench({ harts: 2 })
    await bench.platform.pause()
    const { uart0: _missing, ...rest } = bench.platform.snapshot()
    const result = bench.platform.restore(rest)
    expect(result.ok ? '' : result.error.reason).toBe('uart0: there is no snapshot of it')
    const small = createBench({ harts: 1 })
    await small.platform.pause()
    expect(small.platform.restore(bench.platform.snapshot()).ok).toBe(false)
  })

  it('a UART whose snapshot claims an overfull ring is refused', async () => {
    const bench = createBench()
    await bench.platform.pause()
    const snapshots = structuredClone(bench.platform.snapshot())
    snapshots.uart0?.state.fill(0x7fff_0000, 11, 12)
    const result = bench.platform.restore(snapshots)
    expect(result.ok ? '' : result.error.reason).toBe('uart0: a ring holds more than fits')
  })
})

/** xorshift32: a small generator whose seed is in the test's name. */
function random(seed: number): (below: number) => number {
  let x = seed
  return (below) => {
    x ^= x << 13
    x ^= x >>> 17
    x ^= x << 5
    return (x >>> 0) % below
  }
}

describe('a guest gone wild', () => {
  for (const boot of ['direct', 'bare'] as const) {
    for (const seed of [1, 0xbadc0de, 20260101]) {
      it(`never breaks the platform (${boot}, seed ${seed})`, () => {
        const bench = createBench({ harts: 3, boot })
        const { bus, console } = bench.platform
        const next = random(seed)
        const windows = [memoryMap.finisher, memoryMap.rtc, memoryMap.aclint, memoryMap.plic, memoryMap.uart]
        for (let i = 0; i < 60_000; i++) {
          const { base, bytes } = windows[next(windows.length)] ?? memoryMap.uart
          // Most registers are in the first bytes of a window; the rest of the shots go anywhere, askew and outside.
          const gpa = base - 16 + (next(2) === 0 ? next(64) : next(bytes + 32))
          const width = [1, 2, 4, 8, 3, 16][next(6)] ?? 1
          if (next(2) === 0) bus.load(gpa, width)
          else bus.store(gpa, width, next(2 ** 32), next(2 ** 32))
          if (next(64) === 0) console.input(new Uint8Array(next(600)))
          if (next(256) === 0) console.output()
          if (next(16) === 0) {
            bench.time.ticks += next(2 ** 31)
            bench.time.wallMs += next(2 ** 31)
            bench.platform.serviceWallClock()
            bench.platform.serviceHartTimer(next(3))
          }
        }
        const held = bench.platform.locked(() => bench.platform.outcome().kind)
        expect(['none', 'poweroff', 'reset', 'fail']).toContain(held)
        // What a driver sets up afterwards still works.
        bench.store(memoryMap.uart.base + 3, 0, 1)
        bench.store(memoryMap.uart.base + 4, 0, 1)
        console.output()
        bench.store(memoryMap.uart.base, 0x55, 1)
        expect([...console.output()]).toEqual([0x55])
      })
    }
  }
})
