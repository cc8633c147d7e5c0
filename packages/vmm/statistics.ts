/**
 * What a machine did, for people and for `--stats json`. Counters of running harts may be a slice behind.
 */

import { hartExit } from '@virga/riscv/hart'
import type { HartBlock } from './hart-block.ts'
import { type JitStatistics, jitStatistics, sumJitStatistics } from './jit-statistics.ts'
import { type Machine, ticksPerMs } from './machine.ts'
import { hartRecord, machineWord } from './machine-block.ts'
import { sbiCallCounts } from './sbi/dispatch.ts'

/** Counts by name; names that never happened are left out. */
export type Counts = Readonly<Record<string, number>>

/** Statistics of one machine, or of one hart where they add up over harts. */
export interface HartStatistics {
  readonly instructions: number
  /** instructions turned into records by the interpreter */
  readonly decoded: number
  readonly jit: JitStatistics
  readonly tlbMisses: { readonly read: number; readonly write: number; readonly fetch: number }
  readonly slatFaults: number
  readonly mmio: { readonly loads: number; readonly stores: number }
  readonly fences: FenceCounts
  readonly exceptions: Counts
  readonly interrupts: Counts
  readonly exits: Counts
  readonly sbiCalls: Counts
  readonly idleMs: number
}

/** Fences of a hart itself; `sfenceVma` are all of its kind, and some of them name an address, or only an ASID. */
export interface FenceCounts {
  readonly sfenceVma: number
  readonly sfenceVmaOfAddress: number
  readonly sfenceVmaOfAsid: number
  readonly fenceI: number
}

/** Statistics of a machine. Times in milliseconds. */
export interface MachineStatistics extends HartStatistics {
  /** since the machine was made */
  readonly wallMs: number
  /** by the guest's clock */
  readonly guestMs: number
  readonly memory: {
    readonly framesTaken: number
    readonly frames: number
    readonly smallLeaves: number
    readonly largeLeaves: number
  }
  readonly harts: readonly HartStatistics[]
}

const exceptionNames: readonly (string | null)[] = [
  'instruction address misaligned',
  'instruction access fault',
  'illegal instruction',
  'breakpoint',
  'load address misaligned',
  'load access fault',
  'store address misaligned',
  'store access fault',
  'ecall from U-mode',
  'ecall from S-mode',
  null,
  'ecall from M-mode',
  'instruction page fault',
  'load page fault',
  null,
  'store page fault',
]

const interruptNames: Readonly<Record<number, string>> = {
  1: 'supervisor software',
  3: 'machine software',
  5: 'supervisor timer',
  7: 'machine timer',
  9: 'supervisor external',
  11: 'machine external',
}

/** Gathers everything. */
export function gatherStatistics(machine: Machine): MachineStatistics {
  const harts = machine.harts.map(hartStatistics)
  const { taken, total } = machine.frames.counts()
  return {
    wallMs: machine.now() - machine.float(machineWord.startedAt),
    guestMs: machine.ticks() / ticksPerMs,
    memory: {
      framesTaken: taken,
      frames: total,
      smallLeaves: machine.word(machineWord.slatSmallLeaves),
      largeLeaves: machine.word(machineWord.slatLargeLeaves),
    },
    ...sum(harts),
    harts,
  }
}

function hartStatistics(hart: HartBlock): HartStatistics {
  const counter = (name: string, index = 0) => hart.read32(name, index) >>> 0
  return {
    instructions: Number(hart.read64('retired')),
    decoded: counter('statDecoded'),
    jit: jitStatistics(hart),
    tlbMisses: {
      read: counter('statTlbMissR'),
      write: counter('statTlbMissW'),
      fetch: counter('statTlbMissX'),
    },
    slatFaults: counter('statSlatFaults'),
    mmio: { loads: counter('statMmioLoads'), stores: counter('statMmioStores') },
    fences: fenceCounts((mode) => counter('statFences', mode), counter('statFenceI')),
    exceptions: counts(
      24,
      (cause) => exceptionNames[cause] ?? `cause ${cause}`,
      (cause) => counter('statExceptions', cause),
    ),
    interrupts: counts(
      16,
      (cause) => interruptNames[cause] ?? `interrupt ${cause}`,
      (cause) => counter('statInterrupts', cause),
    ),
    exits: Object.fromEntries(
      Object.entries(hartExit).map(([name, code]) => [name, hart.record(hartRecord.exits + code * 4) >>> 0]),
    ),
    sbiCalls: sbiCallCounts(hart),
    idleMs: hart.idleMs,
  }
}

/** `of` counts by mode: 1 with an address, 2 with an ASID, 3 with both, 0 with neither. */
function fenceCounts(of: (mode: number) => number, fenceI: number): FenceCounts {
  const ofAddress = of(1) + of(3)
  return {
    sfenceVma: of(0) + of(2) + ofAddress,
    sfenceVmaOfAddress: ofAddress,
    sfenceVmaOfAsid: of(2),
    fenceI,
  }
}

function counts(size: number, name: (index: number) => string, value: (index: number) => number): Counts {
  const result: Record<string, number> = {}
  for (let i = 0; i < size; i++) if (value(i) !== 0) result[name(i)] = value(i)
  return result
}

function sum(harts: readonly HartStatistics[]): HartStatistics {
  const total = (of: (hart: HartStatistics) => number) => harts.reduce((all, hart) => all + of(hart), 0)
  const merge = (of: (hart: HartStatistics) => Counts): Counts => {
    const merged: Record<string, number> = {}
    for (const hart of harts) {
      for (const [name, count] of Object.entries(of(hart))) merged[name] = (merged[name] ?? 0) + count
    }
    return merged
  }
  return {
    instructions: total((hart) => hart.instructions),
    decoded: total((hart) => hart.decoded),
    jit: sumJitStatistics(harts.map((hart) => hart.jit)),
    tlbMisses: {
      read: total((hart) => hart.tlbMisses.read),
      write: total((hart) => hart.tlbMisses.write),
      fetch: total((hart) => hart.tlbMisses.fetch),
    },
    slatFaults: total((hart) => hart.slatFaults),
    mmio: { loads: total((hart) => hart.mmio.loads), stores: total((hart) => hart.mmio.stores) },
    fences: {
      sfenceVma: total((hart) => hart.fences.sfenceVma),
      sfenceVmaOfAddress: total((hart) => hart.fences.sfenceVmaOfAddress),
      sfenceVmaOfAsid: total((hart) => hart.fences.sfenceVmaOfAsid),
      fenceI: total((hart) => hart.fences.fenceI),
    },
    exceptions: merge((hart) => hart.exceptions),
    interrupts: merge((hart) => hart.interrupts),
    exits: merge((hart) => hart.exits),
    sbiCalls: merge((hart) => hart.sbiCalls),
    idleMs: total((hart) => hart.idleMs),
  }
}
