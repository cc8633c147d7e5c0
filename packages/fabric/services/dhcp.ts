/**
 * DHCP: the answer is a function of the port, so there is no pool to run dry and no lease to keep.
 * @spec dhcp "The Client-Server Protocol"
 */
import { broadcastMac, type Cidr, familyOf, type IpAddress, ipv4, sameIp } from '@virga/base'
import { readIp, vnetHeaderBytes, writeIp } from '@virga/packet'
import { dhcpMessage, dhcpOption, dhcpPort, readDhcp, writeDhcp } from '@virga/packet/messages'
import { dropCode } from '../drop-reason.ts'
import type { Frame } from '../frame/frame.ts'
import { extract } from '../frame/piece-list.ts'
import type { Port } from '../vpc/port-table.ts'
import { composeUdp, transportAt } from './compose.ts'
import type { ServiceContext } from './service.ts'

const leaseSeconds = 3600
/** Longest request that is read: the largest an Ethernet carries. */
const requestBytesMax = 1500
const none = ipv4(0)

/** Answers a client's message. */
export function answerDhcp(context: ServiceContext, port: Port, frame: Frame): number {
  const { packet } = frame
  const dataBytes = packet.ipEnd - packet.transportAt - 8
  if (dataBytes > requestBytesMax) return dropCode['not-asked']
  const data = extract(frame.pieces, vnetHeaderBytes + packet.transportAt + 8, dataBytes)
  const request = readDhcp(data, 0)
  const yours = port.addresses.find((address) => familyOf(address) === 4)
  const subnet = yours && context.subnets.of(yours)
  if (request?.operation !== 'request' || yours === undefined || subnet === undefined)
    return dropCode['not-asked']
  if (request.clientMac !== port.mac) return dropCode['mac-spoofed']
  const server = context.subnets.router(subnet)
  const kind = request.options.get(dhcpOption.messageType)?.[0]
  const asked = request.options.get(dhcpOption.requestedAddress)
  const wanted = asked?.length === 4 ? readIp(asked, 0, 4) : request.clientIp
  const chosen = request.options.get(dhcpOption.serverIdentifier)
  if (chosen?.length === 4 && !sameIp(readIp(chosen, 0, 4), server)) return dropCode['not-asked']
  const answer = answerTo(kind, sameIp(wanted, yours))
  if (answer === undefined) return dropCode['not-asked']
  const isNak = answer === dhcpMessage.nak
  const options = new Map<number, Uint8Array>([
    [dhcpOption.messageType, Uint8Array.of(answer)],
    [dhcpOption.serverIdentifier, octets(server)],
    ...(isNak ? [] : leaseOptions(context, port, subnet, kind === dhcpMessage.inform)),
  ])
  const isInform = kind === dhcpMessage.inform
  const ends = {
    sourceMac: context.routerMac,
    destinationMac: isNak || (request.flags & 0x8000) !== 0 ? broadcastMac : port.mac,
    source: server,
    destination: isNak || sameIp(request.clientIp, none) ? ipv4(0xffff_ffff) : request.clientIp,
  }
  const length = writeDhcp(context.scratch, transportAt(ends) + 8, {
    operation: 'reply',
    transaction: request.transaction,
    flags: request.flags,
    clientIp: isNak ? none : request.clientIp,
    yourIp: isNak || isInform ? none : yours,
    serverIp: isNak ? none : server,
    relayIp: none,
    clientMac: port.mac,
    options,
  })
  const ports = { source: dhcpPort.server, destination: dhcpPort.client }
  context.answer(port, context.scratch, composeUdp(context.scratch, ends, ports, length))
  return 0
}

function answerTo(kind: number | undefined, isRight: boolean): number | undefined {
  if (kind === dhcpMessage.discover) return dhcpMessage.offer
  if (kind === dhcpMessage.request) return isRight ? dhcpMessage.ack : dhcpMessage.nak
  return kind === dhcpMessage.inform ? dhcpMessage.ack : undefined
}

function leaseOptions(
  { subnets, mtu, domain }: ServiceContext,
  port: Port,
  subnet: Cidr,
  isInform: boolean,
): [number, Uint8Array][] {
  const router = subnets.router(subnet)
  const text = (value: string) => new TextEncoder().encode(value)
  // Who reads classless routes reads no router option, so the default route is in them again.
  const routes = Uint8Array.of(32, 169, 254, 169, 254, ...octets(router), 0, ...octets(router))
  return [
    [dhcpOption.subnetMask, octets(ipv4(subnet.prefixLength === 0 ? 0 : -1 << (32 - subnet.prefixLength)))],
    [dhcpOption.router, octets(router)],
    [dhcpOption.dns, octets(subnets.dns(subnet))],
    [dhcpOption.mtu, Uint8Array.of(mtu >>> 8, mtu)],
    [dhcpOption.classlessRoutes, routes],
    ...(port.hostName === undefined
      ? []
      : [[dhcpOption.hostName, text(port.hostName)] as [number, Uint8Array]]),
    ...(domain === '' ? [] : [[dhcpOption.domainName, text(domain)] as [number, Uint8Array]]),
    ...(isInform
      ? []
      : [
          [dhcpOption.leaseSeconds, Uint8Array.of(0, 0, leaseSeconds >> 8, leaseSeconds & 255)] as [
            number,
            Uint8Array,
          ],
        ]),
  ]
}

function octets(address: IpAddress): Uint8Array {
  const bytes = new Uint8Array(4)
  writeIp(bytes, 0, address)
  return bytes
}
