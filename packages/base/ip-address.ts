/**
 * IP addresses and blocks of them. Both families are four words, IPv4 in its mapped form (::ffff:a.b.c.d), so that
 * tables and comparisons need one form only. A block keeps its family: ::/0 does not contain IPv4.
 * @spec ipv6-addressing "Text Representation of Addresses"
 */

/** Four unsigned 32-bit words, highest first. IPv4 is 0, 0, 0xffff, address. */
export type IpAddress = readonly [number, number, number, number]

/** A block of addresses. `prefixLength` counts from the left of the family's own form: 0–32 or 0–128. */
export interface Cidr {
  readonly family: 4 | 6
  readonly base: IpAddress
  readonly prefixLength: number
}

/** The IPv4 address of a 32-bit number. */
export function ipv4(word: number): IpAddress {
  return [0, 0, 0xffff, word >>> 0]
}

/** Which family an address is of. */
export function familyOf(address: IpAddress): 4 | 6 {
  return address[0] === 0 && address[1] === 0 && address[2] === 0xffff ? 4 : 6
}

/** Whether two addresses are the same. */
export function sameIp(a: IpAddress, b: IpAddress): boolean {
  return a[3] === b[3] && a[2] === b[2] && a[1] === b[1] && a[0] === b[0]
}

/** Reads `10.0.0.1` or `fd00::1`, without zone or brackets; undefined when it is none. */
export function parseIp(text: string): IpAddress | undefined {
  return text.includes(':') ? parseIpv6(text) : parseIpv4(text)
}

function parseIpv4(text: string): IpAddress | undefined {
  const parts = text.split('.')
  if (parts.length !== 4) return undefined
  let word = 0
  for (const part of parts) {
    if (!/^(?:0|[1-9]\d{0,2})$/.test(part) || Number(part) > 255) return undefined
    word = word * 256 + Number(part)
  }
  return ipv4(word)
}

function parseIpv6(text: string): IpAddress | undefined {
  const tail = /^(.*:)([^:]*\.[^:]*)$/.exec(text)
  const embedded = tail === null ? undefined : parseIpv4(tail[2] ?? '')
  if (tail !== null && embedded === undefined) return undefined
  const low = embedded?.[3] ?? 0
  const whole = tail === null ? text : `${tail[1]}${(low >>> 16).toString(16)}:${(low & 0xffff).toString(16)}`
  const halves = whole.split('::')
  if (halves.length > 2) return undefined
  const [left = [], right = []] = halves.map((half) => (half === '' ? [] : half.split(':')))
  const missing = 8 - left.length - right.length
  if (halves.length === 2 ? missing < 1 : missing !== 0) return undefined
  const groups = [...left, ...Array<string>(missing).fill('0'), ...right]
  if (!groups.every((group) => /^[0-9a-f]{1,4}$/i.test(group))) return undefined
  const value = groups.map((group) => Number.parseInt(group, 16))
  const word = (at: number) => (((value[at] ?? 0) << 16) | (value[at + 1] ?? 0)) >>> 0
  return [word(0), word(2), word(4), word(6)]
}

/** Writes an address as people do: dotted, or with the longest run of zero groups shortened. */
export function formatIp(address: IpAddress): string {
  if (familyOf(address) === 4) {
    const word = address[3]
    return `${word >>> 24}.${(word >>> 16) & 255}.${(word >>> 8) & 255}.${word & 255}`
  }
  const groups = address.flatMap((word) => [word >>> 16, word & 0xffff]).map((group) => group.toString(16))
  const [at, length] = longestZeroRun(groups)
  if (length < 2) return groups.join(':')
  return `${groups.slice(0, at).join(':')}::${groups.slice(at + length).join(':')}`
}

function longestZeroRun(groups: readonly string[]): [at: number, length: number] {
  let best: [number, number] = [0, 0]
  for (let at = 0; at < groups.length; at++) {
    let end = at
    while (groups[end] === '0') end++
    if (end - at > best[1]) best = [at, end - at]
  }
  return best
}

/** Reads `10.0.0.0/24`, or an address alone as a block of one; undefined when it is none, or has host bits set. */
export function parseCidr(text: string): Cidr | undefined {
  const [addressText = '', lengthText, ...more] = text.split('/')
  const base = parseIp(addressText)
  if (base === undefined || more.length > 0) return undefined
  const family = addressText.includes(':') ? 6 : 4
  const bits = family === 4 ? 32 : 128
  if (lengthText !== undefined && !/^\d{1,3}$/.test(lengthText)) return undefined
  const prefixLength = lengthText === undefined ? bits : Number(lengthText)
  if (prefixLength > bits) return undefined
  const cidr: Cidr = { family, base, prefixLength }
  return base.every((word, at) => (word & ~maskWord(cidr, at)) === 0) ? cidr : undefined
}

/** Writes a block as address and length. */
export function formatCidr({ base, prefixLength }: Cidr): string {
  return `${formatIp(base)}/${prefixLength}`
}

/** Whether `address` is of the block's family and in it. */
export function cidrContains(cidr: Cidr, address: IpAddress): boolean {
  if (familyOf(address) !== cidr.family) return false
  for (let at = 0; at < 4; at++)
    if ((((address[at] as number) ^ (cidr.base[at] as number)) & maskWord(cidr, at)) !== 0) return false
  return true
}

/** The address `offset` after a block's first, or before its end when negative (-1 is the last). */
export function cidrAddress(cidr: Cidr, offset: number): IpAddress {
  const words = cidr.base.map((word, at) => (offset < 0 ? (word | ~maskWord(cidr, at)) >>> 0 : word))
  let carry = offset < 0 ? offset + 1 : offset
  for (let at = 3; at >= 0; at--) {
    const sum = (words[at] as number) + carry
    words[at] = sum >>> 0
    carry = Math.floor(sum / 2 ** 32)
  }
  return words as unknown as IpAddress // four words in, four words out
}

/** Word `at` of the block's mask, in the mapped form. */
function maskWord({ family, prefixLength }: Cidr, at: number): number {
  const bits = Math.min(32, Math.max(0, prefixLength + (family === 4 ? 96 : 0) - 32 * at))
  return bits === 0 ? 0 : -1 << (32 - bits)
}
