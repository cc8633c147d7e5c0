/** Random programs end here as they end in QEMU. */

import { describe, expect, it } from 'vitest'
import { type Body, findMismatches, seededBody } from './compare.ts'
import { namedCases } from './named-cases.ts'

/** Compiling a body takes longer than running it does, so there are fewer for the JIT: the first of the same seeds. */
const engines = [
  { engine: 'interpreter', bodies: 2000, batches: [0, 1, 2] },
  { engine: 'eager jit', bodies: 600, batches: [0] },
] as const

/** Seeds of one program; a failure names those that part, with their code. */
function program(index: number, bodies: number): readonly Body[] {
  return Array.from({ length: bodies }, (_, i) => seededBody(index * bodies + i))
}

describe.each(engines)('the $engine in lockstep with QEMU', ({ engine, bodies, batches }) => {
  it('named cases', async () => {
    expect(await findMismatches(namedCases, engine)).toEqual([])
  })

  it.each(batches)(`${bodies} random programs, batch %i`, async (index) => {
    expect(await findMismatches(program(index, bodies), engine)).toEqual([])
  })
})
