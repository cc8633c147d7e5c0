/** Chance that a seed decides. */

/** xorshift32: the same numbers for the same seed, everywhere. */
export class Seeded {
  #state: number

  constructor(seed: number) {
    this.#state = (Math.imul(seed + 1, 0x9e37_79b1) | 1) >>> 0
    for (let i = 0; i < 8; i++) this.bits()
  }

  /** 32 random bits. */
  bits(): number {
    let x = this.#state
    x ^= x << 13
    x ^= x >>> 17
    x ^= x << 5
    this.#state = x >>> 0
    return this.#state
  }

  /** 0 to `end` - 1. */
  below(end: number): number {
    return this.bits() % end
  }

  /** One of `values`. */
  of<T>(values: readonly T[]): T {
    return values[this.below(values.length)] as T
  }
}
