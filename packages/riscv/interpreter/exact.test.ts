/** The exact interpreter: as many instructions as it is told, the same ones as the other interpreter runs. */

import { readFileSync } from 'node:fs'
import { join } from 'node:path'
import { describe, expect, it } from 'vitest'
import { randomProgram } from '../jit/random-program.ts'
import { createInterpreterReader, differences } from '../testing.ts'
import { buildExactInterpreter } from './build.ts'

const read = (name: string) =>
  new WebAssembly.Module(readFileSync(join(import.meta.dirname, '../dist', name)))
const runtimeModule = read('runtime.wasm')
const usual = createInterpreterReader({ runtimeModule, interpreterModule: read('interpreter.wasm') })
const exact = createInterpreterReader({
  runtimeModule,
  interpreterModule: new WebAssembly.Module(buildExactInterpreter(65536) as Uint8Array<ArrayBuffer>),
})
const programs = 40
const budgets = [1, 2, 3, 7, 30, 200]
/** An instruction that traps is run and does not retire; no program has more of them before it comes to rest. */
const trapsMax = 8

describe('the exact interpreter', () => {
  it(`is where the other one is after as many instructions, in ${programs} random programs`, () => {
    for (let seed = 1; seed <= programs; seed++) {
      const program = randomProgram(seed)
      for (const budget of budgets) {
        const expected = usual.runFor(program, budget, 'empty')
        const isThereAfter = (instructions: number) => {
          const found = exact.runFor(program, instructions, 'empty')
          return found.retired === expected.retired && differences(program, expected, found).length === 0
        }
        const counts = Array.from({ length: trapsMax }, (_, traps) => Number(expected.retired) + traps)
        expect(counts.some(isThereAfter), `seed ${seed}, ${budget} instructions`).toBe(true)
      }
    }
  })

  it('stops anywhere, not at jumps only', () => {
    for (let seed = 1; seed <= programs; seed++) {
      const program = randomProgram(seed)
      const counts = [1, 2, 3, 4, 5].map((budget) => exact.runFor(program, budget, 'empty').retired)
      for (const [index, count] of counts.entries()) {
        expect(count).toBeLessThanOrEqual(BigInt(index + 1))
        expect(count - (counts[index - 1] ?? 0n)).toBeLessThanOrEqual(1n)
      }
      expect(counts.at(-1)).toBeGreaterThan(0n)
    }
  })
})
