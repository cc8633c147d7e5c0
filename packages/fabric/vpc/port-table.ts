/** The ports of a network: who is attached, with which addresses, and who has an address. */
import { assert, type Cidr, cidrContains, familyOf, type IpAddress, type MacAddress } from '@virga/base'
import { ipOfWords, wordsOfIp } from '@virga/packet'
import type { Receiver } from '../frame/receiver.ts'

/** What a port is to have. */
export interface PortConfig {
  /** unique in the network; what people see */
  readonly id: string
  readonly mac: MacAddress
  /** its own addresses, IPv4 first */
  readonly addresses: readonly IpAddress[]
  /** blocks that it may send from and receive for besides, for machines that route */
  readonly prefixes?: readonly Cidr[]
  /** ids of its security groups */
  readonly groups: readonly string[]
  /** name that DNS answers to and DHCP gives */
  readonly hostName?: string
}

/** An attached port. `index` is its number while it is attached, and its zone. */
export interface Port extends PortConfig {
  readonly index: number
  readonly receiver: Receiver
  readonly prefixes: readonly Cidr[]
  /** its addresses as words, four each */
  readonly addressWords: Int32Array
  readonly macHigh: number
  readonly macLow: number
}

/** Ports of a network; index 0 is the way out. */
export const portsMax = 1024

export class PortTable {
  private readonly slots: (Port | undefined)[] = []
  private readonly byId = new Map<string, Port>()
  private readonly byMac = new Map<MacAddress, Port>()
  private readonly byAddress = new Map<string | number, Port>()

  /** Attaches a port, or replaces the one of the same id, which keeps its index. Names and addresses are free. */
  put(config: PortConfig, receiver: Receiver): Port {
    const old = this.byId.get(config.id)
    if (old !== undefined) this.unlink(old)
    const index = old?.index ?? this.freeIndex()
    const addressWords = new Int32Array(config.addresses.length * 4)
    config.addresses.forEach((address, at) => {
      wordsOfIp(address, addressWords, at * 4)
    })
    const macHigh = Math.floor(config.mac / 2 ** 32)
    const port: Port = {
      prefixes: [],
      ...config,
      index,
      receiver,
      addressWords,
      macHigh,
      macLow: config.mac | 0,
    }
    assert(!this.byMac.has(port.mac), `no other port has the MAC of ${port.id}`)
    this.slots[index] = port
    this.byId.set(port.id, port)
    this.byMac.set(port.mac, port)
    for (const address of port.addresses) {
      assert(!this.byAddress.has(keyOf(address)), `no other port has an address of ${port.id}`)
      this.byAddress.set(keyOf(address), port)
    }
    return port
  }

  /** Takes a port away. */
  remove(port: Port): void {
    this.unlink(port)
    this.slots[port.index] = undefined
  }

  private unlink(port: Port): void {
    this.byId.delete(port.id)
    this.byMac.delete(port.mac)
    for (const address of port.addresses) this.byAddress.delete(keyOf(address))
  }

  private freeIndex(): number {
    for (let index = 1; index < portsMax; index++) if (this.slots[index] === undefined) return index
    throw new Error(`assertion failed: a network has fewer than ${portsMax} ports`)
  }

  at(index: number): Port | undefined {
    return this.slots[index]
  }

  withId(id: string): Port | undefined {
    return this.byId.get(id)
  }

  withMac(mac: MacAddress): Port | undefined {
    return this.byMac.get(mac)
  }

  withAddress(address: IpAddress): Port | undefined {
    return this.byAddress.get(keyOf(address))
  }

  /** All attached ports. */
  all(): IterableIterator<Port> {
    return this.byId.values()
  }
}

function keyOf(address: IpAddress): string | number {
  return familyOf(address) === 4 ? address[3] : address.join()
}

/** Whether the address in `words[at, at + 4)` is one of the port's own, or in a block that it routes for. */
export function hasAddress(port: Port, words: Int32Array, at: number): boolean {
  const own = port.addressWords
  for (let i = 0; i < own.length; i += 4)
    if (
      own[i + 3] === words[at + 3] &&
      own[i + 2] === words[at + 2] &&
      own[i + 1] === words[at + 1] &&
      own[i] === words[at]
    )
      return true
  if (port.prefixes.length === 0) return false
  const address = ipOfWords(words, at)
  return port.prefixes.some((prefix) => cidrContains(prefix, address))
}
