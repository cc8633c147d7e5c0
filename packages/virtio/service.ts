/**
 * Serves the queues of one device, on the thread that serves queues.
 * Invariants: it waits for nobody but the backend; a pass over a queue takes at most as many chains as the queue has, so
 * one device never keeps another from being served. A driver that is broken gets DEVICE_NEEDS_RESET and is let be.
 */

import type { DmaMemory } from '@virga/device'
import { feature } from './features.ts'
import type { ChainHandler } from './model.ts'
import { queueWord } from './queue/queue-words.ts'
import { SplitQueue } from './queue/split-queue.ts'
import type { VirtioPciFunction } from './transport/virtio-pci.ts'

/** What a service stands on. */
export interface ServiceParts {
  readonly device: VirtioPciFunction
  readonly handler: ChainHandler
  readonly memory: DmaMemory
  /** runs something under the bus lock */
  readonly locked: (critical: () => void) => void
  /** hears why a driver is broken */
  readonly onBroken?: (reason: string) => void
}

/** What a pass left: nothing, or something to do at once. */
export type ServiceLeft = 'idle' | 'more'

export class DeviceService {
  readonly device: VirtioPciFunction
  private readonly parts: ServiceParts

  constructor(parts: ServiceParts) {
    this.parts = parts
    this.device = parts.device
  }

  /** Does what the driver asked for since the last call: a reset, or a pass over each queue that was kicked. */
  serve(): ServiceLeft {
    const { device } = this
    if (!device.acquire()) return 'more'
    let left: ServiceLeft = 'idle'
    if (device.isLive) {
      const kicks = device.takeKicks()
      for (let queue = 0; kicks >>> queue !== 0 && queue < device.queueCount; queue++) {
        if ((kicks & (1 << queue)) === 0 || this.serveQueue(queue) === 'idle') continue
        device.kick(queue)
        left = 'more'
      }
    }
    if (device.resetAsked) this.parts.locked(() => device.finishReset())
    return device.release() ? 'more' : left
  }

  private serveQueue(index: number): ServiceLeft {
    const { device, handler, memory, locked } = this.parts
    const words = device.enabledQueue(index)
    if (words === undefined) return 'idle'
    const queue = new SplitQueue(memory, words, {
      indirectDescriptors: device.hasFeature(feature.indirectDescriptors),
      eventIndex: device.hasFeature(feature.eventIndex),
    })
    const chainsMax = words[queueWord.size] as number
    for (let served = 0; !device.resetAsked; served++) {
      if (served >= chainsMax) return 'more'
      const chain = queue.take()
      if (chain === undefined) {
        if (!queue.rearm()) return 'idle'
        continue
      }
      if ('broken' in chain) return this.giveUp(chain.broken)
      const written = handler.serve(index, chain)
      if (written === 'broken') return this.giveUp('a request is malformed')
      if (!queue.complete(chain, written)) return this.giveUp('the used ring is no memory')
      if (queue.wantsInterrupt()) locked(() => device.interruptQueue(index))
    }
    return 'idle'
  }

  private giveUp(reason: string): ServiceLeft {
    this.parts.locked(() => this.parts.device.needReset())
    this.parts.onBroken?.(reason)
    return 'idle'
  }
}
