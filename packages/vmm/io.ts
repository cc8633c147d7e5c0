/**
 * The I/O thread of a machine: serves the queues of its devices, and sleeps while there is nothing to do.
 *
 * ```
 *  ┌► stopped? ─► leave     paused? ─► park on the bell
 *  │  serve each device: resets, queues that were kicked
 *  └── nothing left ─► sleep on the bell
 * ```
 * Why a bell: as for pCPUs, whoever changes what a sleeper would see changes it first and rings then.
 * Invariants: only this thread serves queues, so it alone moves used rings; parked, it touches nothing.
 */

import { assert, defined } from '@virga/base'
import { type ChainHandler, DeviceService } from '@virga/virtio'
import type { Machine } from './machine.ts'
import { pcpuState, runState } from './machine-block.ts'
import { GuestDma } from './memory/guest-dma.ts'
import { outOfFrames } from './outcome.ts'

/** What the I/O thread needs. */
export interface IoOptions {
  readonly machine: Machine
  /** for each device of the machine, in order */
  readonly handlers: readonly ChainHandler[]
  /** hears of drivers that are broken */
  readonly onBroken?: (device: string, reason: string) => void
}

/** Serves a machine's devices until it stops. Blocks its thread. */
export function runIo(options: IoOptions): void {
  const loop = new Io(options)
  while (loop.step());
  options.machine.setIoState(pcpuState.done)
}

/** The loop of the I/O thread, a step at a time. */
export class Io {
  readonly #machine: Machine
  readonly #services: readonly DeviceService[]

  constructor({ machine, handlers, onBroken }: IoOptions) {
    const { platform, arena, memory, slat } = machine
    assert(handlers.length === platform.devices.length, 'each device has its handler')
    const dma = new GuestDma({ arena, memory, slat, onExhausted: () => machine.fail(outOfFrames) })
    this.#machine = machine
    this.#services = platform.devices.map(
      (device, i) =>
        new DeviceService({
          device,
          handler: defined(handlers[i], 'handler'),
          memory: dma,
          locked: platform.locked,
          onBroken: (reason) => onBroken?.(device.name, reason),
        }),
    )
  }

  /** Serves once, and sleeps or parks when there is nothing to do. False when the machine has stopped. */
  step(): boolean {
    const machine = this.#machine
    const { ioBell } = machine.platform
    const seen = ioBell.count()
    const state = machine.runState
    if (state === runState.stopped) return false
    if (state === runState.paused) {
      if (machine.ioState !== pcpuState.parked) machine.setIoState(pcpuState.parked)
      ioBell.sleep(seen)
      return true
    }
    if (machine.ioState !== pcpuState.running) {
      // Said first and looked again then, so that an owner who pauses either is seen or sees this.
      machine.setIoState(pcpuState.running)
      return true
    }
    let left = false
    for (const service of this.#services) if (service.serve() === 'more') left = true
    if (!left) ioBell.sleep(seen)
    return true
  }
}
