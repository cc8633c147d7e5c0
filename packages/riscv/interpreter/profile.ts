/**
 * What the profiling interpreter has besides: it counts arrivals at each halfword, tells the host when a place gets
 * hot, and runs compiled regions where the host has put them.
 *
 * ```
 *  taken jump backwards, or to another page ─► heat[record] += 1 ─► at the threshold: hot(hart, record, recordBase)
 *  record.op = region ─► table[record.index](hart, icount, record, recordBase, page) → icount
 *                          └─ jump to hart.pc; if that is bailPc, the instruction there is run from a record of its own
 * ```
 */

import type { ModuleBuilder } from '@virga/wasm'
import { codePage, heat } from '../hart/layout.ts'
import { addToField, type Frame, hartField, pushPc } from './frame.ts'
import { regionRecord } from './pseudo.ts'

/** Types of a region's function: hart, icount, record of the entry, first record of the page, the page's address. */
export const regionSignature = { params: ['i32', 'i32', 'i32', 'i32', 'i64'], results: ['i32'] } as const

/** How a profiling interpreter profiles. */
export interface ProfileOptions {
  /** arrivals at a place before the host is told, 1 to 255 */
  readonly threshold: number
  /** arrivals before the host is told a first time: it may know the code already. 0: it is not */
  readonly early?: number
}

/** The profiling interpreter's own imports. */
export interface Profile extends ProfileOptions {
  readonly hot: number
  readonly table: number
  readonly regionType: number
}

/** Imports the table of regions and the host's ear. */
export function declareProfile(module: ModuleBuilder, options: ProfileOptions): Profile {
  const hot = module.importFunction('jit', 'hot', ['i32', 'i32', 'i32'], [])
  const table = module.importTable('jit', 'table', { initial: 1 })
  const regionType = module.type(regionSignature.params, regionSignature.results)
  return { ...options, hot, table, regionType }
}

/** Counts an arrival at `record`. Nothing in an interpreter that does not profile. */
export function countArrival(frame: Frame): void {
  const { f, locals, scratch, profile } = frame
  if (profile === undefined) return
  const { hart, record, recordBase } = locals
  const address = scratch.take('i32')
  const arrivals = scratch.take('i32')
  f.localGet(record)
  f.localGet(recordBase)
  f.i32Sub()
  f.i32Const(3)
  f.i32ShrU()
  f.localGet(recordBase)
  f.i32Add()
  f.localTee(address)
  f.i32Load8U(codePage.heat - codePage.records)
  f.localTee(arrivals)
  f.i32Const(heat.told)
  f.i32Ne()
  f.if_()
  f.localGet(address)
  f.localGet(arrivals)
  f.i32Const(1)
  f.i32Add()
  f.localTee(arrivals)
  f.i32Store8(codePage.heat - codePage.records)
  f.localGet(arrivals)
  f.i32Const(profile.threshold)
  f.i32Eq()
  f.if_()
  f.localGet(address)
  f.i32Const(heat.told)
  f.i32Store8(codePage.heat - codePage.records)
  f.end()
  f.localGet(arrivals)
  f.i32Const(profile.threshold)
  f.i32Eq()
  f.localGet(arrivals)
  f.i32Const(profile.early ?? profile.threshold)
  f.i32Eq()
  f.i32Or()
  f.if_()
  f.localGet(hart)
  pushPc(frame)
  f.i64Store(hartField('pc'))
  f.localGet(hart)
  f.localGet(record)
  f.localGet(recordBase)
  f.call(profile.hot)
  f.end()
  f.end()
}

/** The handler of `region`; the dispatch's count is given back already. */
export function enterRegion(frame: Frame, profile: Profile): void {
  const { f, locals, exits, scratch } = frame
  const { hart, icount, record, recordBase, target } = locals
  const before = scratch.take('i32')
  f.localGet(icount)
  f.localSet(before)
  f.localGet(hart)
  f.localGet(icount)
  f.localGet(record)
  f.localGet(recordBase)
  pushPc(frame)
  f.i64Const(-4096)
  f.i64And()
  f.localGet(record)
  f.i32Load(regionRecord.index)
  f.callIndirect(profile.regionType, profile.table)
  f.localSet(icount)
  addToField(frame, 'statRegionEntries', () => f.i64Const(1))
  addToField(frame, 'statRegionInstructions', () => {
    f.localGet(before)
    f.localGet(icount)
    f.i32Sub()
    f.i64ExtendI32S()
  })
  f.localGet(hart)
  f.i64Load(hartField('pc'))
  f.localSet(target)
  f.br(exits.jump)
  scratch.release()
}
