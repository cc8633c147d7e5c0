/** The way outside: streams from frames and back, datagrams, pings, and where nobody may go. The machine is played by hand. */
import { seededRandom } from '@virga/base'
import { readTcp, type Tcp, tcpFlag } from '@virga/packet'
import { frameWrongs, parsed } from '@virga/packet/testing'
import { describe, expect, it } from 'vitest'
import { cidr, group, ip, World } from '../testing/world.ts'
import type { Endpoint, MachineStream, StreamListener } from './byte-stream.ts'
import { mayReach } from './egress-policy.ts'
import { Gateway } from './gateway.ts'
import { attachMetadata } from './metadata.ts'

const remote = '198.51.100.1'
const { syn, ack, fin, rst, psh } = tcpFlag

/** A listener that notes what it hears. */
function noter() {
  const heard = { bytes: [] as number[], events: [] as string[] }
  const listener: StreamListener = {
    opened: () => heard.events.push('opened'),
    data: (bytes) => heard.bytes.push(...bytes),
    ended: () => heard.events.push('ended'),
    drained: () => heard.events.push('drained'),
    closed: (how) => heard.events.push(`closed ${how}`),
  }
  return { heard, listener }
}

function outside() {
  const world = new World()
  world.add('m', 10, {}, 31)
  const streams: MachineStream[] = []
  const datagrams: { kind: string; to: Endpoint; data: Uint8Array; sequence: number }[] = []
  const answers: ((from: Endpoint, data: Uint8Array, sequence: number) => void)[] = []
  const closed: string[] = []
  const gateway = new Gateway({
    network: world.network,
    policy: {
      allow: [{ cidr: cidr('10.9.0.0/16'), ports: { from: 80, to: 80 } }],
      hostAddresses: [ip('192.0.2.7')],
    },
    accept: (stream) => streams.push(stream),
    open: ({ kind }, answer) => {
      answers.push(answer)
      return {
        send: (to, data, sequence) => datagrams.push({ kind, to, data, sequence }),
        close: () => closed.push(kind),
      }
    },
    random: seededRandom(4),
  })
  world.network.setRoutes([{ destination: cidr('0.0.0.0/0'), target: 'gateway' }])
  world.network.setGateway(gateway)
  return { world, gateway, streams, datagrams, answers, closed, machine: new Machine(world) }
}

/** A machine's TCP, by hand. */
class Machine {
  sequence = 5000
  expected = 0
  private readonly world: World

  constructor(world: World) {
    this.world = world
  }

  say(
    flags: number,
    data: number[] | Uint8Array = [],
    more: Partial<Tcp> & { to?: string } = {},
  ): string | undefined {
    const { to = remote, ...fields } = more
    const header = {
      sequence: this.sequence,
      acknowledgment: this.expected,
      flags,
      window: 60_000,
      ...fields,
    }
    return this.world.send('m', to, { kind: 'tcp', data: Uint8Array.from(data), ...header })
  }

  /** What was sent to it: flags and data. Takes in what comes in order. */
  hear(): { flags: number; data: Uint8Array; tcp: Required<Tcp> }[] {
    return this.world
      .machine('m')
      .receiver.take()
      .map(({ frame, vnet }) => {
        const isPartial = vnet.flags !== 0
        if (!isPartial) expect(frameWrongs(frame)).toEqual([])
        const { transportAt, ipEnd } = parsed(frame)
        const tcp = readTcp(frame, transportAt)
        if (tcp === undefined) throw new Error('no TCP')
        const data = frame.subarray(transportAt + tcp.headerBytes, ipEnd)
        const length = data.length + ((tcp.flags & (syn | fin)) !== 0 ? 1 : 0)
        if ((tcp.flags & syn) !== 0 || tcp.sequence === this.expected)
          this.expected = (tcp.sequence + length) >>> 0
        return { flags: tcp.flags, data, tcp }
      })
  }
}

/** Everything up to an open connection. */
function connected() {
  const all = outside()
  const { machine, streams } = all
  const { heard, listener } = noter()
  expect(machine.say(syn, [], { options: { mss: 1460, windowScale: 7 } })).toBeUndefined()
  const stream = streams[0]
  if (stream === undefined) throw new Error('no stream')
  stream.accept(listener)
  expect(machine.hear().map(({ flags }) => flags)).toEqual([syn | ack])
  machine.sequence++
  machine.say(ack)
  return { ...all, stream, heard }
}

describe('a connection of a machine', () => {
  it('is handed up with the identity of its port, and answered only when it is accepted', () => {
    const { machine, streams, gateway } = outside()
    expect(gateway.openCount).toBe(0)
    machine.say(syn)
    expect(streams[0]).toMatchObject({
      port: 'm',
      machine: { address: ip('10.0.0.10'), port: 40_000 },
      remote: { address: ip(remote), port: 80 },
    })
    expect(machine.hear()).toEqual([])
    machine.say(syn)
    expect([streams.length, machine.hear()]).toEqual([1, []])
    expect(gateway.openCount).toBe(1)
  })

  it.each([
    ['refused', [rst | ack]],
    ['timeout', []],
  ] as const)('%s is told so', (why, flags) => {
    const { machine, streams } = outside()
    machine.say(syn)
    streams[0]?.refuse(why)
    expect(machine.hear().map((segment) => segment.flags)).toEqual(flags)
  })

  it('to somewhere unreachable is told so, with its own packet quoted', () => {
    const { machine, streams, world } = outside()
    machine.say(syn)
    streams[0]?.refuse('unreachable')
    const [error = new Uint8Array()] = world.take('m')
    expect(frameWrongs(error)).toEqual([])
    expect(parsed(error)).toMatchObject({
      icmpType: 3,
      icmpCode: 1,
      quoted: { sourcePort: 40_000, destinationPort: 80 },
    })
  })

  it('carries bytes both ways, in order', () => {
    const { machine, stream, heard } = connected()
    expect(heard.events).toEqual(['opened'])
    machine.say(ack | psh, [1, 2, 3])
    machine.sequence += 3
    machine.say(ack | psh, [4, 5])
    machine.sequence += 2
    expect(heard.bytes).toEqual([1, 2, 3, 4, 5])
    expect(machine.hear().at(-1)?.tcp).toMatchObject({ flags: ack, acknowledgment: machine.sequence })
    expect(stream.write(Uint8Array.of(9, 8))).toBe(true)
    const [got] = machine.hear()
    expect([got?.flags, [...(got?.data ?? [])]]).toEqual([ack | psh, [9, 8]])
  })

  it('takes each byte once, and none too early or outside', () => {
    const { machine, heard } = connected()
    machine.say(ack, [1, 2, 3])
    machine.say(ack, [1, 2, 3])
    machine.sequence += 2
    machine.say(ack, [3, 4])
    machine.sequence += 100
    machine.say(ack, [7])
    machine.sequence -= 100_000
    machine.say(ack, [8])
    expect(heard.bytes).toEqual([1, 2, 3, 4])
  })

  it('sends large frames for the network to cut, no more than the window takes, and goes on when it opens', () => {
    const { machine, stream, world, heard } = connected()
    const data = new Uint8Array(3_000_000).map((_, at) => at >> 3)
    expect(stream.write(data)).toBe(false)
    const received = new Uint8Array(data.length)
    let at = 0
    for (let round = 0; round < 50 && at < data.length; round++) {
      const got = world
        .machine('m')
        .receiver.received.map(({ vnet, frame }) => [vnet.gsoType, vnet.gsoSize, frame.length])
      if (round === 0) expect(got[0]).toEqual([1, 1460, 54 + 61_440])
      for (const { data: part } of machine.hear()) {
        received.set(part, at)
        at += part.length
      }
      machine.say(ack, [], { window: 1000 })
    }
    expect(Buffer.compare(received, data)).toBe(0)
    expect(heard.events).toEqual(['opened', 'drained'])
  })

  it('sends again what found no room, until it does', () => {
    const { machine, stream, world, gateway } = connected()
    const { receiver } = world.machine('m')
    receiver.free = 0
    stream.write(Uint8Array.of(1, 2, 3))
    expect(machine.hear()).toEqual([])
    receiver.free = 64
    world.nowMs += 250
    gateway.tick(world.nowMs)
    expect(machine.hear().map(({ data }) => [...data])).toEqual([[1, 2, 3]])
  })

  it('sends again what was not acknowledged, and gives up in the end', () => {
    const { machine, stream, world, gateway, heard } = connected()
    stream.write(Uint8Array.of(1, 2, 3))
    let times = 0
    for (let second = 0; second < 200; second++) {
      world.nowMs += 1000
      gateway.tick(world.nowMs)
      times += machine.hear().filter(({ data }) => data.length === 3).length
    }
    expect(times).toBe(9)
    expect(heard.events).toEqual(['opened', 'closed timeout'])
  })

  it('tells the machine how much it may send, and when it may send more', () => {
    const { machine, stream, heard } = connected()
    const part = new Uint8Array(1400)
    let window = Number.POSITIVE_INFINITY
    for (let sent = 0; window > 0 && sent < 1000; sent++) {
      machine.say(ack, part)
      const { acknowledgment, window: field } = machine.hear().at(-1)?.tcp ?? { acknowledgment: 0, window: 0 }
      machine.sequence = acknowledgment
      window = field * 32
    }
    expect(heard.bytes.length).toBe(1 << 20)
    stream.consumed(1 << 19)
    expect(machine.hear().map(({ tcp }) => tcp.window * 32)).toEqual([1 << 19])
  }, 20_000)

  it('ends one side at a time', () => {
    const { machine, stream, heard, gateway, world } = connected()
    machine.say(fin | ack)
    machine.sequence++
    expect(heard.events).toEqual(['opened', 'ended'])
    stream.write(Uint8Array.of(7))
    stream.end()
    expect(machine.hear().map(({ flags }) => flags)).toEqual([ack, ack | psh, fin | ack])
    machine.say(ack)
    expect(heard.events).toEqual(['opened', 'ended', 'closed ended'])
    world.nowMs += 2000
    gateway.tick(world.nowMs)
    expect(machine.say(ack)).toBe('gateway-unknown')
  })

  it('is broken off by either side', () => {
    const one = connected()
    one.machine.say(rst)
    expect(one.heard.events).toEqual(['opened', 'closed reset'])
    const two = connected()
    two.stream.reset()
    expect(two.machine.hear().map(({ flags }) => flags)).toEqual([rst | ack])
    expect(two.heard.events).toEqual(['opened', 'closed reset'])
  })

  it('is not broken off by a reset that guesses, nor fooled by an acknowledgment of what was not sent', () => {
    const { machine, heard } = connected()
    machine.say(rst, [], { sequence: machine.sequence + 1 })
    machine.say(ack, [1], { acknowledgment: machine.expected + 1000 })
    expect(heard).toEqual({ bytes: [], events: ['opened'] })
  })

  it('that nobody knows is reset', () => {
    const { machine } = outside()
    expect(machine.say(ack, [1])).toBe('gateway-unknown')
    expect(machine.hear().map(({ flags }) => flags)).toEqual([rst])
  })

  it('has a bound of unanswered ones', () => {
    const { machine, streams } = outside()
    for (let sourcePort = 1; sourcePort <= 128; sourcePort++)
      expect(machine.say(syn, [], { sourcePort })).toBeUndefined()
    expect(machine.say(syn, [], { sourcePort: 200 })).toBe('gateway-full')
    streams[0]?.refuse('refused')
    expect(machine.say(syn, [], { sourcePort: 200 })).toBeUndefined()
  })

  it('is published at once, whoever writes and whenever', () => {
    const { world, stream, answers } = connected()
    const { receiver } = world.machine('m')
    const flushes = receiver.flushes
    stream.write(Uint8Array.of(1))
    expect(receiver.flushes).toBe(flushes + 1)
    world.send('m', remote, { kind: 'udp' })
    answers[0]?.({ address: ip(remote), port: 53 }, Uint8Array.of(7), 0)
    expect(receiver.flushes).toBe(flushes + 2)
  })

  it('ends with its port', () => {
    const { world, heard } = connected()
    world.network.removePort('m')
    expect(heard.events).toEqual(['opened', 'closed reset'])
  })
})

describe('a connection to a machine', () => {
  const forward = (rules: string[]) => {
    const all = outside()
    all.world.network.setGroups([group('any', rules, ['all - 0.0.0.0/0'])])
    const { heard, listener } = noter()
    const port = { id: 'm', index: all.world.machine('m').index }
    const ends: [Endpoint, Endpoint] = [
      { address: ip('10.0.0.10'), port: 22 },
      { address: ip('127.0.0.9'), port: 5555 },
    ]
    return { ...all, heard, stream: all.gateway.connect(port, ...ends, listener) }
  }

  it('comes as from who opened it, and carries bytes', () => {
    const { machine, heard, stream } = forward(['tcp 22 0.0.0.0/0'])
    expect(machine.hear().map(({ flags, tcp }) => [flags, tcp.options])).toEqual([
      [syn, { mss: 1460, windowScale: 5 }],
    ])
    const back = { to: '127.0.0.9', sourcePort: 22, destinationPort: 5555 }
    expect(machine.say(syn | ack, [], back)).toBeUndefined()
    machine.sequence++
    expect(heard.events).toEqual(['opened'])
    expect(machine.hear().map(({ flags }) => flags)).toEqual([ack])
    stream?.write(Uint8Array.of(65))
    expect(machine.hear().map(({ data }) => [...data])).toEqual([[65]])
    machine.say(ack | psh, [66], back)
    expect(heard.bytes).toEqual([66])
  })

  it('asks the machine’s firewall', () => {
    const { world, heard, gateway } = forward(['tcp 80 0.0.0.0/0'])
    expect(world.take('m')).toEqual([])
    for (let second = 1; second <= 300; second++) gateway.tick(world.nowMs + second * 1000)
    expect(heard.events).toEqual(['closed timeout'])
    expect(world.network.counters()?.drops).toMatchObject({ 'ingress-denied': 10 })
  })

  it('is refused by the machine', () => {
    const { machine, heard } = forward(['tcp 22 0.0.0.0/0'])
    machine.hear()
    machine.say(rst | ack, [], { to: '127.0.0.9', sourcePort: 22, destinationPort: 5555 })
    expect(heard.events).toEqual(['closed reset'])
  })
})

describe('datagrams', () => {
  it('go out by one socket for each of a machine’s ports, and whoever heard may answer', () => {
    const { world, datagrams, answers } = outside()
    const data = Uint8Array.of(1, 2, 3)
    for (const to of [remote, '198.51.100.2']) world.send('m', to, { kind: 'udp', data })
    expect(datagrams.map(({ to }) => to)).toEqual([
      { address: ip(remote), port: 53 },
      { address: ip('198.51.100.2'), port: 53 },
    ])
    expect([datagrams[0]?.data, answers.length]).toEqual([data, 1])
    answers[0]?.({ address: ip(remote), port: 53 }, Uint8Array.of(7), 0)
    const [got = new Uint8Array()] = world.take('m')
    expect([frameWrongs(got), parsed(got).destinationPort, [...got.subarray(42)]]).toEqual([[], 40_000, [7]])
  })

  it('are forgotten when nobody speaks, sooner if nobody ever answered', () => {
    const { world, gateway, answers, closed } = outside()
    world.send('m', remote, { kind: 'udp' })
    world.send('m', remote, { kind: 'udp', sourcePort: 2 })
    answers[1]?.({ address: ip(remote), port: 53 }, Uint8Array.of(7), 0)
    world.nowMs += 31_000
    gateway.tick(world.nowMs)
    expect(closed).toEqual(['udp'])
    world.nowMs += 180_000
    gateway.tick(world.nowMs)
    expect(closed).toEqual(['udp', 'udp'])
    answers[0]?.({ address: ip(remote), port: 53 }, Uint8Array.of(7), 0)
    expect(world.take('m')).toHaveLength(1)
  })

  it('have a bound for each port', () => {
    const { world } = outside()
    const send = (sourcePort: number) => world.send('m', remote, { kind: 'udp', sourcePort })
    for (let port = 1; port <= 256; port++) expect(send(port)).toBeUndefined()
    expect([send(257), send(1)]).toEqual(['gateway-full', undefined])
  })

  it('of ping come back to who asked', () => {
    const { world, datagrams, answers } = outside()
    world.send('m', remote, { kind: 'icmp', rest: 0x1234_0005, data: Uint8Array.of(1, 2) })
    expect(datagrams).toMatchObject([{ kind: 'ping', sequence: 5, data: Uint8Array.of(1, 2) }])
    answers[0]?.({ address: ip(remote), port: 0 }, Uint8Array.of(1, 2), 5)
    const [got = new Uint8Array()] = world.take('m')
    expect(frameWrongs(got)).toEqual([])
    expect([...got.subarray(34)].filter((_, at) => at < 2 || at > 3)).toEqual([0, 0, 0x12, 0x34, 0, 5, 1, 2])
  })

  it('of other protocols are not carried', () => {
    const { world } = outside()
    expect(world.send('m', remote, { kind: 'other', protocol: 47, data: new Uint8Array(8) })).toBe(
      'gateway-protocol',
    )
    expect(world.send('m', remote, { kind: 'icmp', type: 0 })).toBe('gateway-protocol')
    expect(world.send('m', remote, { kind: 'udp' }, { fragment: 8 })).toBe('gateway-protocol')
  })
})

describe('the host’s own surroundings', () => {
  const policy = {
    allow: [{ cidr: cidr('10.9.0.0/16'), ports: { from: 80, to: 80 } }],
    hostAddresses: [ip('192.0.2.7')],
  }
  it.each([
    ['127.0.0.1', 80, false],
    ['169.254.169.254', 80, false],
    ['10.1.2.3', 80, false],
    ['10.9.0.1', 80, true],
    ['10.9.0.1', 81, false],
    ['172.31.0.1', 80, false],
    ['192.168.1.1', 80, false],
    ['100.64.0.1', 80, false],
    ['0.0.0.0', 80, false],
    ['255.255.255.255', 80, false],
    ['224.0.0.1', 80, false],
    ['192.0.2.7', 80, false],
    ['198.51.100.1', 80, true],
    ['::1', 80, false],
    ['::', 80, false],
    ['fd00::1', 80, false],
    ['fe80::1', 80, false],
    ['ff02::1', 80, false],
    ['::ffff:127.0.0.1', 80, false],
    ['::127.0.0.1', 80, false],
    ['64:ff9b::7f00:1', 80, false],
    ['64:ff9b::c633:6401', 80, true],
    ['2002:7f00:1::', 80, false],
    ['2002:c633:6401::', 80, true],
    ['2001:db8::1', 80, true],
  ])('%s port %d: %s', (address, port, open) => {
    expect(mayReach(policy, ip(address), port)).toBe(open)
  })

  it('are refused with a message that the machine understands', () => {
    const { machine, world, streams } = outside()
    expect(machine.say(syn, [], { to: '192.168.1.1' })).toBe('gateway-forbidden')
    const [error = new Uint8Array()] = world.take('m')
    expect(frameWrongs(error)).toEqual([])
    expect(parsed(error)).toMatchObject({
      icmpType: 3,
      icmpCode: 13,
      quoted: { protocol: 6, destinationPort: 80 },
    })
    expect(readTcp(error, 14 + 20 + 8 + 20)?.sequence).toBe(5000)
    expect([machine.say(syn, [], { to: '10.9.0.1' }), streams.length]).toEqual([undefined, 1])
  })
})

describe('metadata', () => {
  it.each([
    ['169.254.169.254', undefined],
    ['fd00:ec2::254', undefined],
  ])('at %s knows a machine by its port, and asks no firewall', (address) => {
    const world = new World()
    world.network.setGroups([])
    world.add('m', 10)
    const streams: MachineStream[] = []
    attachMetadata(world.network, (stream) => streams.push(stream), seededRandom(1))
    expect(world.send('m', address, { kind: 'tcp' })).toBeUndefined()
    const { listener, heard } = noter()
    streams[0]?.accept(listener)
    expect(streams[0]?.port).toBe('m')
    const [frame = new Uint8Array()] = world.take('m')
    const tcp = readTcp(frame, parsed(frame).transportAt)
    expect([frameWrongs(frame), tcp?.flags]).toEqual([[], syn | ack])
    const data = new TextEncoder().encode('GET / HTTP/1.1\r\n\r\n')
    const said = { flags: ack | psh, sequence: 1001, acknowledgment: ((tcp?.sequence ?? 0) + 1) >>> 0, data }
    expect(world.send('m', address, { kind: 'tcp', ...said })).toBeUndefined()
    expect(Uint8Array.from(heard.bytes)).toEqual(data)
  })

  it('is closed on other ports', () => {
    const world = new World()
    world.add('m', 10)
    attachMetadata(world.network, () => undefined, seededRandom(1))
    world.send('m', '169.254.169.254', { kind: 'tcp', destinationPort: 81 })
    const [frame = new Uint8Array()] = world.take('m')
    expect(readTcp(frame, 34)?.flags).toBe(rst | ack)
  })
})
