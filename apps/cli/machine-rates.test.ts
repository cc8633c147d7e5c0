/** Rates of machines between two looks. */
import type { MachineStatus } from '@virga/host'
import { describe, expect, it } from 'vitest'
import { ratesBetween } from './machine-rates.ts'

const record = { name: 'web', boot: { image: 'micro' }, cpus: 2, memoryBytes: 2 ** 26, disks: [] }
const off: MachineStatus = { record, state: 'off' }
const at = (wallMs: number, instructions: number, ...idleMs: number[]): MachineStatus => ({
  record,
  state: 'running',
  use: {
    wallMs,
    instructions,
    memoryBytes: 4096,
    harts: idleMs.map((each) => ({ instructions, idleMs: each })),
  },
})
const machine = { name: 'web', cpus: 2, memoryBytesMax: 2 ** 26 }
const running = { ...machine, state: 'running', memoryBytes: 4096 }

describe('rates', () => {
  it.each([
    [
      'of a machine that ran',
      [at(1000, 500, 100, 100)],
      at(3000, 4500, 100, 1600),
      { ...running, busy: [1, 0.25], instructionsPerSecond: 2000 },
    ],
    [
      'within what can be, though clocks differ',
      [at(1000, 0, 0, 500)],
      at(2000, 0, 1001, 499),
      { ...running, busy: [0, 1], instructionsPerSecond: 0 },
    ],
    ['none of one that is off', [at(1000, 500, 0, 0)], off, { ...machine, state: 'off' }],
    ['none of one that is new', [], at(1000, 500, 0, 0), running],
    ['none of one that began anew', [at(5000, 500, 0, 0)], at(100, 1, 0, 0), running],
  ] as const)('are %s', (_, earlier, later, rates) => {
    expect(ratesBetween(earlier, [later])).toEqual([rates])
  })
})
