/** Random programs end here as they end in QEMU. */

import { describe, expect, it } from 'vitest'
import { type Body, findMismatches, seededBody } from './compare.ts'
import { namedCases } from './named-cases.ts'

const bodiesPerProgram = 2000

/** Seeds of one program; a failure names those that part, with their code. */
function program(index: number): readonly Body[] {
  return Array.from({ length: bodiesPerProgram }, (_, i) => seededBody(index * bodiesPerProgram + i))
}

describe('in lockstep with QEMU', () => {
  it('named cases', async () => {
    expect(await findMismatches(namedCases)).toEqual([])
  })

  it.each([0, 1, 2])('2000 random programs, batch %i', async (index) => {
    expect(await findMismatches(program(index))).toEqual([])
  })
})
