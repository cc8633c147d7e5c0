/**
 * DNS: names of the network's machines are answered here, for every other a function that was passed in is asked. Its
 * answers come later, so each port has a bound of open questions.
 * @spec dns "Messages"
 */
import { familyOf, formatIp, type IpAddress } from '@virga/base'
import { ipOfWords, vnetHeaderBytes } from '@virga/packet'
import { type DnsQuery, type DnsReply, dnsRcode, encodeDnsReply, readDnsQuery } from '@virga/packet/messages'
import { dropCode } from '../drop-reason.ts'
import type { Frame } from '../frame/frame.ts'
import { extract } from '../frame/piece-list.ts'
import type { Port, PortTable } from '../vpc/port-table.ts'
import { composedBytesMax, composeUdp, transportAt } from './compose.ts'
import type { ServiceContext } from './service.ts'

/** Asks the outside; undefined when there is no answer. The query is as the machine sent it, the answer is sent on. */
export type DnsForward = (query: Uint8Array) => Promise<Uint8Array | undefined>

/** Open questions of a port: what AWS lets through in 60 ms. */
const openMax = 64
const queryBytesMax = 1232
const ttlSeconds = 60

export class NameServer {
  private readonly context: ServiceContext
  private readonly forward: DnsForward | undefined
  private readonly open = new Map<number, number>()

  constructor(context: ServiceContext, forward: DnsForward | undefined) {
    this.context = context
    this.forward = forward
  }

  /** Answers a query over UDP, now or later. */
  answer(port: Port, frame: Frame): number {
    const { packet } = frame
    const dataBytes = packet.ipEnd - packet.transportAt - 8
    const dataAt = vnetHeaderBytes + packet.transportAt + 8
    const data = extract(frame.pieces, dataAt, Math.min(dataBytes, queryBytesMax))
    const query = dataBytes > queryBytesMax ? undefined : readDnsQuery(data)
    if (query === undefined) return dropCode['malformed-transport']
    const server = ipOfWords(packet.addresses, 4)
    const client = ipOfWords(packet.addresses, 0)
    const to = { server, client, port: packet.sourcePort }
    const send = (bytes: Uint8Array) => this.send(port, to, bytes)
    const own = resolve(this.context.ports, this.context.domain, query)
    if (own !== undefined) send(encodeDnsReply(query, own))
    else if (this.forward === undefined)
      send(encodeDnsReply(query, { rcode: dnsRcode.nameError, authoritative: false, answers: [] }))
    else return this.ask(port.index, query, data, this.forward, send)
    return 0
  }

  private ask(
    index: number,
    query: DnsQuery,
    data: Uint8Array,
    forward: DnsForward,
    send: (bytes: Uint8Array) => void,
  ): number {
    const count = this.open.get(index) ?? 0
    if (count >= openMax) return dropCode['service-busy']
    this.open.set(index, count + 1)
    const finish = (answer: Uint8Array | undefined) => {
      this.open.set(index, (this.open.get(index) ?? 1) - 1)
      const failed = { rcode: dnsRcode.serverFailure, authoritative: false, answers: [] }
      const fits = answer !== undefined && answer.length <= queryBytesMax
      send(fits ? answer : encodeDnsReply(query, failed))
      this.context.flush()
    }
    // A refusal is the world's failure, which the machine is told like no answer.
    forward(data).then(finish, () => finish(undefined))
    return 0
  }

  private send(
    port: Port,
    to: { readonly server: IpAddress; readonly client: IpAddress; readonly port: number },
    data: Uint8Array,
  ): void {
    // The port may be gone, or be another's, by the time an answer comes.
    if (this.context.ports.at(port.index)?.id !== port.id) return
    const ends = {
      sourceMac: this.context.routerMac,
      destinationMac: port.mac,
      source: to.server,
      destination: to.client,
    }
    const bytes = new Uint8Array(composedBytesMax)
    bytes.set(data, transportAt(ends) + 8)
    const length = composeUdp(bytes, ends, { source: 53, destination: to.port }, data.length)
    this.context.answer(port, bytes, length)
  }
}

/** The network's own answer, or undefined when the name is not its. */
export function resolve(ports: PortTable, domain: string, query: DnsQuery): DnsReply | undefined {
  const suffix = domain === '' ? '' : `.${domain}`
  const answer = (answers: DnsReply['answers'], rcode: number = dnsRcode.noError): DnsReply => ({
    rcode,
    authoritative: true,
    answers,
  })
  if (query.type === 'PTR') {
    const owner = [...ports.all()].find((port) => port.addresses.some((ip) => reverseName(ip) === query.name))
    if (owner?.hostName === undefined) return undefined
    return answer([{ name: query.name, type: 'PTR', ttl: ttlSeconds, data: `${owner.hostName}${suffix}` }])
  }
  const isInDomain = suffix !== '' && query.name.endsWith(suffix)
  const host = isInDomain ? query.name.slice(0, -suffix.length) : query.name
  const port = [...ports.all()].find(({ hostName }) => hostName?.toLowerCase() === host)
  if (port === undefined) return isInDomain ? answer([], dnsRcode.nameError) : undefined
  const family = query.type === 'A' ? 4 : query.type === 'AAAA' ? 6 : undefined
  const own = port.addresses.filter((address) => familyOf(address) === family)
  return answer(
    own.map((address) => ({
      name: query.name,
      type: query.type as 'A' | 'AAAA', // since a family was found, it is one of them
      ttl: ttlSeconds,
      data: formatIp(address),
    })),
  )
}

/** The name under which an address is looked up. */
export function reverseName(address: IpAddress): string {
  if (familyOf(address) === 4) return `${formatIp(address).split('.').reverse().join('.')}.in-addr.arpa`
  const digits = address.map((word) => word.toString(16).padStart(8, '0')).join('')
  return `${[...digits].reverse().join('.')}.ip6.arpa`
}
