/**
 * Which frames a driver wants, by the address that they are for. @spec virtio-1.2 "Packet Receive Filtering"
 * Why: a cable carries what is for others, too. A driver that said nothing gets everything.
 */

import { broadcastMac, isGroupMac, type MacAddress } from '@virga/base'
import { readMac } from '@virga/packet'

/** Addresses of each kind that are looked for; a driver that names more gets all of that kind. */
const entriesMax = 64

export class ReceiveFilter {
  promiscuous = true
  /** what the driver asked for, whatever its table says */
  allMulticast = false
  private own: MacAddress = -1
  private unicast: ReadonlySet<MacAddress> = new Set()
  private multicast: ReadonlySet<MacAddress> = new Set()

  /** As after a reset, for a device with this address. */
  reset(own: MacAddress): void {
    this.promiscuous = true
    this.allMulticast = false
    this.own = own
    this.setTables([], [])
  }

  setOwn(mac: MacAddress): void {
    this.own = mac
  }

  /** Replaces the tables of further addresses. */
  setTables(unicast: readonly MacAddress[], multicast: readonly MacAddress[]): void {
    this.unicast = new Set(unicast)
    this.multicast = new Set(multicast)
  }

  /** Whether a frame is wanted whose destination is `memory[at, at + 6)`. */
  wants(memory: Uint8Array, at: number): boolean {
    if (this.promiscuous) return true
    const mac = readMac(memory, at)
    if (mac === this.own || mac === broadcastMac) return true
    if (!isGroupMac(mac)) return holds(this.unicast, mac)
    return this.allMulticast || holds(this.multicast, mac)
  }
}

function holds(table: ReadonlySet<MacAddress>, mac: MacAddress): boolean {
  return table.size > entriesMax || table.has(mac)
}
