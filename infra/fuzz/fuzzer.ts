/** What a fuzzer is to the command that runs it. */

/** Something wrong. */
export interface Finding {
  /** lines: what is wrong */
  readonly summary: readonly string[]
  /** lines: what it takes to be wrong */
  readonly detail: readonly string[]
}

/** Tries one thing after another. */
export interface Fuzzer {
  /** what it tries, in the plural */
  readonly unit: string
  /** tries what `seed` stands for; undefined when all is well */
  readonly try: (seed: number) => Finding | undefined
}
