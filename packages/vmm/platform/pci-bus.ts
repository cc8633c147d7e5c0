/**
 * The machine's PCI bus: the host bridge's windows, the devices in their slots, and the wires of their pins.
 * Why: what slot a device is in, and so its address and its interrupt, is decided by the order of the machine's
 * devices, the same on every thread.
 */

import { defined } from '@virga/base'
import {
  type Doorbell,
  drivePins,
  hostBridgeWindows,
  type InterruptLine,
  type MessageSink,
  type MmioDevice,
  type PciSlot,
  type PciWires,
  pciInterrupts,
  RootFunction,
} from '@virga/device'
import { type VirtioModel, VirtioPciFunction } from '@virga/virtio'
import { memoryMap } from './memory-map.ts'

export interface PciBus {
  readonly root: RootFunction
  readonly devices: readonly VirtioPciFunction[]
  /** for the machine's bus */
  readonly windows: readonly MmioDevice[]
}

/** Words of state of each function, the bridge's own first; `deviceWords` are those of the devices. */
export function pciBusWords(deviceWords: readonly number[]): number[] {
  return [RootFunction.words, ...deviceWords]
}

/** Puts the bridge in slot 0 and a device of each model in the slots from 1 on; `words` are as `pciBusWords` says. */
export function createPciBus(parts: {
  readonly models: readonly VirtioModel[]
  readonly words: readonly Int32Array[]
  /** rung when a device has work for the thread that serves queues */
  readonly bell: Doorbell
  readonly messages: MessageSink
  /** the wire of an interrupt of the platform's controller */
  readonly line: (interrupt: number) => InterruptLine
}): PciBus {
  const { models, words, bell, messages, line } = parts
  const slots: PciSlot[] = []
  const lines = Array.from({ length: pciInterrupts }, (_, i) => line(memoryMap.pciConfig.interrupt + i))
  const wires: PciWires = { messages, pinChanged: () => drivePins(slots, lines) }
  const root = new RootFunction(defined(words[0], 'words of the bridge'), wires)
  const devices = models.map(
    (model, i) => new VirtioPciFunction(model, defined(words[i + 1], 'words of a device'), { wires, bell }),
  )
  slots.push(...[root, ...devices].map((each, device) => ({ device, function: each })))
  const { pciConfig, pciMemory32, pciMemory64 } = memoryMap
  const windows = hostBridgeWindows(slots, { config: pciConfig, memory: [pciMemory32, pciMemory64] })
  return { root, devices, windows }
}
