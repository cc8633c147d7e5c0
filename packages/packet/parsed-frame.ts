/**
 * What a frame says, found in one pass over its headers: the data path's parser. Why an object that is used again: a
 * frame costs no allocation. It reads the gathered headers only, `bytes[0, length)`; what lies behind them is counted
 * by `totalLength`.
 *
 * Invariants: no read beyond `length`; every offset it gives is inside; the walk over IPv6 extension headers is
 * bounded. A frame that is no frame is a value, `fault`, never an exception.
 * @spec ipv4 "Internet Header Format"
 * @spec ipv6 "IPv6 Extension Headers"
 */
import { readI32, readU16 } from './byte-order.ts'
import { etherType } from './ethernet.ts'
import { icmpBytes, icmpType, icmpv6Type, isIcmpError } from './icmp.ts'
import { loadIpv4, loadIpv6 } from './ip-words.ts'
import { ipProtocol, ipv4Fragment } from './ipv4.ts'
import { extensionBytes, extensionsMax, ipv6Extension, isExtension } from './ipv6.ts'

/** Why a frame is none: broken Ethernet, ARP, IP or transport header, or headers longer than what was gathered. */
export const frameFault = { none: 0, ethernet: 1, arp: 2, ip: 3, transport: 4, headersTooLong: 5 } as const

export type FrameFault = (typeof frameFault)[keyof typeof frameFault]

/** Whether an IP packet is whole, a first fragment (with its transport header) or a later one (without). */
export const fragmentKind = { whole: 0, first: 1, later: 2 } as const

/** Addresses and ports of an IP packet. Of an echo, both ports are its identifier. */
export class PacketTuple {
  /** 4 or 6, or 0 when there is no IP packet */
  ipVersion: 0 | 4 | 6 = 0
  protocol = 0
  /** source and destination, four words each */
  readonly addresses = new Int32Array(8)
  sourcePort = 0
  destinationPort = 0
  /** where the IP header and the transport header are; the latter is -1 where there is none */
  ipAt = -1
  transportAt = -1
}

/** A parsed frame. Fields of layers that it has not are 0 or -1. */
export class ParsedFrame extends PacketTuple {
  fault: FrameFault = frameFault.none
  /** of the MAC addresses the first two bytes and the other four */
  destinationHigh = 0
  destinationLow = 0
  sourceHigh = 0
  sourceLow = 0
  /** type after the tag */
  etherType = 0
  /** VLAN of a tag, or -1 */
  vlan = -1
  /** where the network header is */
  networkAt = 0
  /** where the IP packet ends by its own length; padding may follow */
  ipEnd = 0
  /** TTL or hop limit */
  ttl = 0
  fragment: 0 | 1 | 2 = fragmentKind.whole
  /** IPv4 said "don't fragment", which IPv6 always means */
  dontFragment: 0 | 1 = 0
  /** bytes of the TCP header, and its flags */
  tcpHeaderBytes = 0
  tcpFlags = 0
  icmpType = 0
  icmpCode = 0
  /** the packet that an ICMP error quotes; its `ipVersion` is 0 where there is none that can be read */
  readonly quoted = new PacketTuple()

  /** Whether it is an echo request or reply, of either version. */
  get isEcho(): boolean {
    return this.protocol === ipProtocol.icmp
      ? this.icmpType === icmpType.echoRequest || this.icmpType === icmpType.echoReply
      : this.protocol === ipProtocol.icmpv6 &&
          (this.icmpType === icmpv6Type.echoRequest || this.icmpType === icmpv6Type.echoReply)
  }

  /** Parses a frame of `totalLength` bytes whose first `length` are in `bytes`. */
  parse(bytes: Uint8Array, length: number, totalLength: number): FrameFault {
    this.fault = frameFault.none
    this.ipVersion = 0
    this.protocol = 0
    this.ipAt = -1
    this.transportAt = -1
    this.sourcePort = 0
    this.destinationPort = 0
    this.vlan = -1
    this.fragment = fragmentKind.whole
    this.tcpFlags = 0
    this.tcpHeaderBytes = 0
    this.icmpType = 0
    this.icmpCode = 0
    this.quoted.ipVersion = 0
    if (length < 14) return this.fail(frameFault.ethernet)
    this.destinationHigh = readU16(bytes, 0)
    this.destinationLow = readI32(bytes, 2)
    this.sourceHigh = readU16(bytes, 6)
    this.sourceLow = readI32(bytes, 8)
    this.etherType = readU16(bytes, 12)
    this.networkAt = 14
    if (this.etherType === etherType.vlan) {
      if (length < 18) return this.fail(frameFault.ethernet)
      this.vlan = readU16(bytes, 14) & 0xfff
      this.etherType = readU16(bytes, 16)
      this.networkAt = 18
    }
    if (this.etherType === etherType.ipv4) return this.parseIpv4(bytes, length, totalLength)
    if (this.etherType === etherType.ipv6) return this.parseIpv6(bytes, length, totalLength)
    if (this.etherType === etherType.arp && length - this.networkAt < 28) return this.fail(frameFault.arp)
    this.ipEnd = totalLength
    return frameFault.none
  }

  private fail(fault: FrameFault): FrameFault {
    this.fault = fault
    return fault
  }

  private parseIpv4(bytes: Uint8Array, length: number, totalLength: number): FrameFault {
    const at = this.networkAt
    if (length - at < 20) return this.fail(frameFault.ip)
    const first = bytes[at] as number
    const headerBytes = (first & 15) * 4
    const packetBytes = readU16(bytes, at + 2)
    if (first >> 4 !== 4 || headerBytes < 20 || packetBytes < headerBytes || at + packetBytes > totalLength)
      return this.fail(frameFault.ip)
    if (length - at < headerBytes) return this.fail(frameFault.headersTooLong)
    const fragment = readU16(bytes, at + 6)
    if ((fragment & ipv4Fragment.offset) !== 0) this.fragment = fragmentKind.later
    else if ((fragment & ipv4Fragment.moreFragments) !== 0) this.fragment = fragmentKind.first
    this.dontFragment = (fragment & ipv4Fragment.dontFragment) !== 0 ? 1 : 0
    this.ipVersion = 4
    this.ipAt = at
    this.ttl = bytes[at + 8] as number
    this.protocol = bytes[at + 9] as number
    this.ipEnd = at + packetBytes
    loadIpv4(bytes, at + 12, this.addresses, 0)
    loadIpv4(bytes, at + 16, this.addresses, 4)
    return this.parseTransport(bytes, at + headerBytes, length)
  }

  private parseIpv6(bytes: Uint8Array, length: number, totalLength: number): FrameFault {
    const at = this.networkAt
    if (length - at < 40) return this.fail(frameFault.ip)
    this.ipEnd = at + 40 + readU16(bytes, at + 4)
    if ((bytes[at] as number) >> 4 !== 6 || this.ipEnd > totalLength) return this.fail(frameFault.ip)
    this.ipVersion = 6
    this.ipAt = at
    this.dontFragment = 1
    this.ttl = bytes[at + 7] as number
    loadIpv6(bytes, at + 8, this.addresses, 0)
    loadIpv6(bytes, at + 24, this.addresses, 4)
    let next = bytes[at + 6] as number
    let headerAt = at + 40
    for (let count = 0; isExtension(next); count++) {
      // A routing header would name the true destination behind the firewall's back.
      if (count === extensionsMax || next === ipv6Extension.routing) return this.fail(frameFault.ip)
      if (this.ipEnd - headerAt < 8) return this.fail(frameFault.ip)
      if (length - headerAt < 8) return this.fail(frameFault.headersTooLong)
      if (next === ipv6Extension.fragment) {
        const field = readU16(bytes, headerAt + 2)
        if ((field & 0xfff8) !== 0) this.fragment = fragmentKind.later
        else if ((field & 1) !== 0) this.fragment = fragmentKind.first
      }
      const headerBytes = extensionBytes(bytes, headerAt, next)
      next = bytes[headerAt] as number
      headerAt += headerBytes
      if (headerAt > this.ipEnd) return this.fail(frameFault.ip)
      if (headerAt > length) return this.fail(frameFault.headersTooLong)
      if (this.fragment === fragmentKind.later) break
    }
    this.protocol = next
    return this.parseTransport(bytes, headerAt, length)
  }

  private parseTransport(bytes: Uint8Array, at: number, length: number): FrameFault {
    if (this.fragment === fragmentKind.later) return frameFault.none
    this.transportAt = at
    const end = this.ipEnd < length ? this.ipEnd : length
    switch (this.protocol) {
      case ipProtocol.tcp: {
        if (this.ipEnd - at < 20) return this.fail(frameFault.transport)
        if (end - at < 20) return this.fail(frameFault.headersTooLong)
        this.tcpHeaderBytes = ((bytes[at + 12] as number) >> 4) * 4
        this.tcpFlags = bytes[at + 13] as number
        if (this.tcpHeaderBytes < 20 || at + this.tcpHeaderBytes > this.ipEnd)
          return this.fail(frameFault.transport)
        if (at + this.tcpHeaderBytes > end) return this.fail(frameFault.headersTooLong)
        break
      }
      case ipProtocol.udp: {
        if (this.ipEnd - at < 8) return this.fail(frameFault.transport)
        if (end - at < 8) return this.fail(frameFault.headersTooLong)
        const datagramBytes = readU16(bytes, at + 4)
        if (datagramBytes < 8 || (datagramBytes > this.ipEnd - at && this.fragment === fragmentKind.whole))
          return this.fail(frameFault.transport)
        break
      }
      case ipProtocol.icmp:
      case ipProtocol.icmpv6:
        return this.parseIcmp(bytes, at, end)
      default:
        return frameFault.none
    }
    this.sourcePort = readU16(bytes, at)
    this.destinationPort = readU16(bytes, at + 2)
    return frameFault.none
  }

  private parseIcmp(bytes: Uint8Array, at: number, end: number): FrameFault {
    if (this.ipEnd - at < icmpBytes) return this.fail(frameFault.transport)
    if (end - at < icmpBytes) return this.fail(frameFault.headersTooLong)
    this.icmpType = bytes[at] as number
    this.icmpCode = bytes[at + 1] as number
    if (this.isEcho) {
      this.sourcePort = readU16(bytes, at + 4)
      this.destinationPort = this.sourcePort
    } else if (this.ipVersion !== 0 && isIcmpError(this.ipVersion, this.icmpType))
      parseQuoted(bytes, at + icmpBytes, end, this.ipVersion, this.quoted)
    return frameFault.none
  }
}

/** Reads addresses and ports of a packet that an error quotes, of which only the beginning need be there. */
function parseQuoted(bytes: Uint8Array, at: number, end: number, version: 4 | 6, into: PacketTuple): void {
  const headerBytes = version === 6 ? 40 : end > at ? ((bytes[at] as number) & 15) * 4 : 0
  if (end - at < headerBytes + 8 || headerBytes < 20 || (bytes[at] as number) >> 4 !== version) return
  if (version === 4) {
    if ((readU16(bytes, at + 6) & ipv4Fragment.offset) !== 0) return
    into.protocol = bytes[at + 9] as number
    loadIpv4(bytes, at + 12, into.addresses, 0)
    loadIpv4(bytes, at + 16, into.addresses, 4)
  } else {
    into.protocol = bytes[at + 6] as number
    loadIpv6(bytes, at + 8, into.addresses, 0)
    loadIpv6(bytes, at + 24, into.addresses, 4)
  }
  const transportAt = at + headerBytes
  into.ipAt = at
  into.transportAt = transportAt
  into.sourcePort = 0
  into.destinationPort = 0
  if (into.protocol === ipProtocol.tcp || into.protocol === ipProtocol.udp) {
    into.sourcePort = readU16(bytes, transportAt)
    into.destinationPort = readU16(bytes, transportAt + 2)
  } else if (into.protocol === ipProtocol.icmp || into.protocol === ipProtocol.icmpv6) {
    into.sourcePort = readU16(bytes, transportAt + 4)
    into.destinationPort = into.sourcePort
  }
  into.ipVersion = version
}
