/**
 * ARP and neighbour discovery, answered by the network: nobody hears another's questions, so nobody can answer falsely.
 * A machine is at its own MAC; router, DNS and metadata are at the router's.
 */
import { type IpAddress, type MacAddress, sameIp } from '@virga/base'
import { ipOfWords } from '@virga/packet'
import {
  arpOperation,
  naFlag,
  ndType,
  readArp,
  readNeighbour,
  writeArp,
  writeNeighbour,
  writeRouterAdvertisement,
} from '@virga/packet/messages'
import { dropCode } from '../drop-reason.ts'
import type { Frame } from '../frame/frame.ts'
import type { Port } from '../vpc/port-table.ts'
import { routerLinkLocal } from '../vpc/subnets.ts'
import { composeEthernet, composeIcmp, transportAt } from './compose.ts'
import type { ServiceContext } from './service.ts'

const lifetimeSeconds = 1800
const allNodes: IpAddress = [0xff02_0000, 0, 0, 1]

/** Answers an ARP packet. */
export function answerArp(context: ServiceContext, port: Port, frame: Frame): number {
  const { headers, packet, headerBytes } = frame
  const arp = readArp(headers, packet.networkAt, headerBytes)
  if (arp === undefined) return dropCode['malformed-arp']
  // Asking for one's own address is to find out whether another has it: nobody does.
  if (arp.operation !== arpOperation.request || isOwn(port, arp.targetIp)) return dropCode['not-asked']
  const mac = macOf(context, arp.targetIp)
  if (mac === undefined) return dropCode['address-unknown']
  const { scratch } = context
  const at = composeEthernet(scratch, { sourceMac: mac, destinationMac: port.mac }, 0x0806)
  const answer = { senderMac: mac, senderIp: arp.targetIp, targetMac: arp.senderMac, targetIp: arp.senderIp }
  const length = at + writeArp(scratch, at, { operation: arpOperation.reply, ...answer })
  context.answer(port, scratch, length)
  return 0
}

/** Answers a message of neighbour discovery. */
export function answerDiscovery(context: ServiceContext, port: Port, frame: Frame): number {
  const { headers, packet, headerBytes } = frame
  if (packet.icmpType === ndType.routerSolicitation) return advertiseRouter(context, port)
  const message = readNeighbour(headers, packet.transportAt, Math.min(packet.ipEnd, headerBytes))
  if (message?.type !== ndType.neighbourSolicitation || isOwn(port, message.target))
    return dropCode['not-asked']
  const asker = ipOfWords(packet.addresses, 0)
  // Asked without an address: is this one mine? Nobody else's is.
  if (asker.every((word) => word === 0)) return dropCode['not-asked']
  const mac = macOf(context, message.target)
  if (mac === undefined) return dropCode['address-unknown']
  const ends = {
    sourceMac: mac,
    destinationMac: port.mac,
    source: message.target,
    destination: asker,
    ttl: 255,
  }
  const router = mac === context.routerMac ? naFlag.router : 0
  const flags = (router | naFlag.solicited | naFlag.override) >>> 0
  const type = ndType.neighbourAdvertisement
  const length = writeNeighbour(context.scratch, transportAt(ends), {
    type,
    flags,
    target: message.target,
    linkLayer: mac,
  })
  context.answer(port, context.scratch, composeIcmp(context.scratch, ends, length))
  return 0
}

function advertiseRouter(context: ServiceContext, port: Port): number {
  const { subnets, routerMac, mtu, scratch } = context
  const own = port.addresses.find((address) => subnets.of(address)?.family === 6)
  const subnet = own && subnets.of(own)
  if (own === undefined || subnet === undefined) return dropCode['not-asked']
  const ends = {
    sourceMac: routerMac,
    destinationMac: port.mac,
    source: routerLinkLocal,
    destination: allNodes,
    ttl: 255,
  }
  const prefix = {
    base: subnet.base,
    length: subnet.prefixLength,
    autonomous: subnet.prefixLength === 64 && isMadeOf(own, port.mac),
  }
  const length = writeRouterAdvertisement(scratch, transportAt(ends), {
    hopLimit: 64,
    managed: false,
    other: false,
    lifetimeSeconds,
    linkLayer: routerMac,
    mtu,
    prefix,
    dns: subnets.dns(subnet),
  })
  context.answer(port, scratch, composeIcmp(scratch, ends, length))
  return 0
}

/** Whether a machine of `mac` would make this address itself. @spec ipv6-addressing "Interface Identifiers" */
function isMadeOf(address: IpAddress, mac: MacAddress): boolean {
  const high = Math.floor(mac / 2 ** 24) ^ 0x02_0000
  return address[2] === ((high << 8) | 0xff) >>> 0 && address[3] === (0xfe00_0000 | (mac % 2 ** 24)) >>> 0
}

function isOwn(port: Port, address: IpAddress): boolean {
  return port.addresses.some((own) => sameIp(own, address))
}

function macOf(context: ServiceContext, address: IpAddress): MacAddress | undefined {
  if (context.subnets.serviceAt(address) !== undefined) return context.routerMac
  return context.ports.withAddress(address)?.mac
}
