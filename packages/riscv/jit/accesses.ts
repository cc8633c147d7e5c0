/**
 * Loads and stores of a block that one look in the TLB serves: they go out from the same register, which nothing
 * between them writes, and lie close together. The look is made at the first of them, for all of their bytes; where it
 * fails (they reach over two pages, or not everything is memory) that instruction is left to the interpreter.
 * Why loads and stores apart: a store marks its page dirty, which must not happen before a load that may fault.
 */

import type { Placed } from './facts.ts'

/** Accesses that share a look in the TLB. Offsets are from the base register. */
export interface AccessGroup {
  readonly base: number
  readonly kind: 'load' | 'store'
  /** of the first byte of any */
  first: number
  /** behind the last byte of any */
  end: number
  /** how many there are */
  count: number
}

/** Bytes of a group at most: the more, the likelier it reaches over two pages. */
const groupBytesMax = 256

/** The group of each plain load and store of a block. */
export function groupAccesses(instructions: readonly Placed[]): ReadonlyMap<Placed, AccessGroup> {
  const groups = new Map<Placed, AccessGroup>()
  const open = new Map<string, AccessGroup>()
  for (const placed of instructions) {
    const { decoded, facts } = placed
    if (facts.access !== undefined) {
      const { kind, bytes } = facts.access
      const key = `${kind} ${decoded.rs1}`
      const known = open.get(key)
      const [first, end] = [decoded.imm, decoded.imm + bytes]
      if (known !== undefined && Math.max(known.end, end) - Math.min(known.first, first) <= groupBytesMax) {
        known.first = Math.min(known.first, first)
        known.end = Math.max(known.end, end)
        known.count += 1
        groups.set(placed, known)
      } else {
        const group = { base: decoded.rs1, kind, first, end, count: 1 }
        open.set(key, group)
        groups.set(placed, group)
      }
    }
    if (facts.writes === 'rd') {
      open.delete(`load ${decoded.rd}`)
      open.delete(`store ${decoded.rd}`)
    }
  }
  return groups
}
