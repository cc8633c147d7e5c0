/** What compiled code must leave to others in time: interrupts, and code that changes. Programs check themselves. */

import { join } from 'node:path'
import { describe, expect, it } from 'vitest'
import { assembleElf } from '../../framework/assemble.ts'
import { compiledShare, type MachineEngine, runMachine } from '../../framework/run-machine.ts'

const passed = { kind: 'power-off', status: 0 }
/** Of the `time` CSR. */
const ticksPerMs = 10_000
/** Of a program whose loops are all compiled; what is run before they are is the rest. */
const compiledShareMin = 0.8

/** Runs one of the programs here. */
function run(name: string, engine: MachineEngine, harts: number, defines: Readonly<Record<string, number>>) {
  const program = assembleElf({
    sources: [join(import.meta.dirname, `${name}.s`)],
    includes: [join(import.meta.dirname, '../litmus')],
    defines: { HARTS: harts, ...defines },
  })
  return runMachine({ boot: { kind: 'bare', program }, cpus: harts, pcpus: harts, engine })
}

describe('an interrupt', () => {
  it.each([
    { engine: 'interpreter', loop: 0, name: 'of one block' },
    { engine: 'jit', loop: 0, name: 'of one block' },
    { engine: 'jit', loop: 1, name: 'that is one jump' },
    { engine: 'jit', loop: 2, name: 'around a loop' },
    { engine: 'jit', loop: 3, name: 'of two entries' },
    { engine: 'jit', loop: 4, name: 'by a computed jump' },
  ] as const)('is taken soon in an endless loop $name, on the $engine', async ({ engine, loop }) => {
    const { outcome, statistics } = await run('interrupts', engine, 2, {
      ITERATIONS: 100,
      LOOP: loop,
      LATENCY: 10 * ticksPerMs,
    })
    expect(outcome).toEqual(passed)
    if (engine === 'interpreter') return
    for (const hart of statistics.harts) expect(compiledShare(hart)).toBeGreaterThan(compiledShareMin)
  })
})

describe('code that changes', () => {
  it.each([
    { engine: 'interpreter', share: 0 },
    { engine: 'jit', share: compiledShareMin },
    { engine: 'eager jit', share: 0.99 },
  ] as const)('to and fro is compiled once, on the $engine', async ({ engine, share }) => {
    const { outcome, statistics } = await run('changing-code', engine, 1, {
      ITERATIONS: 400,
      VERSIONS: 2,
      LOOPS: 100_000,
      SETTLED: 0,
    })
    expect(outcome).toEqual(passed)
    expect(compiledShare(statistics)).toBeGreaterThanOrEqual(share)
    expect(statistics.jit.regions).toBeLessThan(20)
  })

  it('to something new is compiled again, while that is not often', async () => {
    const { outcome, statistics } = await run('changing-code', 'jit', 1, {
      ITERATIONS: 8,
      VERSIONS: 8,
      LOOPS: 5_000_000,
      SETTLED: 0,
    })
    expect(outcome).toEqual(passed)
    expect(compiledShare(statistics)).toBeGreaterThan(compiledShareMin)
  })

  it('all the time is not compiled each time, and leaves room for what does not', async () => {
    const settled = 60_000_000
    const { outcome, statistics } = await run('changing-code', 'jit', 1, {
      ITERATIONS: 20_000,
      VERSIONS: 20_000,
      LOOPS: 500,
      SETTLED: settled,
    })
    expect(outcome).toEqual(passed)
    expect(statistics.jit.regions).toBeLessThan(100)
    expect(statistics.jit.tiers.compiled / (2 * settled)).toBeGreaterThan(compiledShareMin)
  })
})
