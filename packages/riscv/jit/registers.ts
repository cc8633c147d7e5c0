/**
 * Which registers a region uses, and which ones differ from the hart block where it is left.
 * A set of registers is a bit mask: bits 0..31 are x, bits 32..63 are f; x0 is never in one.
 */

import type { Block, Region } from './blocks.ts'
import type { Placed } from './facts.ts'

/** Registers as bits. */
export type RegisterSet = bigint

/** What is known of a region's registers. */
export interface RegisterUse {
  readonly used: RegisterSet
  readonly written: RegisterSet
  /** by block: registers that may have been written when control comes to it */
  readonly dirtyAt: readonly RegisterSet[]
  /** those that may have been written where it jumps to a computed address */
  readonly dirtyAtIndirect: RegisterSet
}

function bit(file: 'x' | 'f', number: number): RegisterSet {
  return file === 'x' ? (number === 0 ? 0n : 1n << BigInt(number)) : 1n << BigInt(number + 32)
}

/** The register that an instruction writes. */
export function writtenBy({ decoded, facts }: Placed): RegisterSet {
  if (facts.writes === undefined) return 0n
  return bit(facts.writes === 'rd' ? 'x' : 'f', decoded.rd)
}

function readBy({ decoded, facts }: Placed): RegisterSet {
  return facts.reads.reduce(
    (set, operand) =>
      set |
      (operand.startsWith('f')
        ? bit('f', decoded[operand.slice(1) as 'rs1' | 'rs2' | 'rs3'])
        : bit('x', decoded[operand as 'rs1' | 'rs2'])),
    0n,
  )
}

/** Numbers of the registers in a set, in order: 0..63. */
export function members(set: RegisterSet): number[] {
  const numbers: number[] = []
  for (let low = Number(set & 0xffffffffn), n = 0; low !== 0; low >>>= 1, n++) if (low & 1) numbers.push(n)
  for (let high = Number(set >> 32n), n = 32; high !== 0; high >>>= 1, n++) if (high & 1) numbers.push(n)
  return numbers
}

/** Follows the region's registers through its blocks until nothing changes. */
export function followRegisters({ blocks, entries }: Region): RegisterUse {
  const writes = blocks.map((block) => unionOf(block, writtenBy))
  const dirtyAt: RegisterSet[] = blocks.map(() => 0n)
  let dirtyAtIndirect = 0n
  for (let changed = true; changed; ) {
    changed = false
    const add = (to: number, set: RegisterSet) => {
      const before = dirtyAt[to] ?? 0n
      if ((before | set) === before) return
      dirtyAt[to] = before | set
      changed = true
    }
    for (const { number, successors, indirect } of blocks) {
      const out = (dirtyAt[number] ?? 0n) | (writes[number] ?? 0n)
      for (const successor of successors) add(successor, out)
      if (!indirect) continue
      dirtyAtIndirect |= out
      for (const entry of entries) add(entry, dirtyAtIndirect)
    }
  }
  const written = writes.reduce((all, set) => all | set, 0n)
  const used = blocks.reduce((all, block) => all | unionOf(block, readBy), written)
  return { used, written, dirtyAt, dirtyAtIndirect }
}

function unionOf(block: Block, of: (placed: Placed) => RegisterSet): RegisterSet {
  return block.instructions.reduce((set, placed) => set | of(placed), 0n)
}
