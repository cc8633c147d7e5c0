/**
 * Input device with one key: its handler. Each event is 8 bytes in a buffer of its own. @spec virtio-1.2 "Input Device"
 * A press is whole or not at all: a driver that has no buffers for all of it is not listening.
 */

import type { ChainHandler, ChainResult, DeviceAccess, ServiceLeft } from '../model.ts'
import { Chain } from '../queue/chain.ts'
import { inputEvent } from './config.ts'

const eventQueue = 0
const eventBytes = 8
const { synchronize, key, keyPower } = inputEvent
/** Down, and up again. */
const press = [
  [key, keyPower, 1],
  [synchronize, 0, 0],
  [key, keyPower, 0],
  [synchronize, 0, 0],
] as const

export class ButtonDevice implements ChainHandler {
  private access: DeviceAccess | undefined

  attach(access: DeviceAccess): void {
    this.access = access
  }

  /** The button is pressed. */
  asked(): void {
    const { access } = this
    const queue = access?.queue(eventQueue)
    if (access === undefined || queue === undefined) return
    const chains = press.map(() => new Chain(access.memory))
    for (const [i, chain] of chains.entries()) {
      const found = queue.chainAt(i, chain)
      if (found === undefined) return
      if ('broken' in found) return access.giveUp(found.broken)
    }
    for (const [i, chain] of chains.entries()) {
      const [type, code, value] = press[i] ?? press[1]
      const event = new Uint8Array(eventBytes)
      event.set([type, 0, code, 0, value])
      if (!chain.write(0, event)) return access.giveUp('an event has no room')
      if (!queue.put(chain.head, eventBytes)) return access.giveUp('the used ring is no memory')
    }
    queue.advance(press.length)
    queue.publish()
    access.interrupt(eventQueue, queue)
  }

  kicked(queue: number): ServiceLeft | 'serve' {
    return queue === eventQueue ? 'idle' : 'serve'
  }

  /** A button has no light: what the driver says of its state is taken and forgotten. */
  serve(_queue: number, _chain: Chain): ChainResult {
    return 0
  }
}
