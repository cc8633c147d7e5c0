/**
 * Writes the function of one region.
 *
 * ```
 *   registers := hart block; state := number of the entry
 *   leave: fault: illegal:
 *     loop again:                      ◄── computed jumps to an entry of this region
 *       computed:
 *         br_table state ─► items (see structure.ts)
 *           jump inside: br     jump back: poll, then br     jump outside: spill, chain
 *       the record of the target says: an entry of this region? state := …, again; else spill, chain
 *   illegal: excCause := 2
 *   fault:   spill; pc := page + offset; return icount + what was taken ahead
 *   leave:   spill; chain to target               (polls)
 * ```
 * Invariants: registers in the hart block are stale inside; `icount` has been lessened by the whole block; `fault`
 * holds offset | (instructions behind) << 12 wherever an exception can be raised.
 */

import { assert, defined } from '@virga/base'
import type { FunctionBuilder, Label } from '@virga/wasm'
import { type Frame, hartField, type Imports, Scratch } from '../interpreter/frame.ts'
import { pushMustLeave } from '../interpreter/handler.ts'
import { loadDataContext } from '../interpreter/memory-path.ts'
import { pseudo, regionRecord } from '../interpreter/pseudo.ts'
import type { Block, Region } from './blocks.ts'
import { RegionReader, type Surroundings } from './reader.ts'
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

/** Functions that the region calls. */
export interface Callees {
  readonly imports: Imports
  /** (a, b) → upper half of the unsigned product */
  readonly mulHighUnsigned: number
  /** see chain.ts */
  readonly chain: number
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
  private readonly fault: number
  private readonly dataContext: { readonly lower: number; readonly upper: number }
  private readonly scratch: Scratch

  constructor(f: FunctionBuilder, region: Region, callees: Callees) {
    this.f = f
    this.region = region
    this.callees = callees
    this.use = followRegisters(region)
    for (const entry of region.entries) this.numberOf(entry)
    this.target = f.local('i64')
    for (const register of members(this.use.used)) this.registers.set(register, f.local('i64'))
    this.state = f.local('i32')
    this.fault = f.local('i32')
    this.dataContext = { lower: f.local('i64'), upper: f.local('i64') }
    this.scratch = new Scratch(f)
  }

  write(): void {
    const { f, region } = this
    this.loadRegisters()
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
    this.writeItems(items, region.entries, outside)
    f.end()
    this.goOnAtComputed(outside)
    f.end()
    f.end()
    f.localGet(HART)
    f.i32Const(2)
    f.i32Store(hartField('excCause'))
    f.end()
    this.returnFault()
    f.end()
    this.leaveAt(() => f.localGet(this.target), this.use.written)
    f.unreachable()
  }

  /** A number for `state`: entries have theirs from 0 up, in order, since records name them. */
  private numberOf(block: number): number {
    const number = this.numbers.get(block) ?? this.numbers.size
    this.numbers.set(block, number)
    return number
  }

  private loadRegisters(): void {
    for (const [register, local] of this.registers) {
      this.f.localGet(HART)
      this.f.i64Load(registerOffset(register))
      this.f.localSet(local)
    }
  }

  /** Ends the path: registers to the hart block, and on at another address. */
  private leaveAt(pushPc: () => void, dirty: RegisterSet): void {
    const { f } = this
    this.spill(dirty)
    f.localGet(HART)
    f.localGet(ICOUNT)
    pushPc()
    f.returnCall(this.callees.chain)
  }

  private spill(dirty: RegisterSet): void {
    const { f } = this
    for (const register of members(dirty)) {
      f.localGet(HART)
      f.localGet(defined(this.registers.get(register), 'register local'))
      f.i64Store(registerOffset(register))
    }
  }

  private pushInPage(offset: number): void {
    this.f.localGet(PAGE)
    this.f.i64Const(offset)
    this.f.i64Add()
  }

  /** Ends the path by way of the shared exit. */
  private leaveRarely(offset: number, outside: Outside): void {
    this.pushInPage(offset)
    this.f.localSet(this.target)
    this.f.br(outside.leave)
  }

  private writeItems(items: readonly Item[], dispatched: readonly number[], outside: Outside): void {
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
    if (dispatched.length > 1) this.dispatch(dispatched, starts)
    else if (dispatched[0] !== undefined) f.br(defined(starts.get(dispatched[0]), 'start'))
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
    this.writeItems(body, headers, outside)
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
    const surroundings: Surroundings = {
      frame: this.frame(outside),
      registerLocal: (register) => defined(this.registers.get(register), 'register local'),
      pageBase: PAGE,
      goTo,
      goToComputed: (local) => {
        f.localGet(local)
        f.localSet(this.target)
        f.br(outside.computed)
      },
      floatSeen: { enabled: false, dirty: false },
    }
    for (const [index, placed] of block.instructions.entries()) {
      if (placed.facts.mayFault) {
        f.i32Const(placed.offset | ((count - 1 - index) << 12))
        f.localSet(this.fault)
      }
      dirty |= writtenBy(placed)
      new RegionReader(surroundings, placed).emit()
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
      this.leaveAt(() => this.pushInPage(offset), dirty)
      return
    }
    const way = defined(this.ways.get(block), 'way to the block')
    if (way.back) {
      pushMustLeave(this.frame(outside))
      f.if_()
      this.leaveRarely(offset, outside)
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
    this.leaveAt(() => f.localGet(target), this.use.dirtyAtIndirect)
    f.unreachable()
  }

  /** At `fault`: the instruction that raised the exception counts as begun, those behind it do not. */
  private returnFault(): void {
    const { f, fault } = this
    this.spill(this.use.written)
    f.localGet(HART)
    f.localGet(PAGE)
    f.localGet(fault)
    f.i32Const(0xfff)
    f.i32And()
    f.i64ExtendI32U()
    f.i64Add()
    f.i64Store(hartField('pc'))
    f.localGet(HART)
    f.localGet(RECORD_BASE)
    f.i32Store(hartField('regionRecordBase'))
    f.localGet(ICOUNT)
    f.localGet(fault)
    f.i32Const(12)
    f.i32ShrU()
    f.i32Add()
    f.return_()
  }
}

function registerOffset(register: number): number {
  return register < 32 ? hartField('x') + register * 8 : hartField('f') + (register - 32) * 8
}
