/**
 * The console as firmware sees it: SBI and HTIF output goes where the UART's goes, input comes from where its comes.
 * Why over the bus: one ring of output keeps the order of what both say.
 */

import type { Bus } from '@virga/device'
import { memoryMap } from './platform/memory-map.ts'
import type { SbiConsole } from './sbi/call.ts'

const { base } = memoryMap.uart
const data = base
const lineStatus = base + 5
const dataReady = 1
const transmitterEmpty = 0x20

/** Makes the firmware's console of this thread. */
export function guestConsole(bus: Bus): SbiConsole {
  const status = () => (bus.load(lineStatus, 1) ? bus.low : 0)
  return {
    write(bytes) {
      let written = 0
      for (const byte of bytes) {
        if ((status() & transmitterEmpty) === 0) break
        bus.store(data, 1, byte)
        written += 1
      }
      return written
    },
    read() {
      if ((status() & dataReady) === 0) return -1
      return bus.load(data, 1) ? bus.low : -1
    },
  }
}
