/** MAC addresses: text and number. */
import { expect, it } from 'vitest'
import { broadcastMac, formatMac, isGroupMac, parseMac } from './mac-address.ts'

it.each(['', '02:00:00:00:00', '02:00:00:00:00:0g', '020000000001', '02:00:00:00:00:01:02'])(
  '%j is no address',
  (text) => expect(parseMac(text)).toBeUndefined(),
)

it.each([
  ['02:00:00:00:00:01', 0x0200_0000_0001, false],
  ['FF:ff:ff:ff:ff:ff', broadcastMac, true],
  ['33:33:00:00:00:01', 0x3333_0000_0001, true],
  ['00:00:00:00:00:00', 0, false],
])('%s', (text, mac, group) => {
  expect([parseMac(text), formatMac(mac), isGroupMac(mac)]).toEqual([mac, text.toLowerCase(), group])
})
