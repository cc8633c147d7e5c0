/**
 * The transmit queue: each chain is a frame, handed to the wire where it lies. @spec virtio-1.2 "Packet Transmission"
 * Invariants: a batch ends after so many frames or bytes, so that receivers can make room again while a driver has much to
 * send, and gets its buffers back. A frame that cannot be one is dropped and its buffers given back.
 */

import { vnetHeaderBytes } from '@virga/packet'
import type { DeviceAccess, ServiceLeft } from '../model.ts'
import { Chain } from '../queue/chain.ts'
import type { SplitQueue } from '../queue/split-queue.ts'
import type { NetBackend } from './backend.ts'
import { netQueue } from './config.ts'

/** Of a batch, and of a pass over the queue. */
const batchFramesMax = 32
const batchBytesMax = 2 ** 17
const passFramesMax = 256
/** A frame with its header: an IP packet of 64 KiB and an Ethernet header with a tag. */
const frameBytesMax = vnetHeaderBytes + 18 + 0xffff
const frameBytesMin = vnetHeaderBytes + 14

export class NetTransmitter {
  /** frames that were none, too long, or in too many pieces; or had no wire */
  dropped = 0
  isLinkUp = true
  private readonly access: DeviceAccess
  private readonly backend: NetBackend
  private readonly chain: Chain

  constructor(access: DeviceAccess, backend: NetBackend) {
    this.access = access
    this.backend = backend
    this.chain = new Chain(access.memory)
  }

  /** Sends what the driver made available; the device is held. */
  serve(): ServiceLeft {
    const queue = this.access.queue(netQueue.transmit)
    if (queue === undefined) return 'idle'
    let left: ServiceLeft = 'more'
    let [frames, bytes, served] = [0, 0, 0]
    for (; served < passFramesMax; served++) {
      const chain = queue.take(this.chain)
      if (chain === undefined) {
        if (queue.rearm()) continue
        left = 'idle'
        break
      }
      if ('broken' in chain) return this.giveUp(queue, chain.broken)
      // A frame has nothing to be written to.
      if (chain.writableBytes > 0 || chain.readableBytes < vnetHeaderBytes)
        return this.giveUp(queue, 'a frame to send is malformed')
      this.send(chain)
      if (!queue.put(chain.head, 0)) return this.giveUp(queue, 'the used ring is no memory')
      frames++
      bytes += chain.readableBytes
      if (frames < batchFramesMax && bytes < batchBytesMax) continue
      this.endBatch(queue)
      frames = 0
      bytes = 0
    }
    this.endBatch(queue)
    return left
  }

  private send(chain: Chain): void {
    const { pieces } = this.backend
    const bytes = chain.readableBytes
    pieces.clear(this.access.memory.memory)
    if (
      this.isLinkUp &&
      bytes >= frameBytesMin &&
      bytes <= frameBytesMax &&
      chain.locateReadable(0, bytes, pieces)
    )
      this.backend.transmit()
    else this.dropped++
  }

  private endBatch(queue: SplitQueue): void {
    queue.publish()
    this.access.interrupt(netQueue.transmit, queue)
    this.backend.flush()
  }

  private giveUp(queue: SplitQueue, reason: string): ServiceLeft {
    this.endBatch(queue)
    this.access.giveUp(reason)
    return 'idle'
  }
}
