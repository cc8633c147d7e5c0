/**
 * An engine that runs every instruction twice and compares: on the machine with compiled code, then on its twin with
 * the exact interpreter.
 *
 * ```
 *   run ─► slice:  state ──copy──► twin
 *                  compiled code, real devices ──► recording      as many instructions as it likes
 *                  interpreter ◄── recording                      exactly as many
 *                  same registers? same stores? ── no ─► report, stop
 * ```
 * Why the state is copied before each slice: what the VMM did between slices (SBI calls, timers, starting a hart) it
 * did to the machine only. What it wrote to memory went to the twin by `GuestMemory.mirror`; HTIF's words are copied.
 * Invariants: between slices both are equal, as far as was compared; nothing runs after a difference.
 */

import { assert, defined } from '@virga/base'
import {
  type EngineHost,
  type Engine as HartEngine,
  hartExit,
  hartOffset,
  hartPart,
  instantiateEngine,
  type RegionHostMaker,
  traceEntries,
} from '@virga/riscv/hart'
import type { Engine, EngineModules, EngineRuntime } from '../engine.ts'
import type { HartBlock } from '../hart-block.ts'
import { hostCalls } from '../host-calls.ts'
import type { Machine } from '../machine.ts'
import { copyState, type HartPlace, isSameState, stateDifferences } from './hart-state.ts'
import { CameApart, HostRecording } from './host-recording.ts'
import { type MemoryDifference, MemoryTwins } from './memory-twins.ts'
import { type Divergence, reportText } from './report.ts'

/** What it is made of; `machine` and `twin` come from `createTwins`. */
export interface LockstepParts {
  readonly machine: Machine
  readonly twin: Machine
  /** the runtime, and the interpreter that finds and runs regions */
  readonly modules: EngineModules
  readonly exactModule: WebAssembly.Module
  readonly regions: RegionHostMaker
}

/**
 * Instructions of a slice, in turn: long enough that loops go round and regions chain as they do in earnest. A slice
 * ends some hundred instructions late at most, within the trace.
 */
const sliceBudgets = [1, 4, 16, 64, 250, 1000, 1500]
/** After new code was put in place, which is when most faults show: a slice is one pass through a region or two. */
const trialBudgets = [1, 4, 16]
const trialSlices = 3000
/** All memory is compared after so many instructions, which takes some 50 ms. */
const instructionsBetweenSweeps = 1 << 26
const exceptionCauses = 24
const fetch = 2
/** No instruction has an odd address. */
const unreached = -1n
const wordOf = (name: string) => defined(hartOffset[name], name) >>> 2
const at = {
  prv: wordOf('prv'),
  retired: wordOf('retired'),
  exceptions: wordOf('statExceptions'),
  compiled: wordOf('statRegionInstructions'),
  regions: wordOf('statRegions'),
}

/** Runs the one hart of a machine. */
export class LockstepEngine implements Engine {
  readonly runtime: EngineRuntime
  readonly #machine: Machine
  readonly #compiled: HartEngine
  readonly #exact: HartEngine
  readonly #hart: HartBlock
  readonly #here: HartPlace
  readonly #there: HartPlace
  readonly #recording = new HostRecording()
  readonly #memory: MemoryTwins
  /** the exact interpreter's trace */
  readonly #path: BigInt64Array
  #turn = 0
  #regions = 0
  #trials = 0
  #begun: number
  #sinceSweep = 0
  #report: string | undefined

  constructor({ machine, twin, modules, exactModule, regions }: LockstepParts) {
    assert(machine.harts.length === 1, 'lockstep runs one hart')
    const hart = defined(machine.hart(0), 'hart')
    const twinHart = defined(twin.hart(0), 'hart')
    const memory = new MemoryTwins(machine, twin)
    const { runtimeModule } = modules
    this.#machine = machine
    this.#hart = hart
    this.#here = { i32: machine.arena.i32, address: hart.address }
    this.#there = { i32: twin.arena.i32, address: twinHart.address }
    this.#memory = memory
    this.#path = new BigInt64Array(
      twin.descriptor.memory.buffer,
      twinHart.address + hartPart.path,
      traceEntries.path,
    )
    this.#compiled = instantiateEngine({
      memory: machine.descriptor.memory,
      ...modules,
      host: this.#recording.recorder(hostCalls(machine), { hart, i32: machine.arena.i32 }),
      regions,
    })
    this.#exact = instantiateEngine({
      memory: twin.descriptor.memory,
      runtimeModule,
      interpreterModule: exactModule,
      host: this.#recording.replayer(pairing(hostCalls(twin), memory), {
        hart: twinHart,
        i32: twin.arena.i32,
      }),
    })
    // The runtime module exports these with exactly these types; WebAssembly exports are untyped.
    this.runtime = this.#compiled.runtime as unknown as EngineRuntime
    const twinRuntime = this.#exact.runtime as unknown as EngineRuntime
    twinRuntime.hart_init(twinHart.address)
    machine.memory.mirror = twin.memory
    this.#begun = this.#instructionsBegun()
  }

  /** As any engine; stops the machine at a difference. */
  run(_hart: number, budget: number): number {
    const regions = this.#word(at.regions)
    if (regions !== this.#regions) this.#trials = trialSlices
    this.#regions = regions
    for (let left = budget; left > 0; ) {
      const wanted = this.#nextBudget()
      const { exit, length } = this.#slice(wanted)
      if (this.#report !== undefined) {
        this.#machine.stop()
        return hartExit.slice
      }
      // Shorter than it might have been: somebody wants the hart out.
      if (exit !== hartExit.slice || length < wanted) return exit
      left -= length
    }
    return hartExit.slice
  }

  /** Compares all memory for the last time, when the machine has ended; gives the report if there is a difference. */
  conclude(): string | undefined {
    if (this.#report === undefined) {
      this.#copyHtif()
      const retired = [this.#word(at.retired), this.#word(at.retired + 1)] as const
      this.#sweep({ length: 0, compiledLength: 0, exits: [0, 0], privilege: this.#word(at.prv), retired })
    }
    return this.#report
  }

  #nextBudget(): number {
    const budgets = this.#trials > 0 ? trialBudgets : sliceBudgets
    this.#trials -= this.#trials > 0 ? 1 : 0
    const turn = this.#turn
    this.#turn += 1
    return budgets[turn % budgets.length] ?? 1
  }

  #slice(wanted: number): { exit: number; length: number } {
    const [here, there] = [this.#here, this.#there]
    this.#prepare()
    const privilege = this.#word(at.prv)
    const retired = [this.#word(at.retired), this.#word(at.retired + 1)] as const
    const compiledBefore = this.#word(at.compiled)
    const before = this.#begun
    const exit = this.#compiled.run(here.address, wanted)
    this.#begun = this.#instructionsBegun()
    const length = (this.#begun - before) | 0
    const twinExit = this.#replay(length)
    this.#recording.conclude()
    const memory = this.#memory.findInStores(there.address)
    const slice = {
      length,
      compiledLength: (this.#word(at.compiled) - compiledBefore) | 0,
      exits: [exit, twinExit] as const,
      privilege,
      retired,
    }
    const same = exit === twinExit && this.#recording.mismatch === undefined && isSameState(here, there)
    if (!same || memory !== undefined) this.#tell(slice, memory, undefined)
    this.#sinceSweep += length
    if (this.#report === undefined && this.#sinceSweep >= instructionsBetweenSweeps) this.#sweep(slice)
    return { exit, length }
  }

  /** Runs the twin; undefined: it asked its host something else, and was left where it did. */
  #replay(length: number): number | undefined {
    // Slots by what `icount` will be; those that stay were not reached.
    const slots = Math.min(length, traceEntries.path - 1)
    this.#path.fill(unreached, 1, slots + 1)
    try {
      return this.#exact.run(this.#there.address, length)
    } catch (error) {
      if (error instanceof CameApart) return undefined
      throw error
    }
  }

  /** Makes the twin what the VMM has made the machine. */
  #prepare(): void {
    this.#hart.publishLines()
    copyState(this.#here, this.#there)
    this.#copyHtif()
    this.#recording.clear()
  }

  /** What the VMM took from and put into the words of HTIF. */
  #copyHtif(): void {
    const { htif } = this.#machine.descriptor
    if (htif === null) return
    this.#memory.copy(htif.tohost)
    this.#memory.copy(htif.fromhost)
  }

  #sweep(slice: Slice): void {
    const memory = this.#memory.findAnywhere()
    if (memory !== undefined) this.#tell(slice, memory, BigInt(this.#sinceSweep))
    this.#sinceSweep = 0
  }

  /** Instructions begun since the start, modulo 2 ** 32: those that retired, and those that trapped. */
  #instructionsBegun(): number {
    let count = this.#word(at.retired)
    for (let cause = 0; cause < exceptionCauses; cause++) count += this.#word(at.exceptions + cause)
    return count | 0
  }

  /** A word of the machine's hart block. */
  #word(index: number): number {
    return this.#here.i32[(this.#here.address >>> 2) + index] ?? 0
  }

  #tell(slice: Slice, memory: MemoryDifference | undefined, memoryAge: bigint | undefined): void {
    const traced = Math.min(slice.length, traceEntries.path - 1)
    const pcs: bigint[] = []
    for (let left = traced; left > 0 && this.#path[left] !== unreached; left--) {
      pcs.push(BigInt.asUintN(64, this.#path[left] ?? 0n))
    }
    const divergence: Divergence = {
      ...slice,
      retired: (BigInt(slice.retired[1] >>> 0) << 32n) | BigInt(slice.retired[0] >>> 0),
      // One that was left on the way has nothing to be compared.
      fields: slice.exits[1] === undefined ? [] : stateDifferences(this.#here, this.#there),
      host: this.#recording.mismatch,
      memory,
      memoryAge,
      pcs,
      halfword: (address) => this.#halfword(address),
    }
    this.#report = reportText(divergence)
  }

  /** Code of the twin, by whichever mode can fetch it: the one that ran it may have been left since. */
  #halfword(address: bigint): number | undefined {
    const { i32, address: hart } = this.#there
    const find = this.#exact.runtime.virtual_to_arena as unknown as (
      hart: number,
      address: bigint,
      kind: number,
    ) => number
    const prv = (hart >>> 2) + at.prv
    const now = i32[prv] ?? 0
    const found = [now, 1, 0, 3].map((mode) => {
      i32[prv] = mode
      return find(hart, address, fetch) >>> 0
    })
    i32[prv] = now
    const place = found.find((each) => each !== 0)
    return place === undefined ? undefined : new DataView(i32.buffer).getUint16(place, true)
  }
}

type Slice = Pick<Divergence, 'length' | 'compiledLength' | 'exits' | 'privilege'> & {
  /** instructions retired before it, lower and upper word */
  readonly retired: readonly [number, number]
}

/** First touches in the twin, told to whoever must know which frames belong together. */
function pairing(host: EngineHost, memory: MemoryTwins): EngineHost['slatFault'] {
  return (hart, gpa, write) => {
    const answer = host.slatFault(hart, gpa, write)
    if (answer === 0) memory.pair(gpa)
    return answer
  }
}
