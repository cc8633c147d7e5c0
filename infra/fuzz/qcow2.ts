/**
 * Valid qcow2 images, damaged at random: whatever is asked of such a volume, it answers or refuses with one line, and
 * one that is called sound keeps what is written to it.
 */

import { misbehaviour, newDamagedTrial, Random } from '@virga/volume/testing'
import type { Finding, Fuzzer } from './fuzzer.ts'

/** A volume of some megabytes is done with in milliseconds. */
const slowMs = 10_000

/** The fuzzer of disk images. */
export function createQcow2Fuzzer(): Fuzzer {
  return {
    unit: 'images',
    try: (seed): Finding | undefined => {
      const random = new Random(seed)
      const trial = newDamagedTrial(random)
      const file = trial.folder.files.get(trial.path)
      const head = [...(file?.content().subarray(0, 112) ?? [])]
      const startedMs = performance.now()
      const wrong = misbehaviour(trial, random)
      const tookMs = performance.now() - startedMs
      if (wrong === undefined && tookMs < slowMs) return undefined
      const hex = head.map((byte) => byte.toString(16).padStart(2, '0')).join(' ')
      return { summary: [wrong ?? `took ${Math.round(tookMs)} ms`], detail: [`header: ${hex}`] }
    },
  }
}
