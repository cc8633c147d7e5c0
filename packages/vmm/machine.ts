/**
 * A machine as one thread sees it: views of the shared arena, its harts, its RAM, its devices, its clock.
 *
 * ```
 *  owner thread ── createMachine ──► descriptor ──► worker threads ── attachMachine
 *      start, pause, stop, console            runPcpu: runs the harts of one pCPU
 * ```
 * Why: nothing of a machine lives in one thread only; every thread rebuilds the same view from a descriptor that
 * can be sent by structured clone, and all that changes is in shared memory.
 * Invariants: an outcome is decided once; a stopped machine never runs again.
 */

import { defined } from '@virga/base'
import { hartLineBit } from '@virga/device'
import { type DeviceConfig, deviceModels } from './devices.ts'
import { type GuestConsole, guestConsole } from './guest-console.ts'
import { HartBlock, type LinesMode } from './hart-block.ts'
import { hartRecord, machineWord, outcomeKind, pcpuSlot, pcpuState, runState } from './machine-block.ts'
import { type Arena, type ArenaPlan, viewArena } from './memory/arena.ts'
import { FramePool } from './memory/frames.ts'
import { GuestMemory } from './memory/guest-memory.ts'
import { Slat } from './memory/slat.ts'
import { decodeOutcome, type FailureCode, type Outcome } from './outcome.ts'
import { timebaseHz } from './platform/memory-map.ts'
import { createPlatform, type InterruptArchitecture, type Platform } from './platform/platform.ts'
import { pcpuOf } from './scheduler.ts'

/** Ticks of the `time` CSR in a millisecond. */
export const ticksPerMs = timebaseHz / 1000

/** How a machine was booted: with the VMM as its SBI, or on bare M-mode. */
export type BootMode = 'direct' | 'bare'

/** Guest-physical addresses of the HTIF words. */
export interface HtifAddresses {
  readonly tohost: number
  readonly fromhost: number
}

/** All that a thread needs to attach to a machine. Structured-clone safe. */
export interface MachineDescriptor {
  readonly memory: WebAssembly.Memory
  readonly plan: ArenaPlan
  readonly slatRoot: number
  readonly ramBytes: number
  readonly pcpuCount: number
  readonly mode: BootMode
  readonly htif: HtifAddresses | null
  readonly lines: LinesMode
  readonly interrupts: InterruptArchitecture
  readonly devices: readonly DeviceConfig[]
  readonly ioBell?: Int32Array | undefined
}

/** What a thread passes in. */
export interface ThreadContext {
  /** Milliseconds of a monotonic clock with one origin for every thread of the machine. */
  readonly now: () => number
  /** Milliseconds since 1970, for the real-time clock. */
  readonly wallClock: () => number
}

/** A machine seen from this thread. */
export class Machine {
  readonly descriptor: MachineDescriptor
  readonly arena: Arena
  readonly frames: FramePool
  readonly slat: Slat
  readonly memory: GuestMemory
  readonly harts: readonly HartBlock[]
  readonly platform: Platform
  /** The firmware's end of the console (SBI, HTIF). */
  readonly console: GuestConsole
  readonly now: () => number
  readonly wallClock: () => number
  /**
   * The hart that this thread runs and the tick of its next timer: when guest code reads the clock then, it leaves
   * its slice, so that a guest that watches the clock sees its timer on time. Set by the pCPU for each slice.
   */
  alarm: { readonly hart: HartBlock; readonly due: number } | null = null
  readonly #block: number
  readonly #clockBase: number

  constructor(descriptor: MachineDescriptor, context: ThreadContext) {
    const { plan } = descriptor
    this.descriptor = descriptor
    this.now = context.now
    this.wallClock = context.wallClock
    this.arena = viewArena(descriptor.memory, plan)
    this.frames = new FramePool(this.arena)
    this.slat = new Slat(this.arena, this.frames, descriptor.slatRoot)
    this.memory = new GuestMemory({
      arena: this.arena,
      frames: this.frames,
      slat: this.slat,
      ramBytes: descriptor.ramBytes,
    })
    this.harts = Array.from(
      { length: plan.hartCount },
      (_, id) => new HartBlock(this.arena, id, pcpuOf(id, descriptor.pcpuCount), descriptor.lines),
    )
    this.#block = plan.machineBlock
    this.#clockBase = (this.#block + machineWord.clockBase) >>> 3
    this.platform = createPlatform({
      words: this.arena.i32.subarray(plan.platform >>> 2, (plan.platform + plan.platformBytes) >>> 2),
      harts: plan.hartCount,
      boot: descriptor.mode,
      interrupts: descriptor.interrupts,
      devices: deviceModels(descriptor.devices),
      ioBell: descriptor.ioBell,
      lines: {
        set: (hart, line, level) => this.harts[hart]?.setLines(1 << hartLineBit[line], level),
        wake: (hart) => this.harts[hart]?.kick(),
        message: (hart, identity) => this.harts[hart]?.deliver(identity),
      },
      clock: () => this.ticks(),
      wallClock: context.wallClock,
    })
    this.console = guestConsole(this.platform.bus)
  }

  /** The guest's `time`: whole ticks of 10 MHz since the start, less the time paused. */
  ticks(): number {
    return Math.floor((this.now() - defined(this.arena.f64[this.#clockBase], 'clock base')) * ticksPerMs)
  }

  /** The hart with this id, if the machine has one. */
  hart(id: number): HartBlock | undefined {
    return this.harts[id]
  }

  /** See runState. */
  get runState(): number {
    return this.word(machineWord.runState)
  }

  /** A word of the machine block (machineWord). */
  word(byteOffset: number): number {
    return Atomics.load(this.arena.i32, (this.#block + byteOffset) >>> 2)
  }

  /** Sets a word of the machine block. */
  setWord(byteOffset: number, value: number): void {
    Atomics.store(this.arena.i32, (this.#block + byteOffset) >>> 2, value)
  }

  /** A 64-bit float of the machine block. */
  float(byteOffset: number): number {
    return defined(this.arena.f64[(this.#block + byteOffset) >>> 3], 'machine word')
  }

  /** Sets a 64-bit float of the machine block; only the owner does, while no hart runs. */
  setFloat(byteOffset: number, value: number): void {
    this.arena.f64[(this.#block + byteOffset) >>> 3] = value
  }

  /** Changes the run state and makes every pCPU look. A stopped machine stays stopped. */
  setRunState(state: number): void {
    const word = (this.#block + machineWord.runState) >>> 2
    for (;;) {
      const seen = Atomics.load(this.arena.i32, word)
      if (seen === runState.stopped || Atomics.compareExchange(this.arena.i32, word, seen, state) === seen)
        break
    }
    for (const hart of this.harts) hart.kick()
    this.platform.ioBell.ring()
    this.signal()
  }

  /** Ends the machine, if nothing ended it before: powered off with an exit status. */
  powerOff(status: number): void {
    this.#end(outcomeKind.powerOff, status & 0xff)
  }

  /** Ends the machine, if nothing ended it before: the guest asked for a reset. */
  reboot(): void {
    this.#end(outcomeKind.reboot, 0)
  }

  /** Ends the machine, if nothing ended it before: it cannot go on. */
  fail(code: FailureCode): void {
    this.#end(outcomeKind.failed, code)
  }

  /** Ends the machine, if nothing ended it before: its owner wants so. */
  stop(): void {
    this.#end(outcomeKind.stopped, 0)
  }

  /** How the machine ended; null while it has not. */
  outcome(): Outcome | null {
    return decodeOutcome(this.word(machineWord.outcomeKind), this.word(machineWord.outcomeStatus))
  }

  /** True once the machine has ended, in whatever way. */
  get stopped(): boolean {
    return this.runState === runState.stopped
  }

  /** Sends firmware's output, waiting while the console is full. False when the machine ended first. */
  print(bytes: Uint8Array): boolean {
    return this.console.writeAll(bytes, () => this.stopped)
  }

  /** Makes the owner look, as console output does. */
  signal(): void {
    this.platform.doorbell.ring()
  }

  /** Ends the machine if the guest used its power switch. */
  obeyFinisher(): void {
    const wanted = this.platform.outcome()
    if (wanted.kind === 'poweroff') this.powerOff(0)
    else if (wanted.kind === 'fail') this.powerOff(failStatus(wanted.code))
    else if (wanted.kind === 'reset') this.reboot()
  }

  /** Index in `arena.i32` of a pCPU's doorbell. */
  doorbellIndex(pcpu: number): number {
    return (this.#block + pcpuSlot.base + pcpu * pcpuSlot.bytes + pcpuSlot.doorbell) >>> 2
  }

  /** State of a pCPU, see pcpuState. */
  pcpuState(pcpu: number): number {
    return Atomics.load(this.arena.i32, this.#pcpuStateIndex(pcpu))
  }

  /** Publishes the state of a pCPU; done by its own thread, or by the owner after that thread is gone. */
  setPcpuState(pcpu: number, state: number): void {
    Atomics.store(this.arena.i32, this.#pcpuStateIndex(pcpu), state)
    this.signal()
  }

  /** State of the I/O thread, see pcpuState. */
  get ioState(): number {
    return this.word(machineWord.ioState)
  }

  /** Publishes the state of the I/O thread; done by itself, or by the owner after it is gone. */
  setIoState(state: number): void {
    this.setWord(machineWord.ioState, state)
    this.signal()
  }

  /** True when no pCPU is running harts, and no device is being served. */
  get quiescent(): boolean {
    if (this.ioState === pcpuState.running) return false
    for (let pcpu = 0; pcpu < this.descriptor.pcpuCount; pcpu++) {
      if (this.pcpuState(pcpu) === pcpuState.running) return false
    }
    return true
  }

  /**
   * Asks harts for work before their next instruction (bits of hartRequest) and returns when none of them can
   * execute another one before having done it. Call it outside guest code only: then two harts that ask each other
   * both return.
   */
  requestAndWait(harts: readonly HartBlock[], bits: number): void {
    for (const hart of harts) hart.request(bits)
    for (const hart of harts) if (hart.record(hartRecord.inGuest) !== 0) hart.awaitServed(bits)
  }

  #end(kind: number, status: number): void {
    const { i32 } = this.arena
    const kindWord = (this.#block + machineWord.outcomeKind) >>> 2
    const claimWord = (this.#block + machineWord.outcomeClaim) >>> 2
    if (Atomics.compareExchange(i32, claimWord, 0, 1) !== 0) return
    Atomics.store(i32, (this.#block + machineWord.outcomeStatus) >>> 2, status)
    Atomics.store(i32, kindWord, kind)
    this.setRunState(runState.stopped)
  }

  #pcpuStateIndex(pcpu: number): number {
    return (this.#block + pcpuSlot.base + pcpu * pcpuSlot.bytes + pcpuSlot.state) >>> 2
  }
}

/** Exit status of a guest that says it failed: never 0, and its code where that fits. */
function failStatus(code: number): number {
  return code > 0 && code < 256 ? code : 1
}

/** Builds this thread's view of a machine. */
export function attachMachine(descriptor: MachineDescriptor, context: ThreadContext): Machine {
  return new Machine(descriptor, context)
}
