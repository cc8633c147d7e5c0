/** What `--stats` prints of the JIT. */

import { describe, expect, it } from 'vitest'
import type { SessionStatistics } from './session.ts'
import { renderStatistics } from './statistics-text.ts'

const jit = {
  tiers: { interpreter: 250, compiled: 750, compiledShare: 0.75 },
  regions: 3,
  restored: 1,
  dropped: 2,
  bytes: 9000,
  guestInstructions: 100,
  emitMs: 0.25,
  moduleMs: 1500,
  entries: 40,
  exits: { uncached: 1, uncompiled: 20, poll: 0, bail: 4 },
}

const statistics: SessionStatistics = {
  startMs: 300,
  wallMs: 1000,
  guestMs: 1000,
  instructions: 1000,
  decoded: 5,
  jit,
  tlbMisses: { read: 0, write: 0, fetch: 0 },
  slatFaults: 0,
  mmio: { loads: 0, stores: 0 },
  fences: { sfenceVma: 0, sfenceVmaOfAddress: 0, sfenceVmaOfAsid: 0, fenceI: 0 },
  exceptions: {},
  interrupts: {},
  exits: {},
  sbiCalls: {},
  idleMs: 0,
  memory: { framesTaken: 0, frames: 0, smallLeaves: 0, largeLeaves: 0 },
  harts: [],
}

/** The cell beside `name`, its lines joined. */
function row(text: string, name: string): string | undefined {
  const block = text.split(/[├└]/).find((part) => part.includes(`│ ${name} `))
  return block
    ?.replaceAll(/[│┤┼─]|\n/g, ' ')
    .replaceAll(/ +/g, ' ')
    .trim()
}

describe('statistics of the JIT', () => {
  it.each([
    ['tiers', 'tiers interpreter 250 (25.0 %), compiled code 750 (75.0 %)'],
    [
      'regions',
      'regions 3, of which 1 restored, 2 dropped; 100 instructions became 9,000 bytes of WebAssembly',
    ],
    ['compiling', 'compiling 0 ms (2.50 µs an instruction), modules 1.50 s'],
    [
      'chain',
      'chain entered 40 times; back: page not in the fetch TLB 1, no region there 20, left to the interpreter 4',
    ],
  ])('as text: %s', (name, expected) => {
    expect(row(renderStatistics(statistics, 'text'), name)).toBe(expected)
  })

  it('as text are nothing where all was interpreted', () => {
    const text = renderStatistics({ ...statistics, jit: { ...jit, regions: 0 } }, 'text')
    expect(text).not.toMatch(/tiers|compiling|chain/)
  })

  it('as JSON are the numbers', () => {
    expect(JSON.parse(renderStatistics(statistics, 'json')).jit).toEqual(jit)
  })
})
