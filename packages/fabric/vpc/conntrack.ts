/**
 * Connections that ports have: which packets belong to something that was let through before. Each port is a zone of
 * its own, so that equal addresses of two tenants, or of two ports, never meet.
 *
 * Invariants: a zone has at most `perZoneMax` connections. When it is full, an idle one or one that never got an answer
 * makes room, never an open one; else the new one is refused. Looking for room is bounded.
 */
import { type PacketTuple, tcpFlag } from '@virga/packet'
import type { KeyTable, TableShape } from '../key-table.ts'
import { connectionState, idleTicks, isOpening, nextState } from './connection-state.ts'

/** Key: zone and protocol, then the two ends in the order of their numbers, so that both directions have one key. */
const keyWords = 10
const field = { state: 0, deadline: 1, orientation: 2, fin: 3, epoch: 4 } as const
const valueWords = 5
/** Records that are looked at for room when there is none. */
const sweepMax = 64

/** The shape of a table of `capacity` connections. */
export function conntrackShape(capacity: number): TableShape {
  return { capacity, keyWords, valueWords }
}

export class Conntrack {
  /** of the last `find` or `create`: whether the packet comes from who opened the connection */
  fromInitiator = false
  private readonly table: KeyTable
  private readonly zoneCounts: Int32Array
  private readonly perZoneMax: number
  /** whether the source of the packet in the probe is the first end of the key */
  private sourceIsFirst = false

  constructor(table: KeyTable, zoneCounts: Int32Array, perZoneMax: number) {
    this.table = table
    this.zoneCounts = zoneCounts
    this.perZoneMax = perZoneMax
  }

  /** The live connection of `zone` that a packet belongs to, or -1. */
  find(zone: number, tuple: PacketTuple, tcpFlags: number, tick: number): number {
    this.setProbe(zone, tuple)
    const { table } = this
    const index = table.find()
    if (index < 0 || !this.isUsable(index, table.generation(index), tuple.protocol, tcpFlags, tick)) return -1
    this.fromInitiator = (table.get(index, field.orientation) === 1) === this.sourceIsFirst
    return index
  }

  /** Whether (index, generation) is still the connection it was, and the packet does not open another in its place. */
  isUsable(index: number, generation: number, protocol: number, tcpFlags: number, tick: number): boolean {
    const { table } = this
    if (table.generation(index) !== generation || table.get(index, field.deadline) <= tick) return false
    return !(isOpening(protocol, tcpFlags) && table.get(index, field.state) === connectionState.closed)
  }

  /** Adds the connection that a packet opens, which `find` did not find. Returns its index, or -1: no room. */
  create(zone: number, tuple: PacketTuple, tick: number, epoch: number): number {
    const { table, zoneCounts } = this
    this.setProbe(zone, tuple)
    const stale = table.find()
    if (stale >= 0) this.remove(stale)
    if ((zoneCounts[zone] as number) >= this.perZoneMax || table.count === table.capacity) {
      if (!this.makeRoom(zone, tick)) return -1
    }
    this.setProbe(zone, tuple)
    const index = table.insert()
    if (index < 0) return -1
    zoneCounts[zone] = (zoneCounts[zone] as number) + 1
    table.set(index, field.state, connectionState.opening)
    table.set(index, field.orientation, this.sourceIsFirst ? 1 : 0)
    table.set(index, field.epoch, epoch)
    this.fromInitiator = true
    return index
  }

  /** Notes a packet of a live connection. */
  touch(index: number, fromInitiator: boolean, protocol: number, tcpFlags: number, tick: number): void {
    const { table } = this
    const was = table.get(index, field.state)
    // Most packets change nothing but the time: those of an open connection that nobody has begun to close.
    if (was === connectionState.open && (tcpFlags & (tcpFlag.fin | tcpFlag.rst)) === 0) {
      table.set(index, field.deadline, tick + idleTicks(protocol, was))
      return
    }
    const sender = fromInitiator ? 1 : 2
    const fin = table.get(index, field.fin) | ((tcpFlags & tcpFlag.fin) !== 0 ? sender : 0)
    const state = nextState(was, protocol, fromInitiator, tcpFlags, fin)
    table.set(index, field.fin, fin)
    table.set(index, field.state, state)
    table.set(index, field.deadline, tick + idleTicks(protocol, state))
  }

  generation(index: number): number {
    return this.table.generation(index)
  }

  /** The state of a live connection, one of `connectionState`. */
  state(index: number): number {
    return this.table.get(index, field.state)
  }

  /** Of which policy a connection was last found to be allowed. */
  epoch(index: number): number {
    return this.table.get(index, field.epoch)
  }

  setEpoch(index: number, epoch: number): void {
    this.table.set(index, field.epoch, epoch)
  }

  /** Forgets a live connection. */
  remove(index: number): void {
    const zone = this.table.key(index, 0) >>> 8
    this.table.remove(index)
    this.zoneCounts[zone] = (this.zoneCounts[zone] as number) - 1
  }

  /** Forgets all connections of a zone, whose port is taken away. */
  clearZone(zone: number): void {
    for (let index = 0; index < this.table.capacity; index++)
      if (this.table.isLive(index) && this.table.key(index, 0) >>> 8 === zone) this.remove(index)
  }

  /** Connections of a zone. */
  countIn(zone: number): number {
    return this.zoneCounts[zone] as number
  }

  private makeRoom(zone: number, tick: number): boolean {
    const { table } = this
    const zoneIsFull = (this.zoneCounts[zone] as number) >= this.perZoneMax
    let halfOpen = -1
    for (let looked = 0; looked < sweepMax; looked++) {
      const index = table.nextInSweep()
      if (index < 0 || !table.isLive(index)) continue
      const isOwn = table.key(index, 0) >>> 8 === zone
      if (zoneIsFull && !isOwn) continue
      const isIdle = table.get(index, field.deadline) <= tick
      if (isIdle) {
        this.remove(index)
        return true
      }
      // Only a zone's own half-open connections: one tenant's flood costs no other a connection.
      if (isOwn && table.get(index, field.state) === connectionState.opening) halfOpen = index
    }
    if (halfOpen < 0) return false
    this.remove(halfOpen)
    return true
  }

  private setProbe(zone: number, tuple: PacketTuple): void {
    const { probe } = this.table
    const { addresses, sourcePort, destinationPort } = tuple
    let order = 0
    for (let i = 0; i < 4 && order === 0; i++)
      order = ((addresses[i] as number) >>> 0) - ((addresses[4 + i] as number) >>> 0)
    if (order === 0) order = sourcePort - destinationPort
    const first = order <= 0
    this.sourceIsFirst = first
    probe[0] = (zone << 8) | tuple.protocol
    for (let i = 0; i < 4; i++) {
      probe[1 + i] = addresses[first ? i : 4 + i] as number
      probe[5 + i] = addresses[first ? 4 + i : i] as number
    }
    probe[9] = first ? (sourcePort << 16) | destinationPort : (destinationPort << 16) | sourcePort
  }
}
