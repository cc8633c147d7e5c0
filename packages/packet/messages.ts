/** Front door of @virga/packet/messages: what machines say to the services of a network. */
export { type Arp, arpBytes, arpOperation, readArp, writeArp } from './arp.ts'
export { type Dhcp, dhcpMessage, dhcpOption, dhcpPort, readDhcp, writeDhcp } from './dhcpv4.ts'
export {
  type DnsMessage,
  type DnsQuery,
  type DnsReply,
  dnsRcode,
  encodeDnsQuery,
  encodeDnsReply,
  readDns,
  readDnsQuery,
} from './dns.ts'
export {
  echoIdentifier,
  type Icmp,
  icmpBytes,
  icmpType,
  icmpv6Type,
  isIcmpError,
  readIcmp,
  unreachableCode,
  writeIcmp,
} from './icmp.ts'
export {
  type NeighbourMessage,
  naFlag,
  ndType,
  type RouterAdvertisement,
  readNeighbour,
  readRouterAdvertisement,
  readRouterSolicitation,
  writeNeighbour,
  writeRouterAdvertisement,
} from './neighbour-discovery.ts'
