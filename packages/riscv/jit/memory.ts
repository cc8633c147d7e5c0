/**
 * Guest memory in compiled code: a look in the TLB, then the access. What is not simply memory is the interpreter's.
 *
 * ```
 *   tag of the entry = page of the last byte, and context?   ── yes ─► its addend ─┐
 *        └─ no ─► touch(address, bytes, kind): walks, fills the TLB ─► an addend ──┤
 *                     └─ 1: bail out before this instruction                       ▼
 *                                              arena address := address + addend; the access
 * ```
 * The entry is the one for the first byte. That of the next page is another, so one comparison says both that the
 * page is there and that the access does not leave it.
 */

import type { FunctionBuilder } from '@virga/wasm'
import { hartPart, tlbEntries } from '../hart/layout.ts'
import type { Frame } from '../interpreter/frame.ts'
import { addendOffset, pushContext } from '../interpreter/memory-path.ts'

/** Where some bytes are. */
export interface Bytes {
  /** local (i64) of the address of the first one */
  readonly address: number
  readonly bytes: number
  readonly kind: 'load' | 'store'
  /** the address must be a multiple of `bytes` */
  readonly aligned?: boolean
}

/** Not an addend: what `touch` returns where memory cannot simply be used. */
const notMemory = 1

/** Pushes the arena address of the first byte; `bail` ends the path, before anything has happened. */
export function pushArenaAddress(
  frame: Frame,
  { address, bytes, kind, aligned }: Bytes,
  bail: () => void,
): void {
  const { f, locals, scratch, imports } = frame
  const part = kind === 'load' ? hartPart.tlbR : hartPart.tlbW
  const entry = scratch.take('i32')
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
  if (!aligned && bytes > 1) {
    f.i64Const(bytes - 1)
    f.i64Add()
  }
  f.i64Const(aligned ? -4096 | (bytes - 1) : -4096)
  f.i64And()
  pushContext(frame, 'ctxData', address)
  f.i64Or()
  f.i64Eq()
  f.if_('i32', 'likely')
  f.localGet(entry)
  f.i32Load(part + addendOffset)
  f.else_()
  f.localGet(locals.hart)
  f.localGet(address)
  f.i32Const(bytes)
  f.i32Const((kind === 'store' ? 1 : 0) | (aligned ? 2 : 0))
  f.call(imports.call('touch'))
  f.localTee(entry)
  f.i32Const(notMemory)
  f.i32Eq()
  f.if_(undefined, 'unlikely')
  bail()
  f.end()
  f.localGet(entry)
  f.end()
  f.localGet(address)
  f.i32WrapI64()
  f.i32Add()
}

/** The load instruction for `bytes`; an i64 comes of it. */
export function loadBytes(f: FunctionBuilder, bytes: number, sign: 's' | 'u', offset: number): void {
  if (bytes === 1) sign === 's' ? f.i64Load8S(offset) : f.i64Load8U(offset)
  else if (bytes === 2) sign === 's' ? f.i64Load16S(offset, 0) : f.i64Load16U(offset, 0)
  else if (bytes === 4) sign === 's' ? f.i64Load32S(offset, 0) : f.i64Load32U(offset, 0)
  else f.i64Load(offset, 0)
}

/** The store instruction for the low `bytes` of an i64. */
export function storeBytes(f: FunctionBuilder, bytes: number, offset: number): void {
  if (bytes === 1) f.i64Store8(offset)
  else if (bytes === 2) f.i64Store16(offset, 0)
  else if (bytes === 4) f.i64Store32(offset, 0)
  else f.i64Store(offset, 0)
}
