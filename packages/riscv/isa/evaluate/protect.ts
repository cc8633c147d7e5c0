/** Physical memory protection, sixteen entries. @spec riscv-priv "Physical Memory Protection" */

import { bit, bits, type Hart, MACHINE, type Privilege } from './hart.ts'

export type Access = 'load' | 'store' | 'fetch'

const PERMISSION_BIT = { load: 0, store: 1, fetch: 2 } as const
const LOCKED = 7
const ENTRIES = 16

/** Configuration byte of one entry. */
export function pmpConfig(hart: Hart, entry: number): bigint {
  return bits(hart.csr.pmpcfg[entry >> 3] ?? 0n, (entry & 7) * 8 + 7, (entry & 7) * 8)
}

/** Addresses [start, end) of an entry, or undefined when it is off. */
function region(hart: Hart, entry: number): readonly [start: bigint, end: bigint] | undefined {
  const address = hart.csr.pmpaddr[entry] ?? 0n
  switch (bits(pmpConfig(hart, entry), 4, 3)) {
    case 1n:
      return [entry === 0 ? 0n : (hart.csr.pmpaddr[entry - 1] ?? 0n) << 2n, address << 2n]
    case 2n:
      return [address << 2n, (address << 2n) + 4n]
    case 3n: {
      // n trailing ones make a region of 2ⁿ⁺³ bytes
      const lowestZero = ~address & (address + 1n)
      const start = (address & ~(lowestZero - 1n)) << 2n
      return [start, start + (lowestZero << 3n)]
    }
    default:
      return undefined
  }
}

/**
 * Whether the access may happen. The first entry that covers any byte decides, and it must cover all of them;
 * where none does, M-mode may and the others may not.
 */
export function pmpAllows(
  hart: Hart,
  privilege: Privilege,
  address: bigint,
  bytes: number,
  access: Access,
): boolean {
  const end = address + BigInt(bytes)
  for (let entry = 0; entry < ENTRIES; entry++) {
    const range = region(hart, entry)
    if (range === undefined || end <= range[0] || address >= range[1]) continue
    if (address < range[0] || end > range[1]) return false
    const config = pmpConfig(hart, entry)
    if (privilege === MACHINE && !bit(config, LOCKED)) return true
    return bit(config, PERMISSION_BIT[access])
  }
  return privilege === MACHINE
}
