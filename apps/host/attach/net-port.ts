/**
 * Joins a machine's network device to a network: the two know nothing of each other, and their interfaces fit.
 *
 * ```
 *   NetDevice ─ transmit ─► NetPort ─► network.transmit(index, pieces)
 *             ◄─ receiver ────────────  network: reserve, commit, flush
 * ```
 * Invariants: on the thread that serves queues, which has the network's lock. A frame is copied once, from guest memory to
 * guest memory. The clock is read once a batch.
 */

import { PieceList, type Receiver } from '@virga/fabric'
import type { NetBackend, NetDevice } from '@virga/virtio'

/** What a network does for a port that is in it. */
interface PluggedNetwork {
  removePort(id: string): void
  transmit(index: number, pieces: PieceList, nowMs: number): number
  flush(): void
}

/** A network that takes ports of this configuration: a `VpcNetwork` or a `SegmentNetwork`. */
export interface PortNetwork<Config extends { readonly id: string }> extends PluggedNetwork {
  putPort(config: Config, receiver: Receiver): number
}

/** A frame of 64 KiB in pages, and as many more for headers that a driver keeps apart. */
const piecesMax = 512

export class NetPort implements NetBackend {
  readonly pieces = new PieceList(piecesMax)
  private readonly now: () => number
  private plugged:
    | { readonly network: PluggedNetwork; readonly index: number; readonly id: string }
    | undefined
  /** of this batch; NaN between two */
  private nowMs = Number.NaN

  /** `now` tells milliseconds of a monotonic clock. */
  constructor(now: () => number) {
    this.now = now
  }

  /** Plugs an attached device into a network, or changes what the network knows of it. */
  plug<Config extends { readonly id: string }>(
    device: NetDevice,
    network: PortNetwork<Config>,
    config: Config,
  ): void {
    if (this.plugged !== undefined && (this.plugged.network !== network || this.plugged.id !== config.id))
      this.leave()
    this.plugged = { network, id: config.id, index: network.putPort(config, device.receiver) }
    device.setLink('up')
  }

  /** Pulls the cable out; the guest sees its link go down. */
  unplug(device: NetDevice): void {
    device.setLink('down')
    this.leave()
  }

  transmit(): void {
    const { plugged } = this
    if (plugged === undefined) return
    if (Number.isNaN(this.nowMs)) this.nowMs = this.now()
    plugged.network.transmit(plugged.index, this.pieces, this.nowMs)
  }

  flush(): void {
    this.nowMs = Number.NaN
    this.plugged?.network.flush()
  }

  private leave(): void {
    this.plugged?.network.removePort(this.plugged.id)
    this.plugged = undefined
  }
}
