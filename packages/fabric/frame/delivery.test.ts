/** The joint between sender's pieces and receiver's buffers: any cut gives the same bytes, offloads as agreed. */
import {
  foldSum,
  plainVnetHeader,
  pseudoHeaderSum,
  segmentFrame,
  sumBytes,
  type VnetHeader,
  vnetFlag,
  vnetGso,
  writeU16,
} from '@virga/packet'
import { buildFrame, frameWrongs, parsed } from '@virga/packet/testing'
import fc from 'fast-check'
import { describe, expect, it } from 'vitest'
import { reasonOf } from '../drop-reason.ts'
import { MemoryReceiver } from '../testing/memory-receiver.ts'
import { piecesOf } from '../testing/world.ts'
import { Delivery } from './delivery.ts'
import { Frame } from './frame.ts'
import { copyPieces, extract, PieceList, sumPieces } from './piece-list.ts'
import { offload } from './receiver.ts'

const partial = (frame: Uint8Array): VnetHeader => {
  const { transportAt, protocol, ipAt, ipVersion, ipEnd } = parsed(frame)
  const checksumOffset = protocol === 6 ? 16 : 6
  const version = ipVersion === 6 ? 6 : 4
  const sum = foldSum(pseudoHeaderSum(frame, ipAt, version, protocol, ipEnd - transportAt))
  writeU16(frame, transportAt + checksumOffset, sum)
  return { ...plainVnetHeader(), flags: vnetFlag.needsChecksum, checksumStart: transportAt, checksumOffset }
}

function deliver(
  frame: Uint8Array,
  vnet: VnetHeader,
  receiver: MemoryReceiver,
  cuts: readonly number[] = [],
) {
  const loaded = new Frame(new PieceList(0))
  const code = loaded.load(piecesOf(frame, vnet, cuts)) || new Delivery().deliver(loaded, receiver)
  return code === 0 ? undefined : reasonOf(code)
}

const bytes = fc.uint8Array({ minLength: 1, maxLength: 3000 })
const cuts = fc.array(fc.nat(3000), { maxLength: 8 })
const addresses = fc.constantFrom(['10.0.0.1', '10.0.0.2'] as const, ['fd00::1', 'fd00::2'] as const)
const kinds = fc.constantFrom('tcp' as const, 'udp' as const)

describe('pieces', () => {
  it('are copied and summed as if they were one', () =>
    fc.assert(
      fc.property(bytes, cuts, cuts, fc.nat(2999), fc.nat(2999), (data, from, to, a, b) => {
        const [start, end] = [Math.min(a, b, data.length), Math.min(Math.max(a, b), data.length)]
        const source = piecesOf(data, undefined, from)
        const target = piecesOf(new Uint8Array(data.length), undefined, to)
        copyPieces(source, 12 + start, target, 12 + start, end - start)
        const copied = extract(target, 12, data.length)
        const expected = new Uint8Array(data.length)
        expected.set(data.subarray(start, end), start)
        expect(copied).toEqual(expected)
        expect(sumPieces(source, 12 + start, end - start)).toBe(sumBytes(data, start, end - start))
      }),
    ))
})

describe('a receiver', () => {
  it('without offloads gets a complete checksum, however the frame was cut and padded', () =>
    fc.assert(
      fc.property(
        addresses,
        kinds,
        bytes,
        cuts,
        fc.nat(9),
        fc.integer({ min: 20, max: 2000 }),
        (ends, kind, data, at, padding, bufferBytes) => {
          const [source, destination] = ends
          const whole = buildFrame({ source, destination, payload: { kind, data } })
          const frame = Uint8Array.from([...whole, ...new Array(padding).fill(0x5a)])
          const vnet = partial(frame)
          const receiver = new MemoryReceiver({ bufferBytes, buffers: 400 })
          expect(deliver(frame, vnet, receiver, at)).toBeUndefined()
          const [got] = receiver.take()
          expect(got?.vnet).toEqual({
            ...plainVnetHeader(),
            bufferCount: Math.ceil((12 + frame.length) / bufferBytes),
          })
          expect(got?.frame.subarray(0, whole.length)).toEqual(whole)
        },
      ),
    ))

  it('with offloads gets the frame as it was', () =>
    fc.assert(
      fc.property(addresses, bytes, cuts, ([source, destination], data, at) => {
        const frame = buildFrame({ source, destination, payload: { kind: 'tcp', data } })
        const gsoType = source.includes(':') ? vnetGso.tcpv6 : vnetGso.tcpv4
        const vnet = { ...partial(frame), gsoType, gsoSize: 100 }
        const receiver = new MemoryReceiver({ offloads: offload.checksum | offload.tcp4 | offload.tcp6 })
        expect(deliver(frame, vnet, receiver, at)).toBeUndefined()
        expect(receiver.take()).toMatchObject([{ frame, vnet: { flags: 1, gsoType, gsoSize: 100 } }])
      }),
    ))

  it('without GSO gets the segments that a wire would carry', () =>
    fc.assert(
      fc.property(
        addresses,
        kinds,
        bytes,
        cuts,
        fc.integer({ min: 8, max: 1460 }),
        ([source, destination], kind, data, at, gsoSize) => {
          const frame = buildFrame({ source, destination, payload: { kind, data } })
          const gsoType = kind === 'udp' ? vnetGso.udp : source.includes(':') ? vnetGso.tcpv6 : vnetGso.tcpv4
          const vnet = { ...partial(frame), gsoType, gsoSize }
          const receiver = new MemoryReceiver({ offloads: offload.checksum, buffers: 8 })
          const expected = segmentFrame(frame, parsed(frame), gsoSize)
          expect(deliver(frame, vnet, receiver, at)).toBeUndefined()
          const got = receiver.take().map(({ frame: segment }) => segment)
          expect(got).toEqual(expected)
          for (const segment of got) expect(frameWrongs(segment)).toEqual([])
        },
      ),
    ))
})

describe('an offload header is refused', () => {
  const tcp = () =>
    buildFrame({
      source: '10.0.0.1',
      destination: '10.0.0.2',
      payload: { kind: 'tcp', data: new Uint8Array(300) },
    })
  const good = () => ({ ...partial(tcp()), gsoType: 1, gsoSize: 100 })
  it.each<[string, Partial<VnetHeader>]>([
    ['whose checksum would be written into the ports', { gsoType: 0, checksumStart: 35, checksumOffset: 0 }],
    ['… into the addresses', { gsoType: 0, checksumStart: 14, checksumOffset: 16 }],
    ['… before the network header', { gsoType: 0, checksumStart: 0, checksumOffset: 16 }],
    ['… into the flags', { gsoType: 0, checksumOffset: 12 }],
    ['… behind the frame', { gsoType: 0, checksumStart: 340, checksumOffset: 40 }],
    ['with GSO and no checksum', { flags: 0 }],
    ['with segments of 7 bytes', { gsoSize: 7 }],
    ['of the other family', { gsoType: vnetGso.tcpv6 }],
    ['of UDP over TCP', { gsoType: vnetGso.udp }],
    ['of unknown GSO', { gsoType: 3 }],
  ])('%s', (_what, more) => {
    const frame = tcp()
    expect(deliver(frame, { ...good(), ...more }, new MemoryReceiver({ offloads: 31 }))).toBe(
      'offload-invalid',
    )
  })

  it('for ARP, which has no transport', () => {
    const frame = new Uint8Array(60)
    frame.set([8, 6], 12)
    const vnet = { ...plainVnetHeader(), flags: 1, checksumStart: 14, checksumOffset: 14 }
    expect(deliver(frame, vnet, new MemoryReceiver())).toBe('offload-invalid')
  })

  it.each([
    ['too short', 13, 'malformed-ethernet'],
    ['empty', 0, 'malformed-ethernet'],
    ['too long', 65_554, 'frame-too-long'],
  ])('a frame that is %s', (_what, length, reason) =>
    expect(deliver(new Uint8Array(length), plainVnetHeader(), new MemoryReceiver())).toBe(reason),
  )
})
