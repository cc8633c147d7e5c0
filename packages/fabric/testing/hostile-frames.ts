/**
 * Frames that no honest machine sends: good ones with bytes changed, cut, lengthened, of lengths and offsets that lie, in
 * pieces of any size. From one seed comes one frame.
 */
import { type RandomWord, seededRandom } from '@virga/base'
import { plainVnetHeader, type VnetHeader, vnetHeaderBytes, writeVnetHeader } from '@virga/packet'
import { buildFrame, type Payload } from '@virga/packet/testing'
import { PieceList } from '../frame/piece-list.ts'
import { routerMac } from './world.ts'

/** Bytes around the frame in its memory, which nobody may read: they are of this value. */
export const guardByte = 0xa5
const guardBytes = 64

/** A hostile frame of the machine with the last number `from`, in pieces. */
export function hostileFrame(seed: number, from: number): PieceList {
  const random = seededRandom(seed)
  const pick = <T>(list: readonly T[]): T => list[random() % list.length] as T // never empty
  const bytes = mutate(goodFrame(random, from), random)
  const vnet = plainVnetHeader()
  if (random() % 2 === 0) lie(vnet, random)
  const whole = new Uint8Array(vnetHeaderBytes + bytes.length)
  writeVnetHeader(whole, 0, vnet)
  whole.set(bytes, vnetHeaderBytes)
  const length = random() % 20 === 0 ? random() % (whole.length + 1) : whole.length
  const memory = new Uint8Array(length + 2 * guardBytes).fill(guardByte)
  memory.set(whole.subarray(0, length), guardBytes)
  const pieces = new PieceList(64, memory)
  for (let at = 0; at < length; ) {
    const part =
      pieces.count === 63 ? length - at : Math.min(length - at, pick([1, 2, 11, 12, 13, 60, 500, 70_000]))
    pieces.add(guardBytes + at, part)
    at += part
  }
  return pieces
}

function goodFrame(random: RandomWord, from: number): Uint8Array {
  const pick = <T>(list: readonly T[]): T => list[random() % list.length] as T // never empty
  const isV6 = random() % 3 === 0
  const host = (number: number) => (isV6 ? `fd00::${number.toString(16)}` : `10.0.0.${number}`)
  const data = new Uint8Array(pick([0, 7, 40, 300, 2000])).map(() => random())
  const ports = {
    sourcePort: pick([1, 53, 67, 68, 546, 547]),
    destinationPort: pick([1, 53, 67, 68, 80, 546]),
  }
  const payload: Payload = pick<Payload>([
    { kind: 'tcp', data, ...ports, flags: random() & 255 },
    { kind: 'udp', data, ...ports },
    {
      kind: 'icmp',
      data,
      type: pick([0, 3, 5, 8, 11, 1, 2, 128, 129, 133, 134, 135, 136, 137]),
      rest: random(),
    },
    { kind: 'other', data, protocol: pick([0, 43, 44, 47, 50, 51, 59, 60, 132]) },
  ])
  const to = pick([10, 11, 12, 1, 2, 99])
  const destination = pick([host(to), host(to), host(to), isV6 ? 'fd00:ec2::254' : '169.254.169.254'])
  const destinationMac = pick([routerMac, 0x0200_0000_0000 + to, 0xffff_ffff_ffff])
  const sourceMac = 0x0200_0000_0000 + from
  const source = random() % 8 === 0 ? (isV6 ? '::' : '0.0.0.0') : host(from)
  return buildFrame({
    sourceMac,
    destinationMac,
    source,
    destination,
    payload,
    fragment: random() % 6 === 0 ? random() & 0x3fff : 0,
  })
}

function mutate(frame: Uint8Array, random: RandomWord): Uint8Array {
  for (let count = random() % 5; count > 0; count--) {
    // Mostly in headers, where it matters.
    const at = random() % 4 === 0 ? random() % frame.length : 12 + (random() % 70)
    if (at < frame.length)
      frame[at] = random() % 2 === 0 ? random() : ([0, 1, 0x7f, 0x80, 0xff][random() % 5] ?? 0)
  }
  const kind = random() % 12
  if (kind === 0) return frame.subarray(0, random() % (frame.length + 1))
  if (kind === 1) return Uint8Array.from([...frame, ...frame])
  if (kind === 2) frame.set([0x08, 0x06], 12)
  if (kind === 3) frame.set([0x81, 0x00], 12)
  return frame
}

function lie(vnet: VnetHeader, random: RandomWord): void {
  const small = () => [0, 14, 16, 34, 54, 6, 100, random() & 0xffff][random() % 8] ?? 0
  vnet.flags = random() & 3
  vnet.gsoType = [0, 1, 4, 5, 0x81, 3, random() & 255][random() % 7] ?? 0
  vnet.gsoSize = [0, 7, 8, 500, 1448, 65_535][random() % 6] ?? 0
  vnet.checksumStart = small()
  vnet.checksumOffset = [16, 6, 2, 0, random() & 0xffff][random() % 5] ?? 0
  vnet.headerLength = random() & 0xffff
}
