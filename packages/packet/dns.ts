/**
 * DNS messages, by the library `dns-packet`. Why a wrapper: the library throws at what it cannot read and wants a
 * Buffer; here what is no message is undefined, and bytes are bytes.
 * @spec dns "Messages"
 */
import { Buffer } from 'buffer/index.js'
import {
  type Answer,
  AUTHORITATIVE_ANSWER,
  type DecodedPacket,
  decode,
  encode,
  type Packet,
  type Question,
  RECURSION_AVAILABLE,
  RECURSION_DESIRED,
  TRUNCATED_RESPONSE,
} from 'dns-packet'

/** Outcomes of a query. */
export const dnsRcode = { noError: 0, formatError: 1, serverFailure: 2, nameError: 3, refused: 5 } as const

/** A query: one question, as all clients ask. */
export interface DnsQuery {
  readonly id: number
  readonly name: string
  /** A, AAAA, PTR … */
  readonly type: string
  readonly recursionDesired: boolean
  /** largest answer that the client takes over UDP */
  readonly bytesMax: number
}

/** What is answered. */
export interface DnsReply {
  readonly rcode: number
  readonly authoritative: boolean
  readonly answers: readonly Answer[]
}

/** A message as the library reads it; its typings leave out the outcome, by name. */
export type DnsMessage = DecodedPacket & { readonly rcode: string }

/** Longest message over UDP that is sent, whatever the client says: it fits any path. */
const bytesMaxOfServer = 1232
const bytesMaxWithoutEdns = 512

/** The query in `bytes`, or undefined when it is no query with one question. */
export function readDnsQuery(bytes: Uint8Array): DnsQuery | undefined {
  const packet = readDns(bytes)
  const question = packet?.questions?.[0]
  if (packet === undefined || packet.type !== 'query' || packet.questions?.length !== 1 || !question)
    return undefined
  const edns = packet.additionals?.find((record) => record.type === 'OPT')
  const offered = edns?.type === 'OPT' ? edns.udpPayloadSize : bytesMaxWithoutEdns
  return {
    id: packet.id ?? 0,
    name: question.name.toLowerCase(),
    type: question.type,
    recursionDesired: ((packet.flags ?? 0) & RECURSION_DESIRED) !== 0,
    bytesMax: Math.max(bytesMaxWithoutEdns, Math.min(offered, bytesMaxOfServer)),
  }
}

/** A message, or undefined when it is none. */
export function readDns(bytes: Uint8Array): DnsMessage | undefined {
  try {
    // The library reads by the methods of Buffer; this one is the same everywhere.
    return decode(Buffer.from(bytes) as never) as DnsMessage
  } catch {
    return undefined // the guest's mistake, which the caller answers or drops
  }
}

/** The answer to `query`; what does not fit is left out, and said to be. */
export function encodeDnsReply(query: DnsQuery, reply: DnsReply): Uint8Array {
  const flags =
    RECURSION_AVAILABLE |
    (query.recursionDesired ? RECURSION_DESIRED : 0) |
    (reply.authoritative ? AUTHORITATIVE_ANSWER : 0) |
    reply.rcode
  const question = { name: query.name, type: query.type, class: 'IN' } as Question
  const packet: Packet = {
    id: query.id,
    type: 'response',
    flags,
    questions: [question],
    answers: [...reply.answers],
  }
  const whole = encode(packet)
  if (whole.length <= query.bytesMax) return new Uint8Array(whole)
  return new Uint8Array(encode({ ...packet, flags: flags | TRUNCATED_RESPONSE, answers: [] }))
}

/** A query for one name, as a client sends it. */
export function encodeDnsQuery(id: number, name: string, type: Question['type']): Uint8Array {
  return new Uint8Array(encode({ id, type: 'query', flags: RECURSION_DESIRED, questions: [{ name, type }] }))
}
