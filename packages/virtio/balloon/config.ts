/**
 * Memory balloon: what it says of itself. @spec virtio-1.2 "Traditional Memory Balloon Device"
 * Page poison is not offered: what a page holds when it comes back is zeros.
 */

import type { VirtioModel } from '../model.ts'

/** Bytes of a page, whatever the guest's pages are. */
export const balloonPageBytes = 4096

/** Index of each queue. That of reports follows the last that is there. */
export const balloonQueue = { inflate: 0, deflate: 1, statistics: 2, reporting: 3 } as const

/** Feature bits. */
export const balloonFeature = { statistics: 1, deflateOnOom: 2, reporting: 5 } as const

/** Fields of the configuration: pages that the balloon is to have, and that it has. */
export const balloonConfig = { pages: { offset: 0, bytes: 4 }, actual: { offset: 4, bytes: 4 } } as const

const queueSize = 128
const configBytes = 8

/** The balloon called `name`, which is empty when the machine begins. */
export function balloonModel(name: string): VirtioModel {
  return {
    name,
    kind: 'virtio-balloon',
    type: 5,
    classCode: 0x00ff00,
    features: Object.values(balloonFeature),
    queueSizes: Object.values(balloonQueue).map(() => queueSize),
    config: new Uint8Array(configBytes),
    driverFields: [balloonConfig.actual],
  }
}
