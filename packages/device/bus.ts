/**
 * The bus: finds the device behind a guest-physical address and carries one access to it, under the machine's lock.
 *
 * Why: an access is served on the thread of the hart that made it. The lock makes each access atomic for all threads.
 * Invariants: windows do not overlap. No access ever throws: what nobody answers is `false`, which the machine turns
 * into an access fault. An 8-byte access reaches a device as two 4-byte ones, low half first, with nothing between,
 * unless the device takes pairs itself.
 */

import { assert } from '@virga/base'
import type { SharedMutex } from './shared-mutex.ts'

/** Sizes of an access that a device sees. */
export type AccessBytes = 1 | 2 | 4

/** A 64-bit value in two unsigned halves. */
export interface WordPair {
  low: number
  high: number
}

/** A device with registers in guest-physical memory. */
export interface MmioDevice {
  readonly name: string
  /** guest-physical address of the window, a multiple of 8 */
  readonly base: number
  /** size of the window, a multiple of 8 */
  readonly bytes: number
  /** sizes that it answers; 8-byte accesses need 4 */
  readonly widths: readonly AccessBytes[]
  /** Value of the register at `offset`. The access lies in the window, is naturally aligned, of a width in `widths`. */
  load(offset: number, bytes: AccessBytes): number
  /** Writes the register at `offset`; `value` is unsigned and `bytes` wide. */
  store(offset: number, bytes: AccessBytes, value: number): void
  /** An 8-byte load, for a device whose 64-bit registers change by themselves and must not be torn. */
  loadPair?(offset: number, into: WordPair): void
  /** An 8-byte store, for a device where the state between two halves would show. */
  storePair?(offset: number, low: number, high: number): void
}

export class Bus {
  /** Bits 0..31 of the last load, unsigned. */
  low = 0
  /** Bits 32..63 of the last load, unsigned; zero after a shorter one. */
  high = 0
  private readonly mutex: SharedMutex
  private readonly devices: readonly MmioDevice[]

  /** Asserts that the windows are aligned and apart. */
  constructor(mutex: SharedMutex, devices: readonly MmioDevice[]) {
    this.mutex = mutex
    this.devices = [...devices].sort((a, b) => a.base - b.base)
    let end = 0
    for (const device of this.devices) {
      assert(device.base % 8 === 0 && device.bytes % 8 === 0, `${device.name} has an aligned window`)
      assert(device.base >= end, `${device.name} overlaps no other device`)
      end = device.base + device.bytes
    }
  }

  /** Loads `bytes` (1, 2, 4 or 8) at `gpa` into `low` and `high`; false when nobody answers. */
  load(gpa: number, bytes: number): boolean {
    this.low = 0
    this.high = 0
    const device = this.find(gpa, bytes)
    if (device === undefined) return false
    const offset = gpa - device.base
    this.mutex.lock()
    try {
      if (bytes < 8) this.low = truncate(device.load(offset, bytes as AccessBytes), bytes)
      else if (device.loadPair !== undefined) device.loadPair(offset, this)
      else {
        this.low = device.load(offset, 4) >>> 0
        this.high = device.load(offset + 4, 4) >>> 0
      }
    } finally {
      this.mutex.unlock()
    }
    return true
  }

  /** Stores the low `bytes` (1, 2, 4 or 8) of `high:low` at `gpa`; false when nobody answers. */
  store(gpa: number, bytes: number, low: number, high = 0): boolean {
    const device = this.find(gpa, bytes)
    if (device === undefined) return false
    const offset = gpa - device.base
    this.mutex.lock()
    try {
      if (bytes < 8) device.store(offset, bytes as AccessBytes, truncate(low, bytes))
      else if (device.storePair !== undefined) device.storePair(offset, low >>> 0, high >>> 0)
      else {
        device.store(offset, 4, low >>> 0)
        device.store(offset + 4, 4, high >>> 0)
      }
    } finally {
      this.mutex.unlock()
    }
    return true
  }

  private find(gpa: number, bytes: number): MmioDevice | undefined {
    if (bytes !== 1 && bytes !== 2 && bytes !== 4 && bytes !== 8) return undefined
    if (gpa % bytes !== 0) return undefined
    for (const device of this.devices) {
      if (gpa < device.base || gpa >= device.base + device.bytes) continue
      const width = bytes === 8 ? 4 : bytes
      return device.widths.includes(width) ? device : undefined
    }
    return undefined
  }
}

function truncate(value: number, bytes: number): number {
  return bytes === 4 ? value >>> 0 : value & (2 ** (8 * bytes) - 1)
}
