/**
 * Serves the queues of one device, on the thread that serves queues.
 * Invariants: it waits for nobody but the backend; a pass over a queue takes at most as many chains as the queue has, so
 * one device never keeps another from being served. A driver that is broken gets DEVICE_NEEDS_RESET and is let be. A
 * handler that acts by itself, as when another machine's frame arrives, holds the device meanwhile: as a pass does.
 */

import type { DmaMemory } from '@virga/device'
import { feature } from './features.ts'
import type { ChainHandler, ConfigField, DeviceAccess, ServiceLeft } from './model.ts'
import { Chain } from './queue/chain.ts'
import { queueWord } from './queue/queue-words.ts'
import { SplitQueue } from './queue/split-queue.ts'
import type { VirtioPciFunction } from './transport/virtio-pci.ts'

/** What a service stands on. */
export interface ServiceParts {
  readonly device: VirtioPciFunction
  readonly handler: ChainHandler
  readonly memory: DmaMemory
  /** runs something under the bus lock */
  readonly locked: <T>(critical: () => T) => T
  /** whether the machine runs: while it does not, nothing of it is touched; default: always */
  readonly isRunning?: () => boolean
  /** hears why a driver is broken */
  readonly onBroken?: (reason: string) => void
}

export class DeviceService implements DeviceAccess {
  readonly device: VirtioPciFunction
  readonly memory: DmaMemory
  private readonly parts: ServiceParts
  private readonly chain: Chain
  /** how often the device is held */
  private depth = 0
  private resetsSeen: number

  constructor(parts: ServiceParts) {
    this.parts = parts
    this.device = parts.device
    this.memory = parts.memory
    this.chain = new Chain(parts.memory)
    this.resetsSeen = parts.device.resets
    parts.handler.attach?.(this)
  }

  /** Does what the driver asked for since the last call: a reset, or a pass over each queue that was kicked. */
  serve(): ServiceLeft {
    const { device } = this
    if (!this.enter()) return 'more'
    let left: ServiceLeft = 'idle'
    if (device.isLive) {
      if (device.takeAsked()) this.parts.handler.asked?.()
      const kicks = device.takeKicks()
      for (let queue = 0; kicks >>> queue !== 0 && queue < device.queueCount; queue++) {
        if ((kicks & (1 << queue)) === 0 || this.serveQueue(queue) === 'idle') continue
        device.kick(queue)
        left = 'more'
      }
    }
    return this.exit() ? 'more' : left
  }

  hold(): boolean {
    const { isRunning } = this.parts
    if (isRunning !== undefined && !isRunning()) return false
    if (!this.enter()) return false
    if (this.device.isLive) return true
    this.exit()
    return false
  }

  release(): void {
    this.exit()
  }

  queue(index: number): SplitQueue | undefined {
    const { device, memory } = this.parts
    const words = device.enabledQueue(index)
    if (words === undefined) return undefined
    return new SplitQueue(memory, words, {
      indirectDescriptors: device.hasFeature(feature.indirectDescriptors),
      eventIndex: device.hasFeature(feature.eventIndex),
    })
  }

  hasFeature(bit: number): boolean {
    return this.device.hasFeature(bit)
  }

  interrupt(index: number, queue: SplitQueue): void {
    if (queue.wantsInterrupt()) this.parts.locked(() => this.device.interruptQueue(index))
  }

  kickAgain(index: number): void {
    this.device.kick(index)
    this.device.ring()
  }

  giveUp(reason: string): void {
    this.parts.locked(() => this.device.needReset())
    this.parts.onBroken?.(reason)
  }

  config(field: ConfigField): Uint8Array {
    return this.parts.locked(() => this.device.readConfigField(field))
  }

  setConfig(offset: number, bytes: Uint8Array): void {
    this.parts.locked(() => this.device.changeConfig(offset, bytes))
  }

  /** Takes the device for this thread; false: a hart is resetting it just now. */
  private enter(): boolean {
    if (this.depth === 0 && !this.device.acquire()) return false
    this.depth++
    const { resets } = this.device
    if (resets !== this.resetsSeen) {
      this.resetsSeen = resets
      this.parts.handler.reset?.()
    }
    const queues = this.device.takeQueueResets()
    for (let queue = 0; queues >>> queue !== 0 && queue < this.device.queueCount; queue++)
      if ((queues & (1 << queue)) !== 0) this.parts.handler.queueReset?.(queue)
    return true
  }

  /** Gives the device back, reset if the driver asked for that. True: the driver asks for it now. */
  private exit(): boolean {
    if (--this.depth > 0) return false
    const { device } = this
    if (device.resetAsked) this.parts.locked(() => device.finishReset())
    if (device.queueResetAsked) this.parts.locked(() => device.finishQueueResets())
    return device.release()
  }

  private serveQueue(index: number): ServiceLeft {
    const { device, handler } = this.parts
    const words = device.enabledQueue(index)
    const queue = this.queue(index)
    if (queue === undefined || words === undefined) return 'idle'
    const taken = handler.kicked?.(index) ?? 'serve'
    if (taken !== 'serve') return taken
    const chainsMax = words[queueWord.size] as number
    for (let served = 0; !device.resetAsked; served++) {
      if (served >= chainsMax) return 'more'
      const chain = queue.take(this.chain)
      if (chain === undefined) {
        if (!queue.rearm()) return 'idle'
        continue
      }
      if ('broken' in chain) return this.end(chain.broken)
      const written = handler.serve(index, chain)
      if (written === 'broken') return this.end('a request is malformed')
      if (!queue.complete(chain.head, written)) return this.end('the used ring is no memory')
      this.interrupt(index, queue)
    }
    return 'idle'
  }

  private end(reason: string): ServiceLeft {
    this.giveUp(reason)
    return 'idle'
  }
}
