/**
 * The base of every device that has a window on the bus and whose whole state is words of shared memory.
 * Invariants: those of `WordState`.
 */

import type { AccessBytes, MmioDevice } from './bus.ts'
import type { WordLayout } from './word-layout.ts'
import { type StateIdentity, WordState } from './word-state.ts'

/** What a device is and where it sits. */
export interface DeviceIdentity extends StateIdentity {
  /** guest-physical address of its first register */
  readonly base: number
  /** size of its window */
  readonly bytes: number
  /** access sizes it answers; any other is an access fault */
  readonly widths: readonly AccessBytes[]
}

export abstract class WordDevice extends WordState implements MmioDevice {
  readonly base: number
  readonly bytes: number
  readonly widths: readonly AccessBytes[]

  /** `words` is the device's own run of shared memory, exactly as long as its layout; zeroed by the machine once. */
  constructor(identity: DeviceIdentity, layout: WordLayout, words: Int32Array) {
    super(identity, layout, words)
    this.base = identity.base
    this.bytes = identity.bytes
    this.widths = identity.widths
  }

  /** Value of the register at `offset`: of a legal width, inside the window, naturally aligned. */
  abstract load(offset: number, bytes: AccessBytes): number

  /** Writes `value` (unsigned, `bytes` wide) to the register at `offset`; where there is none, nothing happens. */
  abstract store(offset: number, bytes: AccessBytes, value: number): void
}
