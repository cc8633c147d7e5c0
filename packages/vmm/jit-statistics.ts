/**
 * What the two tiers did: how much the interpreter ran and how much compiled code did, what compiling took, and why
 * compiled code came back. Zeros where everything is interpreted.
 *
 * Each time that the interpreter enters compiled code ends in one of `exits`, however many regions ran meanwhile.
 */

import type { HartBlock } from './hart-block.ts'

/** Of one hart, or of several added up. */
export interface JitStatistics {
  /** instructions by what ran them; `compiledShare` is 0 to 1 */
  readonly tiers: {
    readonly interpreter: number
    readonly compiled: number
    readonly compiledShare: number
  }
  /** regions put in place */
  readonly regions: number
  /** of those, made before: by another process (see the code cache) or for another pCPU */
  readonly restored: number
  /** of those, taken out again: nothing ran them any more and there were many, or their page keeps changing */
  readonly dropped: number
  /** WebAssembly made for them; what had been made for another pCPU before is not counted again */
  readonly bytes: number
  /** guest instructions that it was made of */
  readonly guestInstructions: number
  /** the compiler's processor time from guest code to WebAssembly */
  readonly emitMs: number
  /** the same for the host engine, to make modules of it; its other tiers work in threads of its own */
  readonly moduleMs: number
  /** regions entered, from the interpreter and from other regions */
  readonly entries: number
  /** times that compiled code came back to the interpreter */
  readonly exits: {
    /** the page of the target is not in the fetch TLB */
    readonly uncached: number
    /** no region begins at the target: it is not hot yet, or an instruction that the interpreter runs */
    readonly uncompiled: number
    /** attention was raised, or the slice was at its end */
    readonly poll: number
    /** an instruction was left to it: a fault, a device, an access over two pages */
    readonly bail: number
  }
}

/** Reads a hart's counters. */
export function jitStatistics(hart: HartBlock): JitStatistics {
  const word = (name: string) => hart.read32(name) >>> 0
  const long = (name: string) => Number(hart.read64(name))
  return {
    tiers: tiers(long('retired'), long('statRegionInstructions')),
    regions: word('statRegions'),
    restored: word('statRegionsRestored'),
    dropped: word('statRegionsDropped'),
    bytes: word('statRegionBytes'),
    guestInstructions: word('statRegionSource'),
    emitMs: word('statRegionEmitMicroseconds') / 1000,
    moduleMs: word('statRegionModuleMicroseconds') / 1000,
    entries: long('statRegionEntries'),
    exits: {
      uncached: long('statExitUncached'),
      uncompiled: long('statExitUncompiled'),
      poll: long('statExitPoll'),
      bail: long('statExitBail'),
    },
  }
}

/** A running hart's compiled code may be a slice ahead of what has retired. */
function tiers(retired: number, compiled: number): JitStatistics['tiers'] {
  const interpreter = Math.max(0, retired - compiled)
  return { interpreter, compiled, compiledShare: compiled / Math.max(1, interpreter + compiled) }
}

/** Adds harts up. */
export function sumJitStatistics(harts: readonly JitStatistics[]): JitStatistics {
  const total = (of: (hart: JitStatistics) => number) => harts.reduce((all, hart) => all + of(hart), 0)
  const compiled = total((hart) => hart.tiers.compiled)
  return {
    tiers: tiers(compiled + total((hart) => hart.tiers.interpreter), compiled),
    regions: total((hart) => hart.regions),
    restored: total((hart) => hart.restored),
    dropped: total((hart) => hart.dropped),
    bytes: total((hart) => hart.bytes),
    guestInstructions: total((hart) => hart.guestInstructions),
    emitMs: total((hart) => hart.emitMs),
    moduleMs: total((hart) => hart.moduleMs),
    entries: total((hart) => hart.entries),
    exits: {
      uncached: total((hart) => hart.exits.uncached),
      uncompiled: total((hart) => hart.exits.uncompiled),
      poll: total((hart) => hart.exits.poll),
      bail: total((hart) => hart.exits.bail),
    },
  }
}
