/**
 * For tests: small machines on a clock that the test owns, and an engine whose harts do what a script says.
 * Why: most of the VMM can be tested without executing one instruction.
 */

import { defined, type Result } from '@virga/base'
import { hartExit } from '@virga/riscv/hart'
import { createMachine, type MachineConfig } from './create-machine.ts'
import type { Engine, EngineRuntime } from './engine.ts'
import type { HartBlock } from './hart-block.ts'
import type { Machine } from './machine.ts'
import type { MachineOwner } from './owner.ts'

const mib = 2 ** 20

/** `addi x0, x0, 0` as often as wanted: the least that passes for a flat kernel. */
export function flatKernel(instructions = 4): Uint8Array {
  return new Uint8Array(new Uint32Array(instructions).fill(0x13).buffer)
}

/** A clock in milliseconds that stands until it is told to move. */
export class TestClock {
  ms = 0
  readonly now = () => this.ms
}

/** The configuration of a small direct-boot machine, with what a test wants otherwise. */
export function testConfig(changes: Partial<MachineConfig> = {}): MachineConfig {
  return {
    cpus: 1,
    memoryBytes: 8 * mib,
    pcpus: 1,
    boot: { kind: 'direct', kernel: flatKernel(), commandLine: '' },
    now: () => 0,
    wallClock: () => 0,
    random: (byteCount) => new Uint8Array(byteCount).fill(7),
    codePagesPerHart: 4,
    ...changes,
  }
}

/** Makes a machine that has to succeed. */
export function testMachine(changes: Partial<MachineConfig> = {}): MachineOwner {
  const made = createMachine(testConfig(changes))
  if (!made.ok) throw new Error(made.error.message)
  return made.value
}

/** The message of a failure, or a complaint that there is none. */
export function messageOf(result: Result<unknown>): string {
  return result.ok ? 'no error' : result.error.message
}

/** What a hart does in one slice; the answer is a hartExit. */
export type HartScript = (hart: HartBlock, slice: number) => number

/** An engine without instructions: CSRs are words of the hart block or of a map, and harts follow scripts. */
export class ScriptedEngine implements Engine {
  readonly runtime: EngineRuntime
  readonly flushes: number[] = []
  readonly csrs = new Map<number, bigint>()
  readonly #machine: Machine
  readonly #script: HartScript
  readonly #slices: number[] = []

  constructor(machine: Machine, script: HartScript = () => hartExit.wfi) {
    this.#machine = machine
    this.#script = script
    this.runtime = {
      hart_init: (address) => {
        const hart = this.#hart(address)
        hart.write32('prv', 3)
        hart.write64('mstatus', 0n)
        hart.write64('mie', 0n)
      },
      flush_all: (address) => {
        this.flushes.push(this.#hart(address).id)
      },
      csr: (_hart, number, op, operand, access) => {
        const old = this.csrs.get(number) ?? 0n
        const next = op === 0 ? operand : op === 1 ? old | operand : old & ~operand
        if ((access & 2) !== 0) this.csrs.set(number, next)
        return old
      },
    }
  }

  run(address: number): number {
    const hart = this.#hart(address)
    // As the real engine: attention is withdrawn, then requests are served, then code runs.
    hart.write32('attention', 0)
    // Read once: what comes meanwhile is not served, and stays.
    const { requests } = hart
    this.serve(requests)
    hart.clearRequests(requests)
    const slice = this.#slices[hart.id] ?? 0
    this.#slices[hart.id] = slice + 1
    return this.#script(hart, slice)
  }

  /** For an engine that keeps something: what the hart is asked for (bits of hartRequest), before it counts as served. */
  protected serve(_requests: number): void {
    return
  }

  #hart(address: number): HartBlock {
    return defined(
      this.#machine.harts.find((hart) => hart.address === address >>> 0),
      'hart at this address',
    )
  }
}
