/**
 * A machine of a host: its record, its life, its console, and what runs of it. Whether a move is allowed is decided when
 * it is asked for; the work of moves is done one after another, in that order.
 */

import { assert, ok, type Result, type WorldError } from '@virga/base'
import type { MachineStatistics, Outcome } from '@virga/vmm'
import type { MachineRecord } from '../records/machine-record.ts'
import { ConsoleLog, type ConsoleReader } from './console-log.ts'
import { type AskedMove, MachineLife, type MachineState } from './machine-state.ts'
import type { RunningMachine, StartMachine } from './running-machine.ts'

export class HostedMachine {
  record: MachineRecord
  /** the last thing worth knowing about how it ended, a line */
  note: string | undefined
  readonly #console = new ConsoleLog()
  readonly #life: MachineLife
  readonly #start: StartMachine
  #running: RunningMachine | undefined
  #turn: Promise<unknown> = Promise.resolve()
  #waiting: (() => void)[] = []

  /** `onMove` hears of each change of state. */
  constructor(record: MachineRecord, start: StartMachine, onMove: (machine: HostedMachine) => void) {
    this.record = record
    this.#start = start
    this.#life = new MachineLife(record.name, () => {
      for (const look of this.#waiting.splice(0)) look()
      onMove(this)
    })
  }

  get state(): MachineState {
    return this.#life.state
  }

  /** Whether something of it is in this process. */
  get isActive(): boolean {
    return !['off', 'failed', 'removed'].includes(this.state)
  }

  /** Why a move cannot be made now, if it cannot. */
  allows(move: AskedMove): Result<MachineState> {
    return this.#life.allows(move)
  }

  /** Resolves when its first instruction runs. Errors: it may not be started, or cannot. */
  async start(): Promise<Result<void>> {
    const asked = this.#life.ask('start')
    if (!asked.ok) return asked
    return await this.#inTurn(() => this.#begin())
  }

  async #begin(): Promise<Result<void>> {
    this.note = undefined
    const started = await this.#start(this.record, (bytes) => this.#console.write(bytes))
    if (!started.ok) {
      this.#fail(started.error)
      return started
    }
    this.#running = started.value
    this.#life.report('started')
    void this.#watch(started.value)
    return ok(undefined)
  }

  async #watch(running: RunningMachine): Promise<void> {
    const outcome = await running.ended
    assert(this.#running === running, 'a machine runs once at a time')
    this.#running = undefined
    await this.#conclude(outcome)
  }

  async #conclude(outcome: Outcome): Promise<void> {
    if (outcome.kind === 'failed') this.#fail({ fault: 'world', message: outcome.message })
    else if (outcome.kind === 'reboot' && this.state === 'running') {
      this.#life.report('rebooted')
      await this.#inTurn(() => this.#begin())
    } else {
      const isOdd = outcome.kind === 'power-off' && outcome.status !== 0
      this.note = isOdd ? `powered off with status ${outcome.status}` : undefined
      this.#life.report('ended')
    }
  }

  #fail({ message }: WorldError): void {
    this.note = message
    this.#life.report('failed')
  }

  /** Resolves when no hart runs. */
  async pause(): Promise<Result<void>> {
    const asked = this.#life.ask('pause')
    if (!asked.ok) return asked
    return await this.#inTurn(async () => ok(await this.#running?.pause()))
  }

  async resume(): Promise<Result<void>> {
    const asked = this.#life.ask('resume')
    if (!asked.ok) return asked
    return await this.#inTurn(async () => ok(this.#running?.resume()))
  }

  /** Ends it, whatever its guest does; resolves when nothing of it is left. */
  async stop(): Promise<Result<void>> {
    const asked = this.#life.ask('stop')
    if (!asked.ok) return asked
    await this.#inTurn(async () => this.#running?.stop())
    await this.settled()
    return ok(undefined)
  }

  /** It is removed from the host; whoever calls forgets it. */
  remove(): Result<MachineState> {
    return this.#life.ask('remove')
  }

  /** Resolves when nothing of it runs. */
  async settled(): Promise<void> {
    while (this.isActive) await new Promise<void>((resolve) => this.#waiting.push(resolve))
  }

  /** Types on its console; what is typed while it does not run is lost, as on a real one. */
  async type(bytes: Uint8Array): Promise<void> {
    await this.#running?.type(bytes)
  }

  /** What is kept of what it printed. */
  printed(): string {
    return new TextDecoder().decode(this.#console.bytes())
  }

  /** Reads its console from now on; returns what ends that. */
  read(reader: ConsoleReader): () => void {
    return this.#console.read(reader)
  }

  /** What it did since it was started, while it runs. */
  statistics(): MachineStatistics | undefined {
    return this.#running?.statistics()
  }

  #inTurn<T>(work: () => Promise<T>): Promise<T> {
    const done = this.#turn.then(work)
    this.#turn = done.catch(() => undefined)
    return done
  }
}
