/**
 * Writes the function of one region.
 *
 * ```
 *   state := number of the entry
 *   loop again:                      ◄── computed jumps to an entry of this region
 *     computed:
 *       br_table state ─► load what the entry needs ─► items (see structure.ts)
 *         jump inside: br     jump back: poll, then br     jump outside: store, chain
 *         computed jump: store, computed     not for compiled code: store, bail
 *     the record of the target says: an entry of this region? state := …, again; else chain
 * ```
 * Every path out stores the registers that may have been written on the way to it, and is a tail call of `chain` or
 * `bail` (interpreter/chain.ts): nothing comes together at a shared exit, which would cost V8's register allocation more
 * than the stores do.
 * Invariants: registers in the hart block are stale inside; `icount` has been lessened by the whole block.
 */

import { assert, defined } from '@virga/base'
import type { FunctionBuilder, Label } from '@virga/wasm'
import { codePage } from '../hart/layout.ts'
import { type Frame, hartField, type Imports, Scratch } from '../interpreter/frame.ts'
import { pushMustLeave } from '../interpreter/handler.ts'
import { fetchedRecords, loadDataContext, pushFetchProbe } from '../interpreter/memory-path.ts'
import { pseudo, regionRecord } from '../interpreter/pseudo.ts'
import { type AccessGroup, groupAccesses } from './accesses.ts'
import { type Block, pagesOf, type Region } from './blocks.ts'
import { type FloatFunctions, pushFloatLimit } from './float-functions.ts'
import { type FloatSeen, type GroupLocals, mayRaise, RegionReader } from './reader.ts'
import { followRegisters, members, type RegisterSet, type RegisterUse, writtenBy } from './registers.ts'
import { SingleRegisters } from './singles.ts'
import { arrange, type Item } from './structure.ts'
import { WordRegisters } from './words.ts'

// Parameters.
const HART = 0
const ICOUNT = 1
const RECORD = 2
const RECORD_BASE = 3
const PAGE = 4

const pageBytes = 4096

/** How a jump gets to a block from where the writer is. */
interface Way {
  readonly label: Label
  /** to the start of a loop around here: poll first */
  readonly back: boolean
  /** the loop there has several headers and goes by `state` */
  readonly numbered: boolean
}

/** Places behind the body. */
interface Outside {
  readonly again: Label
  readonly computed: Label
}

/** Registers of a block of which a part is at hand. */
interface RegisterParts {
  readonly words: WordRegisters
  readonly singles: SingleRegisters
}

/** Functions that the region calls. */
export interface Callees {
  readonly imports: Imports
  /** see interpreter/chain.ts */
  readonly chain: number
  readonly bail: number
  /** the imported global with what `codePage.content` says where a page around has the code that is compiled here */
  readonly contentGlobal: (page: number) => number
  /** undefined where nothing in the module computes with floating point */
  readonly floatFunctions: FloatFunctions | undefined
}

/** Writes the region's body into `f`, whose type is `regionSignature`. */
export function writeRegion(f: FunctionBuilder, region: Region, callees: Callees): void {
  new RegionWriter(f, region, callees).write()
}

class RegionWriter {
  private readonly f: FunctionBuilder
  private readonly region: Region
  private readonly callees: Callees
  private readonly use: RegisterUse
  private readonly registers = new Map<number, number>()
  /** for low halves of integer registers */
  private readonly lowLocals = new Map<number, number>()
  /** for singles in floating-point registers */
  private readonly singleLocals = new Map<number, number>()
  /** see FloatReader */
  private readonly floatLimit: number | undefined
  private readonly ways = new Map<number, Way>()
  private readonly numbers = new Map<number, number>()
  private readonly state: number
  private readonly target: number
  private readonly dataContext: { readonly lower: number; readonly mask: number }
  /** locals that are 1 when a page around is known to have its code, by page */
  private readonly verified = new Map<number, number>()
  /** the pages of the block that is being written */
  private here: readonly number[] = []
  private readonly freeGroupLocals: number[] = []
  private readonly scratch: Scratch

  constructor(f: FunctionBuilder, region: Region, callees: Callees) {
    this.f = f
    this.region = region
    this.callees = callees
    this.use = followRegisters(region)
    for (const entry of region.entries) this.numberOf(entry)
    this.target = f.local('i64')
    for (const register of members(this.use.used)) {
      this.registers.set(register, f.local(register < 32 ? 'i64' : 'f64'))
    }
    this.state = f.local('i32')
    this.dataContext = { lower: f.local('i64'), mask: f.local('i64') }
    this.scratch = new Scratch(f)
    this.floatLimit = needsFloat(region) ? f.local('i32') : undefined
  }

  write(): void {
    const { f, region, dataContext } = this
    loadDataContext({ f, locals: { hart: HART }, dataContext })
    if (this.floatLimit !== undefined) {
      pushFloatLimit(f, HART)
      f.localSet(this.floatLimit)
    }
    f.localGet(RECORD)
    f.i32Load16U(regionRecord.entry)
    f.localSet(this.state)
    const again = f.loop()
    const computed = f.block()
    const outside = { again, computed }
    const items = arrange(
      region.blocks.map((block) => block.successors),
      region.entries,
    )
    this.writeItems(items, outside, (starts) => this.enter(starts))
    f.end()
    this.goOnAtComputed(outside)
    f.end()
    f.unreachable()
  }

  /** A number for `state`: entries have theirs from 0 up, in order, since records name them. */
  private numberOf(block: number): number {
    const number = this.numbers.get(block) ?? this.numbers.size
    this.numbers.set(block, number)
    return number
  }

  /** From `state`, the entry's number, to its block, with the registers that it needs. */
  private enter(starts: ReadonlyMap<number, Label>): void {
    const { f } = this
    const { entries } = this.region
    const labels = entries.map(() => f.block()).reverse()
    if (labels.length > 1) {
      f.localGet(this.state)
      f.brTable(labels.slice(0, -1), defined(labels.at(-1), 'the last one'))
    }
    for (const entry of entries) {
      f.end()
      for (const register of members(defined(this.use.neededAt[entry], 'needed registers'))) {
        f.localGet(HART)
        if (register < 32) f.i64Load(registerOffset(register))
        else f.f64Load(registerOffset(register))
        f.localSet(this.localOf(register))
      }
      f.br(defined(starts.get(entry), 'start'))
    }
  }

  private localOf(register: number): number {
    return defined(this.registers.get(register), 'register local')
  }

  /** Ends the path: on at another address, with all registers in the hart block. */
  private chainTo(pushPc: () => void): void {
    const { f } = this
    f.localGet(HART)
    f.localGet(ICOUNT)
    pushPc()
    f.returnCall(this.callees.chain)
  }

  private storeRegisters(dirty: RegisterSet, parts?: RegisterParts): void {
    const { f } = this
    for (const register of members(dirty)) {
      f.localGet(HART)
      if (parts === undefined) f.localGet(this.localOf(register))
      else if (register >= 32) parts.singles.pushWide(register - 32)
      else parts.words.push(register)
      if (register < 32) f.i64Store(registerOffset(register))
      else f.f64Store(registerOffset(register))
    }
  }

  private pushInPage(offset: number): void {
    this.f.localGet(PAGE)
    this.f.i64Const(offset)
    this.f.i64Add()
  }

  /** `enter` writes how control gets to the labels that it is given, by block. */
  private writeItems(
    items: readonly Item[],
    outside: Outside,
    enter: (starts: ReadonlyMap<number, Label>) => void,
  ): void {
    const { f } = this
    const labels = items.map(() => f.block()).reverse()
    const starts = new Map<number, Label>()
    for (const [index, item] of items.entries()) {
      const label = defined(labels[index], 'label')
      const heads = item.kind === 'block' ? [item.block] : item.headers
      const numbered = heads.length > 1
      for (const head of heads) {
        starts.set(head, label)
        if (!this.ways.get(head)?.back) this.ways.set(head, { label, back: false, numbered })
      }
    }
    enter(starts)
    for (const item of items) {
      f.end()
      if (item.kind === 'block') this.writeBlock(defined(this.region.blocks[item.block], 'block'), outside)
      else this.writeLoop(item.headers, item.body, outside)
    }
  }

  /** Goes to the block that `state` names, which is one of `blocks`. */
  private dispatch(blocks: readonly number[], starts: ReadonlyMap<number, Label>): void {
    const { f } = this
    const byNumber = new Map(
      blocks.map((block) => [this.numberOf(block), defined(starts.get(block), 'start')]),
    )
    const first = Math.min(...byNumber.keys())
    const last = Math.max(...byNumber.keys())
    const otherwise = defined(byNumber.get(last), 'the last one')
    f.localGet(this.state)
    if (first > 0) {
      f.i32Const(first)
      f.i32Sub()
    }
    f.brTable(
      Array.from({ length: last - first }, (_, index) => byNumber.get(first + index) ?? otherwise),
      otherwise,
    )
  }

  private writeLoop(headers: readonly number[], body: readonly Item[], outside: Outside): void {
    const { f } = this
    const label = f.loop()
    const numbered = headers.length > 1
    for (const header of headers) this.ways.set(header, { label, back: true, numbered })
    this.writeItems(body, outside, (starts) => {
      if (numbered) this.dispatch(headers, starts)
      else for (const header of headers) f.br(defined(starts.get(header), 'start'))
    })
    f.end()
  }

  private writeBlock(block: Block, outside: Outside): void {
    const { f } = this
    const count = block.instructions.length
    this.here = pagesOf(block)
    f.localGet(ICOUNT)
    f.i32Const(count)
    f.i32Sub()
    f.localSet(ICOUNT)
    const groups = groupAccesses(block.instructions)
    const groupLocals = this.groupLocals()
    const words = new WordRegisters(f, this.lowLocals, (register) => this.localOf(register))
    const singles = new SingleRegisters(f, this.singleLocals, (register) => this.localOf(register + 32))
    const parts = { words, singles }
    const floatSeen: FloatSeen = { enabled: false, dirty: false, modeValid: false }
    let dirty = defined(this.use.dirtyAt[block.number], 'dirty registers')
    for (const [index, placed] of block.instructions.entries()) {
      const behind = count - 1 - index
      const dirtyBefore = dirty
      dirty |= writtenBy(placed)
      const dirtyBehind = dirty
      const bail = () => this.bailOut(placed.offset, behind + 1, dirtyBefore, parts)
      const raises = mayRaise(placed, floatSeen)
      // What is written behind such an instruction knows no more which registers were low halves before it.
      if (raises || placed.facts.flow !== 'next') {
        words.widenAll()
        singles.boxAll()
      }
      const raised = raises ? this.openRaised() : undefined
      new RegionReader(
        {
          frame: this.frame(outside, raised?.label),
          registerLocal: (register) => this.localOf(register),
          ...parts,
          pageBase: PAGE,
          goTo: (offset) => this.goTo(offset, dirtyBehind),
          goToComputed: (local) => {
            f.localGet(local)
            f.localSet(this.target)
            this.storeRegisters(dirtyBehind)
            f.br(outside.computed)
          },
          leaveFor: (offset) => {
            this.storeRegisters(dirtyBehind)
            this.chainTo(() => this.pushInPage(offset))
          },
          bail,
          behind,
          group: groups.get(placed),
          groupLocals,
          floatSeen,
          floatLimit: this.floatLimit,
          floatFunctions: this.callees.floatFunctions,
        },
        placed,
      ).emit()
      // There nothing of the instruction has happened, whatever is at hand behind it.
      raised?.close(() => this.bailOut(placed.offset, behind + 1, dirtyBefore))
    }
    groupLocals.release()
    words.widenAll()
    singles.boxAll()
    const flow = defined(block.instructions.at(-1), 'last instruction').facts.flow
    if (flow === 'next' || flow === 'branch') this.goTo(block.end, dirty)
  }

  /** Around an instruction that may raise an exception: a label to go to then. */
  private openRaised(): { readonly label: Label; readonly close: (bail: () => void) => void } {
    const { f } = this
    const done = f.block()
    const label = f.block()
    return {
      label,
      close: (bail) => {
        f.br(done)
        f.end()
        bail()
        f.end()
      },
    }
  }

  /** Ends the path: the instruction at `offset` and `notBegun - 1` behind it have not begun. */
  private bailOut(offset: number, notBegun: number, dirty: RegisterSet, parts?: RegisterParts): void {
    const { f } = this
    this.storeRegisters(dirty, parts)
    f.localGet(HART)
    f.localGet(ICOUNT)
    f.i32Const(notBegun)
    f.i32Add()
    this.pushInPage(offset)
    f.returnCall(this.callees.bail)
  }

  /** Locals for the groups of one block; blocks share them. */
  private groupLocals(): GroupLocals & { readonly release: () => void } {
    const begun = new Map<AccessGroup, number>()
    return {
      find: (group) => (group === undefined ? undefined : begun.get(group)),
      begin: (group) => {
        const local = this.freeGroupLocals.pop() ?? this.f.local('i32')
        begun.set(group, local)
        return local
      },
      release: () => this.freeGroupLocals.push(...begun.values()),
    }
  }

  private frame(outside: Outside, raised: Label | undefined): Frame {
    const { f, scratch, dataContext } = this
    const { imports } = this.callees
    const exception = raised ?? outside.computed
    return {
      f,
      imports,
      scratch,
      dataContext,
      locals: {
        hart: HART,
        record: RECORD,
        recordBase: RECORD_BASE,
        pcDelta: PAGE,
        target: this.target,
        icount: ICOUNT,
      },
      exits: {
        next: outside.computed,
        jump: outside.computed,
        exception,
        illegal: exception,
        leave: () => assert(false, 'compiled code holds nothing that leaves the interpreter'),
      },
    }
  }

  private goTo(offset: number, dirty: RegisterSet): void {
    const { f } = this
    const block = this.region.at.get(offset)
    if (block === undefined) {
      this.storeRegisters(dirty)
      this.chainTo(() => this.pushInPage(offset))
      return
    }
    const way = defined(this.ways.get(block), 'way to the block')
    for (const page of pagesOf(defined(this.region.blocks[block], 'block'))) {
      if (page !== 0 && !this.here.includes(page)) this.verify(page, offset, dirty)
    }
    if (way.back) {
      pushMustLeave({ f, locals: { hart: HART, icount: ICOUNT } })
      f.if_(undefined, 'unlikely')
      this.storeRegisters(dirty)
      this.chainTo(() => this.pushInPage(offset))
      f.end()
    }
    if (way.numbered) {
      f.i32Const(this.numberOf(block))
      f.localSet(this.state)
    }
    f.br(way.label)
  }

  /**
   * Leaves for `offset` unless a page around has the code that was compiled. It is asked once while the region runs: until
   * this hart executes a fence, or is interrupted for one, which it leaves the region for, what it fetched stays good.
   */
  private verify(page: number, offset: number, dirty: RegisterSet): void {
    const { f, scratch } = this
    const verified = this.verified.get(page) ?? f.local('i32')
    this.verified.set(page, verified)
    const entry = scratch.take('i32')
    f.localGet(verified)
    f.i32Eqz()
    f.if_()
    this.pushInPage(page * pageBytes)
    f.localSet(this.target)
    pushFetchProbe({ f, locals: { hart: HART } }, this.target, entry)
    f.if_('i32', 'likely')
    f.localGet(entry)
    f.i32Load(fetchedRecords)
    f.i32Const(codePage.records - codePage.content)
    f.i32Sub()
    f.i32Load()
    f.globalGet(this.callees.contentGlobal(page))
    f.i32Eq()
    f.else_()
    f.i32Const(0)
    f.end()
    f.localTee(verified)
    f.i32Eqz()
    f.if_(undefined, 'unlikely')
    this.storeRegisters(dirty)
    this.chainTo(() => this.pushInPage(offset))
    f.end()
    f.end()
    scratch.release()
  }

  /** At `computed`: to an entry of this region, which the record of the target knows, or out. */
  private goOnAtComputed(outside: Outside): void {
    const { f, target, state } = this
    const there = this.scratch.take('i32')
    f.localGet(target)
    f.i64Const(-4096)
    f.i64And()
    f.localGet(PAGE)
    f.i64Eq()
    f.if_()
    f.localGet(RECORD_BASE)
    f.localGet(target)
    f.i32WrapI64()
    f.i32Const(0xffe)
    f.i32And()
    f.i32Const(2)
    f.i32Shl()
    f.i32Add()
    f.localTee(there)
    f.i32Load16U()
    f.i32Const(pseudo.region)
    f.i32Eq()
    f.localGet(there)
    f.i32Load(regionRecord.index)
    f.localGet(RECORD)
    f.i32Load(regionRecord.index)
    f.i32Eq()
    f.i32And()
    pushMustLeave({ f, locals: { hart: HART, icount: ICOUNT } })
    f.i32Eqz()
    f.i32And()
    f.if_()
    f.localGet(there)
    f.i32Load16U(regionRecord.entry)
    f.localSet(state)
    f.br(outside.again)
    f.end()
    f.end()
    this.scratch.release()
    this.chainTo(() => f.localGet(target))
    f.unreachable()
  }
}

function registerOffset(register: number): number {
  return register < 32 ? hartField('x') + register * 8 : hartField('f') + (register - 32) * 8
}

function needsFloat({ blocks }: Region): boolean {
  return blocks.some(({ instructions }) => instructions.some(({ facts }) => facts.uses.has('enableFp')))
}
