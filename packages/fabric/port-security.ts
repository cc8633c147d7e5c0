/**
 * Anti-spoofing: whether a frame is from who sent it. It looks at every place that names a sender: Ethernet, IP, ARP,
 * neighbour discovery. Also refused are frames that only infrastructure sends: answers of DHCP servers, advertisements
 * of routers, redirects, tags.
 */
import { type MacAddress, sameIp } from '@virga/base'
import { etherType, fragmentKind, ipOfWords, ipProtocol, wordsAre } from '@virga/packet'
import { dhcpPort, ndType, readArp, readNeighbour, readRouterSolicitation } from '@virga/packet/messages'
import { dropCode } from './drop-reason.ts'
import type { Frame } from './frame/frame.ts'

/** Who may be named as sender. */
export interface Sender {
  readonly mac: MacAddress
  readonly macHigh: number
  readonly macLow: number
  /** whether the address in `words[at, at + 4)` is the sender's */
  hasAddress(words: Int32Array, at: number): boolean
}

/** What is looked at: nothing, the MAC, or the addresses too. */
export type SecurityMode = 'off' | 'mac' | 'address'

const unspecified = [0, 0, 0, 0] as const
const unspecified4 = [0, 0, 0xffff, 0] as const

/** The drop code of a frame that is not the sender's, or 0. */
export function checkSender(frame: Frame, sender: Sender, mode: SecurityMode): number {
  if (mode === 'off') return 0
  const { packet } = frame
  if (packet.vlan >= 0) return dropCode['vlan-tagged']
  if (packet.sourceHigh !== sender.macHigh || packet.sourceLow !== sender.macLow)
    return dropCode['mac-spoofed']
  if (packet.etherType === etherType.arp) return checkArp(frame, sender, mode)
  if (packet.ipVersion === 0 || mode === 'mac') return 0
  if (packet.protocol === ipProtocol.udp && packet.fragment !== fragmentKind.later) {
    const isServer4 = packet.sourcePort === dhcpPort.server && packet.destinationPort === dhcpPort.client
    const isServer6 = packet.sourcePort === 547 && packet.destinationPort === 546
    if (isServer4 || isServer6) return dropCode['dhcp-server']
    if (wordsAre(packet.addresses, 0, unspecified4))
      return packet.destinationPort === dhcpPort.server ? 0 : dropCode['ip-spoofed']
  }
  if (packet.protocol === ipProtocol.icmpv6 && packet.ipVersion === 6) return checkDiscovery(frame, sender)
  return hasSource(frame, sender) ? 0 : dropCode['ip-spoofed']
}

function checkArp(frame: Frame, sender: Sender, mode: SecurityMode): number {
  const { packet, headers, headerBytes } = frame
  const arp = readArp(headers, packet.networkAt, headerBytes)
  if (arp === undefined) return dropCode['malformed-arp']
  if (arp.senderMac !== sender.mac) return dropCode['arp-spoofed']
  if (mode === 'mac' || sameIp(arp.senderIp, unspecified4)) return 0
  return sender.hasAddress(Int32Array.of(...arp.senderIp), 0) ? 0 : dropCode['arp-spoofed']
}

function checkDiscovery(frame: Frame, sender: Sender): number {
  const { packet, headers, headerBytes } = frame
  const end = Math.min(packet.ipEnd, headerBytes)
  const isUnspecified = wordsAre(packet.addresses, 0, unspecified)
  const type = packet.icmpType
  // A fragment could hide what it says.
  if (packet.fragment !== 0 && (type >= ndType.routerSolicitation || packet.transportAt < 0))
    return type >= ndType.routerSolicitation && type <= ndType.redirect
      ? dropCode['nd-spoofed']
      : hasSource(frame, sender)
        ? 0
        : dropCode['ip-spoofed']
  if (type === ndType.routerAdvertisement || type === ndType.redirect) return dropCode['router-advertisement']
  if (type === ndType.routerSolicitation) {
    const linkLayer = readRouterSolicitation(headers, packet.transportAt, end)?.linkLayer
    if (linkLayer !== undefined && linkLayer !== sender.mac) return dropCode['nd-spoofed']
  } else if (type === ndType.neighbourSolicitation || type === ndType.neighbourAdvertisement) {
    const message = readNeighbour(headers, packet.transportAt, end)
    if (message === undefined) return dropCode['malformed-transport']
    if (message.linkLayer !== undefined && message.linkLayer !== sender.mac) return dropCode['nd-spoofed']
    const target = Int32Array.of(...message.target)
    if (type === ndType.neighbourAdvertisement && !isOwn(target, 0, sender)) return dropCode['nd-spoofed']
  } else if (isUnspecified) return type === multicastReport ? 0 : dropCode['ip-spoofed']
  return isUnspecified || hasSource(frame, sender) ? 0 : dropCode['ip-spoofed']
}

/** Type of a report of group memberships, which may be sent before there is an address. */
const multicastReport = 143

function hasSource(frame: Frame, sender: Sender): boolean {
  return isOwn(frame.packet.addresses, 0, sender)
}

function isOwn(words: Int32Array, at: number, sender: Sender): boolean {
  return sender.hasAddress(words, at) || isLinkLocalOf(words, at, sender.mac)
}

/** Whether an address is the link-local one that is made of a MAC. @spec ipv6-addressing "Interface Identifiers" */
function isLinkLocalOf(words: Int32Array, at: number, mac: MacAddress): boolean {
  const [high, low] = [Math.floor(mac / 2 ** 24) ^ 0x02_0000, mac % 2 ** 24]
  const made = [0xfe80_0000, 0, ((high << 8) | 0xff) >>> 0, (0xfe00_0000 | low) >>> 0] as const
  return wordsAre(words, at, made)
}

/** Whether an address is link-local: 169.254.0.0/16 or fe80::/10. */
export function isLinkLocal(words: Int32Array, at: number): boolean {
  const [a = 0, b = 0, , d = 0] = ipOfWords(words, at)
  return a >>> 22 === 0x3fa || (a === 0 && b === 0 && words[at + 2] === 0xffff && d >>> 16 === 0xa9fe)
}
