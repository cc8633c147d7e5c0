/**
 * The node of the PCI host bridge: its windows, and which interrupt each pin of each slot is.
 * @spec linux-bindings "pci/host-generic-pci.yaml"
 * @spec ieee-1275-pci "Address Spaces"
 */

import { pciInterrupts, swizzle } from '@virga/device'
import { memoryMap } from '../memory-map.ts'
import type { InterruptArchitecture } from '../platform.ts'
import { wireCells } from './interrupt-controllers.ts'
import { type Cell, cells, type DeviceTreeNode, node, reference, wideCells } from './node.ts'

/** The upper cell of a PCI address: which space it is in. */
const space = { memory32: 0x0200_0000, prefetchable64: 0x4300_0000 }
/** Slots repeat their wiring after so many, so the map needs no more. */
const slotsMapped = pciInterrupts
const slotShift = 11
const busesMax = 256

export function pciHost(interrupts: InterruptArchitecture): DeviceTreeNode {
  const { pciConfig, pciMemory32, pciMemory64 } = memoryMap
  const range = (kind: number, { base, bytes }: { base: number; bytes: number }): Cell[] => [
    kind,
    ...wideCells(base, base, bytes).cells,
  ]
  return node(`pci@${pciConfig.base.toString(16)}`, {
    compatible: 'pci-host-ecam-generic',
    device_type: 'pci',
    reg: wideCells(pciConfig.base, pciConfig.bytes),
    '#address-cells': cells(3),
    '#size-cells': cells(2),
    '#interrupt-cells': cells(1),
    'bus-range': cells(0, busesMax - 1),
    'linux,pci-domain': cells(0),
    'dma-coherent': true,
    ranges: cells(...range(space.memory32, pciMemory32), ...range(space.prefetchable64, pciMemory64)),
    'interrupt-map-mask': cells((slotsMapped - 1) << slotShift, 0, 0, 7),
    'interrupt-map': cells(...interruptMap(interrupts)),
    ...(interrupts === 'aia' ? { 'msi-parent': cells(reference('imsics')) } : {}),
  })
}

/** For each slot and pin: the address of the slot, the pin, and the controller's interrupt. */
function interruptMap(interrupts: InterruptArchitecture): Cell[] {
  const rows: Cell[] = []
  for (let device = 0; device < slotsMapped; device++) {
    for (let pin = 1; pin <= pciInterrupts; pin++) {
      const interrupt = memoryMap.pciConfig.interrupt + swizzle(device, pin)
      rows.push(device << slotShift, 0, 0, pin, ...wireCells(interrupts, interrupt))
    }
  }
  return rows
}
