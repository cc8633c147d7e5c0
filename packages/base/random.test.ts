/** Repeatable chance repeats itself, and looks like chance. */
import { expect, it } from 'vitest'
import { seededRandom } from './random.ts'

const take = (seed: number, count: number) => Array.from({ length: count }, seededRandom(seed))

it('the same seed gives the same words, another seed others', () => {
  expect(take(7, 20)).toEqual(take(7, 20))
  expect(take(7, 20)).not.toEqual(take(8, 20))
})

it('each bit is set about half of the time', () => {
  const words = take(1, 4000)
  for (let bit = 0; bit < 32; bit++) {
    const set = words.filter((word) => (word >>> bit) & 1).length
    expect(set, `bit ${bit}`).toBeGreaterThan(1800)
    expect(set, `bit ${bit}`).toBeLessThan(2200)
  }
})
