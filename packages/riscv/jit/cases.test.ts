/** The case table with compiled code: each case's instruction is compiled before it runs. */

import { readFileSync } from 'node:fs'
import { join } from 'node:path'
import { describe, expect, it } from 'vitest'
import { disassemble } from '../isa/disassemble.ts'
import { caseGroups, createInterpreterReader, differences, evaluatorReader } from '../testing.ts'
import { eagerInterpreter, forcedRegions } from './forced.ts'

const runtimeFile = join(import.meta.dirname, '../dist/runtime.wasm')
const reader = createInterpreterReader({
  runtimeModule: new WebAssembly.Module(readFileSync(runtimeFile)),
  interpreterModule: eagerInterpreter(65536),
  regions: forcedRegions,
})

/** Failures to show of one group. */
const SHOWN = 4

describe('evaluator and compiled code agree on', () => {
  it.each(caseGroups.map((group) => [group.name, group] as const))('%s', (_name, group) => {
    const wrong: string[] = []
    for (const input of group.cases()) {
      const found = differences(input, evaluatorReader(input), reader.run(input))
      if (found.length > 0 && wrong.length < SHOWN)
        wrong.push(`${input.name} (${disassemble(input.bits)}): ${found.join('; ')}`)
    }
    expect(wrong).toEqual([])
  })
})
