/**
 * Random edits of page tables, fences and accesses, with the evaluator's translation as the judge. Until the fence that
 * an edit asks for, whatever it concerns is accessed but not judged: that fills the caches with what is stale.
 * TRANSLATION_SEED and TRANSLATION_ROUNDS set what is run.
 */
import { describe, expect, it } from 'vitest'
import { hartRequest } from '../hart/layout.ts'
import { seededRandom } from '../isa/cases/random.ts'
import { type Hart, type PhysicalMemory, resetHart } from '../isa/evaluate/index.ts'
import { translate } from '../isa/evaluate/translate.ts'
import { kernelLeaf, makeHart, pte, ramBase, type TestHart } from './testing/hart.ts'
import { type Mode, makeTables, modes } from './testing/tables.ts'

const seed = Number(process.env.TRANSLATION_SEED ?? 1)
const rounds = Number(process.env.TRANSLATION_ROUNDS ?? 20)
const stepsPerRound = 300

const status = { SUM: 1n << 18n, MXR: 1n << 19n }
const adue = 1n << 61n
const dataPages = Array.from({ length: 16 }, (_, i) => ramBase + 0x10_0000 + i * 4096)
const kinds = ['load', 'store', 'fetch'] as const
const causes = { load: 13n, store: 15n, fetch: 12n } as const
/** Places that share slots in each cache: pages side by side, 2 MiB, 64 MiB, 512 MiB and 128 GiB apart. */
const offsets = [0n, 1n, 512n, 513n, 1n << 14n, 1n << 17n, 1n << 25n, (1n << 25n) + 1n].map((n) => n << 12n)
const halves = { lower: 0n, upper: 0xffff_ffc0_0000_0000n }

/** Guest memory, for the evaluator: writes are kept apart, to be compared with what the runtime wrote. */
class Overlay implements PhysicalMemory {
  readonly written = new Map<number, bigint>()
  readonly #hart: TestHart
  constructor(hart: TestHart) {
    this.#hart = hart
  }
  read(address: bigint): bigint | undefined {
    return this.#hart.read(Number(address))
  }
  write(address: bigint, _bytes: number, value: bigint): boolean {
    this.written.set(Number(address), value)
    return true
  }
}

/** An address in a space, and which edits of it no fence has covered yet. */
interface Place {
  readonly space: number
  readonly va: bigint
  leafStale: boolean
  tableStale: boolean
}

function makeRound(random: ReturnType<typeof seededRandom>) {
  const hart = makeHart()
  hart.openPmp()
  for (const page of dataPages) hart.write(page, BigInt(page))
  const mode: Mode = random.pick(['sv39', 'sv48'])
  const globalKernel = random.below(2) === 0
  const spaces = [1, 2, 3].map((asid) => makeTables(hart, mode, asid))
  const places = spaces.flatMap((_, space) =>
    Object.values(halves).flatMap((base) =>
      offsets.map((offset): Place => ({ space, va: base + offset, leafStale: false, tableStale: false })),
    ),
  )
  const model: Hart = resetHart()
  model.csr.pmpcfg[0] = 0x1fn
  model.csr.pmpaddr[0] = (1n << 54n) - 1n
  if (random.below(2) === 0) {
    hart.csrSet(0x30a, adue)
    model.csr.menvcfg |= adue
  }
  const isGlobal = ({ va }: Place) => globalKernel && va >= halves.upper
  /** The same address wherever it is: a global page is in all spaces alike. */
  const alike = (place: Place) =>
    isGlobal(place) ? places.filter(({ va }) => va === place.va) : [place]
  // All spaces hold the global kernel by the same tables.
  const tablesOf = (place: Place) => spaces[isGlobal(place) ? 0 : place.space] as (typeof spaces)[number]
  for (const place of places.filter(isGlobal)) {
    tablesOf(place).slot(place.va)
    const top = modes[mode].levels - 1
    for (const tables of spaces)
      hart.write(tables.slot(place.va, top), hart.read(tablesOf(place).slot(place.va, top)))
  }
  return { hart, mode, spaces, places, model, isGlobal, alike, tablesOf }
}

function runRound(number: number): void {
  const random = seededRandom(number)
  const { hart, mode, spaces, places, model, isGlobal, alike, tablesOf } = makeRound(random)
  let current = 0
  const told = (step: number) => `TRANSLATION_SEED=${number} TRANSLATION_ROUNDS=1, step ${step}`

  const editLeaf = () => {
    const place = random.pick(places)
    const bits = random.pick([
      0n,
      kernelLeaf,
      kernelLeaf & ~pte.D,
      kernelLeaf & ~(pte.A | pte.D),
      kernelLeaf & ~pte.W,
      kernelLeaf & ~(pte.W | pte.R),
      kernelLeaf | pte.U,
      (kernelLeaf | pte.U) & ~pte.D,
    ])
    const page = random.pick(dataPages)
    const entry = tablesOf(place).slot(place.va)
    // an entry that was not valid is not cached
    if ((hart.read(entry) & pte.V) !== 0n) for (const each of alike(place)) each.leafStale = true
    const global = isGlobal(place) ? pte.G : 0n
    hart.write(entry, bits === 0n ? 0n : (BigInt(page) >> 2n) | bits | global)
  }

  /** Gives the 2 MiB around an address another table, with other leaves, in every space that has it. */
  const editTable = () => {
    const place = random.pick(places)
    const sharing = alike(place)
    const replacement = makeTables(hart, mode, 9)
    const neighbours = places.filter(
      (each) => sharing.some(({ space }) => space === each.space) && each.va >> 21n === place.va >> 21n,
    )
    for (const each of neighbours) {
      const bits = isGlobal(each) ? kernelLeaf | pte.G : kernelLeaf
      replacement.map(each.va, dataPages[Number((each.va >> 12n) & 15n)] ?? ramBase, bits)
      each.leafStale = true
      each.tableStale = true
    }
    hart.write(tablesOf(place).slot(place.va, 1), hart.read(replacement.slot(place.va, 1)))
  }

  const fence = () => {
    const { va, space } = random.pick(places)
    const how = random.below(5)
    const asid = BigInt(space + 1)
    const covered = (each: Place) =>
      how < 2 || how === 3 || (each.space === space && !isGlobal(each))
    hart.become(1)
    if (how === 0) hart.call('sfence_vma', 0n, 0n, 0)
    else if (how === 1) {
      hart.set('requests', hartRequest.flushTlb)
      hart.call('enter')
    } else if (how === 2) hart.call('sfence_vma', 0n, asid, 2)
    else if (how === 3) hart.call('sfence_vma', va, 0n, 1)
    else hart.call('sfence_vma', va, asid, 3)
    hart.become(model.privilege)
    for (const each of places) {
      if (!covered(each)) continue
      if (how < 3) each.tableStale = false
      if (how < 3 || each.va === va) each.leafStale = false
    }
  }

  const enter = () => {
    current = random.below(spaces.length)
    const bits = random.pick([0n, status.SUM, status.MXR, status.SUM | status.MXR])
    model.csr.mstatus = (model.csr.mstatus & ~(status.SUM | status.MXR)) | bits
    hart.set('mstatus', (hart.get('mstatus') & ~(status.SUM | status.MXR)) | bits)
    model.csr.satp = spaces[current]?.satp ?? 0n
    hart.set('satp', model.csr.satp)
    model.privilege = random.pick([0, 1])
    hart.become(model.privilege)
  }

  /** What compiled code does: a look in the TLB, and the runtime where that has nothing. */
  const access = (kind: (typeof kinds)[number], va: bigint) => {
    const found = hart.probe(({ load: 'r', store: 'w', fetch: 'x' } as const)[kind], va)
    if (kind === 'load')
      return found === undefined ? hart.load(va) : { value: hart.view.getBigUint64(found, true) }
    if (found !== undefined) return { value: 0n }
    return kind === 'store' ? hart.store(va, 1n) : hart.fetch(va)
  }

  const judge = (step: number) => {
    const place = random.pick(places.filter(({ space }) => space === current))
    const kind = random.pick(kinds)
    const memory = new Overlay(hart)
    // a page's first bytes say which it is
    const va = kind === 'store' ? place.va + 8n : place.va
    const expected = translate(model, memory, va, kind)
    const seen = access(kind, va)
    if (place.leafStale || place.tableStale) return
    if ('fault' in expected) expect(seen, told(step)).toEqual({ cause: Number(causes[kind]), tval: va })
    else if (kind === 'load') expect(seen, told(step)).toEqual({ value: expected.physical })
    else expect(seen, told(step)).not.toHaveProperty('cause')
    for (const [address, value] of memory.written)
      expect(hart.read(address), `${told(step)}: A and D`).toBe(value)
  }

  const actions = [editLeaf, editLeaf, editTable, fence, fence, enter, enter]
  enter()
  for (let step = 0; step < stepsPerRound; step++) {
    if (random.below(3) === 0) random.pick(actions)()
    judge(step)
  }
}

describe('translation', () => {
  it.each(Array.from({ length: rounds }, (_, i) => seed + i))('is what the tables say, seed %i', (number) => {
    runRound(number)
  })
})
