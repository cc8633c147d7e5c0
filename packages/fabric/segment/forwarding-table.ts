/**
 * Which port a MAC was last seen at. It is learned from sources, forgotten after five minutes of silence, and bounded for
 * each port, so that a port that invents addresses pushes out no other's.
 * @spec ieee-802.1q "The Filtering Database"
 */

import { KeyTable, tableWords } from '../key-table.ts'
import { ticksPerSecond } from '../vpc/connection-state.ts'

const shape = { keyWords: 2, valueWords: 2 } as const
const field = { port: 0, deadline: 1 } as const
const idleTicks = 300 * ticksPerSecond
const sweepMax = 64

/** Words of a table for `capacity` addresses. */
export function forwardingWords(capacity: number): number {
  return tableWords({ ...shape, capacity })
}

export class ForwardingTable {
  private readonly table: KeyTable
  private readonly perPortMax: number
  private readonly counts: Int32Array

  constructor(words: Int32Array, capacity: number, counts: Int32Array, perPortMax: number, seed: number) {
    this.table = new KeyTable(words, { ...shape, capacity }, seed)
    this.counts = counts
    this.perPortMax = perPortMax
  }

  /** The port of a MAC, or -1. */
  find(macHigh: number, macLow: number, tick: number): number {
    const index = this.lookUp(macHigh, macLow)
    return index >= 0 && this.table.get(index, field.deadline) > tick ? this.table.get(index, field.port) : -1
  }

  /** Notes that a MAC sends from a port; false when the port has shown too many. */
  learn(macHigh: number, macLow: number, port: number, tick: number): boolean {
    let index = this.lookUp(macHigh, macLow)
    if (index >= 0 && this.table.get(index, field.port) !== port) {
      this.remove(index)
      index = -1
    }
    if (index < 0) {
      if ((this.counts[port] as number) >= this.perPortMax && !this.makeRoom(tick, port)) return false
      if (this.table.count === this.table.capacity && !this.makeRoom(tick, -1)) return false
      this.lookUp(macHigh, macLow)
      index = this.table.insert()
      this.table.set(index, field.port, port)
      this.counts[port] = (this.counts[port] as number) + 1
    }
    this.table.set(index, field.deadline, tick + idleTicks)
    return true
  }

  /** Forgets what was seen at a port. */
  clearPort(port: number): void {
    for (let index = 0; index < this.table.capacity; index++)
      if (this.table.isLive(index) && this.table.get(index, field.port) === port) this.remove(index)
  }

  private lookUp(macHigh: number, macLow: number): number {
    this.table.probe[0] = macHigh
    this.table.probe[1] = macLow
    return this.table.find()
  }

  private makeRoom(tick: number, port: number): boolean {
    for (let looked = 0; looked < sweepMax; looked++) {
      const index = this.table.nextInSweep()
      if (index < 0 || !this.table.isLive(index) || this.table.get(index, field.deadline) > tick) continue
      if (port >= 0 && this.table.get(index, field.port) !== port) continue
      this.remove(index)
      return true
    }
    return false
  }

  private remove(index: number): void {
    const port = this.table.get(index, field.port)
    this.counts[port] = (this.counts[port] as number) - 1
    this.table.remove(index)
  }
}
