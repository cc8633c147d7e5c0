/**
 * The machine's PCI bus: the host bridge's windows, the functions in their slots, and the wires of their pins.
 * Why: what slot a device is in, and so its address and its interrupt, is decided by the order of the machine's
 * devices, the same on every thread.
 */

import {
  drivePins,
  hostBridgeWindows,
  type InterruptLine,
  type MessageSink,
  type MmioDevice,
  type PciFunction,
  type PciSlot,
  type PciWires,
  pciInterrupts,
  RootFunction,
} from '@virga/device'
import { memoryMap } from './memory-map.ts'

/** A device that is to be on the bus. */
export interface PciDeviceMaker {
  /** words of state */
  readonly words: number
  make(words: Int32Array, wires: PciWires): PciFunction
}

export interface PciBus {
  readonly functions: readonly PciFunction[]
  /** for the machine's bus */
  readonly windows: readonly MmioDevice[]
}

/** Words of state of each function, the bridge's own first. */
export function pciBusWords(makers: readonly PciDeviceMaker[]): number[] {
  return [RootFunction.words, ...makers.map(({ words }) => words)]
}

/** Puts the bridge in slot 0 and `makers` in the slots from 1 on; `words` are as `pciBusWords` says. */
export function createPciBus(
  makers: readonly PciDeviceMaker[],
  parts: {
    readonly words: readonly Int32Array[]
    readonly messages: MessageSink
    /** the wire of an interrupt of the platform's controller */
    readonly line: (interrupt: number) => InterruptLine
  },
): PciBus {
  const { words, messages, line } = parts
  const slots: PciSlot[] = []
  const lines = Array.from({ length: pciInterrupts }, (_, i) => line(memoryMap.pciConfig.interrupt + i))
  const wires: PciWires = { messages, pinChanged: () => drivePins(slots, lines) }
  const all: PciDeviceMaker[] = [
    { words: RootFunction.words, make: (own, itsWires) => new RootFunction(own, itsWires) },
    ...makers,
  ]
  for (const [device, maker] of all.entries()) {
    slots.push({ device, function: maker.make(words[device] as Int32Array, wires) })
  }
  const { pciConfig, pciMemory32, pciMemory64 } = memoryMap
  return {
    functions: slots.map((slot) => slot.function),
    windows: hostBridgeWindows(slots, { config: pciConfig, memory: [pciMemory32, pciMemory64] }),
  }
}
