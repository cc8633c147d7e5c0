/**
 * Integers in network byte order, at an offset of a byte view. Why plain functions: they inline, where a DataView
 * would have to be made for each buffer. Reads past the end give numbers made of zeros; who reads checks lengths first.
 */
import type { MacAddress } from '@virga/base'

/** 16 bits, highest byte first. */
export function readU16(bytes: Uint8Array, at: number): number {
  return ((bytes[at] as number) << 8) | (bytes[at + 1] as number)
}

/** 32 bits as a signed integer, which stays a small integer where an unsigned one may become a double. */
export function readI32(bytes: Uint8Array, at: number): number {
  return (
    ((bytes[at] as number) << 24) |
    ((bytes[at + 1] as number) << 16) |
    ((bytes[at + 2] as number) << 8) |
    (bytes[at + 3] as number)
  )
}

/** 32 bits, 0 to 2^32 - 1. */
export function readU32(bytes: Uint8Array, at: number): number {
  return readI32(bytes, at) >>> 0
}

/** 16 bits, lowest byte first. */
export function readU16Le(bytes: Uint8Array, at: number): number {
  return (bytes[at] as number) | ((bytes[at + 1] as number) << 8)
}

/** Writes the low 16 bits of `value`. */
export function writeU16(bytes: Uint8Array, at: number, value: number): void {
  bytes[at] = value >>> 8
  bytes[at + 1] = value
}

/** Writes the low 32 bits of `value`. */
export function writeU32(bytes: Uint8Array, at: number, value: number): void {
  bytes[at] = value >>> 24
  bytes[at + 1] = value >>> 16
  bytes[at + 2] = value >>> 8
  bytes[at + 3] = value
}

/** Writes the low 16 bits of `value`, lowest byte first. */
export function writeU16Le(bytes: Uint8Array, at: number, value: number): void {
  bytes[at] = value
  bytes[at + 1] = value >>> 8
}

/** The MAC address at `at`. */
export function readMac(bytes: Uint8Array, at: number): MacAddress {
  return readU16(bytes, at) * 2 ** 32 + readU32(bytes, at + 2)
}

/** Writes a MAC address. */
export function writeMac(bytes: Uint8Array, at: number, mac: MacAddress): void {
  writeU16(bytes, at, Math.floor(mac / 2 ** 32))
  writeU32(bytes, at + 2, mac >>> 0)
}
