/**
 * Changes to the headers of a frame: MACs, TTL, addresses and ports, with every checksum that covers them mended by what
 * changed. A partial checksum covers the pseudo header only: addresses change it, ports do not.
 *
 * Invariants: `frame.packet` is kept in step. Whoever asks for an address to be changed has an IPv4 packet.
 * @spec ip-checksum-update "The Corrected Equation"
 */

import type { MacAddress } from '@virga/base'
import {
  ipProtocol,
  type PacketTuple,
  readU16,
  updateChecksum,
  updatePartial,
  writeMac,
  writeU16,
} from '@virga/packet'
import type { Frame } from '../frame/frame.ts'

/** Which end of a packet. */
export const end = { source: 0, destination: 1 } as const
export type End = (typeof end)[keyof typeof end]

/** Gives the frame new MAC addresses, and takes one from the packet's TTL, which is above 1. */
export function route(frame: Frame, destination: MacAddress, source: MacAddress): void {
  const { headers, packet } = frame
  writeMac(headers, 0, destination)
  writeMac(headers, 6, source)
  packet.ttl--
  const at = packet.networkAt
  if (packet.ipVersion === 6) headers[at + 7] = packet.ttl
  else {
    const was = readU16(headers, at + 8)
    headers[at + 8] = packet.ttl
    writeU16(headers, at + 10, updateChecksum(readU16(headers, at + 10), was, readU16(headers, at + 8)))
  }
}

/** Replaces the IPv4 address and the port (or echo identifier) of one end of the packet; -1 keeps a port. */
export function translate(frame: Frame, which: End, address: number, port: number): void {
  const { headers, packet } = frame
  const old = packet.addresses[which * 4 + 3] as number
  changeAddress(headers, packet, which, address, frame)
  packet.addresses[which * 4 + 3] = address
  // An error has no port of its own: there its bytes say other things.
  if (port >= 0 && (packet.protocol !== ipProtocol.icmp || packet.isEcho)) {
    changePort(headers, packet, which, port, frame.hasPartialChecksum)
    if (which === end.source || packet.protocol === ipProtocol.icmp) packet.sourcePort = port
    if (which === end.destination || packet.protocol === ipProtocol.icmp) packet.destinationPort = port
  }
  if (packet.quoted.ipVersion === 4)
    translateQuoted(frame, which === end.source ? end.destination : end.source, old, address, port)
}

function changeAddress(
  headers: Uint8Array,
  packet: PacketTuple,
  which: End,
  address: number,
  frame: Frame,
): void {
  const at = packet.ipAt + 12 + 4 * which
  const fieldAt = checksumAt(packet)
  // A UDP checksum of zero means none, and stays none.
  const hasChecksum = fieldAt >= 0 && !isAbsent(headers, packet, fieldAt, frame.hasPartialChecksum)
  for (let half = 0; half < 2; half++) {
    const was = readU16(headers, at + 2 * half)
    const is = half === 0 ? address >>> 16 : address & 0xffff
    writeU16(headers, at + 2 * half, is)
    const ipField = packet.ipAt + 10
    writeU16(headers, ipField, updateChecksum(readU16(headers, ipField), was, is))
    // ICMP's checksum covers no addresses.
    if (hasChecksum && packet.protocol !== ipProtocol.icmp)
      mend(headers, fieldAt, was, is, packet, frame.hasPartialChecksum)
  }
}

function changePort(
  headers: Uint8Array,
  packet: PacketTuple,
  which: End,
  port: number,
  partial: boolean,
): void {
  const isIcmp = packet.protocol === ipProtocol.icmp
  const at = packet.transportAt + (isIcmp ? 4 : 2 * which)
  const was = readU16(headers, at)
  writeU16(headers, at, port)
  const fieldAt = checksumAt(packet)
  if (!partial && fieldAt >= 0 && !isAbsent(headers, packet, fieldAt, false))
    mend(headers, fieldAt, was, port, packet, false)
}

/**
 * The packet that an error quotes is the one we sent the other way, so its other end is what we gave. It gets back what
 * its sender had, and the error's own checksum covers all of that.
 */
function translateQuoted(frame: Frame, which: End, old: number, address: number, port: number): void {
  const { headers, packet } = frame
  const { quoted } = packet
  if ((quoted.addresses[which * 4 + 3] as number) !== old) return
  const from = packet.transportAt + 8
  const bytesEnd = Math.min(packet.ipEnd, frame.headerBytes)
  const covered = (at: number, is: number) => {
    if (at < from || at + 2 > bytesEnd) return
    const was = readU16(headers, at)
    writeU16(headers, at, is)
    const fieldAt = packet.transportAt + 2
    writeU16(headers, fieldAt, updateChecksum(readU16(headers, fieldAt), was, is))
  }
  const at = quoted.ipAt + 12 + 4 * which
  const fieldAt = checksumAt(quoted)
  const hasField = fieldAt >= 0 && fieldAt + 2 <= bytesEnd
  const innerIcmp = quoted.protocol === ipProtocol.icmp
  for (let half = 0; half < 2; half++) {
    const was = readU16(headers, at + 2 * half)
    const is = half === 0 ? address >>> 16 : address & 0xffff
    covered(at + 2 * half, is)
    covered(quoted.ipAt + 10, updateChecksum(readU16(headers, quoted.ipAt + 10), was, is))
    if (hasField && !innerIcmp && !isAbsent(headers, quoted, fieldAt, false))
      covered(fieldAt, updateChecksum(readU16(headers, fieldAt), was, is))
  }
  quoted.addresses[which * 4 + 3] = address
  if (port < 0) return
  const portAt = quoted.transportAt + (innerIcmp ? 4 : 2 * which)
  const was = readU16(headers, portAt)
  covered(portAt, port)
  if (hasField && !isAbsent(headers, quoted, fieldAt, false))
    covered(fieldAt, updateChecksum(readU16(headers, fieldAt), was, port))
  if (which === end.source || innerIcmp) quoted.sourcePort = port
  if (which === end.destination || innerIcmp) quoted.destinationPort = port
}

/** Where the checksum of a packet's transport is, or -1 where there is none. */
function checksumAt(packet: PacketTuple): number {
  if (packet.transportAt < 0) return -1
  if (packet.protocol === ipProtocol.tcp) return packet.transportAt + 16
  if (packet.protocol === ipProtocol.udp) return packet.transportAt + 6
  return packet.protocol === ipProtocol.icmp ? packet.transportAt + 2 : -1
}

function isAbsent(headers: Uint8Array, packet: PacketTuple, fieldAt: number, partial: boolean): boolean {
  return packet.protocol === ipProtocol.udp && !partial && readU16(headers, fieldAt) === 0
}

function mend(
  headers: Uint8Array,
  fieldAt: number,
  was: number,
  is: number,
  packet: PacketTuple,
  partial: boolean,
): void {
  const field = readU16(headers, fieldAt)
  const mended = partial ? updatePartial(field, was, is) : updateChecksum(field, was, is)
  writeU16(headers, fieldAt, mended === 0 && packet.protocol === ipProtocol.udp && !partial ? 0xffff : mended)
}
