/**
 * Finds the code that belongs in one region: the basic blocks that the warm places of a page lead to, on this page and
 * then, as far as there is room, on the pages around it.
 *
 * An entry is a place where compiled code may begin: the warm places themselves, and where a call or an instruction
 * of the interpreter comes back. What never ran (as far as the page's records tell) is left out and becomes an exit.
 * Invariants: blocks do not overlap; each entry is the start of a block of the region's own page; a block is not empty;
 * a block lies on one page, unless its first instruction lies on two.
 */

import { defined } from '@virga/base'
import { isCompiled, type Placed, placedAt } from './facts.ts'

/** 4 KiB of code. */
export interface Code {
  readonly code: Uint8Array
  /** whether the halfword number (offset / 2) was ever run */
  readonly ran: (halfword: number) => boolean
}

/** A page of code and what is known of how it ran. */
export interface Page extends Code {
  /** pages around it, by how many pages they lie ahead (or behind: negative) */
  readonly around: ReadonlyMap<number, Code>
  /** byte offsets of warm places that are not compiled yet */
  readonly warm: readonly number[]
  /** byte offsets where compiled code begins already; a new region that holds one takes it over */
  readonly compiled: readonly number[]
}

/** Instructions without a jump among them. */
export interface Block {
  /** its place in `Region.blocks` */
  readonly number: number
  /** as in `Placed` */
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
/** Of these, most on pages around: what they hold may well be compiled for each page that leads there. */
const aroundMax = 100
const pageBytes = 4096

/** The page of an offset, by how many it lies ahead. */
export function pageOf(offset: number): number {
  return offset >> 12
}

/** The pages that hold a block. */
export function pagesOf({ offset, end }: Block): number[] {
  const [first, last] = [pageOf(offset), pageOf(end - 1)]
  return first === last ? [first] : [first, last]
}

/** Where instructions are read from. */
interface Source {
  readonly placedAt: (offset: number) => Placed | undefined
  readonly has: (page: number) => boolean
  readonly ran: (offset: number) => boolean
}

/** Instructions by offset, and the offsets where blocks begin. */
interface Survey {
  readonly placed: Map<number, Placed>
  readonly leaders: Set<number>
  readonly entries: Set<number>
}

/** The regions of a page: around `root` (a byte offset), then around each warm place that is not in one yet. */
export function findRegions(page: Page, root: number): Region[] {
  const source = sourceOf(page)
  const regions: Region[] = []
  const covered = new Set<number>()
  for (const start of [root, ...page.warm]) {
    if (covered.has(start)) continue
    const survey = explore(source, start, undefined)
    if (survey.placed.size === 0) continue
    for (const warm of page.warm) {
      if (survey.entries.has(warm) || covered.has(warm)) continue
      if (survey.placed.has(warm)) addEntry(survey, warm)
      else {
        const other = explore(source, warm, survey)
        if (other.joined && survey.placed.size + other.placed.size <= instructionsMax) absorb(survey, other)
      }
    }
    for (const offset of page.compiled) if (survey.placed.has(offset)) addEntry(survey, offset)
    for (const offset of survey.entries) covered.add(offset)
    regions.push(makeRegion(survey))
  }
  return regions
}

/** Decodes each place once. */
function sourceOf(page: Page): Source {
  const pages = new Map<number, Code>([...page.around, [0, page]])
  const views = new Map(
    [...pages].map(([number, { code }]) => [number, new DataView(code.buffer, code.byteOffset, pageBytes)]),
  )
  const halfAt = (offset: number) => views.get(pageOf(offset))?.getUint16(offset & (pageBytes - 1), true)
  const read = new Map<number, Placed | undefined>()
  return {
    placedAt: (offset) => {
      const known = read.get(offset)
      if (known !== undefined || read.has(offset)) return known
      const placed = placedAt(halfAt, offset)
      read.set(offset, placed)
      return placed
    },
    has: (number) => pages.has(number),
    ran: (offset) => pages.get(pageOf(offset))?.ran((offset & (pageBytes - 1)) >> 1) ?? false,
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
  source: Source,
  root: number,
  beside: Survey | undefined,
): Survey & { readonly joined: boolean } {
  const placed = new Map<number, Placed>()
  const leaders = new Set<number>()
  const entries = new Set<number>()
  const open: number[] = []
  /** on pages around: looked at when this page is done */
  const beyond: number[] = []
  let joined = false
  let around = 0
  const lead = (offset: number, entry: boolean) => {
    if (pageOf(offset) !== 0) {
      // No region begins on another page than its own.
      if (!entry && source.has(pageOf(offset))) beyond.push(offset)
      return
    }
    if (entry) {
      if (!isCompiled(source.placedAt(offset))) return
      entries.add(offset)
    }
    leaders.add(offset)
    open.push(offset)
  }
  const follow = (from: number, isBeyond: boolean) => {
    let offset = from
    while (isBeyond || pageOf(offset) === 0) {
      const joins = beside?.placed.has(offset) ?? false
      joined ||= joins
      if (joins || placed.has(offset)) {
        leaders.add(offset)
        return
      }
      if (placed.size >= instructionsMax || (isBeyond && around >= aroundMax)) return
      if (offset !== root && !source.ran(offset)) return
      const here = source.placedAt(offset)
      if (here === undefined) return
      const { decoded, facts } = here
      const next: number = offset + decoded.length
      const isAcross = pageOf(next - 1) !== pageOf(offset)
      if (isAcross && !isBeyond) break
      if (facts.flow === 'stop') {
        if (source.ran(next)) lead(next, true)
        return
      }
      placed.set(offset, here)
      if (isBeyond) around += 1
      if (isAcross || (isBeyond && (offset & (pageBytes - 1)) === 0)) leaders.add(offset)
      if (facts.flow === 'branch' || facts.flow === 'jump') lead(offset + decoded.imm, false)
      if (facts.flow === 'branch') leaders.add(next)
      else if (facts.flow !== 'next') {
        // Behind a call is where it comes back.
        const comesBack = facts.flow === 'leave' || (facts.writes === 'rd' && decoded.rd !== 0)
        if (comesBack && source.ran(next)) lead(next, true)
        return
      }
      offset = next
    }
    // Over the end of this page.
    if (source.has(pageOf(offset + 2))) beyond.push(offset)
  }
  lead(root, true)
  for (;;) {
    const near = open.pop()
    const offset = near ?? beyond.shift()
    if (offset === undefined) break
    if (near === undefined) leaders.add(offset)
    follow(offset, near === undefined)
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
