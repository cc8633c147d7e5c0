/**
 * Why a frame goes no further: one closed list, read by counters, traces, captures and tests alike. Codes are places
 * in the list; names are what people and metrics see, and do not change.
 */
import { defined } from '@virga/base'

/** Where in a network a frame can be dropped, in the order in which it gets there. */
export const stages = [
  'parse',
  'port-security',
  'service',
  'lookup',
  'conntrack',
  'firewall-egress',
  'router',
  'nat',
  'firewall-ingress',
  'delivery',
  'gateway',
] as const

export type Stage = (typeof stages)[number]

const table = {
  'malformed-ethernet': ['parse', 'the Ethernet header is cut off'],
  'malformed-arp': ['parse', 'the ARP packet is cut off or not about IPv4'],
  'malformed-ip': ['parse', 'the IP header contradicts itself or the length of the frame'],
  'malformed-transport': ['parse', 'the TCP, UDP or ICMP header contradicts the length of the packet'],
  'headers-too-long': ['parse', 'the headers are longer than a network reads'],
  'offload-invalid': ['parse', 'the offload header asks for what the frame does not allow'],
  'frame-too-long': ['parse', 'the frame is longer than 64 KiB'],
  'vlan-tagged': ['port-security', 'the port carries no VLANs, and the frame has a tag'],
  'mac-spoofed': ['port-security', 'the source MAC is not the port’s'],
  'ip-spoofed': ['port-security', 'the source address is not the port’s'],
  'arp-spoofed': ['port-security', 'the ARP sender is not the port’s'],
  'nd-spoofed': ['port-security', 'the neighbour discovery sender is not the port’s'],
  'dhcp-server': ['port-security', 'machines do not answer DHCP'],
  'router-advertisement': ['port-security', 'machines do not advertise routers, nor redirect'],
  'not-addressed': ['delivery', 'the frame is not for the addresses of the port it was to go to'],
  'ethertype-not-carried': ['lookup', 'the network carries IP and ARP only'],
  multicast: ['lookup', 'the network has no broadcast and no multicast'],
  'mac-unknown': ['lookup', 'no port and no router has the destination MAC'],
  'not-asked': ['service', 'the service does not answer this'],
  'service-closed': ['service', 'the service does not listen on this port'],
  'service-busy': ['service', 'the port has too many questions open'],
  'address-unknown': ['service', 'nobody has the address that was asked for'],
  'conntrack-full': ['conntrack', 'the port has as many connections as it may have'],
  'egress-denied': ['firewall-egress', 'no rule lets it out'],
  'ingress-denied': ['firewall-ingress', 'no rule lets it in'],
  'no-route': ['router', 'no route leads there'],
  blackhole: ['router', 'the route leads nowhere'],
  'link-local': ['router', 'link-local addresses are not routed'],
  'no-such-machine': ['router', 'the address is in the network, and nobody has it'],
  'to-itself': ['router', 'a frame is not sent back to where it came from'],
  'ttl-exceeded': ['router', 'it passed as many routers as it might'],
  'too-big': ['router', 'the packet is bigger than the network takes'],
  'no-uplink': ['router', 'the network has no way out'],
  'nat-family': ['nat', 'only IPv4 is translated'],
  'nat-protocol': ['nat', 'only TCP, UDP and ICMP are translated'],
  'nat-ports-exhausted': ['nat', 'every port towards this destination is taken'],
  'nat-full': ['nat', 'the translation table is full'],
  'nat-no-binding': ['nat', 'nobody inside asked for it'],
  'gateway-forbidden': ['gateway', 'the host’s own networks are not to be reached from here'],
  'gateway-protocol': ['gateway', 'only whole TCP, UDP and echo packets are carried outside'],
  'gateway-full': ['gateway', 'the port has as many connections outside as it may have'],
  'gateway-unknown': ['gateway', 'it belongs to no connection'],
  'mac-limit': ['lookup', 'the port has shown as many MACs as it may'],
  'receiver-full': ['delivery', 'the receiver has no buffer free'],
  'receiver-gone': ['delivery', 'the port is not attached any more'],
  'cannot-segment': ['delivery', 'the receiver takes no frame as large, and it cannot be cut'],
} as const satisfies Readonly<Record<string, readonly [Stage, string]>>

export type DropReason = keyof typeof table

/** All reasons, in the order of their codes. */
export const dropReasons = Object.keys(table) as readonly DropReason[]

/** The code of each reason: from 1, since 0 is "not dropped". */
export const dropCode = Object.fromEntries(dropReasons.map((name, at) => [name, at + 1])) as Readonly<
  Record<DropReason, number>
>

/** The reason of a code. */
export function reasonOf(code: number): DropReason {
  return defined(dropReasons[code - 1], `drop code ${code}`)
}

/** Where a reason belongs, and the sentence that says it. */
export function describeDrop(reason: DropReason): { readonly stage: Stage; readonly why: string } {
  const [stage, why] = table[reason]
  return { stage, why }
}
