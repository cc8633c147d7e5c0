/**
 * The inline part of guest memory accesses: one tagged TLB probe, then the access; everything else is the
 * runtime's slow path.
 *
 * The entry looked at is that of the first byte, and its tag is compared with the last byte's page. That of the next
 * page is another entry, so one comparison says both that the page is there and that the access does not leave it.
 * @spec riscv-priv "Virtual Address Translation Process"
 */

import type { FunctionBuilder } from '@virga/wasm'
import { hartPart, tlbEntries } from '../hart/layout.ts'
import type { Width } from '../isa/meaning.ts'
import { traceStore } from './exact.ts'
import { type Frame, hartField } from './frame.ts'

const log2 = { 8: 0, 16: 1, 32: 2, 64: 3 } as const
/** In an entry: u32 that makes an arena address of a virtual one, or says where a page's records are. */
export const addendOffset = 8

/** What a probe needs of a function. */
export interface FetchFrame {
  readonly f: FunctionBuilder
  readonly locals: { readonly hart: number }
}

/** Some bytes that are accessed. */
export interface Bytes {
  /** local (i64) of the address of the first one */
  readonly address: number
  readonly count: number
  readonly kind: 'load' | 'store'
  /** the address must be a multiple of `count` */
  readonly aligned?: boolean
}

/** Pushes the low half of an address. */
function pushLow(f: FunctionBuilder, address: number): void {
  f.localGet(address)
  f.i32WrapI64()
}

/** Pushes the address of the entry of `array` (at `part`) for the page of the address, of which `pushLow` pushes half. */
function pushEntry({ f, locals }: FetchFrame, array: 'r' | 'w' | 'x', pushHalf: () => void): void {
  pushHalf()
  f.i32Const(8)
  f.i32ShrU()
  f.i32Const((tlbEntries[array] - 1) << 4)
  f.i32And()
  f.localGet(locals.hart)
  f.i32Add()
}

/** Pushes the tag that an entry has for address + `distance` in the context. */
function pushTag(
  { f, locals, dataContext }: FetchFrame & Pick<Frame, 'dataContext'>,
  field: 'ctxData' | 'ctxFetch',
  address: number,
  distance: number,
): void {
  f.localGet(address)
  if (distance > 0) {
    f.i64Const(distance)
    f.i64Add()
  }
  f.i64Const(12)
  f.i64ShrS()
  if (dataContext === undefined) {
    f.localGet(locals.hart)
    f.i64Load(hartField(`${field}Mask`))
    f.i64And()
    f.localGet(locals.hart)
    f.i64Load(hartField(field))
    f.i64Add()
  } else {
    f.localGet(dataContext.mask)
    f.i64And()
    f.localGet(dataContext.lower)
    f.i64Add()
  }
}

/** Pushes 1 when the TLB does not hold all of the bytes; sets local `entry`. `pushHalf` pushes the address's low half. */
export function pushMiss(frame: Frame, bytes: Bytes, entry: number, pushHalf: () => void): void {
  const { f } = frame
  const { address, count, kind, aligned } = bytes
  pushEntry(frame, kind === 'load' ? 'r' : 'w', pushHalf)
  f.localTee(entry)
  f.i64Load(kind === 'load' ? hartPart.tlbR : hartPart.tlbW)
  pushTag(frame, 'ctxData', address, aligned ? 0 : count - 1)
  f.i64Ne()
  if (!aligned) return
  pushHalf()
  f.i32Const(count - 1)
  f.i32And()
  f.i32Or()
}

/** Pushes the addend of the entry that `pushMiss` found. */
export function pushAddend(f: FunctionBuilder, kind: 'load' | 'store', entry: number): void {
  f.localGet(entry)
  f.i32Load((kind === 'load' ? hartPart.tlbR : hartPart.tlbW) + addendOffset)
}

/** Brings the context's locals up to date: at the function's start, and after what may have changed contexts. */
export function loadDataContext({ f, locals, dataContext }: FetchFrame & Pick<Frame, 'dataContext'>): void {
  if (dataContext === undefined) return
  f.localGet(locals.hart)
  f.i64Load(hartField('ctxData'))
  f.localSet(dataContext.lower)
  f.localGet(locals.hart)
  f.i64Load(hartField('ctxDataMask'))
  f.localSet(dataContext.mask)
}

/** Offset from an entry found by `pushFetchProbe` to the u32 that says where the page's records are. */
export const fetchedRecords = hartPart.tlbX + addendOffset

/** Pushes 1 when the fetch TLB holds the page of the address in local `target`; sets local `entry`. */
export function pushFetchProbe(frame: FetchFrame, target: number, entry: number): void {
  const { f } = frame
  pushEntry(frame, 'x', () => pushLow(f, target))
  f.localSet(entry)
  pushTag(frame, 'ctxFetch', target, 0)
  // Last, so that the host compares with memory.
  f.localGet(entry)
  f.i64Load(hartPart.tlbX)
  f.i64Eq()
}

/** Pushes 1 when the TLB holds all of the bytes; sets local `entry`. */
function pushHit(frame: Frame, bytes: Bytes, entry: number): void {
  pushMiss(frame, bytes, entry, () => pushLow(frame.f, bytes.address))
  frame.f.i32Eqz()
}

function pushArenaAddress(f: FunctionBuilder, kind: 'load' | 'store', address: number, entry: number): void {
  pushLow(f, address)
  pushAddend(f, kind, entry)
  f.i32Add()
}

function branchOnException({ f, locals, exits }: Frame): void {
  f.localGet(locals.hart)
  f.i32Load(hartField('excCause'))
  f.i32Const(-1)
  f.i32Ne()
  f.brIf(exits.exception, 'unlikely')
}

/** Loads from the address in local `address` into a fresh local, which is returned. */
export function emitLoad(frame: Frame, width: Width, sign: 's' | 'u', address: number): number {
  const { f, locals, imports, scratch } = frame
  const entry = scratch.take('i32')
  const result = scratch.take('i64')
  pushHit(frame, { address, count: width / 8, kind: 'load' }, entry)
  f.if_('i64', 'likely')
  pushArenaAddress(f, 'load', address, entry)
  if (width === 8) sign === 's' ? f.i64Load8S() : f.i64Load8U()
  else if (width === 16) sign === 's' ? f.i64Load16S() : f.i64Load16U()
  else if (width === 32) sign === 's' ? f.i64Load32S() : f.i64Load32U()
  else f.i64Load()
  f.else_()
  f.localGet(locals.hart)
  f.localGet(address)
  f.i32Const(log2[width])
  f.call(imports.call('load_slow'))
  if (sign === 's') signExtend(f, width)
  branchOnException(frame)
  f.end()
  f.localSet(result)
  return result
}

/** Stores what `pushValue` pushes (an i64, pushed in two places: it must be free of effects). */
export function emitStore(frame: Frame, width: Width, address: number, pushValue: () => void): void {
  const { f, locals, exits, imports, scratch } = frame
  const entry = scratch.take('i32')
  pushHit(frame, { address, count: width / 8, kind: 'store' }, entry)
  f.if_(undefined, 'likely')
  pushArenaAddress(f, 'store', address, entry)
  const place = frame.exact && scratch.take('i32')
  if (place !== undefined) f.localTee(place)
  pushValue()
  if (width === 8) f.i64Store8()
  else if (width === 16) f.i64Store16()
  else if (width === 32) f.i64Store32()
  else f.i64Store()
  if (place !== undefined) traceStore(frame, place)
  f.else_()
  f.localGet(locals.hart)
  f.localGet(address)
  pushValue()
  f.i32Const(log2[width])
  f.call(imports.call('store_slow'))
  f.brIf(exits.exception, 'unlikely')
  if (place !== undefined) traceSlowStore(frame, address, entry, place)
  f.end()
}

/** The slow path has put the page in the TLB, unless it is a device or PMP splits it. */
function traceSlowStore(frame: Frame, address: number, entry: number, place: number): void {
  const { f } = frame
  pushHit(frame, { address, count: 1, kind: 'store' }, entry)
  f.if_()
  pushArenaAddress(f, 'store', address, entry)
  f.localSet(place)
  traceStore(frame, place)
  f.end()
}

/** Translates for an atomic access; returns the local that holds the arena address. */
export function emitAtomicAddress(
  frame: Frame,
  width: 32 | 64,
  address: number,
  access: 'read' | 'write',
): number {
  const { f, locals, exits, imports, scratch } = frame
  const kind = access === 'read' ? 'load' : 'store'
  const entry = scratch.take('i32')
  const result = scratch.take('i32')
  pushHit(frame, { address, count: width / 8, kind, aligned: true }, entry)
  f.if_('i32', 'likely')
  pushArenaAddress(f, kind, address, entry)
  f.else_()
  f.localGet(locals.hart)
  f.localGet(address)
  f.i32Const(log2[width])
  f.i32Const(access === 'write' ? 1 : 0)
  f.call(imports.call('atomic_slow'))
  f.localTee(result)
  f.i32Eqz()
  f.brIf(exits.exception, 'unlikely')
  f.localGet(result)
  f.end()
  f.localSet(result)
  if (access === 'write') traceStore(frame, result)
  return result
}

/** Sign-extends the i64 on the stack from its low `width` bits. */
export function signExtend(f: FunctionBuilder, width: Width): void {
  if (width === 8) f.i64Extend8S()
  else if (width === 16) f.i64Extend16S()
  else if (width === 32) f.i64Extend32S()
}
