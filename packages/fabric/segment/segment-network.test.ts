/** The learning switch, and the port-security matrix (I1, I2, I9): who is heard, who is refused, exactly. */
import { seededRandom } from '@virga/base'
import { writeEthernet } from '@virga/packet'
import { writeArp, writeNeighbour } from '@virga/packet/messages'
import { buildFrame, type FrameSpec } from '@virga/packet/testing'
import { describe, expect, it } from 'vitest'
import { reasonOf } from '../drop-reason.ts'
import type { SecurityMode } from '../port-security.ts'
import { MemoryReceiver } from '../testing/memory-receiver.ts'
import { ip, piecesOf } from '../testing/world.ts'
import { SegmentNetwork } from './segment-network.ts'

const mac = (number: number) => 0x0200_0000_0000 + number
const names = ['a', 'b', 'c'] as const
type Name = (typeof names)[number]

function cable(modes: readonly SecurityMode[] = ['off', 'off', 'off']) {
  const network = new SegmentNetwork({ random: seededRandom(3) })
  const ports = names.map((id, at) => {
    const receiver = new MemoryReceiver()
    const addresses = [ip(`10.0.0.${at + 1}`), ip(`fd00::${at + 1}`)]
    return {
      receiver,
      index: network.putPort({ id, security: modes[at] ?? 'off', mac: mac(at + 1), addresses }, receiver),
    }
  })
  const state = { nowMs: 0 }
  const send = (from: Name, frame: Uint8Array) => {
    const code = network.transmit(ports[names.indexOf(from)]?.index ?? -1, piecesOf(frame), state.nowMs)
    network.flush()
    return code === 0 ? undefined : reasonOf(code)
  }
  /** Who got frames since this was last asked. */
  const heard = () => names.filter((_, at) => (ports[at]?.receiver.take().length ?? 0) > 0)
  return { network, send, heard, state, ports }
}

const frame = (from: number, to: number, more: Partial<FrameSpec> = {}) =>
  buildFrame({
    sourceMac: mac(from),
    destinationMac: mac(to),
    source: `10.0.0.${from}`,
    destination: `10.0.0.${to}`,
    payload: { kind: 'udp' },
    ...more,
  })

describe('the switch', () => {
  it('floods what it does not know, and no more once it does', () => {
    const { send, heard } = cable()
    send('a', frame(1, 2))
    expect(heard()).toEqual(['b', 'c'])
    send('b', frame(2, 1))
    expect(heard()).toEqual(['a'])
    send('a', frame(1, 2))
    expect(heard()).toEqual(['b'])
  })

  it('forgets after five minutes', () => {
    const { send, heard, state } = cable()
    send('b', frame(2, 1))
    heard()
    state.nowMs = 299_000
    send('a', frame(1, 2))
    expect(heard()).toEqual(['b'])
    state.nowMs = 301_000
    send('a', frame(1, 2))
    expect(heard()).toEqual(['b', 'c'])
  })

  it('follows a machine that moves, so that a thief gets its frames: this is the place where that works', () => {
    const { send, heard } = cable()
    send('a', frame(1, 2))
    send('c', frame(1, 2))
    heard()
    send('b', frame(2, 1))
    expect(heard()).toEqual(['c'])
  })

  it('learns no more than so many addresses of a port, and still knows the others', () => {
    const { send, heard, network } = cable()
    send('b', frame(2, 9))
    for (let number = 10; number < 1100; number++)
      send('a', frame(number & 0xff, 2, { sourceMac: mac(number) }))
    expect(network.counters('a')?.drops).toEqual({ 'mac-limit': 1100 - 10 - 1024 })
    heard()
    send('c', frame(3, 2))
    expect(heard()).toEqual(['b'])
  })

  it('carries nothing that bridges say to each other, nor frames from groups', () => {
    const { send } = cable()
    expect(send('a', frame(1, 2, { destinationMac: 0x0180_c200_0000 }))).toBe('multicast')
    expect(send('a', frame(1, 2, { sourceMac: 0x0300_0000_0001 }))).toBe('mac-spoofed')
  })

  it('sends nothing back to where it came from', () => {
    const { send, heard } = cable()
    send('a', frame(1, 9))
    heard()
    expect(send('a', frame(7, 1))).toBe('to-itself')
    expect(heard()).toEqual([])
  })

  it('forgets the addresses of a port that is taken away', () => {
    const { send, heard, network } = cable()
    send('b', frame(2, 1))
    network.removePort('b')
    heard()
    expect(send('a', frame(1, 2))).toBeUndefined()
    expect(heard()).toEqual(['c'])
  })
})

const arp = (sourceMac: number, senderMac: number, senderIp: string) => {
  const bytes = new Uint8Array(42)
  writeEthernet(bytes, 0, { destination: 0xffff_ffff_ffff, source: sourceMac, type: 0x0806 })
  const target = { targetMac: 0, targetIp: ip('10.0.0.2') }
  writeArp(bytes, 14, { operation: 2, senderMac, senderIp: ip(senderIp), ...target })
  return bytes
}
const discovery = (type: number, target: string, linkLayer: number, source = 'fd00::1') => {
  const message = new Uint8Array(32)
  writeNeighbour(message, 0, { type, flags: 0, target: ip(target), linkLayer })
  const payload = { kind: 'icmp', type, rest: 0, data: message.subarray(8) } as const
  return buildFrame({
    sourceMac: mac(1),
    destinationMac: mac(2),
    source,
    destination: 'fd00::2',
    ttl: 255,
    payload,
  })
}
const tagged = () =>
  Uint8Array.from([...frame(1, 2).subarray(0, 12), 0x81, 0, 0, 5, ...frame(1, 2).subarray(12)])
const dhcpOffer = { kind: 'udp', sourcePort: 67, destinationPort: 68 } as const

/** What machine a sends, and what becomes of it with its port in each mode. */
const attacks: readonly [string, Uint8Array, Record<SecurityMode, string | undefined>][] = [
  ['its own frame', frame(1, 2), { off: undefined, mac: undefined, address: undefined }],
  [
    'another MAC',
    frame(3, 2, { source: '10.0.0.1' }),
    { off: undefined, mac: 'mac-spoofed', address: 'mac-spoofed' },
  ],
  [
    'another address',
    frame(1, 2, { source: '10.0.0.3' }),
    { off: undefined, mac: undefined, address: 'ip-spoofed' },
  ],
  [
    'another address, in a later fragment',
    frame(1, 2, { source: '10.0.0.3', fragment: 7 }),
    { off: undefined, mac: undefined, address: 'ip-spoofed' },
  ],
  [
    'no address, and no DHCP',
    frame(1, 2, { source: '0.0.0.0' }),
    { off: undefined, mac: undefined, address: 'ip-spoofed' },
  ],
  [
    'another IPv6 address',
    frame(1, 2, { source: 'fd00::3', destination: 'fd00::2' }),
    { off: undefined, mac: undefined, address: 'ip-spoofed' },
  ],
  [
    'the link-local address of another',
    frame(1, 2, { source: 'fe80::ff:fe00:3', destination: 'fd00::2' }),
    { off: undefined, mac: undefined, address: 'ip-spoofed' },
  ],
  [
    'its own link-local address',
    frame(1, 2, { source: 'fe80::ff:fe00:1', destination: 'fd00::2' }),
    { off: undefined, mac: undefined, address: undefined },
  ],
  ['a tag', tagged(), { off: undefined, mac: 'vlan-tagged', address: 'vlan-tagged' }],
  ['ARP of its own', arp(mac(1), mac(1), '10.0.0.1'), { off: undefined, mac: undefined, address: undefined }],
  [
    'ARP of another MAC',
    arp(mac(1), mac(3), '10.0.0.1'),
    { off: undefined, mac: 'arp-spoofed', address: 'arp-spoofed' },
  ],
  [
    'ARP of another address',
    arp(mac(1), mac(1), '10.0.0.3'),
    { off: undefined, mac: undefined, address: 'arp-spoofed' },
  ],
  [
    'neighbour discovery of its own',
    discovery(136, 'fd00::1', mac(1)),
    { off: undefined, mac: undefined, address: undefined },
  ],
  [
    'advertisement for another',
    discovery(136, 'fd00::3', mac(1)),
    { off: undefined, mac: undefined, address: 'nd-spoofed' },
  ],
  [
    'advertisement of another MAC',
    discovery(136, 'fd00::1', mac(3)),
    { off: undefined, mac: undefined, address: 'nd-spoofed' },
  ],
  [
    'solicitation of another MAC',
    discovery(135, 'fd00::2', mac(3)),
    { off: undefined, mac: undefined, address: 'nd-spoofed' },
  ],
  [
    'a router advertisement',
    discovery(134, 'fd00::1', mac(1)),
    { off: undefined, mac: undefined, address: 'router-advertisement' },
  ],
  [
    'a redirect',
    discovery(137, 'fd00::1', mac(1)),
    { off: undefined, mac: undefined, address: 'router-advertisement' },
  ],
  [
    'an offer of DHCP',
    frame(1, 2, { payload: dhcpOffer }),
    { off: undefined, mac: undefined, address: 'dhcp-server' },
  ],
  [
    'an offer of DHCPv6',
    frame(1, 2, {
      source: 'fd00::1',
      destination: 'fd00::2',
      payload: { ...dhcpOffer, sourcePort: 547, destinationPort: 546 },
    }),
    { off: undefined, mac: undefined, address: 'dhcp-server' },
  ],
]

describe('port security, mode by mode', () => {
  for (const sender of ['off', 'mac', 'address'] as const)
    for (const receiver of ['off', 'mac', 'address'] as const)
      it(`from ${sender} to ${receiver}: exactly who should hears it`, () => {
        for (const [what, bytes, expected] of attacks) {
          const { send, heard, network } = cable([sender, receiver, receiver])
          const reason = send('a', bytes)
          expect(reason, what).toBe(expected[sender])
          const isGroup = bytes[0] === 0xff
          const listeners = isGroup || receiver === 'off' ? ['b', 'c'] : ['b']
          expect(heard(), what).toEqual(reason === undefined ? listeners : [])
          const { sent, passed, drops } = network.counters('a') ?? { sent: 0, passed: 0, drops: {} }
          expect([sent, passed, drops], what).toEqual([1, reason ? 0 : 1, reason ? { [reason]: 1 } : {}])
        }
      })

  it('a port that wants only its own gets nothing for another address at its MAC', () => {
    const { send, heard } = cable(['off', 'address', 'mac'])
    send('a', frame(1, 2, { destination: '10.0.0.3' }))
    expect(heard()).toEqual([])
    send('a', frame(1, 3, { destination: '10.0.0.9' }))
    expect(heard()).toEqual(['c'])
  })
})
