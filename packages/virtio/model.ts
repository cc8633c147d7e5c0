/**
 * What a kind of virtio device is, apart from how it is found and how its queues are kept: chip and backend, no wiring.
 *
 * ```
 *   VirtioModel    on every thread: identity, features, configuration      (no state)
 *   ChainHandler   on the thread that serves queues: what a request does   (with the backend)
 *   DeviceAccess   what a handler gets that acts by itself: queues and configuration, while no driver resets them
 * ```
 */

import type { DmaMemory } from '@virga/device'
import type { Chain } from './queue/chain.ts'
import type { SplitQueue } from './queue/split-queue.ts'

/** A run of bytes of a device's configuration. */
export interface ConfigField {
  readonly offset: number
  readonly bytes: number
}

/** The unchanging side of a device. */
export interface VirtioModel {
  /** unique in the machine, e.g. 'virtio-blk0' */
  readonly name: string
  /** of its snapshots */
  readonly kind: string
  /** device type. @spec virtio-1.2 "Device Types" */
  readonly type: number
  /** PCI class, 24 bits */
  readonly classCode: number
  /** bit numbers of what it offers besides what every device does */
  readonly features: readonly number[]
  /** largest size of each queue, powers of two; at most 32 queues */
  readonly queueSizes: readonly number[]
  /** the device-specific configuration as it is when the machine begins */
  readonly config: Uint8Array
  /** what of it the driver may write; default: nothing */
  readonly driverFields?: readonly ConfigField[]
  /** changes the configuration after the driver wrote to it, on the thread that it does that: by what is in it alone */
  readonly answer?: (config: Uint8Array) => void
}

/** What became of a chain: bytes written to its buffers, or proof that the driver is broken. */
export type ChainResult = number | 'broken'

/** What a pass left: nothing, or something to do at once. */
export type ServiceLeft = 'idle' | 'more'

/** Does what a driver asks. On the thread that serves queues; never throws for a guest. */
export interface ChainHandler {
  /** Serves one chain of queue `queue` to its end. Synchronous: it has a thread of its own. */
  serve(queue: number, chain: Chain): ChainResult
  /** Gets, once, what it needs to act by itself. */
  attach?(access: DeviceAccess): void
  /**
   * Hears that a queue was kicked, the device being held. Of a queue whose chains it takes itself it answers what is left
   * to do; 'serve' lets them come to `serve`.
   */
  kicked?(queue: number): ServiceLeft | 'serve'
  /** Hears that a driver reset the device since it was last held: what was known of the driver is void. */
  reset?(): void
  /** Hears that a driver reset one queue since the device was last held: what was kept of it is void. */
  queueReset?(queue: number): void
  /** Does what somebody on another thread asked for (`VirtioPciFunction.ask`); the device is held. */
  asked?(): void
}

/** A device's queues and configuration, for its handler. */
export interface DeviceAccess {
  readonly memory: DmaMemory
  /**
   * Holds the device, so that no driver resets it meanwhile; calls nest. False: there is no driver that is ready, or the
   * machine stands still; then nothing is held.
   */
  hold(): boolean
  /** Ends what `hold` began. */
  release(): void
  /** An enabled queue, for as long as the device is held. */
  queue(index: number): SplitQueue | undefined
  /** Whether both sides agreed on a feature. */
  hasFeature(bit: number): boolean
  /** Interrupts the driver if it wants to hear of what was published in a queue. */
  interrupt(index: number, queue: SplitQueue): void
  /** Has a queue served again, as if it were kicked. */
  kickAgain(index: number): void
  /** Gives the driver up: it has to reset the device. */
  giveUp(reason: string): void
  /** Bytes of the configuration, as they are. */
  config(field: ConfigField): Uint8Array
  /** Changes the configuration and tells the driver. */
  setConfig(offset: number, bytes: Uint8Array): void
}
