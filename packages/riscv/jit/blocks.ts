/**
 * Finds the code that belongs in one region: the basic blocks of one page that the warm places lead to.
 *
 * An entry is a place where compiled code may begin: the warm places themselves, and where a call or an instruction
 * of the interpreter comes back. What never ran (as far as the page's records tell) is left out and becomes an exit.
 * Invariants: blocks do not overlap; each entry is the start of a block; a block is not empty.
 */

import { defined } from '@virga/base'
import { isCompiled, type Placed, placedAt } from './facts.ts'

/** A page of code and what is known of how it ran. */
export interface Page {
  /** the 4 KiB of code */
  readonly code: Uint8Array
  /** whether the halfword number (offset / 2) was ever run */
  readonly ran: (halfword: number) => boolean
  /** byte offsets of warm places that are not compiled yet */
  readonly warm: readonly number[]
  /** byte offsets where compiled code begins already; a new region that holds one takes it over */
  readonly compiled: readonly number[]
}

/** Instructions without a jump among them. */
export interface Block {
  /** its place in `Region.blocks` */
  readonly number: number
  readonly offset: number
  readonly instructions: readonly Placed[]
  /** byte offset behind the last instruction */
  readonly end: number
  /** the blocks of the region that control can go to directly */
  readonly successors: readonly number[]
}

/** What becomes one function. */
export interface Region {
  readonly blocks: readonly Block[]
  /** numbers of the blocks where it can be entered */
  readonly entries: readonly number[]
  /** number of the block at a byte offset */
  readonly at: ReadonlyMap<number, number>
}

/** Most instructions of a region; V8 takes longer for each in a longer function. */
const instructionsMax = 1000

/** Instructions by offset, and the offsets where blocks begin. */
interface Survey {
  readonly placed: Map<number, Placed>
  readonly leaders: Set<number>
  readonly entries: Set<number>
}

/** The regions of a page: around `root` (a byte offset), then around each warm place that is not in one yet. */
export function findRegions(page: Page, root: number): Region[] {
  const placedAt = readerOf(page.code)
  const regions: Region[] = []
  const covered = new Set<number>()
  for (const start of [root, ...page.warm]) {
    if (covered.has(start)) continue
    const survey = explore(placedAt, page, start, undefined)
    if (survey.placed.size === 0) continue
    for (const warm of page.warm) {
      if (survey.entries.has(warm) || covered.has(warm)) continue
      if (survey.placed.has(warm)) addEntry(survey, warm)
      else {
        const other = explore(placedAt, page, warm, survey)
        if (other.joined && survey.placed.size + other.placed.size <= instructionsMax) absorb(survey, other)
      }
    }
    for (const offset of page.compiled) if (survey.placed.has(offset)) addEntry(survey, offset)
    for (const offset of survey.entries) covered.add(offset)
    regions.push(makeRegion(survey))
  }
  return regions
}

/** Decodes each place of the page once. */
function readerOf(code: Uint8Array): (offset: number) => Placed | undefined {
  const view = new DataView(code.buffer, code.byteOffset, 4096)
  const read = new Map<number, Placed | undefined>()
  return (offset) => {
    const known = read.get(offset)
    if (known !== undefined || read.has(offset)) return known
    const placed = placedAt(view, offset)
    read.set(offset, placed)
    return placed
  }
}

function addEntry({ entries, leaders }: Survey, offset: number): void {
  entries.add(offset)
  leaders.add(offset)
}

function absorb(survey: Survey, other: Survey): void {
  for (const [offset, placed] of other.placed) survey.placed.set(offset, placed)
  for (const offset of other.leaders) survey.leaders.add(offset)
  for (const offset of other.entries) survey.entries.add(offset)
}

/** Everything that `root` leads to and that `beside` does not have yet; `joined`: it leads into that. */
function explore(
  placedAt: (offset: number) => Placed | undefined,
  page: Page,
  root: number,
  beside: Survey | undefined,
): Survey & { readonly joined: boolean } {
  const placed = new Map<number, Placed>()
  const leaders = new Set<number>()
  const entries = new Set<number>()
  const open: number[] = []
  let joined = false
  const lead = (offset: number, entry: boolean) => {
    if (offset < 0 || offset >= 4096) return
    if (entry) {
      if (!isCompiled(placedAt(offset))) return
      entries.add(offset)
    }
    leaders.add(offset)
    open.push(offset)
  }
  lead(root, true)
  for (;;) {
    let offset = open.pop()
    if (offset === undefined) break
    while (offset < 4096) {
      const joins = beside?.placed.has(offset) ?? false
      joined ||= joins
      if (joins || placed.has(offset)) {
        leaders.add(offset)
        break
      }
      if (placed.size >= instructionsMax) break
      if (offset !== root && !page.ran(offset >> 1)) break
      const here = placedAt(offset)
      if (here === undefined) break
      const { decoded, facts } = here
      const next: number = offset + decoded.length
      if (facts.flow === 'stop') {
        if (page.ran(next >> 1)) lead(next, true)
        break
      }
      placed.set(offset, here)
      if (facts.flow === 'branch' || facts.flow === 'jump') lead(offset + decoded.imm, false)
      if (facts.flow === 'branch') leaders.add(next)
      else if (facts.flow !== 'next') {
        // Behind a call is where it comes back.
        const comesBack = facts.flow === 'leave' || (facts.writes === 'rd' && decoded.rd !== 0)
        if (comesBack && page.ran(next >> 1)) lead(next, true)
        break
      }
      offset = next
    }
  }
  return { placed, leaders, entries, joined }
}

function makeRegion({ placed, leaders, entries }: Survey): Region {
  const starts = [...leaders].filter((offset) => placed.has(offset)).sort((a, b) => a - b)
  const at = new Map(starts.map((offset, number) => [offset, number]))
  const blocks = starts.map((offset, number) => makeBlock(placed, at, offset, number))
  return {
    blocks,
    entries: [...entries]
      .filter((offset) => at.has(offset))
      .map((offset) => defined(at.get(offset), 'entry')),
    at,
  }
}

function makeBlock(
  placed: ReadonlyMap<number, Placed>,
  at: ReadonlyMap<number, number>,
  offset: number,
  number: number,
): Block {
  const instructions: Placed[] = []
  let end = offset
  let here = placed.get(end)
  let flow = 'next'
  while (here !== undefined && flow === 'next' && (end === offset || !at.has(end))) {
    instructions.push(here)
    flow = here.facts.flow
    end += here.decoded.length
    here = placed.get(end)
  }
  const last = defined(instructions.at(-1), 'an instruction in the block')
  const targets: number[] = []
  if (flow === 'branch' || flow === 'jump') targets.push(last.offset + last.decoded.imm)
  if (flow === 'branch' || flow === 'next') targets.push(end)
  const successors = targets.flatMap((target) => at.get(target) ?? [])
  return {
    number,
    offset,
    instructions,
    end,
    successors: [...new Set(successors)],
  }
}
