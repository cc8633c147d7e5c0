/**
 * A host without machines: pCPUs and harts as events in simulated time, driven by the policy that drives real ones.
 *
 * ```
 *  event (a step ends, a timer, a kick, a sleeper wakes) ─► leave, wake, take … of the policy ─► further events
 * ```
 * Why: what a policy does to hundreds of pCPUs for minutes is seen in seconds, and the same again from the same seed.
 * Invariants: no clock and no chance but those passed in. A pCPU obeys: it calls `take` at `until` and when it is
 * kicked, `kickMs` later. What a switch or a move costs is time in which the hart has its pCPU and does no work.
 */

import { assert, defined, type RandomWord } from '@virga/base'
import { EventQueue } from './event-queue.ts'
import { type Entitlement, hartState, type LeaveState, type SchedulerPolicy } from './policy.ts'
import type { Program, Step } from './programs.ts'

/** What is simulated besides the machines. Times in milliseconds. */
export interface SimulationOptions {
  readonly policy: SchedulerPolicy
  readonly random: RandomWord
  /** from a kick to the pCPU's being out of guest code */
  readonly kickMs?: number
  /** what it costs to run another hart than before */
  readonly switchMs?: number
  /** what it costs to run a hart that another pCPU ran last */
  readonly moveMs?: number
}

/** A machine's harts, all of which run the same program. */
export interface SimulatedMachine {
  readonly harts: number
  readonly entitlement: Entitlement
  readonly program: Program
  /** harts start within this time, by chance */
  readonly startMs?: number
}

/** What a machine has got so far. */
export interface MachineFigures {
  /** pCPU time */
  readonly ranMs: number
  /** time in which harts computed: not waited, switched or moved */
  readonly workedMs: number
  /** barriers that all harts passed */
  readonly barriers: number
  /** longest time that a hart was ready and did not run */
  readonly waitedMsMax: number
  readonly moves: number
}

interface Hart {
  readonly id: number
  readonly machine: MachineState
  readonly steps: Iterator<Step, never>
  step: Step
  /** of the present step: computing or holding, spinning, or asleep */
  doing: 'work' | 'spin' | 'asleep'
  /** work that is left of the step, or time left to spin */
  leftMs: number
  /** cost of switches and moves that is not worked off yet */
  debtMs: number
  pcpu: number
  lastPcpu: number
  readyAt: number
}

interface MachineState {
  readonly slot: number
  readonly harts: Hart[]
  arrived: number
  lockedBy: Hart | undefined
  barriers: number
  workedMs: number
  waitedMsMax: number
  moves: number
  gone: boolean
}

interface Pcpu {
  readonly index: number
  hart: Hart | undefined
  last: Hart | undefined
  since: number
  /** events of an earlier turn are void */
  turn: number
}

/** See the head of this file. */
export class Simulation {
  readonly #policy: SchedulerPolicy
  readonly #random: RandomWord
  readonly #costs: { readonly kickMs: number; readonly switchMs: number; readonly moveMs: number }
  readonly #events = new EventQueue<() => void>()
  readonly #pcpus: Pcpu[] = []
  readonly #machines = new Map<number, MachineState>()
  #now = 0
  #trace = 0
  #decisions = 0

  constructor({ policy, random, kickMs = 0, switchMs = 0, moveMs = 0 }: SimulationOptions) {
    this.#policy = policy
    this.#random = random
    this.#costs = { kickMs, switchMs, moveMs }
    for (let index = 0; index < policy.limits.pcpus; index++) {
      this.#pcpus.push({ index, hart: undefined, last: undefined, since: 0, turn: 0 })
    }
  }

  get now(): number {
    return this.#now
  }

  /** True when nothing more happens at the present time: every pCPU that was kicked has looked. */
  get settled(): boolean {
    return this.#events.nextAt > this.#now
  }

  /** A number that the whole schedule so far went into: equal for equal schedules. */
  get trace(): number {
    return this.#trace
  }

  /** How often a pCPU asked what to run. */
  get decisions(): number {
    return this.#decisions
  }

  /** Runs to `untilMs`. `look` is called after each event. */
  run(untilMs: number, look?: () => void): void {
    while (this.#events.nextAt <= untilMs) {
      this.#now = this.#events.nextAt
      this.#events.take()?.()
      look?.()
    }
    this.#now = untilMs
    for (const pcpu of this.#pcpus) this.#progress(pcpu)
  }

  /** Does something at a later time, in the order of events. */
  at(ms: number, action: () => void): void {
    this.#events.put(ms, action)
  }

  /** Takes a machine into a free slot; its harts start by themselves. */
  add(slot: number, { harts, entitlement, program, startMs = 0 }: SimulatedMachine): void {
    const machine: MachineState = {
      slot,
      harts: [],
      arrived: 0,
      lockedBy: undefined,
      barriers: 0,
      workedMs: 0,
      waitedMsMax: 0,
      moves: 0,
      gone: false,
    }
    this.#machines.set(slot, machine)
    this.#policy.addMachine(slot, harts, entitlement, this.#now)
    for (let index = 0; index < harts; index++) {
      const steps = program(this.#random, index)
      const hart: Hart = {
        id: slot * this.#policy.limits.hartsPerMachine + index,
        machine,
        steps,
        step: { kind: 'sleep', ms: 0 },
        doing: 'asleep',
        leftMs: 0,
        debtMs: 0,
        pcpu: -1,
        lastPcpu: -1,
        readyAt: 0,
      }
      machine.harts.push(hart)
      this.#events.put(this.#now + (startMs * this.#random()) / 2 ** 32, () => this.#rouse(hart))
    }
  }

  /** Stops a machine's harts where they are, and takes it out. */
  remove(slot: number): void {
    const machine = this.#machine(slot)
    machine.gone = true
    for (const hart of machine.harts) {
      const pcpu = this.#pcpus[hart.pcpu]
      if (pcpu === undefined) this.#policy.stop(hart.id, this.#now)
      else this.#leave(pcpu, hartState.stopped)
    }
    this.#policy.removeMachine(slot, this.#now)
    this.#machines.delete(slot)
    for (const pcpu of this.#pcpus) if (pcpu.hart === undefined) this.#enter(pcpu)
    this.#tell()
  }

  /** Calls the policy about something else, and tells the pCPUs that it wants told. */
  change(action: (policy: SchedulerPolicy, now: number) => void): void {
    action(this.#policy, this.#now)
    this.#tell()
  }

  /** What the machine in a slot has got so far. */
  figures(slot: number): MachineFigures {
    const { harts, workedMs, barriers, waitedMsMax, moves } = this.#machine(slot)
    let ranMs = 0
    let longest = waitedMsMax
    for (const hart of harts) {
      ranMs += this.#policy.ran(hart.id)
      if (hart.doing !== 'asleep' && hart.pcpu < 0) longest = Math.max(longest, this.#now - hart.readyAt)
    }
    return { ranMs, workedMs, barriers, waitedMsMax: longest, moves }
  }

  #machine(slot: number): MachineState {
    return defined(this.#machines.get(slot), 'machine in this slot')
  }

  #tell(): void {
    for (;;) {
      const index = this.#policy.nextKick()
      if (index < 0) return
      const pcpu = defined(this.#pcpus[index], 'pCPU')
      this.#events.put(this.#now + this.#costs.kickMs, () => this.#turn(pcpu))
    }
  }

  /** The pCPU comes out of guest code and asks what to run. */
  #turn(pcpu: Pcpu): void {
    this.#leave(pcpu, hartState.ready)
    this.#enter(pcpu)
    this.#tell()
  }

  #leave(pcpu: Pcpu, state: LeaveState): void {
    const hart = pcpu.hart
    if (hart === undefined) return
    this.#progress(pcpu)
    pcpu.hart = undefined
    pcpu.turn++
    hart.pcpu = -1
    hart.readyAt = this.#now
    this.#policy.leave(pcpu.index, state, this.#now)
  }

  #enter(pcpu: Pcpu): void {
    const id = this.#policy.take(pcpu.index, this.#now)
    this.#decisions++
    this.#trace =
      Math.imul(this.#trace ^ (id + 1) ^ (pcpu.index << 16), 0x0100_0193) + Math.round(this.#now * 1e3)
    this.#trace |= 0
    const turn = ++pcpu.turn
    const until = this.#policy.until(pcpu.index)
    if (until !== Number.POSITIVE_INFINITY) {
      this.#events.put(Math.max(until, this.#now), () => {
        if (pcpu.turn === turn) this.#turn(pcpu)
      })
    }
    if (id < 0) return
    const { hartsPerMachine } = this.#policy.limits
    const machine = this.#machine(Math.floor(id / hartsPerMachine))
    const hart = defined(machine.harts[id % hartsPerMachine], 'hart')
    assert(hart.pcpu === -1, 'no hart is on two pCPUs')
    machine.waitedMsMax = Math.max(machine.waitedMsMax, this.#now - hart.readyAt)
    if (pcpu.last !== hart) hart.debtMs += this.#costs.switchMs
    if (hart.lastPcpu >= 0 && hart.lastPcpu !== pcpu.index) {
      hart.debtMs += this.#costs.moveMs
      machine.moves++
    }
    pcpu.hart = hart
    pcpu.last = hart
    pcpu.since = this.#now
    hart.pcpu = pcpu.index
    hart.lastPcpu = pcpu.index
    this.#tryLock(hart)
    this.#schedule(pcpu)
  }

  /** Puts down what the pCPU's hart has done up to now. */
  #progress(pcpu: Pcpu): void {
    const hart = pcpu.hart
    const elapsed = this.#now - pcpu.since
    pcpu.since = this.#now
    if (hart === undefined) return
    const paid = Math.min(elapsed, hart.debtMs)
    hart.debtMs -= paid
    hart.leftMs -= elapsed - paid
    if (hart.doing === 'work') hart.machine.workedMs += elapsed - paid
  }

  /** The end of the present step, if the hart runs on until then. */
  #schedule(pcpu: Pcpu): void {
    const hart = defined(pcpu.hart, 'hart')
    const turn = pcpu.turn
    const ms = hart.debtMs + Math.max(hart.leftMs, 0)
    if (ms === Number.POSITIVE_INFINITY) return
    this.#events.put(this.#now + ms, () => {
      if (pcpu.turn === turn && pcpu.hart === hart) this.#stepEnds(pcpu, hart)
    })
  }

  #stepEnds(pcpu: Pcpu, hart: Hart): void {
    this.#progress(pcpu)
    // A step that was begun meanwhile has an end of its own.
    if (hart.debtMs > 1e-9 || hart.leftMs > 1e-9) return
    if (hart.doing === 'spin') hart.doing = 'asleep'
    else {
      if (hart.step.kind === 'lock') this.#unlock(hart)
      this.#begin(hart)
    }
    if (hart.doing !== 'asleep') {
      this.#schedule(pcpu)
      return
    }
    this.#leave(pcpu, hartState.idle)
    this.#enter(pcpu)
    this.#tell()
  }

  /** The next step of a hart. */
  #begin(hart: Hart): void {
    const { value: step } = hart.steps.next()
    hart.step = step
    hart.doing = 'work'
    hart.leftMs = step.kind === 'barrier' ? step.spinMs : step.ms
    if (step.kind === 'sleep') {
      hart.doing = 'asleep'
      this.#events.put(this.#now + step.ms, () => this.#rouse(hart))
    } else if (step.kind === 'lock') {
      hart.doing = 'spin'
      hart.leftMs = Number.POSITIVE_INFINITY
      this.#tryLock(hart)
    } else if (step.kind === 'barrier') this.#arrive(hart)
  }

  #arrive(hart: Hart): void {
    const { machine } = hart
    hart.doing = 'spin'
    machine.arrived++
    if (machine.arrived < machine.harts.length) return
    machine.arrived = 0
    machine.barriers++
    for (const sibling of machine.harts) {
      if (sibling === hart) continue
      if (sibling.doing === 'asleep') this.#rouse(sibling)
      else this.#goOn(sibling)
    }
    this.#begin(hart)
  }

  /** What a spinning hart waited for has come. */
  #goOn(hart: Hart): void {
    const pcpu = this.#pcpus[hart.pcpu]
    if (pcpu !== undefined) this.#progress(pcpu)
    this.#begin(hart)
    if (pcpu !== undefined) this.#schedule(pcpu)
  }

  /** A hart that slept has something to do. */
  #rouse(hart: Hart): void {
    if (hart.machine.gone) return
    this.#begin(hart)
    assert(hart.doing !== 'asleep', 'a program works before it sleeps again')
    hart.readyAt = this.#now
    this.#policy.wake(hart.id, this.#now)
    this.#tell()
  }

  /** A hart that runs and spins for the lock gets it if nobody has it. */
  #tryLock(hart: Hart): void {
    const { machine, step } = hart
    if (step.kind !== 'lock' || hart.doing !== 'spin' || hart.pcpu < 0 || machine.lockedBy !== undefined)
      return
    machine.lockedBy = hart
    hart.doing = 'work'
    hart.leftMs = step.ms
  }

  #unlock(hart: Hart): void {
    const { machine } = hart
    machine.lockedBy = undefined
    for (const sibling of machine.harts) {
      const pcpu = this.#pcpus[sibling.pcpu]
      if (sibling === hart || pcpu === undefined || sibling.step.kind !== 'lock' || sibling.doing !== 'spin')
        continue
      this.#progress(pcpu)
      this.#tryLock(sibling)
      this.#schedule(pcpu)
      return
    }
  }
}
