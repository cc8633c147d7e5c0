/**
 * How compiled code ends. Every path out of a region is a tail call of one of these two, with all registers in the hart
 * block. They are the interpreter's, so that there is one of each, which V8 optimises early.
 *
 * `chain(hart, icount, target) → icount` goes on in another region: it does what the interpreter does at a jump (poll,
 * then look the page up) and tail-calls the region that the target's record names. When there is none, or something
 * else is to be done first, it returns: the interpreter goes on at hart.pc. Why it does is counted, on the way out
 * alone: from region to region costs nothing more.
 *
 * `bail(hart, icount, pc) → icount` leaves one instruction to the interpreter, which does it whatever its record says:
 * a fault, a device, an access over two pages. What had been raised is forgotten, and raised again there.
 */

import type { ModuleBuilder } from '@virga/wasm'
import { addToField, hartField } from './frame.ts'
import { pushMustLeave } from './handler.ts'
import { fetchedRecords, pushFetchProbe } from './memory-path.ts'
import type { Profile } from './profile.ts'
import { pseudo, regionRecord } from './pseudo.ts'

const HART = 0
const ICOUNT = 1
const TARGET = 2

/** Types of both. */
export const chainSignature = { params: ['i32', 'i32', 'i64'], results: ['i32'] } as const

/** Defines both functions and exports them. */
export function defineExits(module: ModuleBuilder, profile: Profile): void {
  defineChain(module, profile)
  defineBail(module)
}

function defineBail(module: ModuleBuilder): void {
  const f = module.defineFunction({ ...chainSignature, export: 'bail' })
  for (const field of ['pc', 'bailPc']) {
    f.localGet(HART)
    f.localGet(TARGET)
    f.i64Store(hartField(field))
  }
  f.localGet(HART)
  f.i32Const(-1)
  f.i32Store(hartField('excCause'))
  addToField({ f, locals: { hart: HART } }, 'statExitBail', () => f.i64Const(1))
  f.localGet(ICOUNT)
}

function defineChain(module: ModuleBuilder, { table, regionType }: Profile): void {
  const f = module.defineFunction({ ...chainSignature, export: 'chain' })
  const frame = { f, locals: { hart: HART, icount: ICOUNT } }
  const entry = f.local('i32')
  const records = f.local('i32')
  const record = f.local('i32')
  f.localGet(HART)
  f.localGet(TARGET)
  f.i64Store(hartField('pc'))
  const back = f.block()
  const uncompiled = f.block()
  const uncached = f.block()
  const poll = f.block()
  pushMustLeave(frame)
  f.brIf(poll, 'unlikely')
  pushFetchProbe(frame, TARGET, entry)
  f.i32Eqz()
  f.brIf(uncached, 'unlikely')
  f.localGet(entry)
  f.i32Load(fetchedRecords)
  f.localTee(records)
  f.localGet(TARGET)
  f.i32WrapI64()
  f.i32Const(0xffe)
  f.i32And()
  f.i32Const(2)
  f.i32Shl()
  f.i32Add()
  f.localTee(record)
  f.i32Load16U()
  f.i32Const(pseudo.region)
  f.i32Ne()
  f.brIf(uncompiled, 'unlikely')
  addToField(frame, 'statRegionEntries', () => f.i64Const(1))
  f.localGet(HART)
  f.localGet(ICOUNT)
  f.localGet(record)
  f.localGet(records)
  f.localGet(TARGET)
  f.i64Const(-4096)
  f.i64And()
  f.localGet(record)
  f.i32Load(regionRecord.index)
  f.returnCallIndirect(regionType, table)
  for (const field of ['statExitPoll', 'statExitUncached', 'statExitUncompiled']) {
    f.end()
    addToField(frame, field, () => f.i64Const(1))
    f.br(back)
  }
  f.end()
  f.localGet(ICOUNT)
}
