/** The plan of an arena, for machines of every size. */

import { codePage, hartBlockBytes } from '@virga/riscv/hart'
import { describe, expect, it } from 'vitest'
import { messageOf } from '../testing.ts'
import { type ArenaPlan, largeFrameBytes, planArena } from './arena.ts'

const mib = 2 ** 20

function plan(hartCount: number, poolBytes: number, codePagesPerHart = 64): ArenaPlan {
  const planned = planArena({ hartCount, codePagesPerHart, platformBytes: 75 * 1024 + 64, poolBytes })
  if (!planned.ok) throw new Error(planned.error.message)
  return planned.value
}

describe('the plan of an arena', () => {
  const cases = [
    [1, 8 * mib],
    [2, 512 * mib],
    [64, 64 * mib],
    [8, 3500 * mib],
    [1, 3 * mib + 4096],
  ] as const
  it.each(cases)('keeps regions apart and aligned: %i harts, %i bytes', (hartCount, poolBytes) => {
    const p = plan(hartCount, poolBytes)
    expect(p.machineBlock).toBeGreaterThan(0)
    expect(p.platform).toBeGreaterThan(p.machineBlock)
    expect(p.harts).toBeGreaterThanOrEqual(p.platform + p.platformBytes)
    expect(p.harts % hartBlockBytes).toBe(0)
    expect(p.codeMaps).toBe(p.harts + hartCount * hartBlockBytes)
    expect(p.codePages).toBe(p.codeMaps + hartCount * p.codeMapBytes)
    expect(p.pool).toBeGreaterThanOrEqual(p.codePages + hartCount * p.codePagesPerHart * codePage.bytes)
    expect(p.pool % largeFrameBytes).toBe(0)
    expect(p.bytes).toBe(p.pool + p.poolFrames * 4096)
    expect(p.bytes % largeFrameBytes).toBe(0)
    expect(p.bytes).toBeLessThanOrEqual(2 ** 32)
    expect(p.poolFrames * 4096).toBeGreaterThanOrEqual(poolBytes)
  })

  it.each(cases)(
    'gives each code map a word for every frame of the arena: %i harts',
    (hartCount, poolBytes) => {
      const p = plan(hartCount, poolBytes)
      expect(p.codeMapBytes).toBeGreaterThanOrEqual((p.bytes / 4096) * 2)
    },
  )

  it('refuses what a 4 GiB arena cannot hold, and says what it can', () => {
    const refused = planArena({
      hartCount: 4,
      codePagesPerHart: 512,
      platformBytes: 65536,
      poolBytes: 4096 * mib,
    })
    expect(messageOf(refused)).toMatch(/4 harts leave room for \d+ MiB/)
  })
})
