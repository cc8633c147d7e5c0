/**
 * The memory model and remote fences, on harts that run on threads of their own, a million rounds each or more: by
 * the interpreter, and by the JIT as `virga run` has it, where the loops must have run compiled.
 * @spec riscv-unpriv "RVWMO Memory Consistency Model"
 */

import { join } from 'node:path'
import { describe, expect, it } from 'vitest'
import { assembleElf, assembleFlat } from '../../framework/assemble.ts'
import { compiledShare, type MachineEngine, runMachine } from '../../framework/run-machine.ts'

const million = 1_000_000
/** Compiled loops take millions of rounds until the interpreted ones before them do not count; see `litmus`. */
const engines = [
  { engine: 'interpreter', iterations: million },
  { engine: 'jit', iterations: 8 * million },
] as const
const passed = { kind: 'power-off', status: 0 }
const source = (name: string) => join(import.meta.dirname, `${name}.s`)

/** How often and by what a program is run. */
interface Effort {
  readonly engine: MachineEngine
  readonly iterations: number
}

/**
 * Of the instructions of a program that is run by the JIT. The loops before they are compiled are the rest, and on a
 * busy host the compiler takes its time.
 */
const compiledShareMin = 0.25

/**
 * Runs a bare program on `harts` harts, each on a thread of its own. Its outcome's status is the test that failed.
 * With the JIT, each hart's loop must have run compiled.
 */
async function litmus(
  name: string,
  harts: number,
  { engine, iterations }: Effort,
  defines: Readonly<Record<string, string | number>>,
) {
  const program = assembleElf({
    sources: [source(name)],
    includes: [import.meta.dirname],
    defines: { HARTS: harts, ITERATIONS: iterations, ...defines },
  })
  const { outcome, statistics } = await runMachine({
    boot: { kind: 'bare', program },
    cpus: harts,
    pcpus: harts,
    engine,
  })
  if (engine === 'jit') {
    for (const hart of statistics.harts) expect(compiledShare(hart)).toBeGreaterThan(compiledShareMin)
  }
  return outcome
}

describe.each(engines)('on the $engine, no update is lost', (effort) => {
  it.each([
    { harts: 2, width: 'w', byLrsc: 0 },
    { harts: 2, width: 'd', byLrsc: 0 },
    { harts: 4, width: 'd', byLrsc: 0 },
    { harts: 2, width: 'w', byLrsc: 1 },
    { harts: 2, width: 'd', byLrsc: 1 },
    { harts: 4, width: 'd', byLrsc: 1 },
  ])('of $harts harts that count in one .$width word (LR/SC: $byLrsc)', async ({ harts, width, byLrsc }) => {
    expect(await litmus('counter', harts, effort, { WIDTH: width, BY_LRSC: byLrsc })).toEqual(passed)
  })

  it.each([
    { harts: 2, byLrsc: 0 },
    { harts: 4, byLrsc: 0 },
    { harts: 2, byLrsc: 1 },
    { harts: 4, byLrsc: 1 },
  ])('under a spinlock of $harts harts (LR/SC: $byLrsc)', async ({ harts, byLrsc }) => {
    expect(await litmus('spinlock', harts, effort, { BY_LRSC: byLrsc })).toEqual(passed)
  })
})

describe.each(engines)('on the $engine, a message that is passed', (effort) => {
  it.each([
    [0, 'never goes back, even without fences'],
    [1, 'is there when its flag is, with fences'],
    [2, 'is there when its flag is, by release and acquire'],
  ])('ORDER=%i: %s', async (order) => {
    expect(await litmus('message-passing', 2, effort, { ORDER: order })).toEqual(passed)
  })
})

describe.each(engines)('on the $engine, store buffering', ({ engine }) => {
  it.each([
    [1, 'is not seen across fences'],
    [0, 'gives old or new values without fences'],
  ])('FENCED=%i: %s', async (fenced) => {
    expect(await litmus('store-buffering', 2, { engine, iterations: million }, { FENCED: fenced })).toEqual(
      passed,
    )
  })
})

describe.each(engines)('on the $engine, the time', (effort) => {
  it.each([2, 4])('of %i harts is one', async (harts) => {
    expect(await litmus('clock', harts, effort, {})).toEqual(passed)
  })
})

describe('a remote fence', () => {
  it.each([
    { engine: 'interpreter', code: 0, rounds: million, pace: 0, share: 0 },
    { engine: 'interpreter', code: 1, rounds: million, pace: 0, share: 0 },
    { engine: 'jit', code: 0, rounds: million, pace: 0, share: compiledShareMin },
    // Changed much faster than it can be compiled, and so slowly that it is compiled before each change.
    { engine: 'jit', code: 1, rounds: million, pace: 0, share: 0 },
    { engine: 'jit', code: 1, rounds: 12, pace: 3 * million, share: compiledShareMin },
  ] as const)('of code ($code), each $pace rounds of the other hart, on the $engine', async (test) => {
    const kernel = assembleFlat({
      sources: [source('remote-fence')],
      base: 0x8020_0000,
      defines: { CODE: test.code, ITERATIONS: test.rounds, PACE: test.pace },
    })
    const { outcome, statistics } = await runMachine({
      boot: { kind: 'direct', kernel, commandLine: '' },
      cpus: 2,
      pcpus: 2,
      engine: test.engine,
      timeoutMs: 120_000,
    })
    expect(outcome).toEqual(passed)
    for (const hart of statistics.harts) expect(compiledShare(hart)).toBeGreaterThanOrEqual(test.share)
  })
})
