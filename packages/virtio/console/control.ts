/**
 * The control queues: which ports there are, and who has opened them. @spec virtio-1.2 "Multiport Device Operation"
 *
 * ```
 *   driver: DEVICE_READY ─► PORT_ADD for each      driver: PORT_READY ─► CONSOLE_PORT, PORT_NAME, PORT_OPEN
 * ```
 * Invariants: messages to the driver are sent in order, as it has buffers; so many wait at most, and a driver that asks for
 * more without taking them is broken.
 */

import type { ChainResult, DeviceAccess } from '../model.ts'
import { Chain } from '../queue/chain.ts'
import { type ConsolePort, consoleQueue } from './config.ts'

const event = {
  deviceReady: 0,
  portAdd: 1,
  portReady: 3,
  consolePort: 4,
  portOpen: 6,
  portName: 7,
} as const

const messageBytes = 8
/** Several times what all ports need. */
const waitingMax = 256

export class ConsoleControl {
  private readonly ports: readonly ConsolePort[]
  private readonly onOpened: (port: number, isOpen: boolean) => void
  private waiting: Uint8Array[] = []
  private readonly ready: boolean[]
  /** whether the host has opened each port */
  private readonly hostOpen: boolean[]
  private access: DeviceAccess | undefined

  constructor(ports: readonly ConsolePort[], onOpened: (port: number, isOpen: boolean) => void) {
    this.ports = ports
    this.onOpened = onOpened
    this.ready = ports.map(() => false)
    this.hostOpen = ports.map(() => false)
  }

  attach(access: DeviceAccess): void {
    this.access = access
  }

  reset(): void {
    this.waiting = []
    this.ready.fill(false)
  }

  /** Opens or closes the host's end of a port; the driver is told when it knows the port. */
  setHostOpen(port: number, isOpen: boolean): void {
    if (this.hostOpen[port] === isOpen) return
    this.hostOpen[port] = isOpen
    if (this.ready[port] === true) this.tell(port, event.portOpen, isOpen ? 1 : 0)
  }

  /** What the driver says; the device is held. */
  hear(chain: Chain): ChainResult {
    if (chain.hasWritable || chain.readableBytes < messageBytes) return 'broken'
    const bytes = new Uint8Array(messageBytes)
    if (!chain.read(0, bytes)) return 'broken'
    const view = new DataView(bytes.buffer)
    const [port, kind, value] = [view.getUint32(0, true), view.getUint16(4, true), view.getUint16(6, true)]
    if (kind === event.deviceReady) {
      if (value === 1) for (const index of this.ports.keys()) this.tell(index, event.portAdd, 1)
    } else if (port < this.ports.length) {
      if (kind === event.portReady) this.introduce(port, value === 1)
      else if (kind === event.portOpen) this.onOpened(port, value === 1)
    }
    if (this.waiting.length > waitingMax) return 'broken'
    this.flush()
    return 0
  }

  /** Sends what waits, as far as there are buffers; the device is held. */
  flush(): void {
    const { access } = this
    const queue = access?.queue(consoleQueue.controlIn)
    if (access === undefined || queue === undefined) return
    let sent = 0
    for (let message = this.waiting[0]; message !== undefined; message = this.waiting[0]) {
      const chain = queue.take()
      if (chain === undefined) {
        if (queue.rearm()) continue
        break
      }
      const wrong = chain instanceof Chain ? undefined : chain.broken
      // A buffer that is too short for a message is no driver's that there is.
      if (!(chain instanceof Chain) || !chain.write(0, message))
        return access.giveUp(wrong ?? 'a control message has no room')
      if (!queue.complete(chain.head, message.length)) return access.giveUp('the used ring is no memory')
      this.waiting.shift()
      sent++
    }
    if (sent > 0) access.interrupt(consoleQueue.controlIn, queue)
  }

  private introduce(port: number, isReady: boolean): void {
    this.ready[port] = isReady
    const config = this.ports[port]
    if (!isReady || config === undefined) return
    if (config.use === 'console') this.tell(port, event.consolePort, 1)
    this.tell(port, event.portName, 1, new TextEncoder().encode(config.name))
    if (this.hostOpen[port] === true) this.tell(port, event.portOpen, 1)
  }

  private tell(port: number, kind: number, value: number, more: Uint8Array = new Uint8Array(0)): void {
    const message = new Uint8Array(messageBytes + more.length)
    const view = new DataView(message.buffer)
    view.setUint32(0, port, true)
    view.setUint16(4, kind, true)
    view.setUint16(6, value, true)
    message.set(more, messageBytes)
    this.waiting.push(message)
  }
}
