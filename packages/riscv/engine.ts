/**
 * Joins the runtime and the interpreter into an engine that runs harts of one shared memory.
 * One engine a thread: instances are cheap, the compiled modules are shared.
 */

/** What the runtime asks of its host, synchronously, on the thread that runs the hart. */
export interface EngineHost {
  /** ticks of the `time` CSR since the machine started, an integer */
  clock(): number
  /** backs a guest-physical address with a frame: 0 done (retry), 1 there is no memory at this address */
  slatFault(hart: number, guestPhysical: number, write: number): number
  /** an access of 1 << log2 bytes outside memory: 0 done (data in `mmioValue` of the hart block), 1 access fault */
  mmio(hart: number, guestPhysical: number, log2: number, write: number): number
}

/** Runs harts. Addresses are arena addresses of hart blocks. */
export interface Engine {
  /** runs at most about `budget` instructions (it stops at the next jump); the result is one of `hartExit` */
  run(hart: number, budget: number): number
  /** the runtime's exports, by name */
  readonly runtime: Readonly<Record<string, (...values: never[]) => unknown>>
}

/** What runs compiled code beside a profiling interpreter. */
export interface RegionHost {
  /** functions that a record may name */
  readonly table: WebAssembly.Table
  /** `record` of the page whose first record is `recordBase` was arrived at often (arena addresses); `hart.pc` is there */
  hot(hart: number, record: number, recordBase: number): void
  /** before the first instruction: what compiled code ends in, by name (see interpreter/chain.ts) */
  connect(exits: WebAssembly.Exports): void
}

/** Makes a region host, given what compiled code imports. */
export type RegionHostMaker = (runtime: WebAssembly.Exports, memory: WebAssembly.Memory) => RegionHost

/** What an engine is made of. */
export interface EngineParts {
  readonly memory: WebAssembly.Memory
  readonly runtimeModule: WebAssembly.Module
  readonly interpreterModule: WebAssembly.Module
  readonly host: EngineHost
  /** for a profiling interpreter: makes what runs its regions */
  readonly regions?: RegionHostMaker | undefined
}

/** Instantiates both modules over one memory. */
export function instantiateEngine(parts: EngineParts): Engine {
  const { memory, runtimeModule, interpreterModule, host } = parts
  const runtime = new WebAssembly.Instance(runtimeModule, {
    env: { memory },
    host: { clock: host.clock, slat_fault: host.slatFault, mmio: host.mmio },
  })
  const regions = parts.regions?.(runtime.exports, memory)
  const interpreter = new WebAssembly.Instance(interpreterModule, {
    env: { memory },
    runtime: runtime.exports,
    ...(regions && {
      jit: {
        table: regions.table,
        hot: (hart: number, record: number, base: number) => regions.hot(hart, record, base),
      },
    }),
  })
  regions?.connect(interpreter.exports)
  return {
    run: interpreter.exports.run as Engine['run'],
    runtime: runtime.exports as Engine['runtime'],
  }
}
