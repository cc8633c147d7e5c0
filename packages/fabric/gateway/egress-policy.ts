/**
 * Where machines may go by way of the host. The host's own surroundings are closed unless opened: its loopback, its
 * link-local neighbours (where clouds have the *host's* metadata), its local networks, itself. Without that a tenant would
 * speak as the host.
 */
import { type Cidr, cidrContains, defined, familyOf, type IpAddress, ipv4, parseCidr } from '@virga/base'

/** An exception: destinations that are open although they are in what is closed. */
export interface EgressException {
  readonly cidr: Cidr
  /** absent: all */
  readonly ports?: { readonly from: number; readonly to: number }
}

/** What may be reached. */
export interface EgressPolicy {
  readonly allow: readonly EgressException[]
  /** the host's own addresses, closed like its loopback */
  readonly hostAddresses: readonly IpAddress[]
}

/** Blocks that are closed: what they are for stands in IANA's special-purpose registries. */
const closed = [
  '0.0.0.0/8',
  '10.0.0.0/8',
  '100.64.0.0/10',
  '127.0.0.0/8',
  '169.254.0.0/16',
  '172.16.0.0/12',
  '192.0.0.0/24',
  '192.168.0.0/16',
  '198.18.0.0/15',
  '224.0.0.0/3',
  '::/128',
  '::1/128',
  'fc00::/7',
  'fe80::/10',
  'fec0::/10',
  'ff00::/8',
].map((text) => defined(parseCidr(text), text))

/** Blocks of IPv6 that hold an IPv4 address, and in which word and how far from its right it is. */
const embedding = [
  { cidr: '::/96', word: 3, shift: 0 },
  { cidr: '64:ff9b::/96', word: 3, shift: 0 },
  { cidr: '64:ff9b:1::/48', word: 3, shift: 0 },
  { cidr: '2002::/16', word: 0, shift: 16 },
].map(({ cidr, ...where }) => ({ cidr: defined(parseCidr(cidr), cidr), ...where }))

/** Whether a machine may open something to `address` and `port` (0 for a ping). */
export function mayReach(policy: EgressPolicy, address: IpAddress, port: number): boolean {
  const isOpened = policy.allow.some(
    ({ cidr, ports }) =>
      cidrContains(cidr, address) && (ports === undefined || (port >= ports.from && port <= ports.to)),
  )
  return isOpened || !isClosed(policy, address)
}

function isClosed(policy: EgressPolicy, address: IpAddress): boolean {
  if (closed.some((cidr) => cidrContains(cidr, address))) return true
  if (policy.hostAddresses.some((own) => own.every((word, at) => word === address[at]))) return true
  if (familyOf(address) === 4) return false
  const holder = embedding.find(({ cidr }) => cidrContains(cidr, address))
  if (holder === undefined) return false
  const { word, shift } = holder
  const high = address[word] as number
  const inner = shift === 0 ? high : ((high << shift) | ((address[word + 1] as number) >>> shift)) >>> 0
  return isClosed(policy, ipv4(inner))
}
