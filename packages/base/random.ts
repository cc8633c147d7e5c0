/** Chance, passed in like time. The one here is for tests and simulations, which must be repeatable. */

/** Gives a number of 32 random bits, 0 to 2^32 - 1. */
export type RandomWord = () => number

/** Repeatable chance: the same seed gives the same words. Not for secrets. (A Weyl sequence, mixed.) */
export function seededRandom(seed: number): RandomWord {
  let state = seed >>> 0
  return () => {
    state = (state + 0x9e37_79b9) >>> 0
    let z = state
    z = Math.imul(z ^ (z >>> 16), 0x21f0_aaad)
    z = Math.imul(z ^ (z >>> 15), 0x735a_2d97)
    return (z ^ (z >>> 15)) >>> 0
  }
}
