/** Drivers of virtio devices that do anything; one a seed. The unit tests try a few (packages/virtio). */

import { attack, hostileTargets, type MakeTarget } from '@virga/virtio/testing'
import type { Finding, Fuzzer } from './fuzzer.ts'

/** Longer than in the tests: more of what a driver does depends on what it did. */
const steps = 400

/** The fuzzers, by their targets: one for each device. */
export const virtioFuzzers: Readonly<Record<string, () => Fuzzer>> = Object.fromEntries(
  Object.entries(hostileTargets).map(([name, make]) => [name, () => createFuzzer(make)]),
)

function createFuzzer(make: MakeTarget): Fuzzer {
  return {
    unit: 'drivers',
    try(seed): Finding | undefined {
      try {
        attack(make, seed, steps)
        return undefined
      } catch (error) {
        // Whatever is thrown is what this looks for.
        const lines = error instanceof Error ? (error.stack ?? error.message).split('\n') : [String(error)]
        return { summary: lines.slice(0, 1), detail: lines.slice(1, 12) }
      }
    },
  }
}
