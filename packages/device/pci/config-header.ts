/**
 * A function's configuration space as data: where the fields of a header of type 0 are, and how a declaration of a
 * function becomes its first 256 bytes and the mask of what a driver may write in them.
 *
 * ```
 *  00 vendor, device │ 04 command, status │ 08 revision, class │ 0c line, latency, type │ 10 … 24 BAR 0 … 5
 *  2c subsystem │ 34 ─► first capability │ 3c line, pin │ 40 … capabilities, each: id, next, body
 * ```
 * @spec pci-3.0 "Configuration Space Organization"
 */

import { assert } from '@virga/base'

/** Byte offsets in the header. */
export const header = {
  vendorId: 0x00,
  deviceId: 0x02,
  command: 0x04,
  status: 0x06,
  revision: 0x08,
  classCode: 0x09,
  cacheLineSize: 0x0c,
  headerType: 0x0e,
  bar: 0x10,
  subsystemVendorId: 0x2c,
  subsystemId: 0x2e,
  capabilities: 0x34,
  interruptLine: 0x3c,
  interruptPin: 0x3d,
} as const

/** Bits of the command register that exist. */
export const command = { memorySpace: 1 << 1, busMaster: 1 << 2, interruptDisable: 1 << 10 } as const

/** Bits of the status register that are ever set. */
export const status = { interrupt: 1 << 3, capabilities: 1 << 4 } as const

/** Bytes of configuration space that a function fills; the rest of its 4 KiB reads as zeros. */
export const configBytes = 256
/** Base address registers of a header of type 0. */
export const barCount = 6
const firstCapability = 0x40

/** A run of addresses that the function decodes where the driver puts it. */
export interface Bar {
  /** which register; a 64-bit one takes the next, too */
  readonly index: number
  /** a power of two, at least 16 */
  readonly bytes: number
  readonly width: 32 | 64
  readonly prefetchable: boolean
}

/** A capability as a driver finds it. */
export interface Capability {
  readonly id: number
  /** what follows id and next pointer */
  readonly body: Uint8Array
  /** for each byte of the body, the bits that a driver may write; none if absent */
  readonly writable?: Uint8Array
}

/** What a function is. */
export interface FunctionDeclaration {
  readonly vendorId: number
  readonly deviceId: number
  readonly revision: number
  /** 24 bits: class, subclass, interface */
  readonly classCode: number
  readonly subsystemVendorId: number
  readonly subsystemId: number
  readonly bars: readonly Bar[]
  readonly capabilities: readonly Capability[]
  /** 1 to 4 for INTA# to INTD#, 0 for none */
  readonly interruptPin: number
}

/** A configuration space before any driver touched it. */
export interface ConfigTemplate {
  readonly initial: Uint8Array
  /** bits that a driver may write */
  readonly writable: Uint8Array
  /** offset of each capability, in the order of the declaration */
  readonly capabilityAt: readonly number[]
}

/** Lays a function's configuration space out. */
export function layOutConfig(declaration: FunctionDeclaration): ConfigTemplate {
  const initial = new Uint8Array(configBytes)
  const writable = new Uint8Array(configBytes)
  const values = new DataView(initial.buffer)
  const masks = new DataView(writable.buffer)
  values.setUint16(header.vendorId, declaration.vendorId, true)
  values.setUint16(header.deviceId, declaration.deviceId, true)
  masks.setUint16(header.command, command.memorySpace | command.busMaster | command.interruptDisable, true)
  values.setUint32(header.revision, declaration.revision | (declaration.classCode << 8), true)
  masks.setUint8(header.cacheLineSize, 0xff)
  values.setUint16(header.subsystemVendorId, declaration.subsystemVendorId, true)
  values.setUint16(header.subsystemId, declaration.subsystemId, true)
  masks.setUint8(header.interruptLine, 0xff)
  values.setUint8(header.interruptPin, declaration.interruptPin)
  for (const bar of declaration.bars) layOutBar(bar, values, masks)
  const capabilityAt = layOutCapabilities(declaration.capabilities, initial, writable)
  return { initial, writable, capabilityAt }
}

/** @spec pci-3.0 "Base Addresses" */
function layOutBar({ index, bytes, width, prefetchable }: Bar, values: DataView, masks: DataView): void {
  assert(bytes >= 16 && Number.isInteger(Math.log2(bytes)) && bytes <= 2 ** 31, 'a BAR is a power of two')
  assert(index >= 0 && index + width / 32 <= barCount, 'a BAR lies in the header')
  const at = header.bar + 4 * index
  assert(masks.getUint32(at, true) === 0, `BAR ${index} is declared once`)
  values.setUint32(at, (width === 64 ? 4 : 0) | (prefetchable ? 8 : 0), true)
  masks.setUint32(at, -bytes, true)
  if (width === 64) masks.setUint32(at + 4, 0xffff_ffff, true)
}

/** @spec pci-3.0 "Capabilities List" */
function layOutCapabilities(
  capabilities: readonly Capability[],
  initial: Uint8Array,
  writable: Uint8Array,
): number[] {
  let next = firstCapability
  let link: number = header.capabilities
  return capabilities.map(({ id, body, writable: mask }) => {
    const at = next
    assert(at + 2 + body.length <= configBytes, 'the capabilities fit in 256 bytes')
    initial[header.status] = status.capabilities
    initial[link] = at
    initial[at] = id
    initial.set(body, at + 2)
    if (mask !== undefined) writable.set(mask, at + 2)
    link = at + 1
    next = Math.ceil((at + 2 + body.length) / 4) * 4
    return at
  })
}
