/** The case table: the evaluator and the engine give the same state after each case. */
import { existsSync, readFileSync } from 'node:fs'
import { join } from 'node:path'
import { describe, expect, it } from 'vitest'
import {
  type CaseGroup,
  caseGroups,
  createInterpreterReader,
  differences,
  evaluatorReader,
} from '../testing.ts'
import { disassemble } from './disassemble.ts'

/** A module that the build made. */
function builtModule(name: string): WebAssembly.Module {
  const file = join(import.meta.dirname, `../dist/${name}.wasm`)
  if (!existsSync(file)) throw new Error(`${file} is absent: run npm run build`)
  return new WebAssembly.Module(readFileSync(file))
}

const interpreter = createInterpreterReader({
  runtimeModule: builtModule('runtime'),
  interpreterModule: builtModule('interpreter'),
})

/** Failures to show of one instruction. */
const SHOWN = 4

/** Runs a group's cases in both readers; a case that may be repeated also with everything cached. */
function check(group: CaseGroup): { count: number; wrong: string[] } {
  const wrong: string[] = []
  let count = 0
  for (const input of group.cases()) {
    count += 1
    const expected = evaluatorReader(input)
    const found = differences(input, expected, interpreter.run(input))
    if (found.length === 0 && input.repeatable) {
      found.push(
        ...differences(input, expected, interpreter.again(input), { exceptTables: true }).map(
          (each) => `again ${each}`,
        ),
      )
    }
    if (found.length > 0 && wrong.length < SHOWN)
      wrong.push(`${input.name} (${disassemble(input.bits)}): ${found.join('; ')}`)
  }
  return { count, wrong }
}

describe('evaluator and interpreter agree on', () => {
  it.each(caseGroups.map((group) => [group.name, group] as const))('%s', (_name, group) => {
    const { count, wrong } = check(group)
    expect(wrong).toEqual([])
    expect(count).toBeGreaterThan(20)
  })
})
