/** Seeded chance: the same seed makes the same choices on every machine. A 32-bit xorshift with a mixed seed. */

/** A source of random choices. */
export class Random {
  #state: number

  constructor(seed: number) {
    // Neighbouring seeds are to begin far apart, and none with zero, which would stay zero.
    this.#state = (Math.imul(seed ^ 0x5bd1_e995, 0x9e37_79b1) ^ (seed >>> 7)) >>> 0 || 1
    for (let round = 0; round < 8; round++) this.bits32()
  }

  /** 32 random bits, unsigned. */
  bits32(): number {
    let state = this.#state
    state ^= state << 13
    state ^= state >>> 17
    state ^= state << 5
    this.#state = state >>> 0
    return Math.imul(this.#state, 0x9e37_79b1) >>> 0
  }

  /** A whole number, 0 to `count` - 1. */
  below(count: number): number {
    return Math.floor((this.bits32() / 2 ** 32) * count)
  }

  /** A whole number, `low` to `high`, both included. */
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
    if (choice === undefined) throw new RangeError('nothing to pick from')
    return choice
  }

  /** `count` random bytes. */
  bytes(count: number): Uint8Array {
    const words = Uint32Array.from({ length: Math.ceil(count / 4) }, () => this.bits32())
    return new Uint8Array(words.buffer, 0, count)
  }
}
