/** Results carry a value or a reason, and a reason says whose mistake it was. */

import { describe, expect, expectTypeOf, it } from 'vitest'
import { err, ok, type Result, userError, type WorldError, worldError } from './result.ts'

describe('a failure', () => {
  it.each([
    ['user', userError],
    ['world', worldError],
  ] as const)('of the %s is tagged so, with its message', (fault, make) => {
    expect(make('no such file; check the path')).toStrictEqual({
      ok: false,
      error: { fault, message: 'no such file; check the path' },
    })
  })

  it.each([
    ['user', userError],
    ['world', worldError],
  ] as const)('of the %s keeps its cause', (_fault, make) => {
    const cause = new Error('ENOENT')
    const { error } = make('no such file', cause) as { error: WorldError }
    expect(error.cause).toBe(cause)
  })

  it('may have a cause that is no Error, even a false one', () => {
    expect(worldError('gone', 0)).toMatchObject({ error: { cause: 0 } })
  })

  it('may be of another type than the usual one', () => {
    const result: Result<number, { reason: string }> = err({ reason: 'version 2' })
    expect(result).toStrictEqual({ ok: false, error: { reason: 'version 2' } })
  })
})

describe('a success', () => {
  it.each([0, '', null, undefined, false])('may carry %j', (value) => {
    expect(ok(value)).toStrictEqual({ ok: true, value })
  })

  it('fits where any error may be returned', () => {
    const result: Result<number> = ok(1)
    expect(result).toStrictEqual({ ok: true, value: 1 })
  })
})

it('a value is reached by looking at the tag, and not before', () => {
  const halve = (n: number): Result<number> =>
    n % 2 === 0 ? ok(n / 2) : userError(`${n} is odd; use an even number`)
  const say = (result: Result<number>): string => {
    expectTypeOf(result).not.toHaveProperty('value')
    return result.ok ? `half is ${result.value}` : `${result.error.fault}: ${result.error.message}`
  }
  expect([say(halve(4)), say(halve(3))]).toEqual(['half is 2', 'user: 3 is odd; use an even number'])
})
