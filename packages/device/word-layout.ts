/**
 * Layout of a device's state as 32-bit words of shared memory, declared once by name.
 * Why: every thread builds its own objects over the same words, so the layout is the device's only common truth.
 * Invariants: word 0 is the lifecycle state; the fields follow in the order of the declaration.
 */

import { assert } from '@virga/base'

/** Index of each field's first word, and how many words there are in all (lifecycle word included). */
export interface WordLayout<Name extends string = string> {
  readonly at: Readonly<Record<Name, number>>
  readonly words: number
}

/** Lays out fields given as name → number of words (at least 1). */
export function declareWords<const Fields extends Readonly<Record<string, number>>>(
  fields: Fields,
): WordLayout<keyof Fields & string> {
  let next = 1
  const at: Record<string, number> = {}
  for (const [name, words] of Object.entries(fields)) {
    assert(Number.isInteger(words) && words >= 1, `field ${name} has at least one word`)
    at[name] = next
    next += words
  }
  return { at: at as Record<keyof Fields & string, number>, words: next }
}
