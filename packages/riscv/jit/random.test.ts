/** Random programs: the interpreter and compiled code come to rest in the same state after as many instructions. */

import { readFileSync } from 'node:fs'
import { join } from 'node:path'
import { expect, it } from 'vitest'
import { differences } from '../testing.ts'
import { allReaders } from './forced.ts'
import { isAtRest, isUnchanged, randomProgram } from './random-program.ts'

const { interpreter, compiled, later } = allReaders((name) =>
  readFileSync(join(import.meta.dirname, '../dist', name)),
)

/** Longer than any of the programs takes to come to rest. */
const budget = 50_000
const firstSeed = Number(process.env.JIT_SEED ?? 1)
const programs = Number(process.env.JIT_PROGRAMS ?? 150)

/** Seeds that were wrong once. 588067289: a register kept as its low half, where the CSR behind it is refused. */
const formerlyWrong = [588067289]

it.each(formerlyWrong)('the program of seed %i', (seed) => {
  const program = randomProgram(seed)
  const expected = interpreter.runFor(program, budget, 'empty')
  for (const reader of [compiled, later])
    expect(differences(program, expected, reader.runFor(program, budget, 'empty'))).toEqual([])
})

it(`${programs} programs from seed ${firstSeed}`, { timeout: 600_000 }, () => {
  let [compiledCount, count] = [0n, 0n]
  for (let seed = firstSeed; seed < firstSeed + programs; seed++) {
    const program = randomProgram(seed)
    const expected = interpreter.runFor(program, budget, 'empty')
    if (!isAtRest(expected)) continue
    for (const caches of ['empty', 'kept'] as const) {
      if (caches === 'kept' && !isUnchanged(program, expected)) continue
      for (const reader of [compiled, later]) {
        const found = reader.runFor(program, budget, caches)
        const wrong = differences(program, expected, found)
        if (found.retired !== expected.retired)
          wrong.push(`retired ${found.retired}, not ${expected.retired}`)
        if (caches === 'empty' && reader === compiled) {
          compiledCount += found.compiled
          count += found.retired
        }
        expect(wrong, `seed ${seed}, caches ${caches}${reader === later ? ', later' : ''}`).toEqual([])
      }
    }
  }
  expect(Number(compiledCount) / Number(count), 'share of compiled instructions').toBeGreaterThan(0.95)
})
