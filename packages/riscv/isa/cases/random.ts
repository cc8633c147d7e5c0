/** Seeded randomness for cases: the same seed gives the same cases on every machine. */

/** A stream of random values. */
export interface Random {
  /** 0..2³²−1 */
  word(): number
  /** 0..2⁶⁴−1 */
  long(): bigint
  /** 0..limit−1 */
  below(limit: number): number
  /** one of a list that is not empty */
  pick<T>(list: readonly T[]): T
}

/** The splitmix64 generator started at `seed`. */
export function seededRandom(seed: number): Random {
  let state = BigInt.asUintN(64, BigInt(seed))
  const long = () => {
    state = BigInt.asUintN(64, state + 0x9e3779b97f4a7c15n)
    let z = state
    z = BigInt.asUintN(64, (z ^ (z >> 30n)) * 0xbf58476d1ce4e5b9n)
    z = BigInt.asUintN(64, (z ^ (z >> 27n)) * 0x94d049bb133111ebn)
    return z ^ (z >> 31n)
  }
  const word = () => Number(long() >> 32n)
  const below = (limit: number) => Math.floor((word() / 2 ** 32) * limit)
  return {
    word,
    long,
    below,
    pick: (list) => {
      const item = list[below(list.length)]
      if (item === undefined) throw new Error('assertion failed: the list is not empty')
      return item
    },
  }
}

/** A seed made of a name, so that each instruction has cases of its own. */
export function seedOf(name: string): number {
  let hash = 0x811c9dc5
  for (const letter of name) hash = Math.imul(hash ^ letter.charCodeAt(0), 0x01000193) >>> 0
  return hash
}
