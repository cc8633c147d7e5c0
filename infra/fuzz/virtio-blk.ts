/** Drivers of a virtio disk that do anything; one a seed. The unit tests try a few (packages/virtio). */

import { attack } from '@virga/virtio/testing'
import type { Finding, Fuzzer } from './fuzzer.ts'

/** Longer than in the tests: more of what a driver does depends on what it did. */
const steps = 400

/** The task that lets them loose. */
export function createVirtioBlkFuzzer(): Fuzzer {
  return {
    unit: 'drivers',
    try(seed): Finding | undefined {
      try {
        attack(seed, steps)
        return undefined
      } catch (error) {
        // Whatever is thrown is what this looks for.
        const lines = error instanceof Error ? (error.stack ?? error.message).split('\n') : [String(error)]
        return { summary: lines.slice(0, 1), detail: lines.slice(1, 12) }
      }
    },
  }
}
