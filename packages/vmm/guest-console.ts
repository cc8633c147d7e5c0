/**
 * The console as firmware sees it: SBI and HTIF output goes where the UART's goes, input comes from where its comes.
 * Why over the bus: one ring of output keeps the order of what both say.
 * Invariants: while a driver has the data register switched away (divisor latch) or tests the chip (loopback), firmware
 * neither sends nor receives.
 */

import type { Bus } from '@virga/device'
import { memoryMap } from './platform/memory-map.ts'

/** The firmware's end of the console. */
export interface GuestConsole {
  /** Takes as many bytes as fit. Returns how many. */
  write(bytes: Uint8Array): number
  /** Takes all bytes, waiting for room; gives up, and returns false, once `abandoned` says so. */
  writeAll(bytes: Uint8Array, abandoned: () => boolean): boolean
  /** The next byte typed, or -1. */
  read(): number
}

const { base } = memoryMap.uart
const register = { data: base, lineControl: base + 3, modemControl: base + 4, lineStatus: base + 5 } as const
const divisorLatch = 0x80
const loopback = 0x10
const dataReady = 1
const transmitterEmpty = 0x20
/** The owner empties a full ring within a turn of its event loop. */
const retryMs = 1

/** Makes the firmware's console of this thread. */
export function guestConsole(bus: Bus): GuestConsole {
  const get = (address: number) => (bus.load(address, 1) ? bus.low : 0)
  const taken = () =>
    (get(register.lineControl) & divisorLatch) !== 0 || (get(register.modemControl) & loopback) !== 0
  const never = new Int32Array(new SharedArrayBuffer(4))

  function write(bytes: Uint8Array): number {
    if (taken()) return 0
    let written = 0
    for (const byte of bytes) {
      if ((get(register.lineStatus) & transmitterEmpty) === 0) break
      bus.store(register.data, 1, byte)
      written += 1
    }
    return written
  }

  return {
    write,
    writeAll(bytes, abandoned) {
      for (let rest = bytes; ; ) {
        rest = rest.subarray(write(rest))
        if (rest.length === 0) return true
        if (abandoned()) return false
        Atomics.wait(never, 0, 0, retryMs)
      }
    },
    read() {
      if (taken() || (get(register.lineStatus) & dataReady) === 0) return -1
      return get(register.data)
    },
  }
}
