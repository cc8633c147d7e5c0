/**
 * Networks of a host with devices in them, as the thread that serves queues has them: tenants that do not meet, traces, ways
 * out and in by the sockets' thread. Drivers are played; servers are real.
 */

import { once } from 'node:events'
import { type AddressInfo, connect as connectTo, createServer } from 'node:net'
import { defined, formatIp, seededRandom } from '@virga/base'
import type { PortConfig, SecurityGroup } from '@virga/fabric'
import { anything, cidr, group, ip } from '@virga/fabric/testing'
import { tcpFlag, vnetHeaderBytes } from '@virga/packet'
import { buildFrame, type Payload, parsed } from '@virga/packet/testing'
import { NetDevice, netFeature, netModel } from '@virga/virtio'
import { TestDriver } from '@virga/virtio/testing'
import { afterEach, describe, expect, it } from 'vitest'
import { MachineTcp, type Segment, segmentOf } from '../testing/machine-tcp.ts'
import { HostNetworks, type NetworkSpec } from './host-networks.ts'
import { NetPort } from './net-port.ts'
import { ByteRing } from './outside/byte-ring.ts'
import { OutsideThread } from './outside/outside-thread.ts'

const [rx, tx] = [0, 1]
const bufferBytes = 2048
const routerMac = 0x02ff_0000_0001

const ends: (() => unknown)[] = []
afterEach(async () => {
  for (const end of ends.splice(0)) await end()
})

/** A machine's network device with its driver, which keeps what it gets. */
class Guest {
  readonly port = new NetPort(() => performance.now())
  readonly device = new NetDevice(this.port)
  readonly driver: TestDriver
  readonly frames: Uint8Array[] = []
  readonly config: PortConfig

  constructor(id: string, number: number, groups = ['any']) {
    const mac = 0x0200_0000_0000 + number
    this.config = { id, mac, addresses: [ip(`10.0.0.${number}`)], groups, hostName: id }
    this.driver = new TestDriver(netModel('net0', { mac, mtu: 1500 }), this.device, {
      features: [netFeature.mergeableBuffers, netFeature.status],
      queueSize: 64,
    }).start()
    for (let i = 0; i < 40; i++) this.driver.queue(rx).submit([bufferBytes])
  }

  send(to: string, payload: Payload, destinationMac = routerMac): void {
    const { mac, addresses } = this.config
    const source = defined(addresses[0], 'an address')
    const frame = buildFrame({ sourceMac: mac, destinationMac, source, destination: to, payload })
    this.driver.queue(tx).submit([new Uint8Array(vnetHeaderBytes), frame])
    this.driver.run(tx)
  }

  /** Takes what has come, and gives as much room again. */
  take(): Uint8Array[] {
    return this.driver
      .queue(rx)
      .completed()
      .map(({ data, written }) => {
        this.driver.queue(rx).submit([bufferBytes])
        return data.slice(vnetHeaderBytes, written)
      })
  }
}

/** A host with these networks, served as its thread would. */
function hostWith(specs: readonly NetworkSpec[]) {
  const words = new Int32Array(new SharedArrayBuffer(4))
  const outside = new OutsideThread({ fabricBell: { words, index: 0 }, nameServers: [] })
  const networks = new HostNetworks({
    now: () => performance.now(),
    random: seededRandom(3),
    toSockets: new ByteRing(outside.toSockets),
    toFabric: new ByteRing(outside.toFabric),
  })
  for (const spec of specs) {
    networks.create(spec)
    networks.setGroups(spec.name, groups)
  }
  const guests: Guest[] = []
  const connections = new Map<number, MachineTcp>()
  const clock = setInterval(() => {
    while (networks.serve() === 'more');
    for (const guest of guests)
      for (const frame of guest.take()) {
        const segment = segmentOf(frame)
        if (segment === undefined) guest.frames.push(frame)
        else if (connections.has(segment.ownPort)) connections.get(segment.ownPort)?.hear(segment)
        else accept(guest, segment)
      }
  }, 2)
  const tcp = (guest: Guest, to: string, port: number, ownPort: number) => {
    const connection = new MachineTcp((payload) => guest.send(to, payload), port, ownPort)
    connections.set(ownPort, connection)
    return connection
  }
  const accept = (guest: Guest, segment: Segment) => {
    if ((segment.tcp.flags & tcpFlag.syn) === 0) return
    const incoming = tcp(guest, segment.remote, segment.remotePort, segment.ownPort)
    incoming.hear(segment)
    incoming.greet()
  }
  const plug = (network: string, guest: Guest) => {
    networks.plug(network, guest.config, guest.port, guest.device)
    guests.push(guest)
    return guest
  }
  ends.push(
    () => clearInterval(clock),
    () => outside.end(),
  )
  return { networks, outside, plug, tcp, connections }
}

const groups: readonly SecurityGroup[] = [anything, group('web', ['tcp 80 0.0.0.0/0'], ['all - 0.0.0.0/0'])]
const net = (name: string, more: Partial<NetworkSpec> = {}): NetworkSpec => ({
  name,
  subnets: [cidr('10.0.0.0/24')],
  routerMac,
  ...more,
})
const open = { outside: { allow: [{ cidr: cidr('127.0.0.1/32') }], hostAddresses: [] } }
const udp = (text: string): Payload => ({ kind: 'udp', data: new TextEncoder().encode(text) })
const textOf = (frame: Uint8Array) => Buffer.from(frame.subarray(parsed(frame).transportAt + 8)).toString()

describe('two tenants with the same addresses and MACs', () => {
  it('do not meet, whatever they send', async () => {
    const { networks, plug } = hostWith([net('a'), net('b')])
    const seen: string[] = []
    for (const name of ['a', 'b'])
      networks.observe(name, ({ port, heading, frame }) =>
        seen.push(`${name} ${port} ${heading} ${textOf(frame)}`),
      )
    const [a1, a2] = [plug('a', new Guest('a1', 10)), plug('a', new Guest('a2', 11))]
    const [b1, b2] = [plug('b', new Guest('b1', 10)), plug('b', new Guest('b2', 11))]
    a1.send('10.0.0.11', udp('to a2'), a2.config.mac)
    b2.send('10.0.0.10', udp('to b1'), b1.config.mac)
    await expect
      .poll(() => [a1, a2, b1, b2].map(({ frames }) => frames.map(textOf)))
      .toEqual([[], ['to a2'], ['to b1'], []])
    expect(seen).toEqual(['a a2 out to a2', 'a a1 in to a2', 'b b1 out to b1', 'b b2 in to b1'])
    expect(networks.counters('b')).toMatchObject({
      b1: { received: 1, sent: 0 },
      b2: { received: 0, sent: 1 },
    })
  })

  it('leave nothing behind when they are taken away, and can be made again', () => {
    const { networks, plug } = hostWith([net('a')])
    for (let round = 0; round < 3; round++) {
      const guest = plug('a', new Guest('a1', 10))
      expect(() => networks.remove('a')).toThrow('nothing is plugged into a')
      guest.port.unplug(guest.device)
      expect(networks.counters('a')).toEqual({})
      networks.remove('a')
      networks.create(net('a'))
    }
  })
})

describe('a trace', () => {
  it('names the rule that lets a packet through, or says that none does, and changes nothing', () => {
    const { networks, plug } = hostWith([net('a')])
    plug('a', new Guest('client', 10))
    const server = plug('a', new Guest('server', 11, ['web']))
    const ask = (port: number) =>
      networks.trace('a', 'client', { protocol: 'tcp', port, destination: ip('10.0.0.11') })
    expect(ask(80)?.steps).toContainEqual(
      expect.objectContaining({ stage: 'firewall-ingress', rule: 'web/tcp 80 0.0.0.0/0' }),
    )
    expect(ask(80)?.dropped).toBeUndefined()
    expect(ask(22)).toMatchObject({ dropped: 'ingress-denied' })
    expect(
      networks.trace('a', 'nobody', { protocol: 'tcp', port: 80, destination: ip('10.0.0.11') }),
    ).toBeUndefined()
    expect(server.take()).toEqual([])
  })

  it.each([
    ['udp', 53, '10.0.0.2', undefined],
    ['icmp', 0, '10.0.0.11', undefined],
    ['tcp', 80, '10.0.0.99', 'no-such-machine'],
    ['tcp', 80, '192.0.2.1', 'no-route'],
  ] as const)('of %s %i to %s ends as the packet would', (protocol, port, to, dropped) => {
    const { networks, plug } = hostWith([net('a')])
    plug('a', new Guest('client', 10))
    plug('a', new Guest('server', 11))
    expect(networks.trace('a', 'client', { protocol, port, destination: ip(to) })?.dropped).toBe(dropped)
  })

  it.each([
    ['192.0.2.1', undefined],
    ['127.0.0.1', 'gateway-forbidden'],
    ['169.254.1.1', 'link-local'],
    ['192.168.1.1', 'gateway-forbidden'],
    ['192.168.7.1', undefined],
  ] as const)('of a packet that leaves for %s ends as the way out would have it', (to, dropped) => {
    const allow = [{ cidr: cidr('192.168.7.0/24') }]
    const { networks, plug } = hostWith([{ ...net('a'), outside: { allow, hostAddresses: [] } }])
    plug('a', new Guest('client', 10))
    const trace = networks.trace('a', 'client', { protocol: 'tcp', port: 80, destination: ip(to) })
    expect(trace?.dropped).toBe(dropped)
    expect(trace?.steps.at(-1)?.verdict).toBe(dropped === undefined ? 'deliver' : 'drop')
  })
})

describe('the way outside', () => {
  it('leads to a server that is allowed, and to no other', async () => {
    const listening = createServer((socket) => socket.end('served')).listen(0, '127.0.0.1')
    await once(listening, 'listening')
    ends.push(() => listening.close())
    const { port } = listening.address() as AddressInfo // it listens on a port
    const { networks, plug, tcp } = hostWith([net('a', open), net('b')])
    const [a, b] = [plug('a', new Guest('a1', 10)), plug('b', new Guest('b1', 10))]
    const connection = tcp(a, '127.0.0.1', port, 40_001)
    connection.open()
    await connection.until(() => connection.text() === 'served')
    tcp(a, '127.0.0.2', port, 40_002).open()
    tcp(b, '127.0.0.1', port, 40_003).open()
    expect(networks.counters('a').a1?.drops).toEqual({ 'gateway-forbidden': 1 })
    expect(networks.counters('b').b1?.drops).toEqual({ 'no-route': 1 })
  })

  it('lets in who comes by a forward, to one machine', async () => {
    const { networks, outside, plug, connections } = hostWith([net('a', open), net('b', open)])
    plug('a', new Guest('a1', 10))
    plug('b', new Guest('b1', 10))
    networks.setForward(1, { port: 'b1', machine: { address: ip('10.0.0.10'), port: 22 } })
    const port = await outside.listen({ number: 1, address: '127.0.0.1', port: 0 })
    if (!port.ok) throw new Error(port.error.message)
    const client = connectTo(port.value, '127.0.0.1')
    ends.push(() => client.destroy())
    client.write('hello')
    await expect.poll(() => connections.get(22)?.text()).toBe('hello')
    connections.get(22)?.type('SSH-2.0')
    expect(String((await once(client, 'data'))[0])).toBe('SSH-2.0')
    expect([networks.counters('a').a1?.received, networks.counters('b').b1?.received]).toEqual([
      0,
      expect.any(Number),
    ])
    const again = await outside.listen({ number: 2, address: '127.0.0.1', port: port.value })
    expect(again).toMatchObject({ ok: false, error: { message: /in use; choose another port$/ } })
  })

  it('has the metadata of who asks', async () => {
    const { outside, plug, tcp } = hostWith([net('a'), net('b')])
    const guests = [plug('a', new Guest('a1', 10)), plug('b', new Guest('b1', 10))]
    for (const [at, guest] of guests.entries()) {
      const { id, addresses } = guest.config
      const localAddress = formatIp(defined(addresses[0], 'an address'))
      await outside.setInstance(id, {
        instanceId: id,
        hostName: `host-${id}`,
        publicKeys: [],
        localAddress,
        userData: '',
      })
      const connection = tcp(guest, '169.254.169.254', 80, 41_000 + at)
      connection.open()
      await connection.isOpen()
      connection.type('GET /hetzner/v1/metadata/hostname HTTP/1.1\r\nHost: x\r\n\r\n')
      await connection.until(() => connection.text().endsWith(`host-${id}`))
    }
  })
})
