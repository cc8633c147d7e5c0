/** What the network itself answers: ARP, neighbour discovery, DHCP, ping, DNS; and what it does not (I9). */
import { formatIp, formatMac, type IpAddress, ipv4 } from '@virga/base'
import { ipOfWords, writeEthernet } from '@virga/packet'
import {
  dhcpMessage,
  dhcpOption,
  encodeDnsQuery,
  readArp,
  readDhcp,
  readDns,
  readNeighbour,
  readRouterAdvertisement,
  writeArp,
  writeDhcp,
  writeNeighbour,
} from '@virga/packet/messages'
import { frameWrongs, parsed } from '@virga/packet/testing'
import { describe, expect, it } from 'vitest'
import { ip, routerMac, World } from '../testing/world.ts'

function pair(options = {}): World {
  const world = new World({ domain: 'corp.internal', ...options })
  world.add('web', 10)
  world.add('db', 11)
  return world
}

const macOfWeb = 0x0200_0000_000a

describe('ARP', () => {
  const ask = (world: World, target: string, sender = '10.0.0.10', operation = 1) => {
    const frame = new Uint8Array(42)
    writeEthernet(frame, 0, { destination: 0xffff_ffff_ffff, source: macOfWeb, type: 0x0806 })
    const asked = { targetMac: 0, targetIp: ip(target) }
    writeArp(frame, 14, { operation, senderMac: macOfWeb, senderIp: ip(sender), ...asked })
    return world.sendBytes('web', frame)
  }

  it.each([
    ['a machine, at its MAC', '10.0.0.11', '02:00:00:00:00:0b'],
    ['the router', '10.0.0.1', formatMac(routerMac)],
    ['DNS', '10.0.0.2', formatMac(routerMac)],
    ['metadata', '169.254.169.254', formatMac(routerMac)],
  ])('finds %s', (_what, target, mac) => {
    const world = pair()
    expect(ask(world, target)).toBeUndefined()
    const [frame = new Uint8Array()] = world.take('web')
    const answer = readArp(frame, 14)
    expect([
      answer?.operation,
      answer && formatMac(answer.senderMac),
      answer && formatIp(answer.senderIp),
    ]).toEqual([2, mac, target])
    expect(world.take('db')).toEqual([])
  })

  it.each([
    ['for nobody’s address', '10.0.0.99', '10.0.0.10', 1, 'address-unknown'],
    ['for its own, to find out whether it is free', '10.0.0.10', '0.0.0.0', 1, 'not-asked'],
    ['an answer that nobody asked for', '10.0.0.11', '10.0.0.10', 2, 'not-asked'],
    ['in another’s name', '10.0.0.11', '10.0.0.1', 1, 'arp-spoofed'],
  ])('is not answered %s', (_what, target, sender, operation, reason) => {
    const world = pair()
    expect(ask(world, target, sender, operation)).toBe(reason)
    expect([world.take('web'), world.take('db')]).toEqual([[], []])
  })
})

describe('neighbour discovery', () => {
  const solicit = (world: World, target: string, source = 'fd00::a') => {
    const message = new Uint8Array(32)
    writeNeighbour(message, 0, { type: 135, flags: 0, target: ip(target), linkLayer: macOfWeb })
    const payload = { kind: 'icmp', type: 135, rest: 0, data: message.subarray(8) } as const
    return world.send('web', target, payload, { source, ttl: 255, destinationMac: 0x3333_ff00_0001 })
  }

  it.each([
    ['a machine', 'fd00::b', 0x0200_0000_000b, 0x6000_0000],
    ['the router', 'fd00::1', routerMac, 0xe000_0000],
  ])('finds %s', (_what, target, mac, flags) => {
    const world = pair()
    expect(solicit(world, target)).toBeUndefined()
    const [frame = new Uint8Array()] = world.take('web')
    expect(frameWrongs(frame)).toEqual([])
    expect(readNeighbour(frame, 54)).toEqual({ type: 136, flags, target: ip(target), linkLayer: mac })
  })

  it.each([
    ['whether its own address is free', 'fd00::a', '::', 'not-asked'],
    ['whether another’s is free', 'fd00::b', '::', 'not-asked'],
    ['for nobody', 'fd00::77', 'fd00::a', 'address-unknown'],
    ['in another’s name', 'fd00::1', 'fd00::b', 'ip-spoofed'],
  ])('does not answer %s', (_what, target, source, reason) => {
    expect(solicit(pair(), target, source)).toBe(reason)
  })

  it('advertises the router at once', () => {
    const world = pair({ mtu: 8500 })
    const payload = { kind: 'icmp', type: 133, rest: 0 } as const
    expect(
      world.send('web', 'ff02::2', payload, { source: 'fd00::a', destinationMac: 0x3333_0000_0002 }),
    ).toBeUndefined()
    const [frame = new Uint8Array()] = world.take('web')
    expect(frameWrongs(frame)).toEqual([])
    const found = readRouterAdvertisement(frame, 54)
    expect(found).toMatchObject({ mtu: 8500, linkLayer: routerMac, dns: ip('fd00::2') })
    expect(found?.prefix).toEqual({ base: ip('fd00::'), length: 64, autonomous: false })
  })
})

describe('DHCP', () => {
  const ask = (world: World, kind: number, requested?: string, more: Map<number, Uint8Array> = new Map()) => {
    const data = new Uint8Array(400)
    const options = new Map([[dhcpOption.messageType as number, Uint8Array.of(kind)], ...more])
    if (requested)
      options.set(dhcpOption.requestedAddress, Uint8Array.of(...requested.split('.').map(Number)))
    const none = ipv4(0)
    const addresses = { clientIp: none, yourIp: none, serverIp: none, relayIp: none }
    const length = writeDhcp(data, 0, {
      operation: 'request',
      transaction: 99,
      flags: 0,
      ...addresses,
      clientMac: macOfWeb,
      options,
    })
    const payload = {
      kind: 'udp',
      sourcePort: 68,
      destinationPort: 67,
      data: data.subarray(0, length),
    } as const
    const reason = world.send('web', '255.255.255.255', payload, {
      source: '0.0.0.0',
      destinationMac: 0xffff_ffff_ffff,
    })
    const [frame = new Uint8Array()] = world.take('web')
    if (frame.length > 0) expect(frameWrongs(frame)).toEqual([])
    return { reason, reply: frame.length > 0 ? readDhcp(frame, 42, parsed(frame).ipEnd) : undefined }
  }

  it('offers a port its address, with everything it needs', () => {
    const { reply } = ask(pair({ mtu: 8500 }), dhcpMessage.discover)
    expect(reply).toMatchObject({ operation: 'reply', transaction: 99, yourIp: ip('10.0.0.10') })
    const option = (code: number) => [...(reply?.options.get(code) ?? [])]
    expect(option(dhcpOption.messageType)).toEqual([dhcpMessage.offer])
    expect(option(dhcpOption.subnetMask)).toEqual([255, 255, 255, 0])
    expect(option(dhcpOption.router)).toEqual([10, 0, 0, 1])
    expect(option(dhcpOption.dns)).toEqual([10, 0, 0, 2])
    expect(option(dhcpOption.mtu)).toEqual([8500 >> 8, 8500 & 255])
    expect(option(dhcpOption.leaseSeconds)).toEqual([0, 0, 14, 16])
    expect(option(dhcpOption.classlessRoutes)).toEqual([32, 169, 254, 169, 254, 10, 0, 0, 1, 0, 10, 0, 0, 1])
    expect(new TextDecoder().decode(reply?.options.get(dhcpOption.hostName))).toBe('web')
    expect(new TextDecoder().decode(reply?.options.get(dhcpOption.domainName))).toBe('corp.internal')
  })

  it.each([
    ['acknowledges the right address', '10.0.0.10', dhcpMessage.ack],
    ['refuses another', '10.0.0.11', dhcpMessage.nak],
    ['refuses none', undefined, dhcpMessage.nak],
  ])('%s', (_what, requested, kind) => {
    const { reply } = ask(pair(), dhcpMessage.request, requested)
    expect(reply?.options.get(dhcpOption.messageType)).toEqual(Uint8Array.of(kind))
  })

  it('does not answer what is meant for another server, nor a release', () => {
    const other = new Map([[dhcpOption.serverIdentifier as number, Uint8Array.of(10, 0, 0, 77)]])
    expect(ask(pair(), dhcpMessage.request, '10.0.0.10', other)).toEqual({
      reason: 'not-asked',
      reply: undefined,
    })
    expect(ask(pair(), dhcpMessage.release).reason).toBe('not-asked')
  })

  it('is not answered by machines (I9)', () => {
    const world = pair()
    const offer = { kind: 'udp', sourcePort: 67, destinationPort: 68 } as const
    expect(world.send('web', 'db', offer)).toBe('dhcp-server')
    expect(world.take('db')).toEqual([])
  })
})

describe('ping', () => {
  it.each(['10.0.0.1', '10.0.0.2', '169.254.169.254', 'fd00::1'])('to %s comes back', (to) => {
    const world = pair()
    const data = new Uint8Array(1000).map((_, at) => at)
    expect(world.send('web', to, { kind: 'icmp', data })).toBeUndefined()
    const [frame = new Uint8Array()] = world.take('web')
    expect(frameWrongs(frame)).toEqual([])
    expect(formatIp(ipOfWords(parsed(frame).addresses, 0))).toBe(to)
    expect(frame.subarray(-1000)).toEqual(data)
    expect(world.network.counters('web')).toMatchObject({ sent: 1, answered: 1, received: 1 })
  })

  it.each([
    ['a TCP port of the router', { kind: 'tcp' }, 'service-closed'],
    ['metadata, where nobody listens', { kind: 'tcp', to: '169.254.169.254' }, 'service-closed'],
    ['an answer to nothing', { kind: 'icmp', type: 0 }, 'not-asked'],
  ] as const)(
    '%s is closed',
    (_what, { to = '10.0.0.1', ...payload }: { to?: string } & Parameters<World['send']>[2], reason) => {
      expect(pair().send('web', to, payload)).toBe(reason)
    },
  )
})

describe('DNS', () => {
  const query = (name: string, type: 'A' | 'AAAA' | 'PTR' = 'A') =>
    ({ kind: 'udp', destinationPort: 53, data: encodeDnsQuery(7, name, type) }) as const
  const answers = (world: World) => {
    const [frame = new Uint8Array(60)] = world.take('web')
    expect(frameWrongs(frame)).toEqual([])
    const found = readDns(frame.subarray(42))
    return [found?.flag_aa, ...(found?.answers ?? []).map((record) => ('data' in record ? record.data : ''))]
  }

  it.each([
    ['db', 'A', [true, '10.0.0.11']],
    ['DB.corp.internal', 'A', [true, '10.0.0.11']],
    ['db', 'AAAA', [true, 'fd00::b']],
    ['11.0.0.10.in-addr.arpa', 'PTR', [true, 'db.corp.internal']],
    ['nobody.corp.internal', 'A', [true]],
    ['example.org', 'A', [false]],
  ] as const)('answers %s %s', (name, type, expected) => {
    const world = pair()
    expect(world.send('web', '10.0.0.2', query(name, type))).toBeUndefined()
    expect(answers(world)).toEqual(expected)
  })

  it('asks outside for other names, and sends on what comes', async () => {
    const asked: Uint8Array[] = []
    const dnsForward = async (bytes: Uint8Array) => {
      asked.push(bytes)
      return Uint8Array.from([...bytes.subarray(0, 2), 0x81, 0x80, ...bytes.subarray(4)])
    }
    const world = pair({ dnsForward })
    const sent = query('example.org')
    expect(world.send('web', '169.254.169.253', sent)).toBeUndefined()
    expect(world.take('web')).toEqual([])
    await Promise.resolve()
    await Promise.resolve()
    const [frame = new Uint8Array()] = world.take('web')
    expect([frameWrongs(frame), readDns(frame.subarray(42))?.id]).toEqual([[], 7])
    expect(asked).toEqual([sent.data])
    expect(world.machine('web').receiver.flushes).toBe(1)
  })

  it('says so when nobody answers, bounds open questions, and forgets who is gone', async () => {
    const waiting: ((answer: Uint8Array | undefined) => void)[] = []
    const world = pair({
      dnsForward: () => new Promise<Uint8Array | undefined>((resolve) => waiting.push(resolve)),
    })
    for (let i = 0; i < 64; i++) expect(world.send('web', '10.0.0.2', query('example.org'))).toBeUndefined()
    expect(world.send('web', '10.0.0.2', query('example.org'))).toBe('service-busy')
    waiting.shift()?.(undefined)
    await new Promise((resolve) => setTimeout(resolve, 1))
    const [frame = new Uint8Array()] = world.take('web')
    expect(readDns(frame.subarray(42))?.rcode).toBe('SERVFAIL')
    world.network.removePort('web')
    for (const answer of waiting) answer(undefined)
    await new Promise((resolve) => setTimeout(resolve, 1))
    expect(world.take('web')).toEqual([])
  })

  it('does not answer what is no question', () => {
    const junk = { kind: 'udp', destinationPort: 53, data: Uint8Array.of(1, 2, 3) } as const
    expect(pair().send('web', '10.0.0.2', junk)).toBe('malformed-transport')
  })
})

it('counters add up for every port: sent = passed on + answered + dropped', () => {
  const world = pair()
  const ends: [string, IpAddress | string][] = [
    ['web', '10.0.0.1'],
    ['web', '10.0.0.11'],
    ['web', '10.0.0.99'],
    ['db', '10.0.0.10'],
  ]
  for (const [from, to] of ends) world.send(from, String(to), { kind: 'icmp' })
  for (const name of ['web', 'db']) {
    const { sent = 0, passed = 0, answered = 0, drops = {} } = world.network.counters(name) ?? {}
    expect(passed + answered + Object.values(drops).reduce((sum, count) => sum + count, 0)).toBe(sent)
  }
})
