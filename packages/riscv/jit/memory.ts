/**
 * Guest memory in compiled code: a look in the TLB, then the access. Where the TLB does not have it, for whatever reason,
 * the instruction is the interpreter's.
 * Why nothing is called: a call would put every register of the guest out of the host's registers, for what is rare.
 */

import type { FunctionBuilder } from '@virga/wasm'
import type { Frame } from '../interpreter/frame.ts'
import { type Bytes, pushAddend, pushMiss } from '../interpreter/memory-path.ts'

/** Pushes the arena address of the first byte; `bail` ends the path, before anything has happened. */
export function pushArenaAddress(frame: Frame, bytes: Bytes, bail: () => void): void {
  const { f, scratch } = frame
  const entry = scratch.take('i32')
  const half = scratch.take('i32')
  f.localGet(bytes.address)
  f.i32WrapI64()
  f.localSet(half)
  pushMiss(frame, bytes, entry, () => f.localGet(half))
  f.if_(undefined, 'unlikely')
  bail()
  f.end()
  f.localGet(half)
  pushAddend(f, bytes.kind, entry)
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
