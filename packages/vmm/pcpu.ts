/**
 * One pCPU: the thread that runs its share of a machine's harts.
 *
 * ```
 *  ┌► stopped? ─► leave     paused? ─► park on the doorbell
 *  │  next runnable hart? ── none ─► sleep on the doorbell until a timer of its harts
 *  └── engine.run(hart, budget) ─► slice │ WFI │ SBI call
 * ```
 * Why a doorbell: whoever changes what a sleeping pCPU would see (interrupt, request, run state) changes it first
 * and rings then; the pCPU reads the doorbell before it looks, and sleeps only if it has not changed since.
 * Invariants: only this thread touches plain words of its harts; a hart is marked in guest code before its requests
 * are served, so a fence from elsewhere never misses it.
 */

import { defined } from '@virga/base'
import { hartExit, hartRequest, hartStatus } from '@virga/riscv/hart'
import type { Engine } from './engine.ts'
import { type HartBlock, interrupt } from './hart-block.ts'
import { resumeAtEntry, startHart } from './hart-start.ts'
import { pollHtif } from './htif.ts'
import type { Machine } from './machine.ts'
import { ticksPerMs } from './machine.ts'
import { hartRecord, pcpuState, runState } from './machine-block.ts'
import { serveSbi } from './sbi/dispatch.ts'
import { hartsOf, nextRunnable } from './scheduler.ts'

/** Instructions of a slice, 50 to 400 µs: timers are looked at between slices. */
const sliceBudget = 100_000
/** V8 replaces a function by its optimised form between calls only, so the first slices are short. */
const shortSliceBudget = 4_000
const shortSlices = 100
/** Longest sleep; every wake-up rings, so this bounds only clock drift of a far timer. */
const sleepMsMax = 1000

/** What a pCPU thread needs. */
export interface PcpuOptions {
  readonly machine: Machine
  readonly engine: Engine
  /** 0 to pcpuCount - 1 */
  readonly pcpu: number
  /** done before each slice: what may only happen while no guest code runs here */
  readonly beforeSlice?: (() => void) | undefined
}

/** Runs the harts of one pCPU until the machine stops. Blocks its thread. */
export function runPcpu(options: PcpuOptions): void {
  const { machine, pcpu } = options
  const loop = new Pcpu(options)
  while (loop.step());
  machine.setPcpuState(pcpu, pcpuState.done)
}

/** The loop of one pCPU, a step at a time. */
export class Pcpu {
  readonly #machine: Machine
  readonly #engine: Engine
  readonly #pcpu: number
  readonly #doorbell: number
  readonly #harts: readonly HartBlock[]
  readonly #beforeSlice: (() => void) | undefined
  #last = 0
  #slices = 0

  constructor({ machine, engine, pcpu, beforeSlice }: PcpuOptions) {
    this.#beforeSlice = beforeSlice
    this.#machine = machine
    this.#engine = engine
    this.#pcpu = pcpu
    this.#doorbell = machine.doorbellIndex(pcpu)
    this.#harts = hartsOf(pcpu, machine.descriptor.pcpuCount, machine.harts.length).map((id) =>
      defined(machine.hart(id), 'hart'),
    )
  }

  /** Runs one slice, or sleeps or parks once. False when the machine has stopped. */
  step(): boolean {
    const [machine, pcpu] = [this.#machine, this.#pcpu]
    const bell = Atomics.load(machine.arena.i32, this.#doorbell)
    const state = machine.runState
    if (state === runState.stopped) return false
    if (state === runState.paused) {
      this.#park(bell)
      return true
    }
    if (machine.pcpuState(pcpu) !== pcpuState.running) machine.setPcpuState(pcpu, pcpuState.running)
    const index = nextRunnable(this.#harts.length, this.#last, (i) =>
      this.#runnable(defined(this.#harts[i], 'hart')),
    )
    if (index < 0) {
      this.#sleep(bell)
      return true
    }
    this.#last = index
    this.#run(defined(this.#harts[index], 'hart'))
    return true
  }

  #park(bell: number): void {
    const machine = this.#machine
    if (machine.pcpuState(this.#pcpu) !== pcpuState.parked) machine.setPcpuState(this.#pcpu, pcpuState.parked)
    Atomics.wait(machine.arena.i32, this.#doorbell, bell)
  }

  /** Brings a hart that may run now to where it can; false when it has to wait or is stopped. */
  #runnable(hart: HartBlock): boolean {
    const { status } = hart
    if (status === hartStatus.started) {
      if (hart.record(hartRecord.waiting) === 0) return true
      if (!this.#awake(hart)) return false
      hart.setRecord(hartRecord.waiting, 0)
      return true
    }
    const { runtime } = this.#engine
    // The request comes after the entry was written, the status before.
    if (status === hartStatus.startPending && (hart.requests & hartRequest.start) !== 0) {
      hart.setRecord(hartRecord.waiting, 0)
      startHart(hart, runtime, this.#machine.descriptor.mode)
      return true
    }
    if (status !== hartStatus.suspended || !this.#awake(hart)) return false
    if (hart.record(hartRecord.resumeAtEntry) !== 0) resumeAtEntry(hart, runtime)
    hart.status = hartStatus.started
    return true
  }

  #awake(hart: HartBlock): boolean {
    this.#machine.platform.serviceHartTimer(hart.id)
    return hart.interruptPending(this.#machine.ticks())
  }

  #run(hart: HartBlock): void {
    const machine = this.#machine
    const due = Math.min(machine.platform.serviceHartTimer(hart.id), hart.timerDue)
    // One that is due already is pending: no reason to leave early again.
    machine.alarm = due < Number.POSITIVE_INFINITY && due > machine.ticks() ? { hart, due } : null
    const budget = this.#slices < shortSlices ? shortSliceBudget : sliceBudget
    this.#slices += 1
    this.#beforeSlice?.()
    hart.enterGuest()
    const exit = this.#engine.run(hart.address, budget)
    hart.leaveGuest()
    hart.count(hartRecord.exits + exit * 4)
    if (exit === hartExit.wfi) hart.setRecord(hartRecord.waiting, 1)
    else if (exit === hartExit.sbi) serveSbi(machine, hart, this.#engine.runtime)
    if (machine.descriptor.htif !== null) pollHtif(machine)
  }

  #sleep(bell: number): void {
    const machine = this.#machine
    const now = machine.ticks()
    let due = Number.POSITIVE_INFINITY
    for (const hart of this.#harts) {
      const { status } = hart
      if (status !== hartStatus.started && status !== hartStatus.suspended) continue
      if (hart.enables(interrupt.stip)) due = Math.min(due, hart.timerDue)
      const machineTimer = machine.platform.serviceHartTimer(hart.id)
      if (hart.enables(interrupt.mtip)) due = Math.min(due, machineTimer)
    }
    const timeoutMs = Math.min(sleepMsMax, (due - now) / ticksPerMs)
    if (timeoutMs <= 0) return
    const from = machine.now()
    Atomics.wait(machine.arena.i32, this.#doorbell, bell, timeoutMs)
    const slept = machine.now() - from
    for (const hart of this.#harts) if (hart.record(hartRecord.waiting) !== 0) hart.idleMs += slept
  }
}
