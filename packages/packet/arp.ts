/** ARP for IPv4 over Ethernet. @spec arp "Packet format" */
import type { IpAddress, MacAddress } from '@virga/base'
import { readMac, readU16, readU32, writeMac, writeU16 } from './byte-order.ts'
import { readIp, writeIp } from './ip-words.ts'

/** Length of a packet. */
export const arpBytes = 28

/** What is asked or said. */
export const arpOperation = { request: 1, reply: 2 } as const

/** A packet, whose hardware is Ethernet and whose protocol is IPv4. */
export interface Arp {
  readonly operation: number
  readonly senderMac: MacAddress
  readonly senderIp: IpAddress
  readonly targetMac: MacAddress
  readonly targetIp: IpAddress
}

/** The packet at `at`, or undefined when `end` is in it or it is about other addresses. */
export function readArp(bytes: Uint8Array, at: number, end = bytes.length): Arp | undefined {
  if (end - at < arpBytes || readU32(bytes, at) !== 0x0001_0800 || readU16(bytes, at + 4) !== 0x0604)
    return undefined
  return {
    operation: readU16(bytes, at + 6),
    senderMac: readMac(bytes, at + 8),
    senderIp: readIp(bytes, at + 14, 4),
    targetMac: readMac(bytes, at + 18),
    targetIp: readIp(bytes, at + 24, 4),
  }
}

/** Writes a packet and returns its length. */
export function writeArp(bytes: Uint8Array, at: number, arp: Arp): number {
  writeU16(bytes, at, 1)
  writeU16(bytes, at + 2, 0x0800)
  writeU16(bytes, at + 4, 0x0604)
  writeU16(bytes, at + 6, arp.operation)
  writeMac(bytes, at + 8, arp.senderMac)
  writeIp(bytes, at + 14, arp.senderIp)
  writeMac(bytes, at + 18, arp.targetMac)
  writeIp(bytes, at + 24, arp.targetIp)
  return arpBytes
}
