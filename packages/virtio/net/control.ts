/**
 * The control queue: what a driver wants to receive, its address, and that it saw an announcement.
 * @spec virtio-1.2 "Control Virtqueue"
 * Invariants: a command is done or refused as a whole; its length is bounded before any of it is read.
 */

import { isGroupMac, type MacAddress } from '@virga/base'
import { readMac } from '@virga/packet'
import type { ChainResult, DeviceAccess } from '../model.ts'
import type { Chain } from '../queue/chain.ts'
import { netConfig, netFeature, netStatus } from './config.ts'
import type { ReceiveFilter } from './filter.ts'

const ack = { ok: 0, error: 1 } as const
const commandClass = { receive: 0, mac: 1, announce: 3 } as const
const receiveCommand = { promiscuous: 0, allMulticast: 1 } as const
const macCommand = { tables: 0, address: 1 } as const
const announceCommand = { acknowledge: 0 } as const

const headerBytes = 2
const macBytes = 6
const countBytes = 4
/** Tables of some hundred addresses; a driver that has more is refused, and then wants all. */
const dataBytesMax = 4096

export class NetControl {
  private readonly access: DeviceAccess
  private readonly filter: ReceiveFilter

  constructor(access: DeviceAccess, filter: ReceiveFilter) {
    this.access = access
    this.filter = filter
  }

  /** Does one command. */
  serve(chain: Chain): ChainResult {
    const dataBytes = chain.readableBytes - headerBytes
    if (dataBytes < 0 || chain.writableBytes === 0) return 'broken'
    let status: number = ack.error
    if (dataBytes <= dataBytesMax) {
      const bytes = new Uint8Array(headerBytes + dataBytes)
      if (!chain.read(0, bytes)) return 'broken'
      if (this.obey(bytes[0] as number, bytes[1] as number, bytes.subarray(headerBytes))) status = ack.ok
    }
    return chain.write(0, Uint8Array.of(status)) ? 1 : 'broken'
  }

  /** Whether it was done. */
  private obey(kind: number, command: number, data: Uint8Array): boolean {
    const { access } = this
    if (kind === commandClass.receive)
      return access.hasFeature(netFeature.controlReceive) && this.setMode(command, data)
    if (kind === commandClass.mac) {
      if (command === macCommand.tables)
        return access.hasFeature(netFeature.controlReceive) && this.setTables(data)
      return (
        command === macCommand.address && access.hasFeature(netFeature.controlMac) && this.setAddress(data)
      )
    }
    if (kind !== commandClass.announce || command !== announceCommand.acknowledge) return false
    return access.hasFeature(netFeature.guestAnnounce) && this.endAnnouncement()
  }

  private setMode(command: number, data: Uint8Array): boolean {
    if (data.length !== 1) return false
    const isOn = data[0] !== 0
    if (command === receiveCommand.promiscuous) this.filter.promiscuous = isOn
    else if (command === receiveCommand.allMulticast) this.filter.allMulticast = isOn
    else return false
    return true
  }

  /** Two tables: a count and so many addresses each, to one machine and to groups. */
  private setTables(data: Uint8Array): boolean {
    const unicast = readTable(data, 0)
    if (unicast === undefined) return false
    const multicast = readTable(data, unicast.end)
    if (multicast === undefined || multicast.end !== data.length) return false
    this.filter.setTables(unicast.addresses, multicast.addresses)
    return true
  }

  private setAddress(data: Uint8Array): boolean {
    if (data.length !== macBytes) return false
    const mac = readMac(data, 0)
    if (mac === 0 || isGroupMac(mac)) return false
    this.filter.setOwn(mac)
    this.access.setConfig(netConfig.mac.offset, data)
    return true
  }

  private endAnnouncement(): boolean {
    const [low = 0, high = 0] = this.access.config(netConfig.status)
    this.access.setConfig(netConfig.status.offset, Uint8Array.of(low & ~netStatus.announce, high))
    return true
  }
}

function readTable(data: Uint8Array, at: number): { addresses: MacAddress[]; end: number } | undefined {
  if (at + countBytes > data.length) return undefined
  const count = new DataView(data.buffer, data.byteOffset).getUint32(at, true)
  const first = at + countBytes
  const end = first + count * macBytes
  if (end > data.length) return undefined
  return { addresses: Array.from({ length: count }, (_, i) => readMac(data, first + i * macBytes)), end }
}
