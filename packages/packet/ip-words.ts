/**
 * IP addresses between packets and tables: four signed 32-bit words in an Int32Array, IPv4 mapped, as
 * @virga/base's `IpAddress` has them. Why signed: they stay small integers in the engine.
 */
import { familyOf, type IpAddress } from '@virga/base'
import { readI32, writeU32 } from './byte-order.ts'

/** Reads the IPv4 address at `at` into `words[to, to + 4)`. */
export function loadIpv4(bytes: Uint8Array, at: number, words: Int32Array, to: number): void {
  words[to] = 0
  words[to + 1] = 0
  words[to + 2] = 0xffff
  words[to + 3] = readI32(bytes, at)
}

/** Reads the IPv6 address at `at` into `words[to, to + 4)`. */
export function loadIpv6(bytes: Uint8Array, at: number, words: Int32Array, to: number): void {
  for (let i = 0; i < 4; i++) words[to + i] = readI32(bytes, at + 4 * i)
}

/** The address in `words[from, from + 4)`. */
export function ipOfWords(words: Int32Array, from: number): IpAddress {
  const word = (i: number) => (words[from + i] as number) >>> 0
  return [word(0), word(1), word(2), word(3)]
}

/** Puts `address` into `words[to, to + 4)`. */
export function wordsOfIp(address: IpAddress, words: Int32Array, to: number): void {
  for (let i = 0; i < 4; i++) words[to + i] = address[i] as number
}

/** Whether `words[from, from + 4)` are `address`. */
export function wordsAre(words: Int32Array, from: number, address: IpAddress): boolean {
  for (let i = 0; i < 4; i++) if (words[from + i] !== ((address[i] as number) | 0)) return false
  return true
}

/** Reads the address of `family` at `at`. */
export function readIp(bytes: Uint8Array, at: number, family: 4 | 6): IpAddress {
  const words = new Int32Array(4)
  if (family === 4) loadIpv4(bytes, at, words, 0)
  else loadIpv6(bytes, at, words, 0)
  return ipOfWords(words, 0)
}

/** Writes an address in its own family's length and returns that length, 4 or 16. */
export function writeIp(bytes: Uint8Array, at: number, address: IpAddress): number {
  if (familyOf(address) === 4) {
    writeU32(bytes, at, address[3])
    return 4
  }
  return writeIp128(bytes, at, address)
}

/** Writes all 128 bits of an address, as IPv6 has them, and returns 16. */
export function writeIp128(bytes: Uint8Array, at: number, address: IpAddress): number {
  address.forEach((word, i) => {
    writeU32(bytes, at + 4 * i, word)
  })
  return 16
}
