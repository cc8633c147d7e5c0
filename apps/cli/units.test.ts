/** Amounts as people write them. */
import { describe, expect, it } from 'vitest'
import { parseBytes, parseDurationMs } from './units.ts'

describe('parseBytes', () => {
  it.each([
    ['512', 512 * 2 ** 20],
    ['512MiB', 512 * 2 ** 20],
    ['512m', 512 * 2 ** 20],
    ['1.5 GiB', 1.5 * 2 ** 30],
    ['4096B', 4096],
    ['64k', 65536],
    ['1T', 2 ** 40],
  ])('reads %s', (text, bytes) => {
    expect(parseBytes('--memory', text)).toEqual({ ok: true, value: bytes })
  })

  it.each(['', 'much', '-1', '1e9', '512MB', '0x10', '1 2', 'MiB'])('refuses %j', (text) => {
    expect(parseBytes('--memory', text)).toMatchObject({ ok: false, error: { fault: 'user' } })
  })
})

describe('parseDurationMs', () => {
  it.each([
    ['90', 90_000],
    ['60s', 60_000],
    ['500ms', 500],
    ['2m', 120_000],
    ['0.5h', 1_800_000],
    ['1000000h', 2 ** 31 - 1],
  ])('reads %s', (text, ms) => {
    expect(parseDurationMs('--timeout', text)).toEqual({ ok: true, value: ms })
  })

  it.each(['', 'soon', '-5s', '5 seconds', '1d'])('refuses %j', (text) => {
    expect(parseDurationMs('--timeout', text)).toMatchObject({ ok: false, error: { fault: 'user' } })
  })
})
