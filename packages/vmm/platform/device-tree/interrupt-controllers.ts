/**
 * The nodes of interrupt controllers, and how a device's wire is written for each.
 * @spec linux-bindings "interrupt-controller/riscv,imsics.yaml"
 * @spec linux-bindings "interrupt-controller/riscv,aplic.yaml"
 */

import { imsicPageBytes, interruptIdentities } from '../imsic.ts'
import { memoryMap, plicSources } from '../memory-map.ts'
import type { InterruptArchitecture } from '../platform.ts'
import { device, localInterrupt, toHarts } from './controller-nodes.ts'
import { type Cell, cells, type DeviceTreeNode, labelled, type PropertyValue, reference } from './node.ts'

/** Sense of a wire that is high while it asks. */
const levelHigh = 4

export function plic(harts: number): DeviceTreeNode {
  const controller = device('interrupt-controller', memoryMap.plic, {
    compatible: ['sifive,plic-1.0.0', 'riscv,plic0'],
    '#address-cells': cells(0),
    '#interrupt-cells': cells(1),
    'interrupt-controller': true,
    'riscv,ndev': cells(plicSources),
    'interrupts-extended': toHarts(harts, [
      localInterrupt.machineExternal,
      localInterrupt.supervisorExternal,
    ]),
  })
  return labelled('plic', controller)
}

/** The interrupt files of all harts. */
export function imsics(harts: number): DeviceTreeNode {
  const window = { base: memoryMap.imsic.base, bytes: harts * imsicPageBytes }
  const controller = device('interrupt-controller', window, {
    compatible: ['qemu,imsics', 'riscv,imsics'],
    '#address-cells': cells(0),
    '#interrupt-cells': cells(0),
    'interrupt-controller': true,
    'msi-controller': true,
    '#msi-cells': cells(0),
    'riscv,num-ids': cells(interruptIdentities),
    'interrupts-extended': toHarts(harts, [localInterrupt.supervisorExternal]),
  })
  return labelled('imsics', controller)
}

/** The domain that turns wires into messages. */
export function aplic(): DeviceTreeNode {
  const controller = device('interrupt-controller', memoryMap.aplic, {
    compatible: ['qemu,aplic', 'riscv,aplic'],
    '#address-cells': cells(0),
    '#interrupt-cells': cells(2),
    'interrupt-controller': true,
    'riscv,num-sources': cells(plicSources),
    'msi-parent': cells(reference('imsics')),
  })
  return labelled('aplic', controller)
}

/** The cells by which a wire of the platform is named, the controller's own first. */
export function wireCells(interrupts: InterruptArchitecture, source: number): Cell[] {
  return interrupts === 'aia' ? [reference('aplic'), source, levelHigh] : [reference('plic'), source]
}

/** The properties of a device with one wire. */
export function wiredInterrupt(
  interrupts: InterruptArchitecture,
  source: number,
): Readonly<Record<string, PropertyValue>> {
  const [controller, ...rest] = wireCells(interrupts, source) as [Cell, ...Cell[]]
  return { 'interrupt-parent': cells(controller), interrupts: cells(...rest) }
}
