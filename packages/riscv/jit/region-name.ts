/**
 * The name of a compiled region, for whoever profiles the host: which guest code it is.
 *
 * `S:handle_mm_fault+0x1c0,mas_walk` is code of S-mode that was first hot 0x1c0 bytes into `handle_mm_fault`, with
 * some of `mas_walk` in it; `U:0x3fa4c0e12a` is where no symbol is known.
 */

import { defined } from '@virga/base'
import type { Region } from './blocks.ts'

/** Where a page was when a place on it got hot. Its code may be in other places, too, by then or later. */
export interface HotPlace {
  /** virtual address of the page */
  readonly page: bigint
  /** privilege: 0 U, 1 S, 3 M */
  readonly mode: number
  /** `stvec`, which tells where a kernel is */
  readonly trapVector: bigint
}

/** Finds what is at a virtual address, when the hart's `stvec` is `trapVector`. */
export type Symbolize = (
  address: bigint,
  trapVector: bigint,
) => { readonly name: string; readonly offset: number } | undefined

/** Functions that a name lists at most behind the first one; a page can hold fifty. */
const othersMax = 3
const modes = ['U', 'S', '?', 'M'] as const

/** Names a region after its first entry, and then after the other functions that it holds. */
export function nameRegion(
  { page, mode, trapVector }: HotPlace,
  region: Region,
  symbolize: Symbolize,
): string {
  const at = (block: number) => page + BigInt(defined(region.blocks[block], 'block').offset)
  const entry = at(defined(region.entries[0], 'entry'))
  const first = symbolize(entry, trapVector)
  const here = first === undefined ? hex(entry) : withOffset(first)
  const others = new Set(region.blocks.map(({ number }) => symbolize(at(number), trapVector)?.name))
  others.delete(undefined)
  others.delete(first?.name)
  const listed = [here, ...[...others].slice(0, othersMax), ...(others.size > othersMax ? ['…'] : [])]
  return `${modes[mode] ?? '?'}:${listed.join(',')}`
}

function withOffset({ name, offset }: { readonly name: string; readonly offset: number }): string {
  return offset === 0 ? name : `${name}+${hex(offset)}`
}

function hex(value: bigint | number): string {
  return `0x${value.toString(16)}`
}
