/** The devices that hostile drivers are let loose on, by what the fuzzer calls them. */

import { hostileBlk } from './hostile-blk.ts'
import type { MakeTarget } from './hostile-driver.ts'
import { hostileNet } from './hostile-net.ts'

export const hostileTargets = {
  'virtio-blk': hostileBlk,
  'virtio-net': hostileNet,
} as const satisfies Readonly<Record<string, MakeTarget>>
