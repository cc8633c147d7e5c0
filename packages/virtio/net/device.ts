/**
 * Network device: its handler. What is sent goes to the backend; what is received comes through `receiver`, which whoever
 * carries frames fills, on the thread that serves queues.
 *
 * ```
 *   driver ─ transmit queue ─► NetTransmitter ─► NetBackend
 *          ◄ receive queue  ── NetReceiver ◄──── whoever has a frame for it
 *          ─ control queue  ─► NetControl ─► ReceiveFilter
 * ```
 */

import { assert } from '@virga/base'
import { readMac } from '@virga/packet'
import type { ChainHandler, ChainResult, DeviceAccess, ServiceLeft } from '../model.ts'
import type { Chain } from '../queue/chain.ts'
import type { NetBackend } from './backend.ts'
import { netConfig, netQueue, netStatus } from './config.ts'
import { NetControl } from './control.ts'
import { ReceiveFilter } from './filter.ts'
import { NetReceiver } from './receive.ts'
import { NetTransmitter } from './transmit.ts'

/** What there is once the device is attached. */
interface Parts {
  readonly access: DeviceAccess
  readonly receiver: NetReceiver
  readonly transmitter: NetTransmitter
  readonly control: NetControl
}

export class NetDevice implements ChainHandler {
  private readonly backend: NetBackend
  private readonly filter = new ReceiveFilter()
  private parts: Parts | undefined

  constructor(backend: NetBackend) {
    this.backend = backend
  }

  attach(access: DeviceAccess): void {
    const receiver = new NetReceiver(access, this.filter)
    const transmitter = new NetTransmitter(access, this.backend)
    this.parts = { access, receiver, transmitter, control: new NetControl(access, this.filter) }
    const [status = 0] = access.config(netConfig.status)
    this.plug((status & netStatus.linkUp) !== 0)
    this.reset()
  }

  /** Where frames for this port go. */
  get receiver(): NetReceiver {
    return this.attached.receiver
  }

  kicked(queue: number): ServiceLeft | 'serve' {
    if (queue === netQueue.transmit) return this.attached.transmitter.serve()
    // There is room for frames again; those that found none are gone.
    return queue === netQueue.receive ? 'idle' : 'serve'
  }

  serve(_queue: number, chain: Chain): ChainResult {
    return this.attached.control.serve(chain)
  }

  reset(): void {
    this.filter.reset(readMac(this.attached.access.config(netConfig.mac), 0))
  }

  /** Plugs the cable in or pulls it; the driver is told. While it is out, frames of both directions are lost. */
  setLink(link: 'up' | 'down'): void {
    this.plug(link === 'up')
    this.setStatus(netStatus.linkUp, link === 'up')
  }

  /** Asks the driver to tell its neighbours where it is, as after a move. */
  announce(): void {
    this.setStatus(netStatus.announce, true)
  }

  private plug(isLinkUp: boolean): void {
    const { receiver, transmitter } = this.attached
    receiver.isLinkUp = isLinkUp
    transmitter.isLinkUp = isLinkUp
  }

  private setStatus(bit: number, isOn: boolean): void {
    const { access } = this.attached
    const [low = 0, high = 0] = access.config(netConfig.status)
    access.setConfig(netConfig.status.offset, Uint8Array.of(isOn ? low | bit : low & ~bit, high))
  }

  private get attached(): Parts {
    assert(this.parts !== undefined, 'the device is attached')
    return this.parts
  }
}
