/**
 * The pages that messages are written to: one for each hart's supervisor-level interrupt file.
 *
 * ```
 *   a hart's store ──► page of hart h ─┐
 *   MSI-X, APLIC ──► MessageSink ──────┴─► HartLines.message(h, identity) ─► a bit of the hart block, a wake-up
 * ```
 * Why it has no state: the files are in the hart blocks, where harts read and claim without asking anybody.
 * Invariants: an identity that does not exist is dropped, and so is a message to any other address, since devices that
 * wrote messages into memory would be of no use but to an attacker.
 * @spec riscv-aia "Memory region for an interrupt file"
 */

import type { HartLines, MessageSink, MmioDevice } from '@virga/device'
import { interruptIdentityWords } from '@virga/riscv/hart'
import { hartsMax, memoryMap } from './memory-map.ts'

/** Identities of a file are 1 to this. */
export const interruptIdentities = 64 * interruptIdentityWords - 1

/** Bytes of one file's page. */
export const imsicPageBytes = 0x1000

/** The window of all files; pages of harts that do not exist read as zeros, too. */
export function imsicWindow(harts: number, lines: HartLines): MmioDevice {
  return {
    name: 'imsics',
    base: memoryMap.imsic.base,
    bytes: hartsMax * imsicPageBytes,
    widths: [4],
    load: () => 0,
    store(offset, _bytes, value) {
      // seteipnum_le is the first word; seteipnum_be is for big-endian systems, and ignored.
      if (offset % imsicPageBytes === 0) deliver(harts, lines, offset / imsicPageBytes, value)
    },
    // Only 32-bit accesses are supported: others are ignored.
    loadPair(_offset, into) {
      into.low = 0
      into.high = 0
    },
    storePair: () => undefined,
  }
}

/** What devices send messages to: their addresses are those of the window. */
export function imsicMessages(harts: number, lines: HartLines): MessageSink {
  return {
    send(low, high, data) {
      const offset = low - memoryMap.imsic.base
      if (high === 0 && offset % imsicPageBytes === 0) {
        deliver(harts, lines, offset / imsicPageBytes, data)
      }
    },
  }
}

function deliver(harts: number, lines: HartLines, hart: number, identity: number): void {
  if (hart >= 0 && hart < harts && identity >= 1 && identity <= interruptIdentities) {
    lines.message(hart, identity)
  }
}
