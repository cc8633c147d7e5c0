/**
 * A network like a cable and a switch: layer 2, learning, flooding what it does not know. Nothing is checked unless a port
 * asks for it, so attacks that a `vpc` forbids succeed here first.
 *
 *   frame ─► port-security (by port) ─► learn the source ─► destination known? ─► that port
 *                                                           else, or a group   ─► all others
 *
 * One thread at a time, like `VpcNetwork`.
 */
import { type Cidr, cidrContains, type IpAddress, type MacAddress, type RandomWord } from '@virga/base'
import { ipOfWords, wordsAre } from '@virga/packet'
import { Counters, counter, counterBytes, type PortCounters } from '../counters.ts'
import { dropCode } from '../drop-reason.ts'
import { Delivery } from '../frame/delivery.ts'
import { Frame } from '../frame/frame.ts'
import { PieceList } from '../frame/piece-list.ts'
import type { Receiver } from '../frame/receiver.ts'
import { checkSender, type SecurityMode } from '../port-security.ts'
import { ticksPerSecond } from '../vpc/connection-state.ts'
import { ForwardingTable, forwardingWords } from './forwarding-table.ts'

/** A port of the switch. */
export interface SegmentPort {
  readonly id: string
  /** what is checked of frames from it, and of frames to it */
  readonly security: SecurityMode
  /** its own, for `mac` and `address` */
  readonly mac: MacAddress
  readonly addresses: readonly IpAddress[]
  readonly prefixes?: readonly Cidr[]
}

/** What a switch is. */
export interface SegmentOptions {
  readonly random: RandomWord
  /** shared memory of `segmentStateBytes`, zeros or in use */
  readonly state?: ArrayBufferLike
}

interface Attached extends SegmentPort {
  readonly index: number
  readonly receiver: Receiver
  readonly macHigh: number
  readonly macLow: number
  hasAddress(words: Int32Array, at: number): boolean
}

/** Ports of a switch; MACs it knows, in all and at one port. */
const portsMax = 256
const macsMax = 8192
const macsPerPortMax = 1024

/** Bytes of a switch's state. */
export const segmentStateBytes = counterBytes(portsMax) + (1 + portsMax + forwardingWords(macsMax)) * 4

export class SegmentNetwork {
  private readonly ports: (Attached | undefined)[] = []
  private readonly frame = new Frame(new PieceList(0))
  private readonly delivery = new Delivery()
  private readonly touched = new Set<Receiver>()
  private readonly counts: Counters
  private readonly table: ForwardingTable

  constructor({ random, state = new ArrayBuffer(segmentStateBytes) }: SegmentOptions) {
    const doubles = counterBytes(portsMax)
    this.counts = new Counters(new Float64Array(state, 0, doubles / 8))
    const words = new Int32Array(state, doubles)
    if (words[0] === 0) words[0] = random() | 1
    const counts = words.subarray(1, 1 + portsMax)
    const tableWords = words.subarray(1 + portsMax, 1 + portsMax + forwardingWords(macsMax))
    this.table = new ForwardingTable(tableWords, macsMax, counts, macsPerPortMax, words[0] as number)
  }

  /** Attaches a port, or changes the one of the same id. Returns its index. */
  putPort(config: SegmentPort, receiver: Receiver): number {
    const old = this.withId(config.id)
    const free = this.ports.indexOf(undefined)
    const index = old?.index ?? (free < 0 ? this.ports.length : free)
    if (index >= portsMax) throw new Error(`assertion failed: a switch has at most ${portsMax} ports`)
    if (old === undefined) this.counts.clear(index)
    const hasAddress = (words: Int32Array, at: number) =>
      config.addresses.some((address) => wordsAre(words, at, address)) ||
      (config.prefixes?.some((prefix) => cidrContains(prefix, ipOfWords(words, at))) ?? false)
    const [macHigh, macLow] = [Math.floor(config.mac / 2 ** 32), config.mac | 0]
    this.ports[index] = { ...config, index, receiver, macHigh, macLow, hasAddress }
    return index
  }

  /** Takes a port away. */
  removePort(id: string): void {
    const port = this.withId(id)
    if (port === undefined) return
    this.ports[port.index] = undefined
    this.touched.delete(port.receiver)
    this.table.clearPort(port.index)
  }

  counters(id: string): PortCounters | undefined {
    const port = this.withId(id)
    return port && this.counts.read(port.index)
  }

  /** Takes a frame from a port; returns its drop code, or 0. A flood that somebody has no room for is no drop. */
  transmit(index: number, pieces: PieceList, nowMs: number): number {
    const port = this.ports[index]
    if (port === undefined) return dropCode['receiver-gone']
    const { frame, counts } = this
    const loaded = frame.load(pieces)
    counts.addSent(index, Math.max(0, frame.byteLength))
    const code =
      loaded === 0 ? this.forward(port, frame, Math.floor((nowMs * ticksPerSecond) / 1000)) : loaded
    if (code === 0) counts.add(index, counter.passed, 1)
    else counts.drop(index, code)
    return code
  }

  /** The batch has ended. */
  flush(): void {
    for (const receiver of this.touched) receiver.flush()
    this.touched.clear()
  }

  private forward(port: Attached, frame: Frame, tick: number): number {
    const { packet } = frame
    const spoofed = checkSender(frame, port, port.security)
    if (spoofed !== 0) return spoofed
    const isGroupSource = (packet.sourceHigh & 0x100) !== 0
    if (isGroupSource) return dropCode['mac-spoofed']
    if (!this.table.learn(packet.sourceHigh, packet.sourceLow, port.index, tick)) return dropCode['mac-limit']
    const isGroup = (packet.destinationHigh & 0x100) !== 0
    // What bridges say to each other (01:80:c2:00:00:0x) goes no further than the next one.
    if (packet.destinationHigh === 0x0180 && (packet.destinationLow & ~15) === (0xc200_0000 | 0))
      return dropCode.multicast
    const known = isGroup ? -1 : this.table.find(packet.destinationHigh, packet.destinationLow, tick)
    if (known === port.index) return dropCode['to-itself']
    if (known >= 0) return this.hand(this.ports[known], frame)
    for (const other of this.ports) if (other !== undefined && other !== port) this.hand(other, frame)
    return 0
  }

  private hand(port: Attached | undefined, frame: Frame): number {
    if (port === undefined) return dropCode['receiver-gone']
    if (!isFor(port, frame)) return dropCode['not-addressed']
    this.touched.add(port.receiver)
    const code = this.delivery.deliver(frame, port.receiver)
    if (code === 0) this.counts.addReceived(port.index, frame.byteLength)
    return code
  }

  private withId(id: string): Attached | undefined {
    return this.ports.find((port) => port?.id === id)
  }
}

/** Whether a port that wants only its own gets a frame: group frames, its MAC and, where addresses count, its address. */
function isFor(port: Attached, { packet }: Frame): boolean {
  if (port.security === 'off' || (packet.destinationHigh & 0x100) !== 0) return true
  if (packet.destinationHigh !== port.macHigh || packet.destinationLow !== port.macLow) return false
  return port.security === 'mac' || packet.ipVersion === 0 || port.hasAddress(packet.addresses, 4)
}
