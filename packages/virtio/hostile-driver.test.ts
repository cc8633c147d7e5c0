/** Drivers that do anything, from a few seeds; `npm run fuzz -- virtio-…` tries more. Seeds that found something stay. */
import { describe, it } from 'vitest'
import { attack, hostileTargets } from './testing.ts'

/** Seeds that a defect was found with. */
const found: Readonly<Record<string, readonly number[]>> = {}
const first = 1000
const tries = 100

describe.each(Object.entries(hostileTargets))('a hostile driver of %s', (name, make) => {
  for (const seed of found[name] ?? []) it(`of seed ${seed} harms nobody`, () => attack(make, seed))

  it(`of seeds ${first} to ${first + tries - 1} harms nobody`, () => {
    for (let seed = first; seed < first + tries; seed++) attack(make, seed)
  })
})
