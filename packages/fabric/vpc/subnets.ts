/**
 * The subnets of a network and the addresses in each that the network itself has: the first is the router, the second
 * answers DNS. Beside them the link-local ones that clouds have: DNS and metadata.
 */
import { type Cidr, cidrAddress, cidrContains, defined, type IpAddress, parseIp, sameIp } from '@virga/base'

const ipOf = (text: string) => defined(parseIp(text), text)

/** Metadata, and DNS beside that of the subnet. */
export const metadataAddresses = [ipOf('169.254.169.254'), ipOf('fd00:ec2::254')] as const
const dnsAddresses = [ipOf('169.254.169.253'), ipOf('fd00:ec2::253')] as const
/** The router by its link-local name, which advertisements come from. */
export const routerLinkLocal = ipOf('fe80::1')

/** What the network answers to at an address. */
export type ServiceKind = 'router' | 'dns' | 'metadata'

export class Subnets {
  readonly cidrs: readonly Cidr[]

  constructor(cidrs: readonly Cidr[]) {
    this.cidrs = cidrs
  }

  /** The subnet that an address is in. */
  of(address: IpAddress): Cidr | undefined {
    return this.cidrs.find((cidr) => cidrContains(cidr, address))
  }

  router(cidr: Cidr): IpAddress {
    return cidrAddress(cidr, 1)
  }

  dns(cidr: Cidr): IpAddress {
    return cidrAddress(cidr, 2)
  }

  /** What is at an address of the network's own. */
  serviceAt(address: IpAddress): ServiceKind | undefined {
    if (metadataAddresses.some((own) => sameIp(own, address))) return 'metadata'
    if (dnsAddresses.some((own) => sameIp(own, address))) return 'dns'
    if (sameIp(address, routerLinkLocal)) return 'router'
    const cidr = this.of(address)
    if (cidr === undefined) return undefined
    if (sameIp(address, this.router(cidr))) return 'router'
    return sameIp(address, this.dns(cidr)) ? 'dns' : undefined
  }
}
