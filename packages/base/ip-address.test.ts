/** Addresses: what is one, what is none, and that text and words are the same thing. */
import fc from 'fast-check'
import { describe, expect, it } from 'vitest'
import {
  cidrAddress,
  cidrContains,
  familyOf,
  formatCidr,
  formatIp,
  parseCidr,
  parseIp,
} from './ip-address.ts'

const word = fc.integer({ min: 0, max: 0xffff_ffff })

describe('an address', () => {
  it.each([
    '',
    '1.2.3',
    '1.2.3.4.5',
    '256.1.1.1',
    '01.2.3.4',
    '1.2.3.4 ',
    ':',
    ':::',
    '1::2::3',
    '1:2:3:4:5:6:7',
  ])('is not %j', (text) => expect(parseIp(text)).toBeUndefined())
  it.each(['1:2:3:4:5:6:7:8:9', '1:2:3:4:5:6:7::8', 'fe80::1%eth0', '12345::', '::1.2.3', 'g::'])(
    'is not %j',
    (text) => expect(parseIp(text)).toBeUndefined(),
  )

  it.each([
    ['10.0.0.1', '10.0.0.1'],
    ['::ffff:10.0.0.1', '10.0.0.1'],
    ['::', '::'],
    ['::1', '::1'],
    ['fe80::', 'fe80::'],
    ['2001:DB8:0:0:1:0:0:0', '2001:db8:0:0:1::'],
    ['1:0:2:0:3:0:4:0', '1:0:2:0:3:0:4:0'],
    ['64:ff9b::192.0.2.1', '64:ff9b::c000:201'],
  ])('%s reads as %s', (text, canonical) => expect(formatIp(parseIp(text) ?? [0, 0, 0, 7])).toBe(canonical))

  it('is the same after writing and reading', () =>
    fc.assert(
      fc.property(fc.tuple(word, word, word, word), (ip) => {
        expect(parseIp(formatIp(ip))).toEqual(ip)
      }),
    ))
})

describe('a block', () => {
  it.each(['10.0.0.1/24', '10.0.0.0/33', '10.0.0.0/', '10.0.0.0/8/8', '::/129', 'fd00::1/64', 'x/3'])(
    'is not %j',
    (text) => expect(parseCidr(text)).toBeUndefined(),
  )

  it.each([
    ['10.0.0.0/24', '10.0.0.255', true],
    ['10.0.0.0/24', '10.0.1.0', false],
    ['0.0.0.0/0', '255.1.2.3', true],
    ['0.0.0.0/0', '::1', false],
    ['::/0', '10.0.0.1', false],
    ['::/0', 'fd00::1', true],
    ['fd00::/65', 'fd00::8000:0:0:0', false],
    ['10.0.0.7', '10.0.0.7', true],
    ['10.0.0.7', '10.0.0.6', false],
  ])('%s and %s: %s', (cidr, ip, inside) =>
    expect(cidrContains(parseCidr(cidr) ?? never(), parseIp(ip) ?? never())).toBe(inside),
  )

  it.each([
    ['10.0.0.0/24', 1, '10.0.0.1'],
    ['10.0.0.0/24', -1, '10.0.0.255'],
    ['10.0.0.0/24', -2, '10.0.0.254'],
    ['10.0.255.0/16', 0, undefined],
    ['fd00:0:0:1::/64', 2, 'fd00:0:0:1::2'],
    ['fd00::/64', -1, 'fd00::ffff:ffff:ffff:ffff'],
  ])('%s has at %d %s', (text, offset, ip) => {
    const cidr = parseCidr(text)
    expect(cidr && formatIp(cidrAddress(cidr, offset))).toBe(ip)
    if (cidr) expect(formatCidr(cidr)).toBe(text)
  })
})

it('families are told apart by the mapped prefix', () =>
  expect(['1.2.3.4', '::1.2.3.4'].map((text) => familyOf(parseIp(text) ?? never()))).toEqual([4, 6]))

function never(): never {
  throw new Error('the case has a typing error')
}
