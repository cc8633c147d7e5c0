/**
 * Where the parts of a virtio function are in its BARs, and the capabilities that tell drivers so.
 *
 * ```
 *   BAR 1   4 KiB          MSI-X: table, pending bits
 *   BAR 4  16 KiB, 64-bit  0 common │ 1000 ISR │ 2000 device │ 3000 notify: 4 bytes a queue
 * ```
 * @spec virtio-1.2 "Virtio Structure PCI Capabilities"
 */

import type { Bar, Capability } from '@virga/device'

/** BAR of the registers, and what is where in it. */
export const registers = {
  bar: 4,
  bytes: 0x4000,
  common: 0x0000,
  commonBytes: 64,
  isr: 0x1000,
  device: 0x2000,
  deviceBytes: 0x1000,
  notify: 0x3000,
  notifyBytes: 0x1000,
  notifyMultiplier: 4,
} as const

/** Where MSI-X is. */
export const messages = { bar: 1, bytes: 0x1000, table: 0, pending: 0x800 } as const

export const bars: readonly Bar[] = [
  { index: messages.bar, bytes: messages.bytes, width: 32, prefetchable: false },
  { index: registers.bar, bytes: registers.bytes, width: 64, prefetchable: true },
]

const vendorCapability = 9
const configType = { common: 1, notify: 2, isr: 3, device: 4, pci: 5 } as const

/** Offsets within the capability of access by configuration space; its window comes last. */
export const accessWindow = { bar: 4, offset: 8, length: 12, data: 16 } as const

/** The capabilities, that of access by configuration space first. */
export function virtioCapabilities(deviceConfigBytes: number): Capability[] {
  const { common, commonBytes, isr, device, notify, notifyBytes, notifyMultiplier } = registers
  return [
    accessCapability(),
    structure(configType.common, common, commonBytes),
    structure(configType.isr, isr, 4),
    ...(deviceConfigBytes === 0 ? [] : [structure(configType.device, device, deviceConfigBytes)]),
    structure(configType.notify, notify, notifyBytes, notifyMultiplier),
  ]
}

function structure(type: number, offset: number, length: number, extra?: number): Capability {
  const bytes = extra === undefined ? 16 : 20
  const body = new Uint8Array(bytes - 2)
  const view = new DataView(body.buffer)
  body[0] = bytes
  body[1] = type
  body[2] = registers.bar
  view.setUint32(6, offset, true)
  view.setUint32(10, length, true)
  if (extra !== undefined) view.setUint32(14, extra, true)
  return { id: vendorCapability, body }
}

/** @spec virtio-1.2 "PCI configuration access capability" */
function accessCapability(): Capability {
  const { body } = structure(configType.pci, 0, 0, 0)
  body[2] = 0
  const writable = new Uint8Array(body.length)
  writable[accessWindow.bar - 2] = 0xff
  writable.fill(0xff, accessWindow.offset - 2)
  return { id: vendorCapability, body, writable }
}
