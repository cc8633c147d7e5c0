/**
 * What the exact interpreter has besides, for whoever compares it with another engine: it runs as many instructions
 * as it is told, neither more nor fewer, and leaves a trace behind the hart's lookaside arrays.
 *
 * ```
 *  before each instruction:  icount ≤ 0? leave      path[icount mod n] := pc
 *  at each store:            stores[count mod n] := arena address;  count += 1
 * ```
 * Stores to memory are in the trace, but for those of `cbo.zero`, of page walks (A and D), the second part of a
 * misaligned one, and those to pages that PMP splits: their address is the runtime's alone.
 * Invariants: `attention` does not end a slice; an instruction that traps counts as one that was run.
 */

import { hartPart, traceEntries } from '../hart/layout.ts'
import type { Frame, Locals } from './frame.ts'

/** The exact interpreter's own locals. */
export interface Exact {
  /** local: stores traced in this slice */
  readonly stores: number
}

/** Pushes 1 when the slice is over. */
export function pushIsOver({ f, locals }: Frame): void {
  f.localGet(locals.icount)
  f.i32Const(0)
  f.i32LeS()
}

/** Notes the address that `push` pushes as where the next instruction is; it is not counted yet. */
export function tracePc({ f, locals }: Frame, push: () => void): void {
  f.localGet(locals.icount)
  f.i32Const(traceEntries.path - 1)
  f.i32And()
  f.i32Const(3)
  f.i32Shl()
  f.localGet(locals.hart)
  f.i32Add()
  push()
  f.i64Store(hartPart.path)
}

/** Notes the arena address in local `address`, where something was just stored. Nothing in other interpreters. */
export function traceStore({ f, locals, exact }: Frame, address: number): void {
  if (exact === undefined) return
  f.localGet(exact.stores)
  f.i32Const(traceEntries.stores - 1)
  f.i32And()
  f.i32Const(2)
  f.i32Shl()
  f.localGet(locals.hart)
  f.i32Add()
  f.localGet(address)
  f.i32Store(hartPart.stores)
  f.localGet(exact.stores)
  f.i32Const(1)
  f.i32Add()
  f.localSet(exact.stores)
}

/** At the end of a slice: says how many stores there were. */
export function endTrace(f: Frame['f'], { hart }: Locals, { stores }: Exact): void {
  f.localGet(hart)
  f.localGet(stores)
  f.i32Store(hartPart.storeCount)
}
