/**
 * MAC addresses: numbers inside, text outside. Why a number: 48 bits fit in a double exactly, so that an address is
 * compared, stored in a typed array and used as a key without an allocation.
 */

/** A MAC address as an integer below 2^48, first byte highest. */
export type MacAddress = number

/** ff:ff:ff:ff:ff:ff. */
export const broadcastMac: MacAddress = 0xffff_ffff_ffff

const written = /^[0-9a-f]{2}(?::[0-9a-f]{2}){5}$/i

/** Reads `02:00:00:00:00:01`; undefined when it is none. */
export function parseMac(text: string): MacAddress | undefined {
  return written.test(text) ? Number.parseInt(text.replaceAll(':', ''), 16) : undefined
}

/** Writes an address as six pairs of lower-case digits. */
export function formatMac(mac: MacAddress): string {
  const digits = mac.toString(16).padStart(12, '0')
  return digits.replace(/(..)(?=.)/g, '$1:')
}

/** Whether frames to it go to several: the lowest bit of the first byte. */
export function isGroupMac(mac: MacAddress): boolean {
  return (Math.floor(mac / 2 ** 40) & 1) === 1
}
