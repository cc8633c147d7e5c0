/**
 * Writes the function of one region.
 *
 * ```
 *   state := number of the entry
 *   leave: fault: illegal:
 *     loop again:                      ◄── computed jumps to an entry of this region
 *       computed:
 *         br_table state ─► load what the entry needs ─► items (see structure.ts)
 *           jump inside: br     jump back: poll, then br     jump outside: store, chain
 *           computed jump: store, computed
 *       the record of the target says: an entry of this region? state := …, again; else chain
 *   illegal: excCause := 2
 *   fault:   store; pc := page + offset; return icount + what was taken ahead
 *   leave:   store; chain to target               (polls)
 * ```
 * Invariants: registers in the hart block are stale inside; `icount` has been lessened by the whole block. `place`
 * holds, wherever an exception can be raised, the offset | (instructions behind) << 12 | (what to store) << 22, and
 * only the last of these at a poll: `exitSets` numbers the sets of registers.
 */

import { assert, defined } from '@virga/base'
import type { FunctionBuilder, Label } from '@virga/wasm'
import { type Frame, hartField, type Imports, Scratch } from '../interpreter/frame.ts'
import { pushMustLeave } from '../interpreter/handler.ts'
import { loadDataContext } from '../interpreter/memory-path.ts'
import { pseudo, regionRecord } from '../interpreter/pseudo.ts'
import type { Block, Region } from './blocks.ts'
import type { HostFloat } from './float.ts'
import { RegionReader } from './reader.ts'
import { followRegisters, members, type RegisterSet, type RegisterUse, writtenBy } from './registers.ts'
import { arrange, type Item } from './structure.ts'

// Parameters.
const HART = 0
const ICOUNT = 1
const RECORD = 2
const RECORD_BASE = 3
const PAGE = 4

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
  readonly fault: Label
  readonly illegal: Label
  readonly leave: Label
}

const behindShift = 12
const exitShift = 22

/** Functions that the region calls. */
export interface Callees {
  readonly imports: Imports
  /** (a, b) → upper half of the unsigned product */
  readonly mulHighUnsigned: number
  /** see interpreter/chain.ts */
  readonly chain: number
  /** undefined where the region has no floating point, or the host's is not to be used */
  readonly hostFloat: HostFloat | undefined
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
  private readonly ways = new Map<number, Way>()
  private readonly numbers = new Map<number, number>()
  private readonly state: number
  private readonly target: number
  private readonly place: number
  private readonly exitSets: RegisterSet[] = []
  private readonly dataContext: { readonly lower: number; readonly upper: number }
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
    this.place = f.local('i32')
    this.dataContext = { lower: f.local('i64'), upper: f.local('i64') }
    this.scratch = new Scratch(f)
  }

  write(): void {
    const { f, region } = this
    loadDataContext({ f, locals: { hart: HART }, dataContext: this.dataContext })
    f.localGet(RECORD)
    f.i32Load16U(regionRecord.entry)
    f.localSet(this.state)
    const leave = f.block()
    const fault = f.block()
    const illegal = f.block()
    const again = f.loop()
    const computed = f.block()
    const outside = { again, computed, fault, illegal, leave }
    const items = arrange(
      region.blocks.map((block) => block.successors),
      region.entries,
    )
    this.writeItems(items, outside, (starts) => this.enter(starts))
    f.end()
    this.goOnAtComputed(outside)
    f.end()
    f.end()
    f.localGet(HART)
    f.i32Const(2)
    f.i32Store(hartField('excCause'))
    f.end()
    this.storeByPlace()
    this.returnFault()
    f.end()
    this.storeByPlace()
    this.chainTo(() => f.localGet(this.target))
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

  private storeRegisters(dirty: RegisterSet): void {
    const { f } = this
    for (const register of members(dirty)) {
      f.localGet(HART)
      f.localGet(this.localOf(register))
      if (register < 32) f.i64Store(registerOffset(register))
      else f.f64Store(registerOffset(register))
    }
  }

  /** The number of a set for `place`. */
  private exitNumber(dirty: RegisterSet): number {
    const known = this.exitSets.indexOf(dirty)
    return known >= 0 ? known : this.exitSets.push(dirty) - 1
  }

  /** Stores the set of registers that `place` names. */
  private storeByPlace(): void {
    const { f, exitSets } = this
    const done = f.block()
    const labels = exitSets.map(() => f.block()).reverse()
    const last = labels.at(-1)
    if (last !== undefined) {
      f.localGet(this.place)
      f.i32Const(exitShift)
      f.i32ShrU()
      f.brTable(labels.slice(0, -1), last)
    }
    for (const dirty of exitSets) {
      f.end()
      this.storeRegisters(dirty)
      f.br(done)
    }
    f.end()
  }

  private pushInPage(offset: number): void {
    this.f.localGet(PAGE)
    this.f.i64Const(offset)
    this.f.i64Add()
  }

  /** Ends the path by way of the shared exit. */
  private leaveRarely(offset: number, dirty: RegisterSet, outside: Outside): void {
    const { f } = this
    this.pushInPage(offset)
    f.localSet(this.target)
    f.i32Const(this.exitNumber(dirty) << exitShift)
    f.localSet(this.place)
    f.br(outside.leave)
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
    f.localGet(ICOUNT)
    f.i32Const(count)
    f.i32Sub()
    f.localSet(ICOUNT)
    let dirty = defined(this.use.dirtyAt[block.number], 'dirty registers')
    const goTo = (offset: number) => this.goTo(offset, dirty, outside)
    const surroundings = {
      frame: this.frame(outside),
      registerLocal: (register: number) => this.localOf(register),
      pageBase: PAGE,
      goTo,
      goToComputed: (local: number) => {
        f.localGet(local)
        f.localSet(this.target)
        this.storeRegisters(dirty)
        f.br(outside.computed)
      },
      floatSeen: { enabled: false, dirty: false, singles: new Set<number>() },
      hostFloat: this.callees.hostFloat,
      leaveFor: (offset: number) => {
        this.storeRegisters(dirty)
        this.chainTo(() => this.pushInPage(offset))
      },
    }
    for (const [index, placed] of block.instructions.entries()) {
      const behind = count - 1 - index
      if (placed.facts.mayFault) {
        f.i32Const(placed.offset | (behind << behindShift) | (this.exitNumber(dirty) << exitShift))
        f.localSet(this.place)
      }
      dirty |= writtenBy(placed)
      new RegionReader({ ...surroundings, behind }, placed).emit()
    }
    const flow = defined(block.instructions.at(-1), 'last instruction').facts.flow
    if (flow === 'next' || flow === 'branch') goTo(block.end)
  }

  private frame(outside: Outside): Frame {
    const { f, scratch, dataContext } = this
    const { imports, mulHighUnsigned } = this.callees
    return {
      f,
      imports,
      scratch,
      mulHighUnsigned,
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
        next: outside.leave,
        jump: outside.computed,
        exception: outside.fault,
        illegal: outside.illegal,
        leave: () => assert(false, 'compiled code holds nothing that leaves the interpreter'),
      },
    }
  }

  private goTo(offset: number, dirty: RegisterSet, outside: Outside): void {
    const { f } = this
    const block = this.region.at.get(offset)
    if (block === undefined) {
      this.storeRegisters(dirty)
      this.chainTo(() => this.pushInPage(offset))
      return
    }
    const way = defined(this.ways.get(block), 'way to the block')
    if (way.back) {
      pushMustLeave(this.frame(outside))
      f.if_(undefined, 'unlikely')
      this.leaveRarely(offset, dirty, outside)
      f.end()
    }
    if (way.numbered) {
      f.i32Const(this.numberOf(block))
      f.localSet(this.state)
    }
    f.br(way.label)
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
    pushMustLeave(this.frame(outside))
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

  /** At `fault`: the instruction that raised the exception counts as begun, those behind it do not. */
  private returnFault(): void {
    const { f, place } = this
    f.localGet(HART)
    f.localGet(PAGE)
    f.localGet(place)
    f.i32Const(0xfff)
    f.i32And()
    f.i64ExtendI32U()
    f.i64Add()
    f.i64Store(hartField('pc'))
    f.localGet(HART)
    f.localGet(RECORD_BASE)
    f.i32Store(hartField('regionRecordBase'))
    f.localGet(ICOUNT)
    f.localGet(place)
    f.i32Const(behindShift)
    f.i32ShrU()
    f.i32Const((1 << (exitShift - behindShift)) - 1)
    f.i32And()
    f.i32Add()
    f.return_()
  }
}

function registerOffset(register: number): number {
  return register < 32 ? hartField('x') + register * 8 : hartField('f') + (register - 32) * 8
}
