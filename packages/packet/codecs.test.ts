/** What is written is read back, for every codec; and what is cut off is read as nothing. */
import { type IpAddress, ipv4 } from '@virga/base'
import fc from 'fast-check'
import { describe, expect, it } from 'vitest'
import { readArp, writeArp } from './arp.ts'
import { readDhcp, writeDhcp } from './dhcpv4.ts'
import { readEthernet, writeEthernet } from './ethernet.ts'
import { readIcmp, writeIcmp } from './icmp.ts'
import { readIpv4, writeIpv4 } from './ipv4.ts'
import { readIpv6, writeIpv6 } from './ipv6.ts'
import {
  ndType,
  readNeighbour,
  readRouterAdvertisement,
  writeNeighbour,
  writeRouterAdvertisement,
} from './neighbour-discovery.ts'
import { readTcp, writeTcp } from './tcp.ts'
import { readUdp, writeUdp } from './udp.ts'
import { loadVnetHeader, plainVnetHeader, type VnetHeader, writeVnetHeader } from './vnet-header.ts'

const u8 = fc.integer({ min: 0, max: 0xff })
const u16 = fc.integer({ min: 0, max: 0xffff })
const u32 = fc.integer({ min: 0, max: 0xffff_ffff })
const mac = fc.integer({ min: 0, max: 2 ** 48 - 1 })
const ip4 = u32.map(ipv4)
const ip6: fc.Arbitrary<IpAddress> = fc.tuple(u32, u32, u32, u32)

/** Writes each value at an odd place, reads it back, and reads it cut off by one byte. */
function roundTrip<T extends object>(
  values: fc.Arbitrary<T>,
  write: (bytes: Uint8Array, at: number, value: T) => number,
  read: (bytes: Uint8Array, at: number, end: number) => object | undefined,
): void {
  fc.assert(
    fc.property(values, (value) => {
      const bytes = new Uint8Array(1000).fill(0xa5)
      const length = write(bytes, 3, value)
      expect(read(bytes, 3, 3 + length)).toMatchObject(value)
      expect(read(bytes.subarray(0, 3 + length - 1), 3, 3 + length - 1)).toBeUndefined()
      expect(bytes.subarray(0, 3).every((byte) => byte === 0xa5)).toBe(true)
      expect(bytes.subarray(3 + length).every((byte) => byte === 0xa5)).toBe(true)
    }),
  )
}

describe('reading gives what was written', () => {
  it('ethernet', () => {
    const type = u16.filter((value) => value !== 0x8100)
    roundTrip(fc.record({ destination: mac, source: mac, type }), writeEthernet, readEthernet)
  })

  it('arp', () =>
    roundTrip(
      fc.record({ operation: u16, senderMac: mac, senderIp: ip4, targetMac: mac, targetIp: ip4 }),
      writeArp,
      readArp,
    ))

  it('ipv4, with options', () =>
    roundTrip(
      fc.record({
        source: ip4,
        destination: ip4,
        protocol: u8,
        totalLength: fc.integer({ min: 60, max: 0xffff }),
        ttl: u8,
        dscpEcn: u8,
        identification: u16,
        fragment: u16,
        options: fc.integer({ min: 0, max: 10 }).chain((words) => {
          const bytes = fc.uint8Array({ minLength: words * 4, maxLength: words * 4 })
          return bytes
        }),
      }),
      writeIpv4,
      readIpv4,
    ))

  it('ipv6', () =>
    roundTrip(
      fc.record({
        source: ip6,
        destination: ip6,
        nextHeader: u8,
        payloadLength: u16,
        hopLimit: u8,
        flow: fc.integer({ min: 0, max: 0x0fff_ffff }),
      }),
      writeIpv6,
      readIpv6,
    ))

  it('icmp', () => roundTrip(fc.record({ type: u8, code: u8, rest: u32 }), writeIcmp, readIcmp))

  it('udp', () => {
    const header = fc.record({ sourcePort: u16, destinationPort: u16, length: fc.constant(8) })
    roundTrip(header, writeUdp, readUdp)
  })

  it('tcp, with options', () =>
    roundTrip(
      fc.record({
        sourcePort: u16,
        destinationPort: u16,
        sequence: u32,
        acknowledgment: u32,
        flags: u8,
        window: u16,
        options: fc.record({ mss: u16, windowScale: fc.integer({ min: 0, max: 14 }) }, { requiredKeys: [] }),
      }),
      writeTcp,
      readTcp,
    ))

  it('neighbour discovery', () => {
    const type = fc.constantFrom(ndType.neighbourSolicitation, ndType.neighbourAdvertisement)
    const required = { requiredKeys: ['type', 'flags', 'target'] } as const
    const message = fc.record(
      { type, flags: u32, target: ip6, linkLayer: mac },
      { ...required, requiredKeys: [...required.requiredKeys] },
    )
    roundTrip(message, writeNeighbour, readNeighbour)
  })

  it('router advertisements', () =>
    roundTrip(
      fc.record({
        hopLimit: u8,
        managed: fc.boolean(),
        other: fc.boolean(),
        lifetimeSeconds: u16,
        linkLayer: mac,
        mtu: u32,
        prefix: fc.record({ base: ip6, length: u8, autonomous: fc.boolean() }),
        dns: ip6,
      }),
      writeRouterAdvertisement,
      readRouterAdvertisement,
    ))

  it('virtio-net headers', () => {
    const fields = Object.keys(plainVnetHeader())
    const value = fc.record(
      Object.fromEntries(fields.map((name) => [name, /flags|Type/.test(name) ? u8 : u16])),
    ) as unknown as fc.Arbitrary<VnetHeader> // the keys are those of the type, which fromEntries forgets
    fc.assert(
      fc.property(value, (header) => {
        const bytes = new Uint8Array(13)
        writeVnetHeader(bytes, 1, header)
        const into = plainVnetHeader()
        loadVnetHeader(bytes, 1, into)
        expect(into).toEqual(header)
      }),
    )
  })

  it('dhcp, with options', () => {
    const options = fc
      .array(fc.tuple(fc.integer({ min: 1, max: 254 }), fc.uint8Array({ maxLength: 20 })), { maxLength: 8 })
      .map((entries) => new Map(entries))
    const message = fc.record({
      operation: fc.constantFrom('request' as const, 'reply' as const),
      transaction: u32,
      flags: u16,
      clientIp: ip4,
      yourIp: ip4,
      serverIp: ip4,
      relayIp: ip4,
      clientMac: mac,
      options,
    })
    fc.assert(
      fc.property(message, (value) => {
        const bytes = new Uint8Array(1000)
        const length = writeDhcp(bytes, 5, value)
        expect(length).toBeGreaterThanOrEqual(300)
        expect(readDhcp(bytes, 5, 5 + length)).toEqual(value)
      }),
    )
  })
})

describe('a tag', () => {
  it('is read, and not mistaken for the type', () => {
    const bytes = Uint8Array.of(1, 2, 3, 4, 5, 6, 7, 8, 9, 10, 11, 12, 0x81, 0, 0xe0, 5, 8, 0)
    expect(readEthernet(bytes)).toMatchObject({ vlan: 5, type: 0x0800 })
    expect(readEthernet(bytes.subarray(0, 17))).toBeUndefined()
  })
})

describe('a broken option', () => {
  it.each([
    ['of TCP has no length', [2], {}],
    ['of TCP is longer than the header', [2, 5, 1, 1], {}],
    ['of TCP has length 0', [3, 0, 1, 1], {}],
    ['of TCP follows a good one', [2, 4, 5, 0xb4, 3, 9, 0, 0], { mss: 1460 }],
  ])('%s', (_what, options, expected) => {
    const bytes = new Uint8Array(60)
    writeTcp(bytes, 0, {
      sourcePort: 1,
      destinationPort: 2,
      sequence: 3,
      acknowledgment: 4,
      flags: 2,
      window: 5,
    })
    bytes.set(options, 20)
    bytes[12] = ((20 + Math.ceil(options.length / 4) * 4) / 4) << 4
    expect(readTcp(bytes, 0)?.options).toEqual(expected)
  })

  it('of DHCP is cut off', () => {
    const bytes = new Uint8Array(243)
    writeDhcpHead(bytes)
    bytes.set([53, 200, 1], 240)
    expect(readDhcp(bytes, 0)).toBeUndefined()
  })
})

function writeDhcpHead(bytes: Uint8Array): void {
  bytes.set([1, 1, 6])
  bytes.set([0x63, 0x82, 0x53, 0x63], 236)
}
