/**
 * Loads and stores of a block that one look in the TLB serves: they go out from the same register, which nothing
 * between them writes, and lie close together. The look is made at the first of them, for all of their bytes; where it
 * fails (they reach over two pages, or not everything is memory) that instruction is left to the interpreter.
 * Why loads and stores apart: a store marks its page dirty, which must not happen before a load that may fault.
 * Where the code itself says where in a page an address is (static data), accesses of two pages are no group: it would
 * fail each time.
 */

import { isUpperImmediate } from '../isa/encoding.ts'
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
const pageBytes = 4096

/** The group of each plain load and store of a block. */
export function groupAccesses(instructions: readonly Placed[]): ReadonlyMap<Placed, AccessGroup> {
  const groups = new Map<Placed, AccessGroup>()
  const open = new Map<string, AccessGroup>()
  const inPage = new KnownPlaces()
  for (const placed of instructions) {
    const { decoded, facts } = placed
    if (facts.access !== undefined) {
      const { kind, bytes } = facts.access
      const key = `${kind} ${decoded.rs1}`
      const known = open.get(key)
      const own = { first: decoded.imm, end: decoded.imm + bytes }
      const first = Math.min(known?.first ?? own.first, own.first)
      const end = Math.max(known?.end ?? own.end, own.end)
      if (known !== undefined && end - first <= groupBytesMax && !inPage.isAcross(decoded.rs1, first, end)) {
        known.first = first
        known.end = end
        known.count += 1
        groups.set(placed, known)
      } else {
        const group = { base: decoded.rs1, kind, ...own, count: 1 }
        open.set(key, group)
        groups.set(placed, group)
      }
    }
    inPage.follow(placed)
    if (facts.writes === 'rd') {
      open.delete(`load ${decoded.rd}`)
      open.delete(`store ${decoded.rd}`)
    }
  }
  return groups
}

/** Where in a page the addresses in registers are, as far as the instructions of a block tell. */
class KnownPlaces {
  readonly #places = new Map<number, number>([[0, 0]])

  /** Whether bytes `first` to `end` from the register are known to lie on more than one page. */
  isAcross(register: number, first: number, end: number): boolean {
    const place = this.#places.get(register)
    if (place === undefined) return false
    return Math.floor((place + first) / pageBytes) !== Math.floor((place + end - 1) / pageBytes)
  }

  follow({ decoded, facts, offset }: Placed): void {
    const { rd, rs1, imm, instruction } = decoded
    if (facts.writes !== 'rd' || rd === 0) return
    const summands = { imm: 0, 'pc+imm': offset, 'rs1+imm': this.#places.get(rs1) }
    const base = facts.sum === undefined ? undefined : summands[facts.sum]
    if (base === undefined) this.#places.delete(rd)
    else this.#places.set(rd, (base + (isUpperImmediate(instruction.operands) ? 0 : imm)) & (pageBytes - 1))
  }
}
