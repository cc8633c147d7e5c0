/** Segments are what a receiver on a wire would put together to what was to be sent. */
import fc from 'fast-check'
import { describe, expect, it } from 'vitest'
import { readU16, writeU16 } from './byte-order.ts'
import { foldSum, pseudoHeaderSum } from './checksum.ts'
import { readIpv4 } from './ipv4.ts'
import { completeChecksum, segmentFrame, segmentsMax } from './segmentation.ts'
import { readTcp, tcpFlag } from './tcp.ts'
import { buildFrame, type Payload } from './testing/build-frame.ts'
import { frameWrongs, parsed } from './testing/judge-frame.ts'

const families = [
  ['10.0.0.1', '10.0.0.2'],
  ['fd00::1', 'fd00::2'],
] as const

const cases = fc.record({
  family: fc.constantFrom(...families),
  kind: fc.constantFrom('tcp' as const, 'udp' as const),
  data: fc.uint8Array({ minLength: 0, maxLength: 4000 }),
  gsoSize: fc.integer({ min: 8, max: 1500 }),
  sequence: fc.integer({ min: 0, max: 0xffff_ffff }),
  flags: fc.integer({ min: 0, max: 255 }),
})

describe('segmentation', () => {
  it('cuts into frames that are right, and whose payloads in sequence are the payload', () =>
    fc.assert(
      fc.property(cases, ({ family: [source, destination], kind, data, gsoSize, sequence, flags }) => {
        const payload: Payload = kind === 'tcp' ? { kind, data, sequence, flags } : { kind, data }
        const frame = buildFrame({ source, destination, payload, identification: 0xffff })
        const segments = segmentFrame(frame, parsed(frame), gsoSize)
        expect(segments).toHaveLength(Math.max(1, Math.ceil(data.length / gsoSize)))
        const received = new Uint8Array(data.length)
        segments.forEach((segment, index) => {
          expect(frameWrongs(segment)).toEqual([])
          const { transportAt, ipEnd, tcpHeaderBytes, ipVersion } = parsed(segment)
          expect(ipEnd).toBe(segment.length)
          const part = segment.subarray(transportAt + (kind === 'tcp' ? tcpHeaderBytes : 8))
          const tcp = kind === 'tcp' ? readTcp(segment, transportAt) : undefined
          received.set(part, tcp ? (tcp.sequence - sequence) >>> 0 : index * gsoSize)
          if (tcp) {
            const last = index === segments.length - 1
            const mask = (last ? 0 : tcpFlag.fin | tcpFlag.psh) | (index === 0 ? 0 : tcpFlag.cwr)
            expect(tcp.flags).toBe(flags & ~mask)
          }
          if (ipVersion === 4) expect(readIpv4(segment, 14)?.identification).toBe((0xffff + index) & 0xffff)
        })
        expect(received).toEqual(data)
      }),
    ))

  it('refuses segments too small or too many', () => {
    const data = new Uint8Array(60_000)
    const frame = buildFrame({ source: '10.0.0.1', destination: '10.0.0.2', payload: { kind: 'tcp', data } })
    const counts = [0, 7, 8, 58, 60, 1448].map((size) => segmentFrame(frame, parsed(frame), size).length)
    expect(counts).toEqual([0, 0, 0, 0, 1000, 42])
    expect(Math.max(...counts)).toBeLessThanOrEqual(segmentsMax)
  })
})

describe('completing', () => {
  it('makes a partial checksum right', () =>
    fc.assert(
      fc.property(cases, ({ family: [source, destination], kind, data }) => {
        const frame = buildFrame({ source, destination, payload: { kind, data } })
        const { transportAt, ipAt, ipVersion, protocol, ipEnd } = parsed(frame)
        const offset = kind === 'tcp' ? 16 : 6
        const version = ipVersion === 6 ? 6 : 4
        const partial = foldSum(pseudoHeaderSum(frame, ipAt, version, protocol, ipEnd - transportAt))
        const before = readU16(frame, transportAt + offset)
        writeU16(frame, transportAt + offset, partial)
        completeChecksum(frame, transportAt, offset)
        expect(frameWrongs(frame)).toEqual([])
        expect(readU16(frame, transportAt + offset)).toBe(before)
      }),
    ))
})
