/** Random choices for tests, by the repeatable chance of `@virga/base`. */

import { type RandomWord, seededRandom } from '@virga/base'

/** A source of random choices. */
export class Random {
  /** 32 random bits, unsigned */
  readonly bits32: RandomWord

  constructor(seed: number) {
    this.bits32 = seededRandom(seed)
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
