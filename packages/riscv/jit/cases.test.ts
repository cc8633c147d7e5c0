/** The case table with compiled code: each case's instruction is compiled before it runs. */

import { readFileSync } from 'node:fs'
import { join } from 'node:path'
import { describe, expect, it } from 'vitest'
import { disassemble } from '../isa/disassemble.ts'
import { decode } from '../isa/table.ts'
import { caseGroups, createInterpreterReader, differences, evaluatorReader } from '../testing.ts'
import { factsOf } from './facts.ts'
import { eagerInterpreter, forcedRegions } from './forced.ts'

const runtimeFile = join(import.meta.dirname, '../dist/runtime.wasm')
const modules = {
  runtimeModule: new WebAssembly.Module(readFileSync(runtimeFile)),
  interpreterModule: eagerInterpreter(65536),
  regions: forcedRegions,
}

/** Failures to show of one group. */
const SHOWN = 4
/** Each case compiles a module, so some are enough here: `JIT_STEP=1` runs all. */
const STEP = Number(process.env.JIT_STEP ?? 16)

/** A slice ends at any jump in the interpreter but not at one ahead in compiled code, and there is no rest there. */
function jumpsIntoItself(bits: number): boolean {
  const decoded = decode(bits)
  if (decoded === undefined) return false
  const { flow } = factsOf(decoded.instruction)
  return (flow === 'branch' || flow === 'jump') && decoded.imm === 2
}

describe('evaluator and compiled code agree on', () => {
  it.each(caseGroups.map((group) => [group.name, group] as const))('%s', (_name, group) => {
    const wrong: string[] = []
    // One for each group: behind its limit of regions a linker compiles nothing.
    const reader = createInterpreterReader(modules)
    for (const [index, input] of [...group.cases()].entries()) {
      if (index % STEP !== 0 || jumpsIntoItself(input.bits)) continue
      const found = differences(input, evaluatorReader(input), reader.run(input))
      if (found.length > 0 && wrong.length < SHOWN)
        wrong.push(`${input.name} (${disassemble(input.bits)}): ${found.join('; ')}`)
    }
    expect(wrong).toEqual([])
  })
})
