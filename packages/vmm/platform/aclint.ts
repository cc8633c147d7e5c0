/**
 * ACLINT at the addresses of a CLINT: machine-level software interrupts (MSWI) and timer (MTIMER).
 * @spec riscv-aclint "Backward Compatibility With SiFive CLINT"
 *
 * Why: for bare boot, where the guest is in M-mode and has nothing else. Under direct boot the VMM is the firmware, no
 * guest sees this device, and its wires stay low.
 * Invariants: mtime is the machine's clock and swallows writes, so that it and the `time` CSR never differ. Time moves
 * without an access, so whoever runs a hart calls `service` before it runs or sleeps, and by the deadline it returns.
 */

import type { AccessBytes, HartLines, WordPair } from '@virga/device'
import { declareWords, RegisterMap, WordDevice } from '@virga/device'
import { memoryMap } from './memory-map.ts'

const mtimecmpOffset = 0x4000
const mtimeOffset = 0xbff8

/** State of an ACLINT for `harts` harts; mtimecmp has two words for each, low half first. */
export function aclintLayout(harts: number) {
  return declareWords({ msip: harts, mtimecmp: 2 * harts, timerWires: harts })
}

function aclintRegisters(harts: number): RegisterMap<Aclint> {
  return new RegisterMap<Aclint>([
    { name: 'msip', offset: 0, count: harts, read: (a, i) => a.msip(i), write: (a, v, i) => a.setMsip(i, v) },
    {
      name: 'mtimecmp',
      offset: mtimecmpOffset,
      count: 2 * harts,
      read: (a, i) => a.compareHalf(i),
      write: (a, v, i) => a.setCompareHalf(i, v),
    },
    { name: 'mtime', offset: mtimeOffset, read: (a) => a.now().low },
    { name: 'mtimeh', offset: mtimeOffset + 4, read: (a) => a.now().high },
  ])
}

export class Aclint extends WordDevice {
  private readonly at: Readonly<Record<'msip' | 'mtimecmp' | 'timerWires', number>>
  private readonly harts: number
  private readonly lines: HartLines
  private readonly clock: () => number
  private readonly registers: RegisterMap<Aclint>

  /** `clock` gives ticks of the `time` CSR since the machine's start. */
  constructor(words: Int32Array, harts: number, lines: HartLines, clock: () => number) {
    const { base, bytes } = memoryMap.aclint
    const layout = aclintLayout(harts)
    super({ name: 'aclint0', kind: 'aclint', version: 1, base, bytes, widths: [4] }, layout, words)
    this.at = layout.at
    this.harts = harts
    this.lines = lines
    this.clock = clock
    this.registers = aclintRegisters(harts)
  }

  load(offset: number, _bytes: AccessBytes): number {
    return this.registers.load(this, offset)
  }

  store(offset: number, _bytes: AccessBytes, value: number): void {
    this.registers.store(this, offset, value)
  }

  loadPair(offset: number, into: WordPair): void {
    if (offset === mtimeOffset) {
      const { low, high } = this.now()
      into.low = low
      into.high = high
      return
    }
    into.low = this.registers.load(this, offset) >>> 0
    into.high = this.registers.load(this, offset + 4) >>> 0
  }

  storePair(offset: number, low: number, high: number): void {
    const hart = (offset - mtimecmpOffset) / 8
    if (hart >= 0 && hart < this.harts) this.setCompare(hart, low, high)
    else {
      this.registers.store(this, offset, low)
      this.registers.store(this, offset + 4, high)
    }
  }

  /** True when there is nothing for `service` to do and its answer is Infinity. Needs no lock. */
  idle(hart: number): boolean {
    const cmp = this.at.mtimecmp + 2 * hart
    return this.get(cmp) === -1 && this.get(cmp + 1) === -1 && this.get(this.at.timerWires + hart) === 0
  }

  /**
   * Drives MTI of `hart` to what it is now. Returns the tick at which it has to be called again at the latest, Infinity
   * when the wire is high already or the timer is off (mtimecmp all ones).
   */
  service(hart: number): number {
    const cmp = this.at.mtimecmp + 2 * hart
    const deadline = (this.get(cmp + 1) >>> 0) * 2 ** 32 + (this.get(cmp) >>> 0)
    const level = this.clock() >= deadline
    if (level !== (this.get(this.at.timerWires + hart) !== 0)) {
      this.set(this.at.timerWires + hart, level ? 1 : 0)
      this.lines.set(hart, 'MTI', level)
    }
    return level || deadline >= 2 ** 64 ? Infinity : deadline
  }

  msip(hart: number): number {
    return this.get(this.at.msip + hart)
  }

  setMsip(hart: number, value: number): void {
    this.set(this.at.msip + hart, value & 1)
    this.lines.set(hart, 'MSI', (value & 1) !== 0)
  }

  compareHalf(index: number): number {
    return this.get(this.at.mtimecmp + index)
  }

  setCompareHalf(index: number, value: number): void {
    const hart = index >> 1
    const other = this.compareHalf(index ^ 1)
    if ((index & 1) === 0) this.setCompare(hart, value, other)
    else this.setCompare(hart, other, value)
  }

  now(): WordPair {
    const ticks = Math.floor(this.clock())
    return { low: ticks % 2 ** 32, high: Math.floor(ticks / 2 ** 32) % 2 ** 32 }
  }

  protected override cold(): void {
    this.words.fill(-1, this.at.mtimecmp, this.at.mtimecmp + 2 * this.harts)
  }

  protected override drive(): void {
    for (let hart = 0; hart < this.harts; hart++) {
      this.lines.set(hart, 'MSI', this.msip(hart) !== 0)
      this.lines.set(hart, 'MTI', this.get(this.at.timerWires + hart) !== 0)
      this.service(hart)
    }
  }

  private setCompare(hart: number, low: number, high: number): void {
    this.set(this.at.mtimecmp + 2 * hart, low)
    this.set(this.at.mtimecmp + 2 * hart + 1, high)
    this.service(hart)
    this.lines.wake(hart)
  }
}
