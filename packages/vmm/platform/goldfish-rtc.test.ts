/** The clock from its driver's side. */
import { describe, expect, it } from 'vitest'
import { memoryMap } from './memory-map.ts'
import { createBench } from './testing.ts'

const register = {
  timeLow: 0,
  timeHigh: 4,
  alarmLow: 8,
  alarmHigh: 12,
  enabled: 16,
  clearAlarm: 20,
  status: 24,
  clear: 28,
}
type RegisterName = keyof typeof register
const half = 2n ** 32n

function driver() {
  const bench = createBench({ boot: 'direct' })
  const pendingBit = 1 << memoryMap.rtc.interrupt
  bench.time.wallMs = 1_700_000_000_000
  const read = (name: RegisterName) => bench.load(memoryMap.rtc.base + register[name])
  const write = (name: RegisterName, value: number | bigint) =>
    bench.store(memoryMap.rtc.base + register[name], Number(BigInt(value) % half))
  return {
    bench,
    read,
    write,
    nanoseconds: () => BigInt(read('timeLow')) + BigInt(read('timeHigh')) * half,
    setAlarm: (at: bigint) => {
      write('alarmHigh', at / half)
      write('alarmLow', at)
    },
    /** Has the PLIC seen the wire go high? */
    pending: () => (bench.load(memoryMap.plic.base + 0x1000) & pendingBit) !== 0,
  }
}

describe('goldfish rtc', () => {
  it('swallows writes to what is read-only, and reads zero from what is write-only', () => {
    const { bench, read, write } = driver()
    write('status', 1)
    bench.store(memoryMap.rtc.base + 0x20, 1)
    expect([
      read('status'),
      read('clear'),
      read('clearAlarm'),
      bench.load(memoryMap.rtc.base + 0xff8),
    ]).toEqual([0, 0, 0, 0])
  })

  it('answers words only', () => {
    const { bus } = driver().bench.platform
    expect([1, 2].map((bytes) => bus.load(memoryMap.rtc.base, bytes))).toEqual([false, false])
  })

  it('tells the wall clock in nanoseconds, the halves from one moment', () => {
    const { bench, read, nanoseconds } = driver()
    expect(nanoseconds()).toBe(1_700_000_000_000_000_000n)
    bench.time.wallMs = Number(half * 5n) / 1e6 - 0.001
    const low = read('timeLow')
    bench.time.wallMs += 1
    expect([low > 0xfff0_0000, read('timeHigh')]).toEqual([true, 4])
  })

  it('keeps a time that the guest sets', () => {
    const { bench, write, nanoseconds } = driver()
    const wanted = 86_400_000_000_000n
    write('timeHigh', wanted / half)
    write('timeLow', wanted)
    expect(nanoseconds()).toBe(wanted)
    bench.time.wallMs += 1500
    expect(nanoseconds()).toBe(wanted + 1_500_000_000n)
  })

  it('fires the alarm when due, once, and holds the wire until it is cleared', () => {
    const { bench, read, write, setAlarm, nanoseconds, pending } = driver()
    write('enabled', 1)
    const rung = bench.platform.doorbell.count()
    setAlarm(nanoseconds() + 2_000_000_000n)
    expect(bench.platform.doorbell.count()).toBeGreaterThan(rung)
    expect(bench.platform.serviceWallClock()).toBe(bench.time.wallMs + 2000)
    expect([read('status'), pending()]).toEqual([1, false])
    bench.time.wallMs += 2000
    expect(bench.platform.serviceWallClock()).toBe(Infinity)
    expect([read('status'), pending()]).toEqual([0, true])
    const { plic } = bench.platform
    bench.store(memoryMap.plic.base + 4 * memoryMap.rtc.interrupt, 1)
    bench.store(memoryMap.plic.base + 0x2080, 1 << memoryMap.rtc.interrupt)
    expect(bench.wires()).toEqual(['SEI0'])
    write('clear', 1)
    bench.platform.locked(() => plic.complete(1, plic.claim(1)))
    expect(bench.wires()).toEqual([])
  })

  it('fires at once for an alarm in the past, and waits for its enabling', () => {
    const { write, setAlarm, pending } = driver()
    setAlarm(1n)
    expect(pending()).toBe(false)
    write('enabled', 1)
    expect(pending()).toBe(true)
  })

  it('a cleared alarm does not fire', () => {
    const { bench, read, write, setAlarm, nanoseconds, pending } = driver()
    write('enabled', 1)
    setAlarm(nanoseconds() + 1_000_000n)
    write('clearAlarm', 1)
    bench.time.wallMs += 10
    expect([bench.platform.serviceWallClock(), read('status'), pending()]).toEqual([Infinity, 0, false])
  })

  it('an alarm that comes due because the time was set fires', () => {
    const { bench, write, setAlarm, nanoseconds, pending } = driver()
    write('enabled', 1)
    setAlarm(nanoseconds() + 3_600_000_000_000n)
    write('timeHigh', 0xffff_ffff)
    bench.platform.serviceWallClock()
    expect(pending()).toBe(true)
  })
})
