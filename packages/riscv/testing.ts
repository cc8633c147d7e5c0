/**
 * For tests: a machine of one hart around the engine that runs single instructions of the case table.
 *
 * A hart with 64 KiB of RAM behind a small SLAT, in an arena of its own; the host has no devices and its clock
 * stands still. A case's instruction is followed by a jump to itself, and so are the trap vectors: that is where
 * the interpreter comes to rest, since it leaves a slice only at jumps.
 */

import { assert } from '@virga/base'
import { type Engine, instantiateEngine, type RegionHostMaker } from './engine.ts'
import { codePage, hartBlockBytes, hartOffset } from './hart/layout.ts'
import { type Case, initialRam, type Outcome, RAM_BASE, RAM_BYTES, type Reader } from './isa/cases/case.ts'
import { type CsrValues, copyHart, type Hart } from './isa/evaluate/index.ts'

export {
  type Case,
  type CaseGroup,
  caseGroups,
  differences,
  evaluatorReader,
  type Outcome,
  type Reader,
} from './isa/cases/index.ts'
export { type Random, seededRandom } from './isa/cases/random.ts'

/** Where things are in the arena. */
const arena = {
  hart: 0x10000,
  ram: 0xc0000,
  slat: 0xd0000,
  codeMap: 0xe0000,
  codePages: 0xf0000,
  pages: 32,
} as const
const CODE_PAGE_COUNT = 16

/** The modules that `npm run build` made. */
export interface EngineModules {
  readonly runtimeModule: WebAssembly.Module
  readonly interpreterModule: WebAssembly.Module
  /** with a profiling interpreter: what runs its regions */
  readonly regions?: RegionHostMaker
}

/** A reader of cases that keeps its engine. */
export interface InterpreterReader {
  readonly run: Reader
  /** runs a case a second time, with translations and decoded code of the first run still cached */
  readonly again: Reader
  /**
   * Runs a program for `budget` instructions, as `run` or `again` do, and says how many retired, and how many of them
   * compiled code ran since the caches were empty.
   */
  readonly runFor: (
    input: Case,
    budget: number,
    caches: 'empty' | 'kept',
  ) => Outcome & { readonly retired: bigint; readonly compiled: bigint }
  /** a 64-bit field of the hart block, as the last run left it */
  readonly counter: (field: string) => bigint
}

const words = ['fflags', 'frm', 'mip'] as const
const longs = [
  'medeleg',
  'mideleg',
  'mie',
  'mtvec',
  'mcounteren',
  'mcountinhibit',
  'mscratch',
  'mepc',
  'mcause',
  'mtval',
  'menvcfg',
  'mcycle',
  'minstret',
  'stvec',
  'scounteren',
  'senvcfg',
  'sscratch',
  'sepc',
  'scause',
  'stval',
  'stimecmp',
  'satp',
  'mstatus',
] as const
const lists = ['mhpmcounter', 'mhpmevent', 'pmpcfg', 'pmpaddr'] as const

/** Sv48x4 tables that map RAM, 4 KiB at a time. @spec riscv-priv "Guest Physical Address Translation" */
function mapRam(memory: BigInt64Array): void {
  const pointer = (address: number, flags: number) => BigInt((address >> 12) * 1024 + flags)
  const tables = [arena.slat, arena.slat + 0x4000, arena.slat + 0x5000, arena.slat + 0x6000]
  for (const [depth, table] of tables.entries()) {
    const shift = BigInt(39 - 9 * depth)
    const index = Number((RAM_BASE >> shift) & 511n)
    const next = tables[depth + 1]
    if (next !== undefined) {
      memory[table / 8 + index] = pointer(next, 1)
      continue
    }
    for (let page = 0; page < RAM_BYTES / 4096; page++)
      memory[table / 8 + index + page] = pointer(arena.ram + page * 4096, 0xdf)
  }
}

/** The views through which a hart block is written and read. */
class HartBlock {
  private readonly i32: Int32Array
  private readonly i64: BigInt64Array

  constructor(memory: WebAssembly.Memory) {
    this.i32 = new Int32Array(memory.buffer)
    this.i64 = new BigInt64Array(memory.buffer)
  }

  private at(name: string): number {
    const offset = hartOffset[name]
    assert(offset !== undefined, `the hart block has a field ${name}`)
    return arena.hart + offset
  }

  setWord(name: string, value: number, index = 0): void {
    this.i32[this.at(name) / 4 + index] = value
  }

  word(name: string, index = 0): number {
    return this.i32[this.at(name) / 4 + index] ?? 0
  }

  setLong(name: string, value: bigint, index = 0): void {
    this.i64[this.at(name) / 8 + index] = BigInt.asIntN(64, value)
  }

  long(name: string, index = 0): bigint {
    return BigInt.asUintN(64, this.i64[this.at(name) / 8 + index] ?? 0n)
  }

  /** Makes the architectural state that of `hart`. */
  write(hart: Hart): void {
    for (const [index, value] of hart.x.entries()) this.setLong('x', value, index)
    for (const [index, value] of hart.f.entries()) this.setLong('f', value, index)
    this.setLong('pc', hart.pc)
    this.setWord('prv', hart.privilege)
    this.setWord('lines', Number(hart.lines))
    this.setWord('reservationValid', hart.reservation === undefined ? 0 : 1)
    this.setWord('reservationAddr', Number((hart.reservation?.address ?? 0n) - RAM_BASE) + arena.ram)
    this.setLong('reservationValue', hart.reservation?.value ?? 0n)
    for (const name of words) this.setWord(name, Number(hart.csr[name]))
    for (const name of longs) this.setLong(name, hart.csr[name])
    for (const name of lists)
      for (const [index, value] of hart.csr[name].entries()) this.setLong(name, value, index)
    // how often a trap was taken tells whether the instruction retired
    for (let cause = 0; cause < 24; cause++) this.setWord('statExceptions', 0, cause)
    for (let cause = 0; cause < 16; cause++) this.setWord('statInterrupts', 0, cause)
    this.setLong('retired', 0n)
  }

  private trapsTaken(): number {
    let taken = 0
    for (let cause = 0; cause < 24; cause++) taken += this.word('statExceptions', cause)
    for (let cause = 0; cause < 16; cause++) taken += this.word('statInterrupts', cause)
    return taken
  }

  /** The state now, with the counters as they were before the jump that came to rest. */
  read(before: Hart): Hart {
    const hart = copyHart(before)
    hart.x = hart.x.map((_, index) => this.long('x', index))
    hart.f = hart.f.map((_, index) => this.long('f', index))
    hart.pc = this.long('pc')
    const privilege = this.word('prv')
    assert(privilege === 0 || privilege === 1 || privilege === 3, 'the hart is in a mode that exists')
    hart.privilege = privilege
    const reserved = this.word('reservationValid') === 1
    const address = RAM_BASE + BigInt(this.word('reservationAddr') - arena.ram)
    hart.reservation = reserved ? { address, value: this.long('reservationValue') } : undefined
    for (const name of words) hart.csr[name] = BigInt(this.word(name) >>> 0)
    for (const name of longs) hart.csr[name] = this.long(name)
    for (const name of lists) hart.csr[name] = hart.csr[name].map((_, index) => this.long(name, index))
    this.settleCounters(hart.csr)
    return hart
  }

  /** A running counter is stored as its distance from the instructions retired. */
  private settleCounters(csr: CsrValues): void {
    const retired = this.trapsTaken() === 0 ? 1n : 0n
    if ((csr.mcountinhibit & 1n) === 0n) csr.mcycle = BigInt.asUintN(64, csr.mcycle + retired)
    if ((csr.mcountinhibit & 4n) === 0n) csr.minstret = BigInt.asUintN(64, csr.minstret + retired)
  }
}

/** An engine, its memory and the one hart in it. */
class Bench {
  private readonly memory: WebAssembly.Memory
  private readonly bytes: Uint8Array
  private readonly block: HartBlock
  private readonly engine: Engine
  private time = 0n
  private epoch = 1

  constructor(modules: EngineModules) {
    this.memory = new WebAssembly.Memory({ initial: arena.pages, maximum: arena.pages, shared: true })
    this.bytes = new Uint8Array(this.memory.buffer)
    this.block = new HartBlock(this.memory)
    mapRam(new BigInt64Array(this.memory.buffer))
    this.engine = instantiateEngine({
      memory: this.memory,
      ...modules,
      host: { clock: () => Number(this.time), slatFault: () => 1, mmio: () => 1 },
    })
  }

  private callRuntime(name: 'hart_init' | 'flush_all'): void {
    const exported = this.engine.runtime[name] as ((hart: number) => void) | undefined
    assert(exported !== undefined, `the runtime exports ${name}`)
    exported(arena.hart)
  }

  /** A hart as after reset, with nothing cached. */
  reset(): void {
    this.bytes.fill(0, arena.hart, arena.hart + hartBlockBytes)
    this.block.setWord('slatRoot', arena.slat)
    this.block.setWord('codeMap', arena.codeMap)
    this.block.setWord('codePages', arena.codePages)
    this.block.setWord('codePageCount', CODE_PAGE_COUNT)
    this.callRuntime('hart_init')
    // decoded pages outlive the reset: an epoch that no fence.i has reached makes the hart compare them with memory
    this.epoch += 0x10000
    this.block.setWord('fetchEpoch', this.epoch)
  }

  load(input: Case): void {
    this.bytes.set(initialRam(input), arena.ram)
    this.block.write(input.hart)
    this.time = input.hart.time
  }

  flush(): void {
    this.callRuntime('flush_all')
  }

  counter(field: string): bigint {
    return this.block.long(field)
  }

  counts(): { readonly retired: bigint; readonly compiled: bigint } {
    return { retired: this.counter('retired'), compiled: this.counter('statRegionInstructions') }
  }

  step(input: Case, budget = 1): Outcome {
    this.engine.run(arena.hart, budget)
    const ram = new Uint8Array(RAM_BYTES)
    ram.set(this.bytes.subarray(arena.ram, arena.ram + RAM_BYTES))
    return { hart: this.block.read(input.hart), ram }
  }
}

/** The engine as a reader of cases. */
export function createInterpreterReader(modules: EngineModules): InterpreterReader {
  assert(
    arena.codePages + CODE_PAGE_COUNT * codePage.bytes <= arena.pages * 65536,
    'the arena holds the decoded pages',
  )
  const bench = new Bench(modules)
  return {
    run: (input) => {
      bench.reset()
      bench.load(input)
      bench.flush()
      return bench.step(input)
    },
    again: (input) => {
      bench.load(input)
      return bench.step(input)
    },
    runFor: (input, budget, caches) => {
      if (caches === 'empty') bench.reset()
      bench.load(input)
      if (caches === 'empty') bench.flush()
      const outcome = bench.step(input, budget)
      return { ...outcome, ...bench.counts() }
    },
    counter: (field) => bench.counter(field),
  }
}
