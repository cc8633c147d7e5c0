/**
 * DHCP for IPv4: what a server needs to read and to write. Options in the fields `sname` and `file` are not read.
 * @spec dhcp "The Client-Server Protocol"
 * @spec dhcp-options "DHCP Extensions"
 */
import { type IpAddress, ipv4, type MacAddress } from '@virga/base'
import { readMac, readU16, readU32, writeMac, writeU16, writeU32 } from './byte-order.ts'

/** Ports of server and client. */
export const dhcpPort = { server: 67, client: 68 } as const

/** Option 53. */
export const dhcpMessage = {
  discover: 1,
  offer: 2,
  request: 3,
  decline: 4,
  ack: 5,
  nak: 6,
  release: 7,
  inform: 8,
} as const

/** Options that are read or written. */
export const dhcpOption = {
  subnetMask: 1,
  router: 3,
  dns: 6,
  hostName: 12,
  domainName: 15,
  mtu: 26,
  ntp: 42,
  requestedAddress: 50,
  leaseSeconds: 51,
  messageType: 53,
  serverIdentifier: 54,
  classlessRoutes: 121,
  end: 255,
} as const

/** Length of the fixed part, and of the magic number behind it. */
const fixedBytes = 236
const magic = 0x6382_5363

/** A message. Addresses that are absent are 0.0.0.0. */
export interface Dhcp {
  readonly operation: 'request' | 'reply'
  readonly transaction: number
  /** flags: 0x8000 asks for answers by broadcast */
  readonly flags: number
  readonly clientIp: IpAddress
  readonly yourIp: IpAddress
  readonly serverIp: IpAddress
  readonly relayIp: IpAddress
  readonly clientMac: MacAddress
  readonly options: ReadonlyMap<number, Uint8Array>
}

/** The message in `bytes[at, end)`, or undefined when it is none or an option is cut off. Each turn takes a byte. */
export function readDhcp(bytes: Uint8Array, at: number, end = bytes.length): Dhcp | undefined {
  if (end - at < fixedBytes + 4 || readU32(bytes, at + fixedBytes) !== magic) return undefined
  const operation = bytes[at]
  // Ethernet with addresses of 6 bytes.
  if ((operation !== 1 && operation !== 2) || bytes[at + 1] !== 1 || bytes[at + 2] !== 6) return undefined
  const options = new Map<number, Uint8Array>()
  for (let i = at + fixedBytes + 4; i < end && bytes[i] !== dhcpOption.end; ) {
    if (bytes[i] === 0) {
      i++
      continue
    }
    const length = i + 1 < end ? (bytes[i + 1] as number) : 256
    if (i + 2 + length > end) return undefined
    options.set(bytes[i] as number, bytes.slice(i + 2, i + 2 + length))
    i += 2 + length
  }
  return {
    operation: operation === 1 ? 'request' : 'reply',
    transaction: readU32(bytes, at + 4),
    flags: readU16(bytes, at + 10),
    clientIp: ipv4(readU32(bytes, at + 12)),
    yourIp: ipv4(readU32(bytes, at + 16)),
    serverIp: ipv4(readU32(bytes, at + 20)),
    relayIp: ipv4(readU32(bytes, at + 24)),
    clientMac: readMac(bytes, at + 28),
    options,
  }
}

/** Writes a message, padded to the 300 bytes that old clients want, and returns its length. */
export function writeDhcp(bytes: Uint8Array, at: number, message: Dhcp): number {
  bytes.fill(0, at, at + 300)
  bytes[at] = message.operation === 'request' ? 1 : 2
  bytes[at + 1] = 1
  bytes[at + 2] = 6
  writeU32(bytes, at + 4, message.transaction)
  writeU16(bytes, at + 10, message.flags)
  writeU32(bytes, at + 12, message.clientIp[3])
  writeU32(bytes, at + 16, message.yourIp[3])
  writeU32(bytes, at + 20, message.serverIp[3])
  writeU32(bytes, at + 24, message.relayIp[3])
  writeMac(bytes, at + 28, message.clientMac)
  writeU32(bytes, at + fixedBytes, magic)
  let end = at + fixedBytes + 4
  for (const [code, value] of message.options) {
    bytes[end] = code
    bytes[end + 1] = value.length
    bytes.set(value, end + 2)
    end += 2 + value.length
  }
  bytes[end++] = dhcpOption.end
  return Math.max(300, end - at)
}
