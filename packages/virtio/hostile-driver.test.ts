/** Drivers that do anything, from a few seeds; `npm run fuzz -- virtio-blk` tries more. Seeds that found something stay. */
import { describe, it } from 'vitest'
import { attack } from './testing.ts'

/** Seeds that a defect was found with. */
const found: readonly number[] = []
const first = 1000
const tries = 300

describe('a hostile driver', () => {
  it.each(found)('of seed %i harms nobody', (seed) => attack(seed))

  it(`of seeds ${first} to ${first + tries - 1} harms nobody`, () => {
    for (let seed = first; seed < first + tries; seed++) attack(seed)
  })
})
