/**
 * The router's table: where an address is. The longest prefix wins. The network's own subnets are routes that cannot be
 * taken away.
 */
import { type Cidr, cidrContains, formatCidr, type IpAddress } from '@virga/base'

/** Where a route leads: to a machine of the network, out through NAT, to the gateway's translator, to a port as next hop, nowhere. */
export type RouteTarget = 'local' | 'uplink' | 'gateway' | 'blackhole' | { readonly port: string }

/** A route. */
export interface Route {
  readonly destination: Cidr
  readonly target: RouteTarget
}

export class RouteTable {
  private routes: readonly Route[] = []

  /** Replaces all routes; those of `subnets` are added. */
  set(subnets: readonly Cidr[], routes: readonly Route[]): void {
    const local = subnets.map((destination) => ({ destination, target: 'local' as const }))
    // Sorting is stable, so of two routes to one block the first stands: a subnet before what the user says.
    this.routes = [...local, ...routes].sort(
      (a, b) => b.destination.prefixLength - a.destination.prefixLength,
    )
  }

  /** The route to `address`, or undefined. */
  find(address: IpAddress): Route | undefined {
    return this.routes.find((route) => cidrContains(route.destination, address))
  }
}

/** A route as people write it. */
export function describeRoute({ destination, target }: Route): string {
  return `${formatCidr(destination)} to ${typeof target === 'string' ? target : `port ${target.port}`}`
}
