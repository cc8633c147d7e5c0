/**
 * A platform on a bench: for tests that drive devices from the guest's side.
 * Why: no harts and no threads are needed to see what a device does; wires and clocks are in the tester's hand.
 */

import { assert } from '@virga/base'
import type { HartLine } from '@virga/device'
import { createPlatform, type InterruptArchitecture, type Platform, platformStateBytes } from './platform.ts'

export interface Bench {
  readonly platform: Platform
  readonly words: Int32Array
  /** time in the tester's hand */
  readonly time: { ticks: number; wallMs: number }
  /** high wires, as 'SEI0' (wire, hart), sorted */
  wires(): string[]
  /** wires driven high so far, in order, whatever became of them */
  readonly raised: string[]
  /** messages so far */
  readonly messages: [hart: number, identity: number][]
  /** harts woken so far */
  readonly woken: number[]
  /** guest loads; asserts that somebody answers */
  load(gpa: number, bytes?: number): number
  /** guest stores; asserts that somebody answers */
  store(gpa: number, value: number, bytes?: number): void
}

/** A platform of `harts` harts; started unless `words` of another bench are given. */
export function createBench(
  options: {
    harts?: number
    boot?: 'direct' | 'bare'
    interrupts?: InterruptArchitecture
    words?: Int32Array
  } = {},
): Bench {
  const { harts = 1, boot = 'bare', interrupts = 'plic' } = options
  const words = options.words ?? new Int32Array(new SharedArrayBuffer(platformStateBytes(harts)))
  const high = new Set<string>()
  const raised: string[] = []
  const woken: number[] = []
  const messages: [hart: number, identity: number][] = []
  const time = { ticks: 0, wallMs: 0 }
  const platform = createPlatform({
    words,
    harts,
    boot,
    interrupts,
    lines: {
      set: (hart: number, line: HartLine, level: boolean) => {
        if (level) {
          high.add(`${line}${hart}`)
          raised.push(`${line}${hart}`)
        } else high.delete(`${line}${hart}`)
      },
      wake: (hart: number) => woken.push(hart),
      message: (hart: number, identity: number) => messages.push([hart, identity]),
    },
    clock: () => time.ticks,
    wallClock: () => time.wallMs,
  })
  if (options.words === undefined) platform.start()
  woken.length = 0
  return {
    platform,
    words,
    time,
    raised,
    messages,
    woken,
    wires: () => [...high].sort(),
    load: (gpa, bytes = 4) => {
      assert(platform.bus.load(gpa, bytes), `a device answers at ${gpa.toString(16)}`)
      return platform.bus.high * 2 ** 32 + platform.bus.low
    },
    store: (gpa, value, bytes = 4) => {
      const answered = platform.bus.store(gpa, bytes, value % 2 ** 32, Math.floor(value / 2 ** 32))
      assert(answered, `a device answers at ${gpa.toString(16)}`)
    },
  }
}
