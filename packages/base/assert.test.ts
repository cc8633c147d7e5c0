/** Assertions let through what holds, and say what did not. */

import { describe, expect, expectTypeOf, it } from 'vitest'
import { assert, defined, unreachable } from './assert.ts'

describe('assert', () => {
  it('throws with the words it was given', () => {
    expect(() => assert(false, 'the queue has room')).toThrow('assertion failed: the queue has room')
  })

  it('returns when the condition holds', () => expect(assert(true, 'true is true')).toBeUndefined())

  it('tells the type checker what holds after it', () => {
    const value: string | null = 'x' as string | null
    assert(value !== null, 'there is a value')
    expectTypeOf(value).toEqualTypeOf<string>()
  })
})

describe('defined', () => {
  it('throws and names what is missing', () => {
    expect(() => defined(undefined, 'hart 3')).toThrow('assertion failed: hart 3 is defined')
  })

  it.each([0, '', false, null, Number.NaN])('gives %j back: only undefined is missing', (value) => {
    expect(defined<unknown>(value, 'value')).toBe(value)
  })

  it('gives the same object back', () => {
    const object = { a: 1 }
    expect(defined(object, 'object')).toBe(object)
  })
})

describe('unreachable', () => {
  it.each([
    ['halt', 'assertion failed: unexpected halt'],
    [7, 'assertion failed: unexpected 7'],
    [undefined, 'assertion failed: unexpected undefined'],
  ])('throws and shows %j', (value, message) => {
    expect(() => unreachable(value as never)).toThrow(message)
  })

  it('does not accept a value that types allow', () => {
    expectTypeOf<string>().not.toExtend<Parameters<typeof unreachable>[0]>()
  })
})
