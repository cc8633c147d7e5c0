/**
 * The I/O thread: serves the queues of machines' devices, and sleeps while there is nothing to do.
 *
 * ```
 *  ┌► stopped? ─► leave     paused? ─► park
 *  │  serve each device: resets, queues that were kicked
 *  └── nothing left ─► sleep on the bell
 * ```
 * Why a bell: as for pCPUs, whoever changes what a sleeper would see changes it first and rings then. Machines that are
 * served by one thread share its bell (`MachineConfig.ioBell`), since a frame of one is put into the queues of another.
 * Invariants: only this thread serves queues, so it alone moves used rings; of a machine that is parked it touches nothing.
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
  const io = new Io(options)
  const { ioBell } = options.machine.platform
  for (;;) {
    const seen = ioBell.count()
    const left = io.serve()
    if (left === 'stopped') return
    if (left === 'idle') ioBell.sleep(seen)
  }
}

/** The devices of one machine on the I/O thread, which may serve other machines, too. */
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
          isRunning: () => machine.ioState === pcpuState.running,
          onBroken: (reason) => onBroken?.(device.name, reason),
        }),
    )
  }

  /**
   * Serves each device once. Idle: sleep on the bell, if it was not rung since before this call. Stopped: the machine has
   * ended, and is not touched any more.
   */
  serve(): 'idle' | 'more' | 'stopped' {
    const machine = this.#machine
    const state = machine.runState
    if (state === runState.stopped) {
      machine.setIoState(pcpuState.done)
      return 'stopped'
    }
    if (state === runState.paused) {
      if (machine.ioState !== pcpuState.parked) machine.setIoState(pcpuState.parked)
      return 'idle'
    }
    if (machine.ioState !== pcpuState.running) {
      // Said first and looked again then, so that an owner who pauses either is seen or sees this.
      machine.setIoState(pcpuState.running)
      return 'more'
    }
    let left = false
    for (const service of this.#services) if (service.serve() === 'more') left = true
    return left ? 'more' : 'idle'
  }
}
