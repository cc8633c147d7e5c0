/**
 * Which registers a region loads where it is entered, and stores where it is left.
 *
 * ```
 *   forwards:  dirty at a place  = written on some path from an entry to it
 *   backwards: needed at a place = read on some path from it before it is written, or stored by an exit on the way
 * ```
 * An exit stores what is dirty there, on whichever path; so an entry whose own path does not write such a register
 * loads it. Entries begin clean, also those that the region jumps to itself by a computed address.
 * A set of registers is a bit mask: bits 0..31 are x, bits 32..63 are f; x0 is never in one.
 */

import { defined } from '@virga/base'
import type { Block, Region } from './blocks.ts'
import type { Placed } from './facts.ts'

/** Registers as bits. */
export type RegisterSet = bigint

/** What is known of a region's registers; arrays by number of the block. */
export interface RegisterUse {
  readonly used: RegisterSet
  /** may have been written when control comes to the block */
  readonly dirtyAt: readonly RegisterSet[]
  /** the same behind its last instruction */
  readonly dirtyBehind: readonly RegisterSet[]
  /** must be in locals when control comes to the block */
  readonly neededAt: readonly RegisterSet[]
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
export function followRegisters({ blocks }: Region): RegisterUse {
  const writes = blocks.map((block) => unionOf(block, writtenBy))
  const dirtyAt: RegisterSet[] = blocks.map(() => 0n)
  for (let changed = true; changed; ) {
    changed = false
    for (const { number, successors } of blocks) {
      const out = (dirtyAt[number] ?? 0n) | (writes[number] ?? 0n)
      for (const successor of successors) {
        const before = dirtyAt[successor] ?? 0n
        if ((before | out) === before) continue
        dirtyAt[successor] = before | out
        changed = true
      }
    }
  }
  const dirtyBehind = blocks.map(({ number }) => (dirtyAt[number] ?? 0n) | (writes[number] ?? 0n))
  const used = blocks.reduce((all, block) => all | unionOf(block, readBy) | unionOf(block, writtenBy), 0n)
  return { used, dirtyAt, dirtyBehind, neededAt: followBackwards(blocks, writes, dirtyAt, dirtyBehind) }
}

function followBackwards(
  blocks: readonly Block[],
  writes: readonly RegisterSet[],
  dirtyAt: readonly RegisterSet[],
  dirtyBehind: readonly RegisterSet[],
): readonly RegisterSet[] {
  const own = blocks.map((block) => neededByItself(block, dirtyAt[block.number] ?? 0n))
  const neededAt = [...own]
  for (let changed = true; changed; ) {
    changed = false
    for (let number = blocks.length - 1; number >= 0; number--) {
      // Behind a block there may be an exit: out of the region, or to poll.
      const behind = defined(blocks[number], 'block').successors.reduce(
        (set, successor) => set | (neededAt[successor] ?? 0n),
        dirtyBehind[number] ?? 0n,
      )
      const needed = (own[number] ?? 0n) | (behind & ~(writes[number] ?? 0n))
      if (needed === neededAt[number]) continue
      neededAt[number] = needed
      changed = true
    }
  }
  return neededAt
}

/** What the block's instructions read before they write it, or store when one of them faults. */
function neededByItself({ instructions }: Block, dirtyAt: RegisterSet): RegisterSet {
  let needed = 0n
  let written = 0n
  for (const placed of instructions) {
    needed |= readBy(placed) & ~written
    if (placed.facts.mayFault) needed |= dirtyAt & ~written
    written |= writtenBy(placed)
  }
  return needed
}

function unionOf(block: Block, of: (placed: Placed) => RegisterSet): RegisterSet {
  return block.instructions.reduce((set, placed) => set | of(placed), 0n)
}
