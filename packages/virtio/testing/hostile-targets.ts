/** The devices that hostile drivers are let loose on, by what the fuzzer calls them. */

import { hostileBalloon } from './hostile-balloon.ts'
import { hostileBlk } from './hostile-blk.ts'
import { hostileButton } from './hostile-button.ts'
import { hostileConsole } from './hostile-console.ts'
import type { MakeTarget } from './hostile-driver.ts'
import { hostileNet } from './hostile-net.ts'

export const hostileTargets = {
  'virtio-balloon': hostileBalloon,
  'virtio-blk': hostileBlk,
  'virtio-console': hostileConsole,
  'virtio-input': hostileButton,
  'virtio-net': hostileNet,
} as const satisfies Readonly<Record<string, MakeTarget>>
