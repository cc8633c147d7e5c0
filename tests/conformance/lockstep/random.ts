/** Seeded random choices: the same seed makes the same program on every machine. */

const mask64 = (1n << 64n) - 1n

/** A splitmix64 generator. */
export class Random {
  #state: bigint

  constructor(seed: number | bigint) {
    this.#state = BigInt(seed)
    // The states of neighbouring seeds lie far apart then.
    this.#state = this.bits64()
  }

  /** 64 random bits. */
  bits64(): bigint {
    this.#state = (this.#state + 0x9e3779b97f4a7c15n) & mask64
    let z = this.#state
    z = ((z ^ (z >> 30n)) * 0xbf58476d1ce4e5b9n) & mask64
    z = ((z ^ (z >> 27n)) * 0x94d049bb133111ebn) & mask64
    return z ^ (z >> 31n)
  }

  /** 32 random bits, unsigned. */
  bits32(): number {
    return Number(this.bits64() & 0xffff_ffffn)
  }

  /** An integer, 0 to `count` - 1. */
  below(count: number): number {
    return this.bits32() % count
  }

  /** An integer, `low` to `high`, both included. */
  between(low: number, high: number): number {
    return low + this.below(high - low + 1)
  }

  /** True once in `times`. */
  oneIn(times: number): boolean {
    return this.below(times) === 0
  }

  /** One of `choices`, which is not empty. */
  pick<T>(choices: readonly T[]): T {
    const choice = choices[this.below(choices.length)]
    if (choice === undefined) throw new Error('nothing to pick from')
    return choice
  }
}
