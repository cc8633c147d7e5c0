/**
 * What a kind of virtio device is, apart from how it is found and how its queues are kept: chip and backend, no wiring.
 *
 * ```
 *   VirtioModel    on every thread: identity, features, configuration      (no state)
 *   ChainHandler   on the thread that serves queues: what a request does   (with the backend)
 * ```
 */

import type { Chain } from './queue/chain.ts'

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
  /** the device-specific configuration, read-only */
  readonly config: Uint8Array
}

/** What became of a chain: bytes written to its buffers, or proof that the driver is broken. */
export type ChainResult = number | 'broken'

/** Does what a driver asks. */
export interface ChainHandler {
  /** Serves one chain of queue `queue` to its end. Synchronous: it has a thread of its own. Never throws for a guest. */
  serve(queue: number, chain: Chain): ChainResult
}
