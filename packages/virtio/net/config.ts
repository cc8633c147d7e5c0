/**
 * Network device: what it says of itself. @spec virtio-1.2 "Network Device"
 */

import { assert, type MacAddress } from '@virga/base'
import { writeMac } from '@virga/packet'
import type { VirtioModel } from '../model.ts'

/** A network port as its driver sees it. Structured-clone safe. */
export interface NetPort {
  readonly mac: MacAddress
  /** bytes of the largest IP packet, 68 to 65535 */
  readonly mtu: number
}

/** Index of each queue. */
export const netQueue = { receive: 0, transmit: 1, control: 2 } as const

/** Feature bits. */
export const netFeature = {
  checksum: 0,
  guestChecksum: 1,
  mtu: 3,
  mac: 5,
  guestTso4: 7,
  guestTso6: 8,
  guestEcn: 9,
  hostTso4: 11,
  hostTso6: 12,
  hostEcn: 13,
  mergeableBuffers: 15,
  status: 16,
  controlQueue: 17,
  controlReceive: 18,
  guestAnnounce: 21,
  controlMac: 23,
} as const

/** Fields of the configuration. @spec virtio-1.2 "Device configuration layout" */
export const netConfig = {
  mac: { offset: 0, bytes: 6 },
  status: { offset: 6, bytes: 2 },
  mtu: { offset: 10, bytes: 2 },
} as const

/** Bits of `status`. */
export const netStatus = { linkUp: 1, announce: 2 } as const

const configBytes = 12
/** A frame of 64 KiB takes 43 buffers of what Linux makes them at first, so there is room for 20 of them. */
const frameQueueSize = 1024
const controlQueueSize = 64

/** The network device called `name`. Its link is up when the machine begins. */
export function netModel(name: string, { mac, mtu }: NetPort): VirtioModel {
  assert(Number.isInteger(mtu) && mtu >= 68 && mtu <= 0xffff, 'an MTU is 68 to 65535')
  const config = new Uint8Array(configBytes)
  writeMac(config, netConfig.mac.offset, mac)
  config[netConfig.status.offset] = netStatus.linkUp
  config[netConfig.mtu.offset] = mtu & 0xff
  config[netConfig.mtu.offset + 1] = mtu >> 8
  return {
    name,
    kind: 'virtio-net',
    type: 1,
    classCode: 0x020000,
    features: Object.values(netFeature),
    queueSizes: [frameQueueSize, frameQueueSize, controlQueueSize],
    config,
  }
}
