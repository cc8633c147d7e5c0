/**
 * Neighbour Discovery over ICMPv6: solicitations and advertisements of neighbours and routers, and their options.
 * @spec nd "Message Formats"
 */
import type { IpAddress, MacAddress } from '@virga/base'
import { readMac, readU16, readU32, writeMac, writeU16, writeU32 } from './byte-order.ts'
import { icmpBytes, readIcmp, writeIcmp } from './icmp.ts'
import { readIp, writeIp128 } from './ip-words.ts'

/** Types of ICMPv6 that neighbour discovery uses. */
export const ndType = {
  routerSolicitation: 133,
  routerAdvertisement: 134,
  neighbourSolicitation: 135,
  neighbourAdvertisement: 136,
  redirect: 137,
} as const

/** Flags of an advertisement of a neighbour: it routes, it was asked, it replaces what was known. */
export const naFlag = { router: 0x8000_0000, solicited: 0x4000_0000, override: 0x2000_0000 } as const

const option = { sourceLinkLayer: 1, targetLinkLayer: 2, prefix: 3, mtu: 5, recursiveDns: 25 } as const

/** A solicitation or advertisement of a neighbour. */
export interface NeighbourMessage {
  readonly type: number
  /** flags of an advertisement, in bits 29–31 */
  readonly flags: number
  readonly target: IpAddress
  /** of the option that says who sends (solicitation) or who is meant (advertisement) */
  readonly linkLayer?: MacAddress
}

/** The message at `at`, or undefined when it is none, or `end` is in it or in an option. */
export function readNeighbour(
  bytes: Uint8Array,
  at: number,
  end = bytes.length,
): NeighbourMessage | undefined {
  const header = readIcmp(bytes, at, end)
  if (header === undefined || end - at < 24) return undefined
  if (header.type !== ndType.neighbourSolicitation && header.type !== ndType.neighbourAdvertisement)
    return undefined
  const wanted =
    header.type === ndType.neighbourSolicitation ? option.sourceLinkLayer : option.targetLinkLayer
  const options = readLinkLayer(bytes, at + 24, end, wanted)
  if (options === undefined) return undefined
  return { type: header.type, flags: header.rest, target: readIp(bytes, at + icmpBytes, 6), ...options }
}

/** The link-layer option of a solicitation of routers at `at`; undefined when it is none or is broken. */
export function readRouterSolicitation(
  bytes: Uint8Array,
  at: number,
  end = bytes.length,
): { readonly linkLayer?: MacAddress } | undefined {
  const header = readIcmp(bytes, at, end)
  if (header?.type !== ndType.routerSolicitation) return undefined
  return readLinkLayer(bytes, at + icmpBytes, end, option.sourceLinkLayer)
}

/** Each turn takes at least 8 bytes of a packet, so the packet bounds the loop. */
function readLinkLayer(
  bytes: Uint8Array,
  at: number,
  end: number,
  wanted: number,
): { linkLayer?: MacAddress } | undefined {
  let found: { linkLayer?: MacAddress } = {}
  for (let i = at; i < end; ) {
    const length = end - i < 8 ? 0 : (bytes[i + 1] as number) * 8
    if (length === 0 || i + length > end) return undefined
    if (bytes[i] === wanted && length === 8) found = { linkLayer: readMac(bytes, i + 2) }
    i += length
  }
  return found
}

/** Writes a message with checksum 0 and returns its length. */
export function writeNeighbour(bytes: Uint8Array, at: number, message: NeighbourMessage): number {
  writeIcmp(bytes, at, { type: message.type, code: 0, rest: message.flags })
  writeIp128(bytes, at + icmpBytes, message.target)
  if (message.linkLayer === undefined) return 24
  const solicits = message.type === ndType.neighbourSolicitation
  bytes[at + 24] = solicits ? option.sourceLinkLayer : option.targetLinkLayer
  bytes[at + 25] = 1
  writeMac(bytes, at + 26, message.linkLayer)
  return 32
}

/** What a router says of itself and of the network. */
export interface RouterAdvertisement {
  readonly hopLimit: number
  /** addresses come by DHCPv6 / other configuration does */
  readonly managed: boolean
  readonly other: boolean
  readonly lifetimeSeconds: number
  readonly linkLayer: MacAddress
  readonly mtu: number
  /** prefix on the link; `autonomous` asks machines to make their own addresses in it */
  readonly prefix?: { readonly base: IpAddress; readonly length: number; readonly autonomous: boolean }
  readonly dns?: IpAddress
}

/** Writes an advertisement with checksum 0 and returns its length. */
export function writeRouterAdvertisement(bytes: Uint8Array, at: number, ra: RouterAdvertisement): number {
  const flags = (ra.managed ? 0x80 : 0) | (ra.other ? 0x40 : 0)
  const rest = ((ra.hopLimit << 24) | (flags << 16) | ra.lifetimeSeconds) >>> 0
  writeIcmp(bytes, at, { type: ndType.routerAdvertisement, code: 0, rest })
  writeU32(bytes, at + 8, 0)
  writeU32(bytes, at + 12, 0)
  let end = at + 16
  bytes[end] = option.sourceLinkLayer
  bytes[end + 1] = 1
  writeMac(bytes, end + 2, ra.linkLayer)
  end += 8
  bytes[end] = option.mtu
  bytes[end + 1] = 1
  writeU16(bytes, end + 2, 0)
  writeU32(bytes, end + 4, ra.mtu)
  end += 8
  if (ra.prefix !== undefined) end += writePrefix(bytes, end, ra.prefix, ra.lifetimeSeconds)
  if (ra.dns !== undefined) {
    bytes[end] = option.recursiveDns
    bytes[end + 1] = 3
    writeU16(bytes, end + 2, 0)
    writeU32(bytes, end + 4, ra.lifetimeSeconds)
    end += 8 + writeIp128(bytes, end + 8, ra.dns)
  }
  return end - at
}

function writePrefix(
  bytes: Uint8Array,
  at: number,
  prefix: { readonly base: IpAddress; readonly length: number; readonly autonomous: boolean },
  lifetimeSeconds: number,
): number {
  bytes[at] = option.prefix
  bytes[at + 1] = 4
  bytes[at + 2] = prefix.length
  bytes[at + 3] = 0x80 | (prefix.autonomous ? 0x40 : 0)
  writeU32(bytes, at + 4, lifetimeSeconds)
  writeU32(bytes, at + 8, lifetimeSeconds)
  writeU32(bytes, at + 12, 0)
  return 16 + writeIp128(bytes, at + 16, prefix.base)
}

/** The advertisement at `at`, or undefined when it is none or broken. */
export function readRouterAdvertisement(
  bytes: Uint8Array,
  at: number,
  end = bytes.length,
): RouterAdvertisement | undefined {
  const header = readIcmp(bytes, at, end)
  if (header?.type !== ndType.routerAdvertisement || end - at < 16) return undefined
  let found: Omit<RouterAdvertisement, 'linkLayer' | 'mtu'> & { linkLayer: number; mtu: number } = {
    hopLimit: header.rest >>> 24,
    managed: (header.rest & 0x80_0000) !== 0,
    other: (header.rest & 0x40_0000) !== 0,
    lifetimeSeconds: header.rest & 0xffff,
    linkLayer: 0,
    mtu: 0,
  }
  for (let i = at + 16; i < end; ) {
    const length = end - i < 8 ? 0 : (bytes[i + 1] as number) * 8
    if (length === 0 || i + length > end) return undefined
    const kind = bytes[i]
    if (kind === option.sourceLinkLayer) found = { ...found, linkLayer: readMac(bytes, i + 2) }
    if (kind === option.mtu) found = { ...found, mtu: readU32(bytes, i + 4) }
    if (kind === option.recursiveDns && length >= 24) found = { ...found, dns: readIp(bytes, i + 8, 6) }
    if (kind === option.prefix && length === 32) {
      const autonomous = (readU16(bytes, i + 2) & 0x40) !== 0
      const prefix = { base: readIp(bytes, i + 16, 6), length: bytes[i + 2] as number, autonomous }
      found = { ...found, prefix }
    }
    i += length
  }
  return found
}
