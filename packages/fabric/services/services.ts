/** Which frames are for the network itself, and who answers them. */
import { etherType, ipOfWords, ipProtocol } from '@virga/packet'
import { dhcpPort, ndType } from '@virga/packet/messages'
import { dropCode } from '../drop-reason.ts'
import type { Frame } from '../frame/frame.ts'
import type { Port } from '../vpc/port-table.ts'
import { answerDhcp } from './dhcp.ts'
import { answerEcho } from './icmp.ts'
import { type DnsForward, NameServer } from './name-server.ts'
import { answerArp, answerDiscovery } from './neighbours.ts'
import type { ServiceContext } from './service.ts'

/**
 * Takes the frames of connections that end in the fabric, with the port that they come from. It has done with the frame
 * when it returns 0 or a drop code.
 */
export interface Translator {
  receive(port: Port, frame: Frame, nowMs: number): number
  /** The port is taken away: whatever it has here has ended. */
  removePort(id: string): void
}

/** Takes what leaves by way of the host, and can say before whether it would. */
export interface WayOut extends Translator {
  /** The drop code of a frame that would be refused, whoever is at its other end; 0: it goes out. Changes nothing. */
  judge(port: Port, frame: Frame): number
}

/** A service, as traces name it, and what it does with a frame. */
export interface Claim {
  readonly name: string
  answer(port: Port, frame: Frame, nowMs: number): number
}

export class Services {
  /** who ends connections to the metadata address */
  metadata: Translator | undefined
  private readonly subnets: ServiceContext['subnets']
  private readonly arp: Claim
  private readonly discovery: Claim
  private readonly dhcp: Claim
  private readonly echo: Claim
  private readonly dns: Claim
  private readonly metadataClaim: Claim
  private readonly closed: Claim = { name: 'closed', answer: () => dropCode['service-closed'] }

  constructor(context: ServiceContext, forward: DnsForward | undefined) {
    const names = new NameServer(context, forward)
    this.subnets = context.subnets
    this.arp = { name: 'arp', answer: (port, frame) => answerArp(context, port, frame) }
    this.discovery = {
      name: 'neighbour discovery',
      answer: (port, frame) => answerDiscovery(context, port, frame),
    }
    this.dhcp = { name: 'dhcp', answer: (port, frame) => answerDhcp(context, port, frame) }
    this.echo = { name: 'echo', answer: (port, frame) => answerEcho(context, port, frame) }
    this.dns = { name: 'dns', answer: (port, frame) => names.answer(port, frame) }
    this.metadataClaim = {
      name: 'metadata',
      answer: (port, frame, nowMs) => {
        if (this.metadata === undefined) return dropCode['service-closed']
        return this.metadata.receive(port, frame, nowMs)
      },
    }
  }

  /** Who answers a frame, or undefined when it is for nobody of the network's own. */
  claim({ packet }: Frame): Claim | undefined {
    if (packet.etherType === etherType.arp) return this.arp
    if (packet.ipVersion === 0) return undefined
    const { protocol } = packet
    if (
      protocol === ipProtocol.icmpv6 &&
      packet.icmpType >= ndType.routerSolicitation &&
      packet.icmpType <= ndType.redirect
    )
      return this.discovery
    const isWhole = packet.fragment === 0
    if (
      isWhole &&
      protocol === ipProtocol.udp &&
      packet.destinationPort === dhcpPort.server &&
      packet.ipVersion === 4
    )
      if (packet.sourcePort === dhcpPort.client) return this.dhcp
    const kind = this.subnets.serviceAt(ipOfWords(packet.addresses, 4))
    if (kind === undefined) return undefined
    if (!isWhole) return this.closed
    if (protocol === ipProtocol.icmp || protocol === ipProtocol.icmpv6) return this.echo
    if (kind === 'dns' && protocol === ipProtocol.udp && packet.destinationPort === 53) return this.dns
    return kind === 'metadata' && protocol === ipProtocol.tcp ? this.metadataClaim : this.closed
  }
}
