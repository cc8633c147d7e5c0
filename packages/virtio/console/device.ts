/**
 * Console with many ports: streams of bytes between a guest and its host, each with back-pressure both ways.
 *
 * ```
 *   guest writes ─► out queue ─► ConsoleBackend.output ─ takes less? the rest stays in the guest's buffer until `resume`
 *   guest reads  ◄─ in queue ◄── input: as much as the guest has room for; `inputRoom` tells when there is more
 * ```
 * Why no rings here: the guest's buffers are the bound. Whoever is on the other side keeps what was not taken.
 * Invariants: on the thread that serves queues. Nothing is put into a port that the guest has not opened.
 */

import type { ChainHandler, ChainResult, DeviceAccess, ServiceLeft } from '../model.ts'
import { Chain } from '../queue/chain.ts'
import { type ConsolePort, consoleConfig, consoleFeature, consoleQueue } from './config.ts'
import { ConsoleControl } from './control.ts'

/** The host's side of a console's ports, by their index. */
export interface ConsoleBackend {
  /** Takes what the guest wrote, from the start; answers how many bytes it took. Views are for the time of the call. */
  output(port: number, bytes: readonly Uint8Array[]): number
  /** The guest may have room for input again. */
  inputRoom(port: number): void
  /** The guest opened a port, or closed it; after a reset all are closed. */
  guestOpened(port: number, isOpen: boolean): void
}

/** A chain is offered to the backend in parts of so many bytes. */
const partBytes = 2 ** 16
/** Chains of a pass, and so of one call of `resume`. */
const passChainsMax = 64

export class ConsoleDevice implements ChainHandler {
  private readonly ports: readonly ConsolePort[]
  private readonly backend: ConsoleBackend
  private readonly control: ConsoleControl
  private readonly guestOpen: boolean[]
  /** bytes of each port's next chain that the backend has taken */
  private readonly taken: number[]
  private access: DeviceAccess | undefined
  private chain: Chain | undefined

  constructor(ports: readonly ConsolePort[], backend: ConsoleBackend) {
    this.ports = ports
    this.backend = backend
    this.guestOpen = ports.map(() => false)
    this.taken = ports.map(() => 0)
    this.control = new ConsoleControl(ports, (port, isOpen) => this.setGuestOpen(port, isOpen))
  }

  attach(access: DeviceAccess): void {
    this.access = access
    this.chain = new Chain(access.memory)
    this.control.attach(access)
  }

  kicked(queue: number): ServiceLeft | 'serve' {
    if (queue === consoleQueue.controlOut) return 'serve'
    if (queue === consoleQueue.controlIn) this.control.flush()
    const port = this.ports.findIndex((_, i) => queue === consoleQueue.in(i) || queue === consoleQueue.out(i))
    if (port < 0) return 'idle'
    if (queue === consoleQueue.out(port)) return this.serveOutput(port)
    this.backend.inputRoom(port)
    return 'idle'
  }

  serve(_queue: number, chain: Chain): ChainResult {
    return this.control.hear(chain)
  }

  queueReset(queue: number): void {
    for (const port of this.ports.keys()) if (queue === consoleQueue.out(port)) this.taken[port] = 0
  }

  reset(): void {
    this.control.reset()
    this.taken.fill(0)
    for (const port of this.ports.keys()) this.setGuestOpen(port, false)
  }

  /** Opens or closes the host's end of a port, and tells the guest. */
  setHostOpen(port: number, isOpen: boolean): void {
    this.control.setHostOpen(port, isOpen)
    this.whileHeld(() => this.control.flush())
  }

  /** Changes the size of the terminal, in characters. */
  resize(columns: number, rows: number): void {
    const size = new Uint8Array(Uint16Array.of(columns, rows).buffer)
    this.access?.setConfig(consoleConfig.columns.offset, size)
  }

  /** Whether the guest has opened a port. */
  isGuestOpen(port: number): boolean {
    const isMultiport = this.access?.hasFeature(consoleFeature.multiport) ?? false
    return isMultiport ? this.guestOpen[port] === true : port === 0
  }

  /** The backend has room for output of a port again. */
  resume(port: number): void {
    this.whileHeld((access) => {
      if (this.serveOutput(port) === 'more') access.kickAgain(consoleQueue.out(port))
    })
  }

  /** Puts bytes into the guest's buffers; answers how many found room. `inputRoom` tells when more may. */
  input(port: number, bytes: Uint8Array): number {
    let given = 0
    this.whileHeld((access) => {
      if (this.isGuestOpen(port)) given = this.give(access, port, bytes)
    })
    return given
  }

  private give(access: DeviceAccess, port: number, bytes: Uint8Array): number {
    const queue = access.queue(consoleQueue.in(port))
    if (queue === undefined) return 0
    let given = 0
    while (given < bytes.length) {
      const chain = queue.take(this.chain)
      if (chain === undefined) {
        if (queue.rearm()) continue
        break
      }
      if ('broken' in chain) return this.giveUp(chain.broken, given)
      const part = bytes.subarray(given, given + chain.writableBytes)
      if (chain.readableBytes > 0 || part.length === 0 || !chain.write(0, part))
        return this.giveUp('a buffer for input is malformed', given)
      if (!queue.complete(chain.head, part.length)) return this.giveUp('the used ring is no memory', given)
      given += part.length
    }
    if (given > 0) access.interrupt(consoleQueue.in(port), queue)
    return given
  }

  /** Offers what the guest wrote; a chain that was not taken whole stays where it is. */
  private serveOutput(port: number): ServiceLeft {
    const { access, chain, backend } = this
    const queue = access?.queue(consoleQueue.out(port))
    if (access === undefined || queue === undefined || chain === undefined) return 'idle'
    for (let served = 0; served < passChainsMax; served++) {
      const next = queue.chainAt(0, chain)
      if (next === undefined) {
        if (queue.rearm()) continue
        return 'idle'
      }
      if ('broken' in next) return this.end(next.broken)
      if (next.hasWritable) return this.end('output has room to be written')
      const from = this.taken[port] ?? 0
      const part = Math.min(partBytes, next.readableBytes - from)
      // The guest may have changed the chain since: then there is less of it.
      const pieces = part <= 0 ? [] : next.readablePieces(from, part)
      if (pieces === undefined) return this.end('output is no memory')
      const count = part <= 0 ? 0 : backend.output(port, pieces)
      this.taken[port] = from + count
      if (from + count < next.readableBytes) {
        if (count < part) return 'idle'
        continue
      }
      this.taken[port] = 0
      queue.advance(1)
      if (!queue.complete(next.head, 0)) return this.end('the used ring is no memory')
      access.interrupt(consoleQueue.out(port), queue)
    }
    return 'more'
  }

  private setGuestOpen(port: number, isOpen: boolean): void {
    if (this.guestOpen[port] === isOpen) return
    this.guestOpen[port] = isOpen
    this.backend.guestOpened(port, isOpen)
  }

  private whileHeld(work: (access: DeviceAccess) => void): void {
    const { access } = this
    if (access === undefined || !access.hold()) return
    work(access)
    access.release()
  }

  private end(reason: string): 'idle' {
    this.access?.giveUp(reason)
    return 'idle'
  }

  private giveUp(reason: string, given: number): number {
    this.access?.giveUp(reason)
    return given
  }
}
