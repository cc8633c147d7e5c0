/** The script is run by this machine's sh, with programs that need no guest. */

import { spawnSync } from 'node:child_process'
import { describe, expect, it } from 'vitest'
import { type ProgramItem, programItems } from './program-items.ts'
import { programScript, readFigures } from './program-script.ts'

function run(items: readonly ProgramItem[]): { status: number | null; stdout: string } {
  // The file that the script begins by making is the guest's own affair.
  const script = programScript(items).split('\n').slice(1).join('\n')
  return spawnSync('sh', ['-c', script], { encoding: 'utf8' })
}

const timed: ProgramItem = { name: 'timed', kind: 'kernel', script: 'sleep 0.05' }
const own: ProgramItem = {
  name: 'own',
  kind: 'integer',
  before: 'answer=42',
  script: 'echo "made $answer things"',
  value: (output) => Number(/made (\d+)/.exec(output)?.[1]),
  unit: { name: '1/s', moreIsBetter: true },
}

describe('a script of programs', () => {
  it('gives each its time, or its own figure', () => {
    const items = [own, timed, own]
    const { status, stdout } = run(items)
    expect(status).toBe(0)
    const [first, time, last] = readFigures(items, stdout)
    expect([first, last]).toEqual([42, 42])
    expect(time).toBeGreaterThan(0.03)
    expect(time).toBeLessThan(5)
  })

  it('ends at the first program that fails, and names it', () => {
    const { status, stdout } = run([{ ...timed, name: 'bad', script: 'false' }, own])
    expect(status).toBe(1)
    expect(stdout).toMatch(/bad failed\n$/)
  })

  it('has no figure where a program printed none, or took no time', () => {
    expect(() => readFigures([own], '@begin 0 1.00\nnothing\n@end 0 2.00\n')).toThrow('no figure of own')
    expect(() => readFigures([timed], '@begin 0 1.00\n@end 0 1.00\n')).toThrow('no figure of timed')
    expect(() => readFigures([timed], '@begin 0 1.00\n')).toThrow('no figure of timed')
    expect(readFigures([timed], '@begin 0 1.00\r\n@end 0 3.50\r\n')).toEqual([2.5])
  })
})

describe('the programs', () => {
  it('have names of their own', () => {
    expect(new Set(programItems.map(({ name }) => name)).size).toBe(programItems.length)
  })

  const item = (name: string): ProgramItem => {
    const found = programItems.find((each) => each.name === name)
    if (found === undefined) throw new Error(`no item ${name}`)
    return found
  }

  it.each([
    ['openssl sha256', '+H:8192\n+F:25:sha256:21233664.00\n', 21.233664],
    [
      'openssl rsa2048 sign',
      '+F2:2:2048:26.470588:1371.000000:1086.000000:24.038462\n+F9:2:0.7\n',
      26.470588,
    ],
    ['stress-ng crc16', 'stress-ng: metrc: [154] cpu                 558      1.25      1.02\n', 1.25],
  ])('%s is read', (name, output, expected) => {
    expect(item(name).value?.(output)).toBeCloseTo(expected)
    expect(item(name).value?.('nothing of the kind')).toBeUndefined()
  })
})
