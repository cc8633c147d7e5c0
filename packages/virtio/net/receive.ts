/**
 * The receive queue, from the side of the wire: frames are put into the driver's buffers where they lie.
 *
 * ```
 *   reserve ─► chains are looked at, places told ─► the wire writes ─► commit ─► used ring ─► flush: published, interrupt
 * ```
 * Why: a frame is copied once, from its sender's memory to here; whoever carries it needs the places, not the rings.
 * Invariants: the device is held from the first look to `flush`, so no driver takes its buffers back meanwhile. A frame
 * has at least as much room as it asked for, or none. Nothing that was not committed is used.
 * @spec virtio-1.2 "Processing of Incoming Packets"
 */

import type { PieceSink } from '@virga/device'
import { vnetHeaderBytes } from '@virga/packet'
import type { DeviceAccess } from '../model.ts'
import { Chain } from '../queue/chain.ts'
import type { SplitQueue } from '../queue/split-queue.ts'
import { netOffload } from './backend.ts'
import { netFeature, netQueue } from './config.ts'
import type { ReceiveFilter } from './filter.ts'

/** Bytes of the header and of the address that a frame is for. */
const addressedBytes = vnetHeaderBytes + 6

export class NetReceiver implements PieceSink {
  /** frames that the driver does not want */
  filtered = 0
  /** frames for which it had no room */
  refused = 0
  /** whether the port is connected to anything */
  isLinkUp = true
  private readonly access: DeviceAccess
  private readonly filter: ReceiveFilter
  private readonly chains: Chain[] = []
  private readonly lengths: number[] = []
  private reserved = 0
  /** where the first piece is, and how long it is: most hold all headers */
  private readonly first = { offset: 0, length: 0 }
  private into: PieceSink | undefined
  private isHeld = false
  private queue: SplitQueue | undefined
  private isDirty = false

  constructor(access: DeviceAccess, filter: ReceiveFilter) {
    this.access = access
    this.filter = filter
  }

  /** Bits of `netOffload`: what the driver agreed to take. */
  get offloads(): number {
    const { access } = this
    if (!this.begin() || !access.hasFeature(netFeature.guestChecksum)) return 0
    return (
      netOffload.checksum |
      (access.hasFeature(netFeature.guestTso4) ? netOffload.tcp4 : 0) |
      (access.hasFeature(netFeature.guestTso6) ? netOffload.tcp6 : 0) |
      (access.hasFeature(netFeature.guestEcn) ? netOffload.ecn : 0)
    )
  }

  /**
   * Finds room for `byteLength` bytes (virtio-net header and frame) and puts its places into `into`, which is cleared
   * first. Returns the number of buffers it takes, which goes into the header; 0 when there is no room. What was reserved
   * before and not committed is taken back.
   */
  reserve(byteLength: number, into: PieceSink): number {
    into.clear(this.access.memory.memory)
    this.reserved = 0
    const count = this.begin() ? this.gather(byteLength, into) : 0
    if (count === 0) this.refused++
    this.reserved = count
    return count
  }

  /** Hands the driver what was last reserved and is written now. */
  commit(): void {
    const { queue, chains, lengths, reserved, first, filter } = this
    this.reserved = 0
    if (queue === undefined || reserved === 0) return
    if (
      first.length >= addressedBytes &&
      !filter.wants(this.access.memory.memory, first.offset + vnetHeaderBytes)
    ) {
      this.filtered++
      return
    }
    for (let i = 0; i < reserved; i++) {
      if (queue.put((chains[i] as Chain).head, lengths[i] as number)) continue
      this.giveUp('the used ring is no memory')
      return
    }
    queue.advance(reserved)
    this.isDirty = true
  }

  /** The batch has ended: the driver sees it, and is interrupted once. */
  flush(): void {
    if (!this.isHeld) return
    if (this.isDirty && this.queue !== undefined) {
      this.queue.publish()
      this.access.interrupt(netQueue.receive, this.queue)
    }
    this.isDirty = false
    this.queue = undefined
    this.reserved = 0
    this.isHeld = false
    this.access.release()
  }

  /** Holds the device for this batch. False: there is no driver to receive anything. */
  private begin(): boolean {
    if (this.isHeld) return this.queue !== undefined
    if (!this.isLinkUp || !this.access.hold()) return false
    this.isHeld = true
    this.queue = this.access.queue(netQueue.receive)
    return this.queue !== undefined
  }

  private gather(byteLength: number, into: PieceSink): number {
    const { queue, access, chains, lengths } = this
    const merges = access.hasFeature(netFeature.mergeableBuffers)
    this.first.length = 0
    this.into = into
    let count = 0
    for (let room = 0; room < byteLength; count++) {
      if (count > 0 && !merges) return 0
      if (chains.length === count) chains.push(new Chain(access.memory))
      const chain = queue?.chainAt(count, chains[count] as Chain)
      if (chain === undefined) return 0
      if ('broken' in chain) return this.giveUp(chain.broken)
      if (chain.readableBytes > 0 || chain.writableBytes === 0)
        return this.giveUp('a buffer to receive into is malformed')
      const bytes = Math.min(chain.writableBytes, byteLength - room)
      if (!chain.locateWritable(0, bytes, this)) return 0
      lengths[count] = bytes
      room += bytes
    }
    return count
  }

  clear(memory: Uint8Array): void {
    this.into?.clear(memory)
  }

  /** Passes a place on, and remembers where the first one is. */
  add(offset: number, length: number): boolean {
    if (this.first.length === 0) {
      this.first.offset = offset
      this.first.length = length
    }
    return this.into?.add(offset, length) ?? false
  }

  private giveUp(reason: string): 0 {
    this.access.giveUp(reason)
    this.queue = undefined
    return 0
  }
}
