/** A network as its machines see it: who reaches whom, what the firewall remembers, and what the router says. */

import { readTcp, tcpFlag } from '@virga/packet'
import { frameWrongs, parsed } from '@virga/packet/testing'
import { describe, expect, it } from 'vitest'
import { cidr, group, ip, World } from '../testing/world.ts'

const syn = { kind: 'tcp', flags: tcpFlag.syn } as const
const back = {
  kind: 'tcp',
  sourcePort: 80,
  destinationPort: 40_000,
  flags: tcpFlag.syn | tcpFlag.ack,
} as const
const ping = { kind: 'icmp' } as const

function pair(options = {}, groups = ['any']): World {
  const world = new World(options)
  world.add('a', 10, { groups })
  world.add('b', 11, { groups })
  return world
}

describe('a frame', () => {
  it('reaches the neighbour as it was sent', () => {
    const world = pair()
    const frame = world.frame('a', 'b', syn)
    expect(world.sendBytes('a', frame)).toBeUndefined()
    expect(world.take('b')).toEqual([frame])
    expect(world.take('a')).toEqual([])
  })

  it('by way of the router has new MACs and one TTL less', () => {
    const world = pair()
    world.send('a', '10.0.0.11', syn)
    const [frame = new Uint8Array()] = world.take('b')
    expect(frameWrongs(frame)).toEqual([])
    expect([...frame.subarray(0, 12)]).toEqual([2, 0, 0, 0, 0, 11, 2, 255, 0, 0, 0, 1])
    expect(parsed(frame).ttl).toBe(63)
  })

  it.each([
    ['to nobody', '10.0.0.99', {}, 'no-such-machine'],
    ['out of the network', '192.0.2.1', {}, 'no-route'],
    ['to itself', '10.0.0.10', {}, 'to-itself'],
    ['to a broadcast MAC', '10.0.0.11', { destinationMac: 0xffff_ffff_ffff }, 'multicast'],
    ['to an unknown MAC', '10.0.0.11', { destinationMac: 0x0200_0000_0077 }, 'mac-unknown'],
    ['to a MAC and the address of another', '10.0.0.12', { destinationMac: 0x0200_0000_000b }, 'mac-unknown'],
    ['to a link-local address', '169.254.7.7', {}, 'link-local'],
    ['that has been long under way', '10.0.0.11', { ttl: 1 }, 'ttl-exceeded'],
  ])('%s is dropped', (_what, to, more, reason) => {
    const world = pair()
    world.add('c', 12)
    expect([1, 2].map(() => world.send('a', to, syn, more))).toEqual([reason, reason])
    expect(world.take('b')).toEqual([])
  })

  it('of unknown type is dropped', () => {
    const world = pair()
    const frame = world.frame('a', 'b', syn)
    frame.set([0x88, 0xcc], 12)
    expect(world.sendBytes('a', frame)).toBe('ethertype-not-carried')
  })

  it('finds no room, and is counted', () => {
    const world = pair()
    world.machine('b').receiver.free = 0
    expect(world.send('a', 'b', syn)).toBe('receiver-full')
    expect(world.network.counters('a')).toMatchObject({ sent: 1, passed: 0, drops: { 'receiver-full': 1 } })
  })
})

describe('the router says', () => {
  it('that a packet is too big, and how big it may be', () => {
    const world = pair({ mtu: 1400 })
    const data = new Uint8Array(1400)
    expect(world.send('a', 'b', { kind: 'udp', data })).toBe('too-big')
    const [error = new Uint8Array()] = world.take('a')
    expect(frameWrongs(error)).toEqual([])
    expect(parsed(error)).toMatchObject({
      icmpType: 3,
      icmpCode: 4,
      quoted: { ipVersion: 4, destinationPort: 53 },
    })
    expect([error[40], error[41]]).toEqual([1400 >> 8, 1400 & 255])
  })

  it('the same in IPv6', () => {
    const world = pair({ mtu: 1400 })
    expect(world.send('a', 'fd00::b', { kind: 'udp', data: new Uint8Array(1400) })).toBe('too-big')
    const [error = new Uint8Array()] = world.take('a')
    expect(frameWrongs(error)).toEqual([])
    expect(parsed(error)).toMatchObject({ protocol: 58, icmpType: 2, quoted: { ipVersion: 6 } })
  })

  it('that the time is over', () => {
    const world = pair()
    world.send('a', '10.0.0.11', syn, { ttl: 1 })
    const [error = new Uint8Array()] = world.take('a')
    expect(parsed(error)).toMatchObject({ icmpType: 11, quoted: { protocol: 6, destinationPort: 80 } })
  })

  it('nothing about an error', () => {
    const world = pair()
    world.send('a', '10.0.0.11', { kind: 'icmp', type: 3, data: new Uint8Array(28) }, { ttl: 1 })
    expect(world.take('a')).toEqual([])
  })
})

describe('the firewall', () => {
  const web = group('web', ['tcp 80 @client'], [])
  const client = group('client', [], ['tcp - 10.0.0.0/24', 'icmp - 0.0.0.0/0'])

  function guarded(options = {}): World {
    const world = new World(options)
    world.network.setGroups([web, client])
    world.add('client', 10, { groups: ['client'] })
    world.add('web', 11, { groups: ['web'] })
    world.add('bare', 12, { groups: [] })
    return world
  }

  it('lets in by group, and answers without a rule', () => {
    const world = guarded()
    expect(world.send('client', 'web', syn)).toBeUndefined()
    expect(world.send('web', 'client', back)).toBeUndefined()
    expect(readTcp(world.take('client')[0] ?? new Uint8Array(), 34)?.flags).toBe(18)
  })

  it.each([
    ['another port', 'client', 'web', { ...syn, destinationPort: 81 }, 'ingress-denied'],
    ['another protocol', 'client', 'web', { kind: 'udp', destinationPort: 80 }, 'egress-denied'],
    ['ping', 'client', 'web', ping, 'ingress-denied'],
    ['what was not asked for', 'web', 'client', back, 'egress-denied'],
    ['a port of no group', 'bare', 'web', syn, 'egress-denied'],
  ] as const)('denies %s', (_what, from, to, payload, reason) => {
    const world = guarded()
    expect([1, 2].map(() => world.send(from, to, payload))).toEqual([reason, reason])
  })

  it('of a refused answer remembers only until it is one', () => {
    const world = guarded()
    expect(world.send('web', 'client', back)).toBe('egress-denied')
    expect(world.send('client', 'web', syn)).toBeUndefined()
    expect(world.send('web', 'client', back)).toBeUndefined()
  })

  it('keeps connections whose rule is taken away, and lets in no new ones', () => {
    const world = guarded()
    world.send('client', 'web', syn)
    world.send('web', 'client', back)
    world.network.setGroups([group('web', [], []), client])
    expect(world.send('client', 'web', { kind: 'tcp', flags: tcpFlag.ack })).toBeUndefined()
    expect(world.send('client', 'web', { ...syn, sourcePort: 40_001 })).toBe('ingress-denied')
  })

  it('cuts them, where it is told to', () => {
    const world = guarded({ onRuleRevoke: 'cut' })
    world.send('client', 'web', syn)
    world.send('web', 'client', back)
    world.network.setGroups([group('web', [], []), client])
    expect(world.send('client', 'web', { kind: 'tcp', flags: tcpFlag.ack })).toBe('ingress-denied')
    world.network.setGroups([web, client])
    expect(world.send('client', 'web', { kind: 'tcp', flags: tcpFlag.ack })).toBeUndefined()
  })

  it('does not track what anyone may do, so that taking the rule away cuts it at once', () => {
    const world = pair()
    expect(world.send('a', 'b', syn)).toBeUndefined()
    world.network.setGroups([group('any', [], ['all - 0.0.0.0/0'])])
    expect(world.send('a', 'b', { kind: 'tcp', flags: tcpFlag.ack })).toBe('ingress-denied')
  })

  it('lets an error in that is about a connection, and no other', () => {
    const world = guarded()
    world.network.setGroups([group('web', ['tcp 80 @client'], ['icmp - 10.0.0.0/24']), client])
    const sent = world.frame('client', 'web', syn)
    world.sendBytes('client', sent)
    const quote = (inner: Uint8Array) =>
      ({ kind: 'icmp', type: 3, code: 3, rest: 0, data: inner.slice(14) }) as const
    expect(world.send('web', 'client', quote(sent))).toBeUndefined()
    const other = world.frame('client', 'web', { ...syn, sourcePort: 5 })
    expect(world.send('web', 'client', quote(other))).toBe('ingress-denied')
  })

  it('lets fragments pass only where all ports may', () => {
    const world = guarded()
    const data = new Uint8Array(64)
    expect(world.send('client', 'web', { ...syn, data }, { fragment: 0x2000 })).toBe('ingress-denied')
    expect(world.send('client', 'web', { ...syn, data }, { fragment: 8 })).toBe('ingress-denied')
    const open = pair()
    expect(open.send('a', 'b', { kind: 'udp', data }, { fragment: 0x2000 })).toBeUndefined()
    expect(open.send('a', 'b', { kind: 'udp', data }, { fragment: 8 })).toBeUndefined()
  })

  it('forgets a silent connection', () => {
    const world = guarded()
    world.send('client', 'web', syn)
    world.nowMs += 31_000
    expect(world.send('web', 'client', back)).toBe('egress-denied')
  })

  it('remembers a connection at both ends for as long as packets use it, remembered flow or not', () => {
    const world = pair({}, ['x'])
    world.network.setGroups([group('x', ['udp 53 10.0.0.0/24'], ['udp - 10.0.0.0/24'])])
    const question = { kind: 'udp' } as const
    const answer = { kind: 'udp', sourcePort: 53, destinationPort: 40_000 } as const
    expect([world.send('a', 'b', question), world.send('b', 'a', answer)]).toEqual([undefined, undefined])
    // Nobody could open it again.
    world.network.setGroups([group('x', [], [])])
    for (let turn = 0; turn < 5; turn++) {
      world.nowMs += 100_000
      expect(world.send('a', 'b', question)).toBeUndefined()
    }
    expect(world.send('b', 'a', answer)).toBeUndefined()
    world.nowMs += 181_000
    expect(world.send('a', 'b', question)).toBe('egress-denied')
  })

  it('counts limits: a full port refuses new connections and keeps open ones (I7)', () => {
    const limits = { connections: 64, connectionsPerPort: 8, bindings: 64, flows: 64 }
    const world = guarded({ limits })
    const open = (sourcePort: number) => world.send('client', 'web', { ...syn, sourcePort })
    const answer = (destinationPort: number) => world.send('web', 'client', { ...back, destinationPort })
    for (let port = 1; port <= 8; port++) expect([open(port), answer(port)]).toEqual([undefined, undefined])
    expect(open(9)).toBe('conntrack-full')
    for (let port = 1; port <= 8; port++) expect(answer(port)).toBeUndefined()
    expect(world.network.counters('client')?.drops).toEqual({ 'conntrack-full': 1 })
  })

  it('under a flood forgets what never got an answer, first (I7)', () => {
    const limits = { connections: 64, connectionsPerPort: 8, bindings: 64, flows: 64 }
    const world = guarded({ limits })
    world.send('client', 'web', { ...syn, sourcePort: 1 })
    world.send('web', 'client', { ...back, destinationPort: 1 })
    for (let port = 2; port < 500; port++)
      expect(world.send('client', 'web', { ...syn, sourcePort: port })).toBeUndefined()
    expect(world.send('client', 'web', { kind: 'tcp', sourcePort: 1, flags: tcpFlag.ack })).toBeUndefined()
  })
})

describe('routes', () => {
  it('may lead to a machine that routes, and nowhere', () => {
    const world = pair()
    world.add('router', 12, { prefixes: [cidr('172.16.0.0/12')] })
    world.network.setRoutes([
      { destination: cidr('172.16.0.0/12'), target: { port: 'router' } },
      { destination: cidr('172.16.5.0/24'), target: 'blackhole' },
    ])
    expect(world.send('a', '172.16.1.1', syn)).toBeUndefined()
    expect(world.take('router')).toHaveLength(1)
    expect(world.send('a', '172.16.5.1', syn)).toBe('blackhole')
    expect(world.send('router', 'a', back, { source: ip('172.16.1.1') })).toBeUndefined()
    expect(world.send('a', 'b', syn, { source: ip('172.16.1.1') })).toBe('ip-spoofed')
  })
})

describe('a port', () => {
  it('that is gone gets and sends nothing', () => {
    const world = pair()
    world.send('a', 'b', syn)
    world.take('b')
    world.network.removePort('b')
    expect(world.send('a', 'b', syn)).toBe('mac-unknown')
    expect(world.send('b', 'a', syn)).toBe('receiver-gone')
    expect(world.take('b')).toEqual([])
  })

  it('keeps its connections when it is changed', () => {
    const world = pair({}, ['x'])
    world.network.setGroups([group('x', ['tcp 80 10.0.0.0/24'], ['tcp - 10.0.0.0/24'])])
    world.send('a', 'b', syn)
    world.network.putPort({ ...world.machine('b').config, groups: [] }, world.machine('b').receiver)
    expect(world.send('b', 'a', back)).toBeUndefined()
  })
})

describe('a trace', () => {
  it('names every stage and rule on the way, and changes nothing', () => {
    const world = pair({}, ['x'])
    world.network.setGroups([group('x', ['tcp 80 10.0.0.0/24'], ['tcp - 10.0.0.0/24'])])
    const trace = (from: string, to: string, payload: Parameters<World['send']>[2]) =>
      world.network.trace(from, world.frame(from, to, payload), world.nowMs)
    const steps = trace('a', '10.0.0.11', syn).steps.map(({ stage, verdict, rule = '' }) => [
      stage,
      verdict,
      rule,
    ])
    expect(steps).toEqual([
      ['port-security', 'pass', 'a'],
      ['lookup', 'pass', ''],
      ['conntrack', 'new', 'a'],
      ['firewall-egress', 'pass', 'x/tcp - 10.0.0.0/24'],
      ['router', 'pass', '10.0.0.0/24 to local'],
      ['conntrack', 'new', 'b'],
      ['firewall-ingress', 'pass', 'x/tcp 80 10.0.0.0/24'],
      ['delivery', 'deliver', 'b'],
    ])
    expect(world.take('b')).toEqual([])
    expect(world.network.counters('a')?.sent).toBe(0)
    expect(trace('b', '10.0.0.10', back)).toMatchObject({ dropped: 'ingress-denied' })
    expect(trace('a', '10.0.0.2', ping).steps.at(-1)).toMatchObject({ stage: 'service', rule: 'echo' })
  })
})
