/**
 * Firmware events: what the SBI did on behalf of a hart, counted for the PMU extension.
 * @spec riscv-sbi "Event: Firmware events"
 */

import type { HartBlock } from '../hart-block.ts'
import { hartRecord } from '../machine-block.ts'

/** Event codes that are counted here. */
export const firmwareEvent = {
  setTimer: 5,
  ipiSent: 6,
  ipiReceived: 7,
  fenceISent: 8,
  fenceIReceived: 9,
  sfenceVmaSent: 10,
  sfenceVmaReceived: 11,
  sfenceVmaAsidSent: 12,
  sfenceVmaAsidReceived: 13,
} as const

/** Event codes of traps that the machine's own counters (exceptions by cause) stand for. */
export const trapEvents: Readonly<Record<number, number>> = { 0: 4, 1: 6, 2: 5, 3: 7, 4: 2 }

/** Counts one event of `hart`. */
export function countEvent(hart: HartBlock, event: number): void {
  hart.count(hartRecord.firmwareEvents + event * 4)
}

/** True for an event that can be read. */
export function isCounted(event: number): boolean {
  return event in trapEvents || Object.values<number>(firmwareEvent).includes(event)
}

/** How often `event` happened on `hart` so far (modulo 2 ** 32). */
export function eventCount(hart: HartBlock, event: number): number {
  const cause = trapEvents[event]
  const count =
    cause === undefined
      ? hart.record(hartRecord.firmwareEvents + event * 4)
      : hart.read32('statExceptions', cause)
  return count >>> 0
}
