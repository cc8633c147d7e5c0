/**
 * The Internet checksum: in full, by increments, and partial. A *sum* is a running total that has not been folded to
 * 16 bits; a *checksum* is the folded total, complemented, as packets have it. A *partial* checksum field holds the
 * folded sum of the pseudo header alone, not complemented: whoever sends the packet on a wire completes it.
 * @spec ip-checksum "Computing the Internet Checksum"
 * @spec ip-checksum-update "The Corrected Equation"
 */
import { readU16, writeU16 } from './byte-order.ts'

/** Bytes that can be added without the total leaving 31 bits: 16,384 words of 16 bits on top of a folded one. */
const chunkBytes = 32_768

/** `sum` with the bytes of `bytes[at, at + length)` added as words of 16 bits; an odd last byte is a high one. */
export function sumBytes(bytes: Uint8Array, at: number, length: number, sum = 0): number {
  let total = foldSum(sum)
  let from = at
  for (let left = length; left > 0; left -= chunkBytes) {
    total = foldSum(sumChunk(bytes, from, Math.min(left, chunkBytes), total))
    from += chunkBytes
  }
  return total
}

function sumChunk(bytes: Uint8Array, at: number, length: number, sum: number): number {
  let total = sum
  let i = at
  const end = at + (length & ~1)
  for (const unrolled = at + (length & ~15); i < unrolled; i += 16) {
    const high =
      (bytes[i] as number) +
      (bytes[i + 2] as number) +
      (bytes[i + 4] as number) +
      (bytes[i + 6] as number) +
      (bytes[i + 8] as number) +
      (bytes[i + 10] as number) +
      (bytes[i + 12] as number) +
      (bytes[i + 14] as number)
    const low =
      (bytes[i + 1] as number) +
      (bytes[i + 3] as number) +
      (bytes[i + 5] as number) +
      (bytes[i + 7] as number) +
      (bytes[i + 9] as number) +
      (bytes[i + 11] as number) +
      (bytes[i + 13] as number) +
      (bytes[i + 15] as number)
    total = (total + (high << 8) + low) | 0
  }
  for (; i < end; i += 2) total = (total + readU16(bytes, i)) | 0
  return (length & 1) === 1 ? total + ((bytes[end] as number) << 8) : total
}

/** The total of 16 bits that is congruent to `sum`, which is at least 0. */
export function foldSum(sum: number): number {
  let folded = sum
  while (folded > 0xffff) folded = (folded & 0xffff) + (folded >>> 16)
  return folded
}

/** A sum with the bytes of its words exchanged: what it is when its bytes begin at an odd place. */
export function swapSum(sum: number): number {
  const folded = foldSum(sum)
  return ((folded & 0xff) << 8) | (folded >>> 8)
}

/** The checksum of a sum. */
export function checksumOf(sum: number): number {
  return ~foldSum(sum) & 0xffff
}

/** The checksum after one word that it covers changed from `was` to `is`. All are 16 bits. */
export function updateChecksum(checksum: number, was: number, is: number): number {
  return checksumOf((~checksum & 0xffff) + (~was & 0xffff) + is)
}

/** The same for a partial checksum, which is not complemented. */
export function updatePartial(partial: number, was: number, is: number): number {
  return foldSum(partial + (~was & 0xffff) + is)
}

/** The sum of a pseudo header: the addresses of the IP header at `ipAt`, protocol and length of what follows. */
export function pseudoHeaderSum(
  bytes: Uint8Array,
  ipAt: number,
  ipVersion: 4 | 6,
  protocol: number,
  length: number,
): number {
  const addresses = ipVersion === 4 ? sumBytes(bytes, ipAt + 12, 8) : sumBytes(bytes, ipAt + 8, 32)
  return addresses + protocol + (length & 0xffff) + (length >>> 16)
}

/** Computes and writes the checksum of the IPv4 header of `length` bytes at `at`. */
export function writeIpv4Checksum(bytes: Uint8Array, at: number, length: number): void {
  writeU16(bytes, at + 10, 0)
  writeU16(bytes, at + 10, checksumOf(sumBytes(bytes, at, length)))
}

/** Computes and writes the checksum at `fieldAt` of a transport unit `bytes[at, at + length)` under an IP header. */
export function writeTransportChecksum(
  bytes: Uint8Array,
  unit: {
    readonly ipAt: number
    readonly ipVersion: 4 | 6
    readonly protocol: number
    readonly at: number
    readonly length: number
    readonly fieldAt: number
  },
): void {
  const { ipAt, ipVersion, protocol, at, length, fieldAt } = unit
  writeU16(bytes, fieldAt, 0)
  const pseudo = protocol === 1 ? 0 : pseudoHeaderSum(bytes, ipAt, ipVersion, protocol, length)
  const checksum = checksumOf(sumBytes(bytes, at, length, pseudo))
  // UDP says "no checksum" by zero, so a checksum of zero is written as its other form.
  writeU16(bytes, fieldAt, checksum === 0 && protocol === 17 ? 0xffff : checksum)
}
