/**
 * Goldfish real-time clock: nanoseconds since 1970, and an alarm. @spec goldfish "RTC Device"
 *
 * Why: the guest's date at boot. The clock is the host's wall clock plus an offset, zero until the guest sets the time.
 * Invariants: reading TIME_LOW latches the high half; writing ALARM_LOW arms the alarm. Time moves without an access, so
 * the machine's main thread calls `service` by `deadlineMs`; the doorbell rings when that changes.
 */

import type { AccessBytes, Doorbell, InterruptLine } from '@virga/device'
import { declareWords, RegisterMap, WordDevice } from '@virga/device'
import { memoryMap } from './memory-map.ts'

const layout = declareWords({
  offset: 2,
  latchedHigh: 1,
  alarm: 2,
  armed: 1,
  interruptPending: 1,
  interruptEnabled: 1,
})
const at = layout.at

const registers = new RegisterMap<GoldfishRtc>([
  { name: 'TIME_LOW', offset: 0x00, read: (r) => r.latch(), write: (r, v) => r.setTime(0, v) },
  { name: 'TIME_HIGH', offset: 0x04, read: (r) => r.field(at.latchedHigh), write: (r, v) => r.setTime(1, v) },
  { name: 'ALARM_LOW', offset: 0x08, read: (r) => r.field(at.alarm), write: (r, v) => r.setAlarm(0, v) },
  { name: 'ALARM_HIGH', offset: 0x0c, read: (r) => r.field(at.alarm + 1), write: (r, v) => r.setAlarm(1, v) },
  {
    name: 'IRQ_ENABLED',
    offset: 0x10,
    read: (r) => r.field(at.interruptEnabled),
    write: (r, v) => r.change(at.interruptEnabled, v & 1),
  },
  { name: 'CLEAR_ALARM', offset: 0x14, write: (r) => r.change(at.armed, 0) },
  { name: 'ALARM_STATUS', offset: 0x18, read: (r) => r.field(at.armed) },
  { name: 'CLEAR_INTERRUPT', offset: 0x1c, write: (r) => r.change(at.interruptPending, 0) },
])

export class GoldfishRtc extends WordDevice {
  static readonly layout = layout
  private readonly line: InterruptLine
  private readonly doorbell: Doorbell
  private readonly wallClock: () => number

  /** `wallClock` gives milliseconds since 1970, not necessarily whole. */
  constructor(words: Int32Array, line: InterruptLine, doorbell: Doorbell, wallClock: () => number) {
    const { base, bytes } = memoryMap.rtc
    super({ name: 'rtc0', kind: 'goldfish-rtc', version: 1, base, bytes, widths: [4] }, layout, words)
    this.line = line
    this.doorbell = doorbell
    this.wallClock = wallClock
  }

  load(offset: number, _bytes: AccessBytes): number {
    return registers.load(this, offset)
  }

  store(offset: number, _bytes: AccessBytes, value: number): void {
    registers.store(this, offset, value)
  }

  /** Wall-clock milliseconds at which the alarm is due; Infinity when none is armed. */
  deadlineMs(): number {
    if (this.get(at.armed) === 0) return Infinity
    return Number(this.pair(at.alarm) - BigInt.asIntN(64, this.pair(at.offset))) / 1e6
  }

  /** Fires the alarm if it is due. */
  service(): void {
    if (this.get(at.armed) === 0 || this.now() < this.pair(at.alarm)) return
    this.set(at.armed, 0)
    this.set(at.interruptPending, 1)
    this.drive()
  }

  field(index: number): number {
    return this.get(index)
  }

  change(index: number, value: number): void {
    this.set(index, value)
    this.drive()
  }

  latch(): number {
    const now = this.now()
    this.set(at.latchedHigh, Number(BigInt.asIntN(32, now >> 32n)))
    return Number(now & 0xffff_ffffn)
  }

  setTime(half: 0 | 1, value: number): void {
    const now = this.now()
    const wanted = withHalf(now, half, value)
    this.setPair(at.offset, this.pair(at.offset) + wanted - now)
    this.service()
    this.doorbell.ring()
  }

  setAlarm(half: 0 | 1, value: number): void {
    this.setPair(at.alarm, withHalf(this.pair(at.alarm), half, value))
    if (half === 1) return
    this.set(at.armed, 1)
    this.service()
    this.doorbell.ring()
  }

  protected override drive(): void {
    this.line.set((this.get(at.interruptPending) & this.get(at.interruptEnabled)) !== 0)
  }

  /** The guest's time in nanoseconds, 64 bits unsigned. */
  private now(): bigint {
    return BigInt.asUintN(64, BigInt(Math.floor(this.wallClock() * 1e6)) + this.pair(at.offset))
  }

  private pair(index: number): bigint {
    return (BigInt(this.get(index + 1) >>> 0) << 32n) | BigInt(this.get(index) >>> 0)
  }

  private setPair(index: number, value: bigint): void {
    this.set(index, Number(BigInt.asIntN(32, value)))
    this.set(index + 1, Number(BigInt.asIntN(32, value >> 32n)))
  }
}

function withHalf(value: bigint, half: 0 | 1, bits: number): bigint {
  const shift = half === 0 ? 0n : 32n
  return (value & ~(0xffff_ffffn << shift)) | (BigInt(bits) << shift)
}
