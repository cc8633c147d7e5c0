/**
 * The inline part of guest memory accesses: one tagged TLB probe, then the access; everything else is the
 * runtime's slow path. The tag also carries the alignment, so a misaligned access misses.
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

/** Pushes 1 when the TLB `part` holds the page of the address in local `address`, aligned; sets local `entry`. */
function pushProbe(frame: Frame, part: number, width: Width, address: number, entry: number): void {
  const { f, locals } = frame
  f.localGet(address)
  f.i64Const(8)
  f.i64ShrU()
  f.i32WrapI64()
  f.i32Const((tlbEntries.r - 1) << 4)
  f.i32And()
  f.localGet(locals.hart)
  f.i32Add()
  f.localTee(entry)
  f.i64Load(part)
  f.localGet(address)
  f.i64Const(-4096 | (width / 8 - 1))
  f.i64And()
  pushContext(frame, 'ctxData', address)
  f.i64Or()
  f.i64Eq()
}

/** Pushes the TLB context for an address: lower and upper half differ, so that global pages are shared. */
export function pushContext({ f, locals }: FetchFrame, field: 'ctxData' | 'ctxFetch', address: number): void {
  f.localGet(locals.hart)
  f.i64Load(hartField(field))
  f.localGet(locals.hart)
  f.i64Load(hartField(`${field}Upper`))
  f.localGet(address)
  f.i64Const(63)
  f.i64ShrS()
  f.i64And()
  f.i64Xor()
}

/** Offset from an entry found by `pushFetchProbe` to the u32 that says where the page's records are. */
export const fetchedRecords = hartPart.tlbX + addendOffset

/** Pushes 1 when the fetch TLB holds the page of the address in local `target`; sets local `entry`. */
export function pushFetchProbe(frame: FetchFrame, target: number, entry: number): void {
  const { f, locals } = frame
  f.localGet(target)
  f.i64Const(8)
  f.i64ShrU()
  f.i32WrapI64()
  f.i32Const((tlbEntries.x - 1) << 4)
  f.i32And()
  f.localGet(locals.hart)
  f.i32Add()
  f.localTee(entry)
  f.i64Load(hartPart.tlbX)
  f.localGet(target)
  f.i64Const(-4096)
  f.i64And()
  pushContext(frame, 'ctxFetch', target)
  f.i64Or()
  f.i64Eq()
}

function pushArenaAddress(f: FunctionBuilder, part: number, address: number, entry: number): void {
  f.localGet(address)
  f.i32WrapI64()
  f.localGet(entry)
  f.i32Load(part + addendOffset)
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
  pushProbe(frame, hartPart.tlbR, width, address, entry)
  f.if_('i64', 'likely')
  pushArenaAddress(f, hartPart.tlbR, address, entry)
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
  pushProbe(frame, hartPart.tlbW, width, address, entry)
  f.if_(undefined, 'likely')
  pushArenaAddress(f, hartPart.tlbW, address, entry)
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
  pushProbe(frame, hartPart.tlbW, 8, address, entry)
  f.if_()
  pushArenaAddress(f, hartPart.tlbW, address, entry)
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
  const part = access === 'read' ? hartPart.tlbR : hartPart.tlbW
  const entry = scratch.take('i32')
  const result = scratch.take('i32')
  pushProbe(frame, part, width, address, entry)
  f.if_('i32', 'likely')
  pushArenaAddress(f, part, address, entry)
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
