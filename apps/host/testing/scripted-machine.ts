/** A machine that does what a test says, in place of one that executes instructions. */

import { ok, type Result } from '@virga/base'
import type { MachineStatistics, Outcome } from '@virga/vmm'
import type { RunningMachine } from '../machine/running-machine.ts'
import type { NetworkBackend } from '../network-backend.ts'
import type { MachineRecord } from '../records/machine-record.ts'

/** Echoes what is typed, in capitals, and notes what it is asked. */
export class ScriptedMachine implements RunningMachine {
  readonly record: MachineRecord
  readonly heard: string[] = []
  readonly ended: Promise<Outcome>
  readonly print: (text: string) => Promise<void>
  /** ends it as the guest would */
  readonly end: (outcome: Outcome) => void

  constructor(record: MachineRecord, output: (bytes: Uint8Array) => void | Promise<void>) {
    const end = Promise.withResolvers<Outcome>()
    this.record = record
    this.ended = end.promise
    this.end = end.resolve
    this.print = async (text) => await output(new TextEncoder().encode(text))
  }

  async pause(): Promise<void> {
    this.heard.push('pause')
  }

  resume(): void {
    this.heard.push('resume')
  }

  stop(): void {
    this.heard.push('stop')
    this.end({ kind: 'stopped' })
  }

  async type(bytes: Uint8Array): Promise<void> {
    await this.print(new TextDecoder().decode(bytes).toUpperCase())
  }

  statistics(): MachineStatistics {
    const none = { instructions: 1000, idleMs: 1 }
    // What the host reads of it.
    return { ...none, wallMs: 2, memory: { framesTaken: 3 }, harts: [none] } as unknown as MachineStatistics
  }
}

/** Starts scripted machines and remembers them; `refusal` is given instead, when it is set. */
export class Script {
  readonly machines: ScriptedMachine[] = []
  refusal: Result<never> | undefined

  readonly start = async (
    record: MachineRecord,
    output: (bytes: Uint8Array) => void | Promise<void>,
  ): Promise<Result<RunningMachine>> => {
    if (this.refusal !== undefined) return this.refusal
    const machine = new ScriptedMachine(record, output)
    this.machines.push(machine)
    return ok(machine)
  }

  /** The machine that was started last. */
  get last(): ScriptedMachine {
    const machine = this.machines.at(-1)
    if (machine === undefined) throw new Error('a machine was started')
    return machine
  }
}

/** A record of a small machine. */
export function recordOf(name: string, more: Partial<MachineRecord> = {}): MachineRecord {
  return { name, boot: { image: 'micro' }, cpus: 1, memoryBytes: 2 ** 26, disks: [], ...more }
}

/** Networks that are only remembered. */
export function scriptedNetworks(): NetworkBackend & { readonly names: Set<string> } {
  const names = new Set<string>()
  return {
    names,
    create: async ({ name }) => void names.add(name),
    remove: async (name) => void names.delete(name),
    trace: async () => ({ steps: [] }),
  }
}
