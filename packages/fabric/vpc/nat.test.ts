/** Translation: floating addresses both ways, shared ports, their exhaustion, errors about them (I6), byte by byte. */
import { formatIp, type IpAddress, seededRandom } from '@virga/base'
import {
  foldSum,
  ipOfWords,
  plainVnetHeader,
  pseudoHeaderSum,
  readU16,
  segmentFrame,
  tcpFlag,
  type VnetHeader,
  vnetFlag,
  vnetGso,
  writeU16,
} from '@virga/packet'
import { buildFrame, frameWrongs, type Payload, parsed } from '@virga/packet/testing'
import { describe, expect, it } from 'vitest'
import { reasonOf } from '../drop-reason.ts'
import { MemoryReceiver } from '../testing/memory-receiver.ts'
import { cidr, ip, piecesOf, World } from '../testing/world.ts'

const syn = { kind: 'tcp', flags: tcpFlag.syn, destinationPort: 443 } as const
const remote = '198.51.100.1'

function inside(offloads = 31, ports = { portMin: 1024, portMax: 65_535 }) {
  const world = new World({ random: seededRandom(5) })
  for (const [name, number] of [
    ['a', 10],
    ['b', 11],
    ['c', 12],
  ] as const)
    world.add(name, number, {}, 31)
  const outside = new MemoryReceiver({ offloads })
  const shared = { address: ip('192.0.2.1'), ...ports }
  const uplink = { receiver: outside, mac: 0x02ee_0000_0002, nextHopMac: 0x02ee_0000_0001, shared }
  world.network.setRoutes([{ destination: cidr('0.0.0.0/0'), target: 'uplink' }])
  world.network.setUplink(uplink, [{ inner: ip('10.0.0.12'), outer: ip('192.0.2.12') }])
  const arrive = (source: string | IpAddress, destination: string | IpAddress, payload: Payload) => {
    const frame = buildFrame({ source, destination, payload })
    const code = world.network.transmitFromUplink(piecesOf(frame), world.nowMs)
    return code === 0 ? undefined : reasonOf(code)
  }
  return { world, outside, arrive }
}

/** Source and destination of a frame as text. */
function ends(frame: Uint8Array = new Uint8Array()): [string, string] {
  const { addresses, sourcePort, destinationPort } = parsed(frame)
  const text = (at: number, port: number) => `${formatIp(ipOfWords(addresses, at))}:${port}`
  return [text(0, sourcePort), text(4, destinationPort)]
}

describe('a shared address', () => {
  it('stands for a machine outside, and its answers find it again', () => {
    const { world, outside, arrive } = inside()
    expect(world.send('a', remote, syn)).toBeUndefined()
    const [sent] = outside.take()
    expect(frameWrongs(sent?.frame ?? new Uint8Array())).toEqual([])
    const outerPort = parsed(sent?.frame ?? new Uint8Array()).sourcePort
    expect(ends(sent?.frame)).toEqual([`192.0.2.1:${outerPort}`, `${remote}:443`])
    const answer = { kind: 'tcp', flags: 18, sourcePort: 443, destinationPort: outerPort } as const
    expect(arrive(remote, '192.0.2.1', answer)).toBeUndefined()
    const [got] = world.take('a')
    expect(frameWrongs(got ?? new Uint8Array())).toEqual([])
    expect(ends(got)).toEqual([`${remote}:443`, '10.0.0.10:40000'])
  })

  it.each([
    ['another remote address', '198.51.100.2', { sourcePort: 443 }],
    ['another remote port', remote, { sourcePort: 444 }],
  ])('lets in nothing from %s', (_what, source, more) => {
    const { world, outside, arrive } = inside()
    world.send('a', remote, syn)
    const destinationPort = parsed(outside.take()[0]?.frame ?? new Uint8Array()).sourcePort
    expect(arrive(source, '192.0.2.1', { kind: 'tcp', flags: 18, destinationPort, ...more })).toBe(
      'nat-no-binding',
    )
  })

  it('gives each flow a port of its own until there are none, per destination (I7)', () => {
    const { world, outside } = inside(31, { portMin: 5000, portMax: 5003 })
    const open = (sourcePort: number, to = remote) => world.send('a', to, { ...syn, sourcePort })
    expect([1, 2, 3, 4, 5].map((port) => open(port))).toEqual([
      undefined,
      undefined,
      undefined,
      undefined,
      'nat-ports-exhausted',
    ])
    const ports = outside.take().map(({ frame }) => parsed(frame).sourcePort)
    expect([...ports].sort()).toEqual([5000, 5001, 5002, 5003])
    expect(open(5, '198.51.100.9')).toBeUndefined()
    world.nowMs += 351_000
    expect(open(5)).toBeUndefined()
  })

  it('keeps a binding for as long as packets use it, remembered flow or not, and no longer', () => {
    const { world, outside, arrive } = inside(31, { portMin: 5000, portMax: 5000 })
    const answer = { kind: 'tcp', flags: 18, sourcePort: 443, destinationPort: 5000 } as const
    world.send('a', remote, syn)
    arrive(remote, '192.0.2.1', answer)
    for (let turn = 0; turn < 5; turn++) {
      world.nowMs += 200_000
      expect(world.send('b', remote, syn)).toBe('nat-ports-exhausted')
      expect(world.send('a', remote, { ...syn, flags: tcpFlag.ack })).toBeUndefined()
    }
    expect(arrive(remote, '192.0.2.1', answer)).toBeUndefined()
    world.nowMs += 351_000
    expect(world.send('b', remote, syn)).toBeUndefined()
    expect(world.send('a', remote, { ...syn, flags: tcpFlag.ack })).toBe('nat-ports-exhausted')
    expect(outside.take()).toHaveLength(7)
  })

  it('translates pings by their identifier', () => {
    const { world, outside, arrive } = inside()
    world.send('a', remote, { kind: 'icmp', rest: 0x1234_0001 })
    const [sent] = outside.take()
    expect(frameWrongs(sent?.frame ?? new Uint8Array())).toEqual([])
    const id = parsed(sent?.frame ?? new Uint8Array()).sourcePort
    expect(arrive(remote, '192.0.2.1', { kind: 'icmp', type: 0, rest: id * 65_536 + 1 })).toBeUndefined()
    const [got = new Uint8Array()] = world.take('a')
    expect([frameWrongs(got), readU16(got, 38)]).toEqual([[], 0x1234])
  })

  it.each([
    ['UDP without a checksum stays without', 0],
    ['UDP with one has a right one', 1],
  ])('%s', (_what, checksum) => {
    const { world, outside } = inside()
    const frame = world.frame('a', remote, { kind: 'udp', data: Uint8Array.of(1, 2, 3) })
    if (checksum === 0) writeU16(frame, 40, 0)
    world.sendBytes('a', frame)
    const [sent] = outside.take()
    expect(frameWrongs(sent?.frame ?? new Uint8Array())).toEqual([])
    expect(readU16(sent?.frame ?? new Uint8Array(), 40) === 0).toBe(checksum === 0)
  })

  it('does not translate other protocols, IPv6 or fragments', () => {
    const { world } = inside()
    const other = { kind: 'other', protocol: 47, data: new Uint8Array(8) } as const
    expect(world.send('a', remote, other)).toBe('nat-protocol')
    expect(world.send('a', remote, { kind: 'udp' }, { fragment: 0x2000 })).toBe('nat-protocol')
    expect(world.send('a', '2001:db8::1', syn)).toBe('no-route')
  })
})

describe('an error about a translated packet (I6)', () => {
  it.each([['tcp'], ['udp'], ['icmp']] as const)('of %s comes in with what the machine had sent', (kind) => {
    const { world, outside, arrive } = inside()
    const payload: Payload =
      kind === 'icmp' ? { kind, rest: 0x1234_0001 } : { kind, data: Uint8Array.of(1, 2, 3, 4) }
    const original = world.frame('a', remote, payload)
    world.sendBytes('a', original)
    const sent = outside.take()[0]?.frame ?? new Uint8Array()
    const router = '203.0.113.9'
    const error = { kind: 'icmp', type: 3, code: 4, rest: 1300, data: sent.slice(14) } as const
    expect(arrive(router, '192.0.2.1', error)).toBeUndefined()
    const [got = new Uint8Array()] = world.take('a')
    expect(frameWrongs(got)).toEqual([])
    expect(ends(got)[0]).toBe(`${router}:0`)
    // The quoted packet is the machine's own, but for the TTL that the router took, and the sum of that.
    const quoted = got.slice(14 + 20 + 8)
    const expected = original.slice(14)
    quoted.copyWithin(8, 8, 9)
    expected[8] = quoted[8] ?? 0
    expected.set(quoted.subarray(10, 12), 10)
    expect(quoted).toEqual(expected)
    expect(frameWrongs(Uint8Array.from([...got.slice(0, 14), ...quoted]))).toEqual([])
  })

  it('goes out with the address that the remote end knows', () => {
    const { world, outside, arrive } = inside()
    const probe = { kind: 'udp', sourcePort: 7, destinationPort: 9 } as const
    expect(arrive(remote, '192.0.2.12', probe)).toBeUndefined()
    const [got = new Uint8Array()] = world.take('c')
    const error = { kind: 'icmp', type: 3, code: 3, rest: 0, data: got.slice(14) } as const
    expect(world.send('c', remote, error)).toBeUndefined()
    const sent = outside.take()[0]?.frame ?? new Uint8Array()
    expect(frameWrongs(sent)).toEqual([])
    expect(formatIp(ipOfWords(parsed(sent).addresses, 0))).toBe('192.0.2.12')
    expect(formatIp(ipOfWords(parsed(sent).quoted.addresses, 4))).toBe('192.0.2.12')
  })

  it('about something never sent is refused', () => {
    const { arrive } = inside()
    const inner = buildFrame({ source: '192.0.2.1', destination: remote, payload: syn }).slice(14)
    expect(arrive(remote, '192.0.2.1', { kind: 'icmp', type: 3, rest: 0, data: inner })).toBe(
      'nat-no-binding',
    )
  })
})

describe('a floating address', () => {
  it('is the machine, both ways, ports kept', () => {
    const { world, outside, arrive } = inside()
    world.send('c', remote, syn)
    expect(ends(outside.take()[0]?.frame)).toEqual(['192.0.2.12:40000', `${remote}:443`])
    expect(
      arrive(remote, '192.0.2.12', { kind: 'tcp', sourcePort: 5, destinationPort: 22, flags: 2 }),
    ).toBeUndefined()
    const [got = new Uint8Array()] = world.take('c')
    expect([frameWrongs(got), ends(got)]).toEqual([[], [`${remote}:5`, '10.0.0.12:22']])
  })
})

describe('frames of many segments', () => {
  const data = new Uint8Array(40_001).map((_, at) => at * 7)

  function large(world: World): [Uint8Array, VnetHeader] {
    const frame = world.frame('a', remote, { kind: 'tcp', flags: 16, data })
    const { transportAt, ipAt, ipEnd } = parsed(frame)
    writeU16(frame, transportAt + 16, foldSum(pseudoHeaderSum(frame, ipAt, 4, 6, ipEnd - transportAt)))
    const vnet = {
      ...plainVnetHeader(),
      flags: vnetFlag.needsChecksum,
      gsoType: vnetGso.tcpv4,
      gsoSize: 1448,
    }
    return [frame, { ...vnet, checksumStart: transportAt, checksumOffset: 16 }]
  }

  it('pass translated and whole, with a partial checksum that a receiver can complete', () => {
    const { world, outside } = inside()
    const [frame, vnet] = large(world)
    expect(world.sendBytes('a', frame, vnet, [60, 5000])).toBeUndefined()
    const [got] = outside.take()
    expect(got?.vnet).toMatchObject({
      flags: 1,
      gsoType: 1,
      gsoSize: 1448,
      checksumStart: 34,
      checksumOffset: 16,
    })
    const sent = got?.frame ?? new Uint8Array()
    const { sourcePort, ipEnd } = parsed(sent)
    expect(readU16(sent, 50)).toBe(foldSum(pseudoHeaderSum(sent, 14, 4, 6, ipEnd - 34)))
    expect(ends(sent)).toEqual(
      [`192.0.2.1:${sourcePort}`, `${remote}:443`].map((end) => end.replace('443', '80')),
    )
    for (const segment of segmentFrame(sent, parsed(sent), 1448)) expect(frameWrongs(segment)).toEqual([])
    expect(sent.subarray(54)).toEqual(data)
  })

  it('are cut for who takes none, every segment right to the byte', () => {
    const { world, outside } = inside(0)
    const [frame, vnet] = large(world)
    expect(world.sendBytes('a', frame, vnet, [60, 5000, 5001, 9000])).toBeUndefined()
    const got = outside.take().map(({ frame: segment }) => segment)
    expect(got).toHaveLength(28)
    for (const segment of got) expect([frameWrongs(segment), ends(segment)[1]]).toEqual([[], `${remote}:80`])
    expect(Uint8Array.from(got.flatMap((segment) => [...segment.subarray(54)]))).toEqual(data)
  })
})
