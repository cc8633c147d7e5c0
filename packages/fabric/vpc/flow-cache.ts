/**
 * What the slow path decided, by the exact flow: port, MACs, addresses, protocol, ports. An entry counts only in the
 * epoch in which it was made, so a change of policy drops all of them by one store. Four ways a set; a new entry takes
 * the place of one that does not count, else of one by turns.
 *
 * Invariants: everything the slow path looks at for a cacheable packet is in the key, or is asked again on each hit (TTL,
 * length, whether connections and translations live). The set is chosen without the MACs, so that whoever opens a
 * connection can drop what was decided about its answers.
 */
import type { PacketTuple, ParsedFrame } from '@virga/packet'

/** Words of an entry. Those up to `protocol` are the key. */
export const flowField = {
  epoch: 0,
  port: 1,
  macHigh: 2,
  sourceLow: 3,
  destinationLow: 4,
  addresses: 5,
  ports: 13,
  protocol: 14,
  verdict: 15,
  target: 16,
  flags: 17,
  entryOut: 18,
  generationOut: 19,
  entryIn: 20,
  generationIn: 21,
  binding: 22,
  bindingGeneration: 23,
  sourceWord: 24,
  sourcePort: 25,
  destinationWord: 26,
  destinationPort: 27,
} as const

const entryWords = 28
const ways = 4

/** Words of a cache of `capacity` entries, a power of two and at least 4. */
export function flowCacheWords(capacity: number): number {
  return 1 + capacity * entryWords
}

export class FlowCache {
  readonly words: Int32Array
  private readonly setMask: number
  private readonly seed: number

  constructor(words: Int32Array, capacity: number, seed: number) {
    this.words = words
    this.setMask = capacity / ways - 1
    this.seed = seed | 0
  }

  /** Where the words of the entry of `packet` from `port` begin, or -1. */
  find(port: number, packet: ParsedFrame, epoch: number): number {
    const { words } = this
    const macHigh = (packet.sourceHigh << 16) | packet.destinationHigh
    const ports = (packet.sourcePort << 16) | packet.destinationPort
    let at = this.setAt(port, packet.addresses, 0, 4, ports, packet.protocol)
    for (let way = 0; way < ways; way++, at += entryWords) {
      if (
        words[at] === epoch &&
        words[at + flowField.ports] === ports &&
        words[at + flowField.port] === port &&
        words[at + flowField.sourceLow] === packet.sourceLow &&
        words[at + flowField.destinationLow] === packet.destinationLow &&
        words[at + flowField.macHigh] === macHigh &&
        words[at + flowField.protocol] === keyProtocol(packet) &&
        this.hasAddresses(at, packet.addresses, 0, 4)
      )
        return at
    }
    return -1
  }

  /** Makes an entry for `packet` and returns where its words begin; the caller sets all from `verdict` on. */
  insert(port: number, packet: ParsedFrame, epoch: number): number {
    const { words } = this
    const ports = (packet.sourcePort << 16) | packet.destinationPort
    const first = this.setAt(port, packet.addresses, 0, 4, ports, packet.protocol)
    const turn = words[0] as number
    let at = first + (turn & (ways - 1)) * entryWords
    for (let way = 0; way < ways; way++) {
      const candidate = first + way * entryWords
      if (words[candidate] !== epoch) {
        at = candidate
        break
      }
    }
    words[0] = turn + 1
    words[at] = epoch
    words[at + flowField.port] = port
    words[at + flowField.macHigh] = (packet.sourceHigh << 16) | packet.destinationHigh
    words[at + flowField.sourceLow] = packet.sourceLow
    words[at + flowField.destinationLow] = packet.destinationLow
    for (let i = 0; i < 8; i++) words[at + flowField.addresses + i] = packet.addresses[i] as number
    words[at + flowField.ports] = ports
    words[at + flowField.protocol] = keyProtocol(packet)
    return at
  }

  /** Drops an entry. */
  drop(at: number): void {
    this.words[at] = 0
  }

  /** Drops what was decided about answers to `tuple` that come from `port`. */
  dropAnswers(port: number, tuple: PacketTuple): void {
    const { words } = this
    const ports = (tuple.destinationPort << 16) | tuple.sourcePort
    let at = this.setAt(port, tuple.addresses, 4, 0, ports, tuple.protocol)
    for (let way = 0; way < ways; way++, at += entryWords)
      if (
        words[at + flowField.ports] === ports &&
        words[at + flowField.port] === port &&
        this.hasAddresses(at, tuple.addresses, 4, 0)
      )
        words[at] = 0
  }

  private hasAddresses(at: number, addresses: Int32Array, source: number, destination: number): boolean {
    const { words } = this
    const from = at + flowField.addresses
    for (let i = 0; i < 4; i++)
      if (words[from + i] !== addresses[source + i] || words[from + 4 + i] !== addresses[destination + i])
        return false
    return true
  }

  private setAt(
    port: number,
    addresses: Int32Array,
    source: number,
    destination: number,
    ports: number,
    protocol: number,
  ): number {
    // The low halves of the addresses are enough: who chooses equal ones only crowds a set of their own making.
    const from = (addresses[source + 3] as number) ^ Math.imul(addresses[source + 2] as number, 0x85eb_ca6b)
    const to =
      (addresses[destination + 3] as number) ^ Math.imul(addresses[destination + 2] as number, 0xc2b2_ae35)
    let hash = Math.imul(this.seed ^ from, 0x9e37_79b1) ^ Math.imul(to ^ ports, 0x85eb_ca6b)
    hash ^= hash >>> 15
    hash = Math.imul(hash ^ (port << 8) ^ protocol, 0xc2b2_ae35)
    return 1 + ((hash ^ (hash >>> 16)) & this.setMask) * ways * entryWords
  }
}

/** Protocol and, of an echo, its type: a request and a reply of one identifier are two flows. */
function keyProtocol(packet: ParsedFrame): number {
  return packet.protocol | (packet.icmpType << 8)
}
