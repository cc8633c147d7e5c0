/** How the harts' counters of compiled code become numbers, and add up. */

import { beforeEach, describe, expect, it } from 'vitest'
import type { HartBlock } from './hart-block.ts'
import { jitStatistics, sumJitStatistics } from './jit-statistics.ts'

/** A hart that holds only counters. */
class Counters implements Pick<HartBlock, 'read32' | 'read64'> {
  readonly values = new Map<string, number>()

  read32(name: string): number {
    return (this.values.get(name) ?? 0) | 0
  }

  read64(name: string): bigint {
    return BigInt(this.values.get(name) ?? 0)
  }

  statistics() {
    // It reads nothing else.
    return jitStatistics(this as unknown as HartBlock)
  }
}

let hart: Counters
beforeEach(() => {
  hart = new Counters()
})

describe('statistics of compiled code', () => {
  it('tell what each tier ran', () => {
    hart.values.set('retired', 1000).set('statRegionInstructions', 900)
    expect(hart.statistics().tiers).toEqual({ interpreter: 100, compiled: 900, compiledShare: 0.9 })
  })

  it('stay sensible when compiled code is ahead of what has retired', () => {
    hart.values.set('retired', 10).set('statRegionInstructions', 40)
    expect(hart.statistics().tiers).toEqual({ interpreter: 0, compiled: 40, compiledShare: 1 })
  })

  it('are zeros for a hart that did nothing', () => {
    expect(hart.statistics()).toMatchObject({ tiers: { compiledShare: 0 }, regions: 0, emitMs: 0 })
  })

  it('read a counter that has passed 2 ** 31', () => {
    hart.values.set('statRegionBytes', 3e9).set('statRegionEmitMicroseconds', 2.5e9)
    expect(hart.statistics()).toMatchObject({ bytes: 3e9, emitMs: 2.5e6 })
  })

  it('add up over harts, with the share made anew', () => {
    hart.values
      .set('retired', 100)
      .set('statRegionInstructions', 100)
      .set('statRegionSource', 7)
      .set('statExitUncached', 1)
      .set('statExitUncompiled', 2)
      .set('statExitPoll', 3)
      .set('statExitBail', 4)
    const busy = hart.statistics()
    hart.values.set('retired', 300).set('statRegionInstructions', 0)
    expect(sumJitStatistics([busy, hart.statistics()])).toMatchObject({
      tiers: { interpreter: 300, compiled: 100, compiledShare: 0.25 },
      guestInstructions: 14,
      exits: { uncached: 2, uncompiled: 4, poll: 6, bail: 8 },
    })
  })
})
