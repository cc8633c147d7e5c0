/**
 * What the VMM needs of a CPU engine. `@virga/riscv` builds the real one; tests of the VMM alone use others.
 * `hart` is always the arena address of a hart block.
 */

import { type EngineHost, instantiateEngine, type RegionHostMaker } from '@virga/riscv/hart'
import { hostCalls } from './host-calls.ts'
import type { Machine } from './machine.ts'

/** The exports of the runtime module that the VMM itself calls. */
export interface EngineRuntime {
  /** Gives the CSRs of a zeroed block their reset values (M-mode). */
  hart_init(hart: number): void
  /** Drops every lookaside entry and context, and reselects contexts from the CSRs. */
  flush_all(hart: number): void
  /** A CSR instruction at the hart's privilege: op 0 write, 1 set, 2 clear; access bit 0 read, bit 1 write. */
  csr(hart: number, number: number, op: number, operand: bigint, access: number): bigint
}

/** An engine on this thread. */
export interface Engine {
  /** Runs a hart for at most `budget` instructions. Serves requests first. Returns a hartExit. */
  run(hart: number, budget: number): number
  readonly runtime: EngineRuntime
}

/** The compiled modules of the engine; compiled once and sent to every thread. */
export interface EngineModules {
  readonly runtimeModule: WebAssembly.Module
  readonly interpreterModule: WebAssembly.Module
}

/** Makes this thread's engine for a machine. `regions`: what runs compiled code, for a profiling interpreter. */
export function createEngine(machine: Machine, modules: EngineModules, regions?: RegionHostMaker): Engine {
  const host: EngineHost = hostCalls(machine)
  const engine = instantiateEngine({ memory: machine.descriptor.memory, ...modules, host, regions })
  // The runtime module exports these with exactly these types; WebAssembly exports are untyped.
  return { run: engine.run, runtime: engine.runtime as unknown as EngineRuntime }
}
