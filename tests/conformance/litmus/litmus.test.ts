/**
 * The memory model and remote fences, on harts that run on threads of their own, a million rounds each.
 * @spec riscv-unpriv "RVWMO Memory Consistency Model"
 */

import { join } from 'node:path'
import { describe, expect, it } from 'vitest'
import { assembleElf, assembleFlat } from '../../framework/assemble.ts'
import { runMachine } from '../../framework/run-machine.ts'

const iterations = 1_000_000
const passed = { kind: 'power-off', status: 0 }
const source = (name: string) => join(import.meta.dirname, `${name}.s`)

/** Runs a bare program on `harts` harts, each on a thread of its own. Its outcome's status is the test that failed. */
async function litmus(name: string, harts: number, defines: Readonly<Record<string, string | number>>) {
  const program = assembleElf({
    sources: [source(name)],
    includes: [import.meta.dirname],
    defines: { HARTS: harts, ITERATIONS: iterations, ...defines },
  })
  const { outcome } = await runMachine({ boot: { kind: 'bare', program }, cpus: harts, pcpus: harts })
  return outcome
}

describe('no update is lost', () => {
  it.each([
    { harts: 2, width: 'w', byLrsc: 0 },
    { harts: 2, width: 'd', byLrsc: 0 },
    { harts: 4, width: 'd', byLrsc: 0 },
    { harts: 2, width: 'w', byLrsc: 1 },
    { harts: 2, width: 'd', byLrsc: 1 },
    { harts: 4, width: 'd', byLrsc: 1 },
  ])('of $harts harts that count in one .$width word (LR/SC: $byLrsc)', async ({ harts, width, byLrsc }) => {
    expect(await litmus('counter', harts, { WIDTH: width, BY_LRSC: byLrsc })).toEqual(passed)
  })

  it.each([
    { harts: 2, byLrsc: 0 },
    { harts: 4, byLrsc: 0 },
    { harts: 2, byLrsc: 1 },
    { harts: 4, byLrsc: 1 },
  ])('under a spinlock of $harts harts (LR/SC: $byLrsc)', async ({ harts, byLrsc }) => {
    expect(await litmus('spinlock', harts, { BY_LRSC: byLrsc })).toEqual(passed)
  })
})

describe('a message that is passed', () => {
  it.each([
    [0, 'never goes back, even without fences'],
    [1, 'is there when its flag is, with fences'],
    [2, 'is there when its flag is, by release and acquire'],
  ])('ORDER=%i: %s', async (order) => {
    expect(await litmus('message-passing', 2, { ORDER: order })).toEqual(passed)
  })
})

describe('store buffering', () => {
  it.each([
    [1, 'is not seen across fences'],
    [0, 'gives old or new values without fences'],
  ])('FENCED=%i: %s', async (fenced) => {
    expect(await litmus('store-buffering', 2, { FENCED: fenced })).toEqual(passed)
  })
})

describe('a remote fence', () => {
  it.each([
    [0, 'of translations (sfence.vma)'],
    [1, 'of instructions (fence.i)'],
  ])('CODE=%i: %s', async (code) => {
    const kernel = assembleFlat({
      sources: [source('remote-fence')],
      base: 0x8020_0000,
      defines: { CODE: code, ITERATIONS: iterations },
    })
    const { outcome } = await runMachine({
      boot: { kind: 'direct', kernel, commandLine: '' },
      cpus: 2,
      pcpus: 2,
      timeoutMs: 120_000,
    })
    expect(outcome).toEqual(passed)
  })
})
