/** Judges a frame in plain arithmetic: lengths and checksums as a receiver on a wire would see them. */
import { ParsedFrame } from '../parsed-frame.ts'

/** The frame, parsed; all of it counts as gathered. */
export function parsed(frame: Uint8Array): ParsedFrame {
  const result = new ParsedFrame()
  result.parse(frame, frame.length, frame.length)
  return result
}

/** What is wrong with a frame that is complete, checksums included. */
export function frameWrongs(frame: Uint8Array): string[] {
  const packet = parsed(frame)
  if (packet.fault !== 0) return [`fault ${packet.fault}`]
  if (packet.ipVersion === 0) return []
  const wrongs: string[] = []
  const ip = frame.subarray(packet.ipAt, packet.ipEnd)
  if (packet.ipVersion === 4 && onesSum(ip.subarray(0, ((ip[0] ?? 0) & 15) * 4)) !== 0xffffn)
    wrongs.push('checksum of the IPv4 header')
  if (packet.transportAt < 0 || packet.fragment !== 0 || ![1, 6, 17, 58].includes(packet.protocol))
    return wrongs
  const unit = frame.subarray(packet.transportAt, packet.ipEnd)
  const withoutChecksum = packet.protocol === 17 && unit[6] === 0 && unit[7] === 0 && packet.ipVersion === 4
  const addresses = packet.ipVersion === 4 ? ip.subarray(12, 20) : ip.subarray(8, 40)
  const tail = Uint8Array.of(0, 0, unit.length >> 8, unit.length & 255, 0, 0, 0, packet.protocol)
  const pseudo = packet.protocol === 1 ? [] : [...addresses, ...tail]
  if (!withoutChecksum && onesSum(Uint8Array.from([...pseudo, ...unit])) !== 0xffffn)
    wrongs.push(`checksum of protocol ${packet.protocol}`)
  return wrongs
}

/** The ones'-complement sum of the words in `bytes`, exactly: the remainder by 65535, where 0 is all ones. */
function onesSum(bytes: Uint8Array): bigint {
  let total = 0n
  bytes.forEach((byte, at) => {
    total += BigInt(byte) << (at % 2 === 0 ? 8n : 0n)
  })
  const remainder = total % 0xffffn
  return total > 0n && remainder === 0n ? 0xffffn : remainder
}
