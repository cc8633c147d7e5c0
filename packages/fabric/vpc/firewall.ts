/**
 * Security groups: which new connections a port may open and take. A port's rules are those of all its groups; what
 * no rule allows is denied. Semantics are those of AWS: rules name the other end by block or by group, answers need no
 * rule, and what anyone may send and receive is not even tracked.
 */
import { type Cidr, cidrContains, formatCidr } from '@virga/base'
import { ipOfWords, ipProtocol, type PacketTuple } from '@virga/packet'

/** The other end of a connection. */
export type RulePeer = { readonly cidr: Cidr } | { readonly group: string }

/** One permission. */
export interface FirewallRule {
  /** unique in its group; what a trace names */
  readonly id: string
  readonly protocol: 'all' | 'tcp' | 'udp' | 'icmp' | number
  /** ports of the end that answers; absent: all. Both ends of the range are in it. */
  readonly ports?: { readonly from: number; readonly to: number }
  /** type of ICMP; absent: all */
  readonly icmpType?: number
  readonly peer: RulePeer
}

/** A group of permissions, and of the ports that have it. */
export interface SecurityGroup {
  readonly id: string
  readonly ingress: readonly FirewallRule[]
  readonly egress: readonly FirewallRule[]
}

/** Who opens: the port (`egress`) or the other end. */
export type RuleDirection = 'ingress' | 'egress'

/** What is asked of the firewall about a new connection. */
export interface Opening {
  readonly direction: RuleDirection
  readonly packet: PacketTuple & { readonly icmpType: number; readonly fragment: number }
  /** where the other end's address is in `packet.addresses`: 0 or 4 */
  readonly peerAt: 0 | 4
  /** the groups of the other end's port, if it is one of this network */
  readonly peerGroups: readonly string[]
  /** port of the end that answers */
  readonly port: number
}

/** The rule that allows, as `group/rule`, or none. */
export interface Permission {
  readonly rule: string
  readonly why: string
  /** whether answers need the connection to be remembered */
  readonly tracked: boolean
}

export class Firewall {
  private groups: ReadonlyMap<string, SecurityGroup> = new Map()

  /** Replaces all groups at once. */
  setGroups(groups: readonly SecurityGroup[]): void {
    this.groups = new Map(groups.map((group) => [group.id, group]))
  }

  /** The permission that a port of `groups` has, or undefined. */
  permit(groups: readonly string[], opening: Opening): Permission | undefined {
    for (const id of groups)
      for (const rule of this.groups.get(id)?.[opening.direction] ?? []) {
        if (!matches(rule, opening)) continue
        const why = describeRule(rule)
        return { rule: `${id}/${rule.id}`, why, tracked: !this.isOpenBothWays(groups, rule, opening) }
      }
    return undefined
  }

  /** Whether anyone may open such a flow and anything may be answered: then there is nothing to remember. */
  private isOpenBothWays(groups: readonly string[], rule: FirewallRule, opening: Opening): boolean {
    const { protocol, ipVersion } = opening.packet
    if (protocol !== ipProtocol.tcp && protocol !== ipProtocol.udp) return false
    if (!isAnyone(rule.peer, ipVersion)) return false
    const back = opening.direction === 'egress' ? 'ingress' : 'egress'
    return groups.some((id) =>
      this.groups
        .get(id)
        ?.[back].some(
          (other) =>
            isAnyone(other.peer, ipVersion) && other.ports === undefined && matchesProtocol(other, protocol),
        ),
    )
  }
}

function matches(rule: FirewallRule, opening: Opening): boolean {
  const { packet, port } = opening
  if (!matchesProtocol(rule, packet.protocol)) return false
  // A fragment shows no port, so only who allows all ports allows it.
  if (rule.ports !== undefined && (packet.fragment !== 0 || port < rule.ports.from || port > rule.ports.to))
    return false
  if (rule.icmpType !== undefined && (packet.fragment !== 0 || packet.icmpType !== rule.icmpType))
    return false
  if ('group' in rule.peer) return opening.peerGroups.includes(rule.peer.group)
  return cidrContains(rule.peer.cidr, ipOfWords(packet.addresses, opening.peerAt))
}

function matchesProtocol({ protocol }: FirewallRule, actual: number): boolean {
  if (protocol === 'all') return true
  if (protocol === 'icmp') return actual === ipProtocol.icmp || actual === ipProtocol.icmpv6
  return (typeof protocol === 'number' ? protocol : ipProtocol[protocol]) === actual
}

function isAnyone(peer: RulePeer, family: number): boolean {
  return 'cidr' in peer && peer.cidr.prefixLength === 0 && peer.cidr.family === family
}

function describeRule({ protocol, ports, peer }: FirewallRule): string {
  const range =
    ports === undefined ? '' : ports.from === ports.to ? ` ${ports.from}` : ` ${ports.from}-${ports.to}`
  return `${protocol}${range} with ${'group' in peer ? peer.group : formatCidr(peer.cidr)}`
}
