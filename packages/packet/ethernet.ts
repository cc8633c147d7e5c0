/**
 * Ethernet II frames, with at most one 802.1Q tag read. The tag is never written: no network here carries one.
 * @spec ieee-802.3 "MAC frame and packet specifications"
 * @spec ieee-802.1q "Tag format"
 */
import type { MacAddress } from '@virga/base'
import { readMac, readU16, writeMac, writeU16 } from './byte-order.ts'

/** What a frame carries. */
export const etherType = { ipv4: 0x0800, arp: 0x0806, vlan: 0x8100, ipv6: 0x86dd } as const

/** Where fields are, and how long the header is without a tag and how long a tag is. */
export const ethernet = { destination: 0, source: 6, type: 12, headerBytes: 14, tagBytes: 4 } as const

/** The header of a frame. */
export interface EthernetHeader {
  readonly destination: MacAddress
  readonly source: MacAddress
  /** type after the tag, if there is one */
  readonly type: number
  /** 802.1Q VLAN, 0–4095; absent without a tag */
  readonly vlan?: number
}

/** The header at `at`, or undefined when `bytes` ends in it. */
export function readEthernet(bytes: Uint8Array, at = 0): EthernetHeader | undefined {
  if (bytes.length - at < ethernet.headerBytes) return undefined
  const destination = readMac(bytes, at)
  const source = readMac(bytes, at + ethernet.source)
  const type = readU16(bytes, at + ethernet.type)
  if (type !== etherType.vlan) return { destination, source, type }
  if (bytes.length - at < ethernet.headerBytes + ethernet.tagBytes) return undefined
  return { destination, source, type: readU16(bytes, at + 16), vlan: readU16(bytes, at + 14) & 0xfff }
}

/** Writes a header without a tag and returns its length. */
export function writeEthernet(
  bytes: Uint8Array,
  at: number,
  header: Pick<EthernetHeader, 'destination' | 'source' | 'type'>,
): number {
  writeMac(bytes, at, header.destination)
  writeMac(bytes, at + ethernet.source, header.source)
  writeU16(bytes, at + ethernet.type, header.type)
  return ethernet.headerBytes
}
