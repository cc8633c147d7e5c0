/**
 * The world's errors as values. Why: files, mirrors and users fail in ways a caller must handle, so such
 * failures are returned, tagged and typed; exceptions are left for our own mistakes.
 */

/** Either a value or the reason there is none. */
export type Result<T, E = WorldError> =
  | { readonly ok: true; readonly value: T }
  | { readonly ok: false; readonly error: E }

/** Whose mistake it was decides the exit status of a program: the user's (2) or the world's (1). */
export type Fault = 'user' | 'world'

/** A failure that a person reads. `message` is one line that says what happened and what to do. */
export interface WorldError {
  readonly fault: Fault
  readonly message: string
  readonly cause?: unknown
}

/** Wraps a value. */
export function ok<T>(value: T): Result<T, never> {
  return { ok: true, value }
}

/** Wraps a reason. */
export function err<E>(error: E): Result<never, E> {
  return { ok: false, error }
}

/** The user's mistake: exit status 2. `message` is one line that says what to do. */
export function userError(message: string, cause?: unknown): Result<never> {
  return err({ fault: 'user', message, ...(cause === undefined ? {} : { cause }) })
}

/** The world's failure: exit status 1. `message` is one line that says what to do. */
export function worldError(message: string, cause?: unknown): Result<never> {
  return err({ fault: 'world', message, ...(cause === undefined ? {} : { cause }) })
}
