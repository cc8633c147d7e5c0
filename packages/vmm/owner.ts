/**
 * A machine in the hands of its owner: start, pause, resume, stop; console; the end.
 *
 * ```
 *  createMachine ─► paused ─start► running ─pause► paused ─resume► running ─stop, power off, failure► stopped
 * ```
 * Invariants: made and used on one thread, which never blocks; guest time stands still while paused.
 */

import { defined } from '@virga/base'
import { balloonConfig, balloonPageBytes, type VirtioPciFunction } from '@virga/virtio'
import type { Machine, MachineDescriptor } from './machine.ts'
import { machineWord, pcpuState, runState } from './machine-block.ts'
import { ioLost, type Outcome, pcpuLost } from './outcome.ts'
import { gatherStatistics, type MachineStatistics } from './statistics.ts'

/** What the owner's side of the console is connected to. */
export interface OwnerConsole {
  /** Takes what the guest printed; called in order, not while a call is under way. */
  output(bytes: Uint8Array<ArrayBuffer>): void | Promise<void>
}

/** Bytes on their way to the guest, and who waits for them to arrive. */
interface TypedBytes {
  readonly bytes: Uint8Array
  readonly arrived: () => void
}

/** The owner's handle of a machine. */
export class MachineOwner {
  readonly machine: Machine
  #input: TypedBytes[] = []

  constructor(machine: Machine) {
    this.machine = machine
  }

  /** What a pCPU thread needs to attach. */
  get descriptor(): MachineDescriptor {
    return this.machine.descriptor
  }

  /** Lets the harts run, for the first time or after `pause`. */
  resume(): void {
    const { machine } = this
    if (machine.runState !== runState.paused) return
    const paused = machine.now() - machine.float(machineWord.pausedAt)
    machine.setFloat(machineWord.clockBase, machine.float(machineWord.clockBase) + paused)
    machine.setRunState(runState.running)
  }

  /** Stops the harts between two instructions; resolves when none runs and the guest's clock stands. */
  async pause(): Promise<void> {
    const { machine } = this
    if (machine.runState !== runState.running) return
    machine.setRunState(runState.paused)
    await this.#until(() => machine.quiescent)
    machine.setFloat(machineWord.pausedAt, machine.now())
  }

  /** Ends the machine, whatever its guest does. `finished` resolves after. */
  stop(): void {
    this.machine.stop()
  }

  /** To be called when the thread of a pCPU is gone, expected or not: if not, the machine fails. */
  pcpuExited(pcpu: number): void {
    const { machine } = this
    if (machine.pcpuState(pcpu) !== pcpuState.done) {
      machine.fail(pcpuLost)
      machine.setPcpuState(pcpu, pcpuState.done)
    }
  }

  /** To be called when the I/O thread is gone, expected or not: if not, the machine fails. */
  ioExited(): void {
    const { machine } = this
    if (machine.ioState !== pcpuState.done) {
      machine.fail(ioLost)
      machine.setIoState(pcpuState.done)
    }
  }

  /**
   * Types bytes on the console. What the guest has no room for yet is kept and offered again; resolves when it has
   * taken all, so that a source without end can wait.
   */
  input(bytes: Uint8Array): Promise<void> {
    return new Promise((arrived) => {
      this.#input.push({ bytes, arrived })
      this.machine.signal()
    })
  }

  /**
   * Carries console output and input until the machine has ended and every pCPU has left it; resolves to how it
   * ended, all output delivered. It does not keep a Node process alive by itself.
   */
  async finished(console: OwnerConsole): Promise<Outcome> {
    const { machine } = this
    const { platform } = machine
    for (;;) {
      const seen = platform.doorbell.count()
      const ended = machine.outcome() !== null && machine.quiescent
      const bytes = platform.console.output()
      if (bytes.length > 0) await console.output(bytes)
      if (ended) break
      this.#offerInput()
      const due = platform.serviceWallClock() - machine.wallClock()
      await platform.doorbell.rung(seen, due === Number.POSITIVE_INFINITY ? undefined : Math.max(0, due))
    }
    return defined(machine.outcome() ?? undefined, 'outcome')
  }

  /**
   * Presses the power button: a guest that listens shuts down, in its own time. False when it has no button.
   */
  pressPowerButton(): boolean {
    const { descriptor, platform } = this.machine
    const button = platform.devices[descriptor.devices.findIndex(({ kind }) => kind === 'button')]
    button?.ask()
    return button !== undefined
  }

  /** Tells the guest how many bytes of its memory it is to do without; false when it has no balloon. */
  setBalloon(bytes: number): boolean {
    const { platform } = this.machine
    const balloon = this.#balloon
    if (balloon === undefined) return false
    const pages = new Uint8Array(Uint32Array.of(Math.floor(bytes / balloonPageBytes)).buffer)
    platform.locked(() => balloon.changeConfig(balloonConfig.pages.offset, pages))
    return true
  }

  /** Bytes that the guest says are in its balloon. */
  get balloonBytes(): number {
    const balloon = this.#balloon
    if (balloon === undefined) return 0
    const field = this.machine.platform.locked(() => balloon.readConfigField(balloonConfig.actual))
    return new DataView(field.buffer).getUint32(0, true) * balloonPageBytes
  }

  get #balloon(): VirtioPciFunction | undefined {
    const { descriptor, platform } = this.machine
    return platform.devices[descriptor.devices.findIndex(({ kind }) => kind === 'balloon')]
  }

  /** What the machine did so far. */
  statistics(): MachineStatistics {
    return gatherStatistics(this.machine)
  }

  #offerInput(): void {
    for (let next = this.#input[0]; next !== undefined; next = this.#input[0]) {
      const taken = this.machine.platform.console.input(next.bytes)
      if (taken < next.bytes.length) {
        this.#input[0] = { ...next, bytes: next.bytes.subarray(taken) }
        return
      }
      this.#input.shift()
      next.arrived()
    }
  }

  async #until(condition: () => boolean): Promise<void> {
    const { doorbell } = this.machine.platform
    for (;;) {
      const seen = doorbell.count()
      if (condition()) return
      await doorbell.rung(seen)
    }
  }
}
