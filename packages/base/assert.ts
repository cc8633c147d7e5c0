/** Assertions: our own mistakes stop the machine or request they were made in, at once and loudly. */

/** Throws when `condition` is false. `what` says what should have been true. */
export function assert(condition: boolean, what: string): asserts condition {
  if (!condition) throw new Error(`assertion failed: ${what}`)
}

/** Returns `value`, or throws when it is undefined. `what` names the missing thing. */
export function defined<T>(value: T | undefined, what: string): T {
  if (value === undefined) throw new Error(`assertion failed: ${what} is defined`)
  return value
}

/** For the branch that types say cannot be reached. */
export function unreachable(value: never): never {
  throw new Error(`assertion failed: unexpected ${String(value)}`)
}
