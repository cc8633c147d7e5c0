/** The parser: what it finds in good frames, what it calls broken ones, and that no bytes whatever upset it. */
import { formatIp, seededRandom } from '@virga/base'
import fc from 'fast-check'
import { describe, expect, it } from 'vitest'
import { writeU16 } from './byte-order.ts'
import { ipOfWords } from './ip-words.ts'
import { frameFault, ParsedFrame } from './parsed-frame.ts'
import { buildFrame } from './testing/build-frame.ts'
import { parsed } from './testing/judge-frame.ts'

const ends = { source: '10.0.0.1', destination: '10.0.0.2' } as const
const ends6 = { source: 'fd00::1', destination: 'fd00::2' } as const
const data = Uint8Array.of(1, 2, 3, 4, 5, 6, 7, 8)

describe('a good frame', () => {
  it('gives addresses and ports', () => {
    const frame = parsed(buildFrame({ ...ends, payload: { kind: 'tcp', sourcePort: 7, destinationPort: 9 } }))
    expect(frame).toMatchObject({ fault: 0, ipVersion: 4, protocol: 6, ttl: 64, vlan: -1, tcpFlags: 2 })
    expect(frame).toMatchObject({ sourcePort: 7, destinationPort: 9, transportAt: 34, ipEnd: 54 })
    expect([0, 4].map((at) => formatIp(ipOfWords(frame.addresses, at)))).toEqual(['10.0.0.1', '10.0.0.2'])
  })

  it('of an echo has the identifier as both ports', () => {
    const frame = parsed(buildFrame({ ...ends6, payload: { kind: 'icmp', data } }))
    expect(frame).toMatchObject({ protocol: 58, isEcho: true, sourcePort: 7, destinationPort: 7 })
  })

  it('may be padded, and ends by its own length', () => {
    const frame = Uint8Array.from([...buildFrame({ ...ends, payload: { kind: 'udp' } }), 0, 0, 0])
    expect(parsed(frame)).toMatchObject({ fault: 0, ipEnd: frame.length - 3 })
  })

  it('that is a later fragment has no ports', () => {
    const frame = parsed(buildFrame({ ...ends, fragment: 0x2010, payload: { kind: 'udp' } }))
    expect(frame).toMatchObject({ fault: 0, fragment: 2, transportAt: -1, sourcePort: 0 })
  })

  it('that is an error quotes a packet', () => {
    const inner = buildFrame({
      ...ends,
      payload: { kind: 'udp', sourcePort: 5, destinationPort: 6 },
    }).subarray(14)
    const error = { kind: 'icmp', type: 3, code: 3, rest: 0, data: inner } as const
    const { quoted } = parsed(buildFrame({ ...ends, payload: error }))
    expect(quoted).toMatchObject({ ipVersion: 4, protocol: 17, sourcePort: 5, destinationPort: 6 })
    const cut = { ...error, data: inner.subarray(0, 27) }
    expect(parsed(buildFrame({ ...ends, payload: cut })).quoted.ipVersion).toBe(0)
  })

  it('may have extension headers', () => {
    const udp = buildFrame({ ...ends6, payload: { kind: 'udp', sourcePort: 5 } }).subarray(54)
    const options = Uint8Array.of(60, 0, 1, 4, 0, 0, 0, 0, 17, 0, 1, 4, 0, 0, 0, 0, ...udp)
    const frame = buildFrame({ ...ends6, payload: { kind: 'other', protocol: 0, data: options } })
    expect(parsed(frame)).toMatchObject({ fault: 0, protocol: 17, sourcePort: 5, transportAt: 70 })
  })
})

describe('a broken frame', () => {
  const tcp = () => buildFrame({ ...ends, payload: { kind: 'tcp', data } })
  const poke = (frame: Uint8Array, at: number, ...bytes: number[]) => {
    frame.set(bytes, at)
    return frame
  }
  const chain = (count: number) => {
    const headers = Array.from({ length: count }, (_, i) => [
      i === count - 1 ? 17 : 60,
      0,
      1,
      4,
      0,
      0,
      0,
      0,
    ]).flat()
    const all = Uint8Array.from([...headers, 0, 1, 0, 2, 0, 8, 0, 0])
    return buildFrame({ ...ends6, payload: { kind: 'other', protocol: 60, data: all } })
  }
  it.each<[string, Uint8Array, number]>([
    ['ends in the Ethernet header', tcp().subarray(0, 13), frameFault.ethernet],
    ['ends in a tag', poke(tcp(), 12, 0x81, 0).subarray(0, 17), frameFault.ethernet],
    ['ends in ARP', poke(tcp(), 12, 8, 6).subarray(0, 41), frameFault.arp],
    ['has version 5', poke(tcp(), 14, 0x55), frameFault.ip],
    ['has an IP header of 16 bytes', poke(tcp(), 14, 0x44), frameFault.ip],
    ['is shorter than IP says', tcp().subarray(0, 60), frameFault.ip],
    ['is shorter than its IP header', poke(tcp(), 16, 0, 19), frameFault.ip],
    ['has a TCP header of 16 bytes', poke(tcp(), 46, 0x40), frameFault.transport],
    ['has a TCP header longer than itself', poke(tcp(), 46, 0xf0), frameFault.transport],
    ['has no room for TCP', poke(tcp(), 16, 0, 30), frameFault.transport],
    ['has UDP longer than itself', poke(buildFrame({ ...ends, payload: { kind: 'udp' } }), 38, 0, 9), 4],
    ['has UDP shorter than its header', poke(buildFrame({ ...ends, payload: { kind: 'udp' } }), 38, 0, 7), 4],
    ['has 9 extension headers', chain(9), frameFault.ip],
    ['has 8 extension headers', chain(8), frameFault.none],
    ['has a routing header', poke(chain(1), 20, 43), frameFault.ip],
  ])('%s', (_what, frame, fault) => expect(parsed(frame).fault).toBe(fault))

  it('has headers that were not gathered', () => {
    const frame = tcp()
    const found = [33, 36, 53, 54].map((length) => new ParsedFrame().parse(frame, length, frame.length))
    expect(found).toEqual([frameFault.ip, frameFault.headersTooLong, frameFault.headersTooLong, 0])
  })
})

describe('any bytes', () => {
  it('are parsed without reading past the end: what is behind changes nothing', () => {
    const random = seededRandom(20_261_125)
    const seeds = [
      buildFrame({ ...ends, payload: { kind: 'tcp', data, options: { mss: 1460, windowScale: 7 } } }),
      buildFrame({ ...ends6, payload: { kind: 'udp', data } }),
      buildFrame({
        ...ends,
        payload: { kind: 'icmp', type: 3, rest: 0, data: new Uint8Array(40).fill(0x45) },
      }),
      buildFrame({ ...ends6, payload: { kind: 'other', protocol: 0, data: new Uint8Array(80) } }),
    ]
    for (let round = 0; round < 20_000; round++) {
      const seed = seeds[round % seeds.length] ?? new Uint8Array()
      const length = random() % (seed.length + 1)
      const total = length + (random() % 2 === 0 ? 0 : random() % 2000)
      const [a, b] = [new Uint8Array(200).fill(0), new Uint8Array(200).fill(0xff)]
      a.set(seed.subarray(0, length))
      for (let flip = random() % 6; flip > 0; flip--) a[12 + (random() % 60)] = random()
      if (round % 3 === 0) writeU16(a, 16, random() % 100)
      a.fill(0, length)
      b.set(a.subarray(0, length))
      const [first, second] = [new ParsedFrame(), new ParsedFrame()]
      first.parse(a, length, total)
      second.parse(b, length, total)
      expect(second, `round ${round}`).toEqual(first)
      expect(first.transportAt).toBeLessThanOrEqual(first.fault === 0 ? length : total + 400)
    }
  })

  it('leave nothing of the frame before', () =>
    fc.assert(
      fc.property(fc.uint8Array({ maxLength: 80 }), (bytes) => {
        const used = parsed(buildFrame({ ...ends, payload: { kind: 'tcp', data } }))
        used.parse(bytes, bytes.length, bytes.length)
        const fresh = parsed(bytes)
        expect({
          fault: used.fault,
          ip: used.ipVersion,
          at: used.transportAt,
          port: used.sourcePort,
        }).toEqual({
          fault: fresh.fault,
          ip: fresh.ipVersion,
          at: fresh.transportAt,
          port: fresh.sourcePort,
        })
      }),
    ))
})
