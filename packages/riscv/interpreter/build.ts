/**
 * Builds the interpreter: one WebAssembly function, `run(hart, budget) → exit`, made from the instruction table.
 *
 * ```
 *   enter ─► jump: poll; find the page of `target`; record := …        ◄──────────────┐
 *              next: br_table(record.op) ─► handler ─► next record ─┐                 │
 *                ▲────────────────────────────────────────────────◄─┘                 │
 *              exception: store pc, runtime.trap ─► target := trap vector ────────────┘
 * ```
 * Why one function: V8 keeps the few hot locals in machine registers across a `br_table` loop, while calls
 * between functions cost more than most instructions (measured: 400 against 150 million instructions a second).
 * Invariants: `record` always points at the instruction being run; pc exists only as `pcDelta + record / 4`;
 * `icount` is one less for each instruction begun, `sliceBudget` one less for each that did not retire.
 */

import { type FunctionBuilder, ModuleBuilder } from '@virga/wasm'
import { codePage, hartExit } from '../hart/layout.ts'
import { defineExits } from './chain.ts'
import { defineDecoder, isolated } from './decoder.ts'
import { type Exact, endTrace, pushIsOver, tracePc } from './exact.ts'
import { declareImports, type Frame, hartField, type Locals, pushPc, Scratch } from './frame.ts'
import { HandlerReader, pushMustLeave } from './handler.ts'
import { fetchedRecords, pushFetchProbe } from './memory-path.ts'
import { defineMulHigh } from './mul-high.ts'
import { enumerateOperations, type Operations, pseudo } from './operations.ts'
import { countArrival, declareProfile, enterRegion, type ProfileOptions } from './profile.ts'

/** In `scratch`: the bits of an instruction that is run apart from its page, its record, and the one behind it. */
const alone = { bits: 0, record: 16, after: [24, 32] } as const

/** The module's bytes. `maximumPages`: of the imported memory. With `profiling`, one that finds and runs regions. */
export function buildInterpreter(maximumPages: number, profiling?: ProfileOptions): Uint8Array {
  return build(maximumPages, profiling, false)
}

/** The module's bytes of an interpreter that runs exactly as many instructions as it is told (exact.ts). */
export function buildExactInterpreter(maximumPages: number): Uint8Array {
  return build(maximumPages, undefined, true)
}

function build(maximumPages: number, profiling: ProfileOptions | undefined, isExact: boolean): Uint8Array {
  const module = new ModuleBuilder({ nameSection: true })
  const imports = declareImports(module, maximumPages)
  const profile = profiling && declareProfile(module, profiling)
  if (profile !== undefined) defineExits(module, profile)
  const operations = enumerateOperations()
  const mulHighUnsigned = defineMulHigh(module)
  const decoder = defineDecoder(module, operations)
  const f = module.defineFunction({ name: 'run', params: ['i32', 'i32'], results: ['i32'], export: 'run' })
  const locals: Locals = {
    hart: 0,
    record: f.local('i32'),
    pcDelta: f.local('i64'),
    recordBase: f.local('i32'),
    target: f.local('i64'),
    icount: 1,
  }
  const exitCode = f.local('i32')
  const entry = f.local('i32')
  const exact: Exact | undefined = isExact ? { stores: f.local('i32') } : undefined

  beginSlice(f, locals, imports.call('enter'))
  const left = f.block()
  const leave = (code: number) => {
    f.i32Const(code)
    f.localSet(exitCode)
    f.br(left)
  }
  const jump = f.loop()
  const exception = f.block()
  const illegal = f.block()
  const outer = { jump, exception, illegal, leave }
  const frameAt = (next: Frame['exits']['next']): Frame => ({
    f,
    locals,
    imports,
    exits: { ...outer, next },
    scratch,
    mulHighUnsigned,
    profile,
    exact,
  })
  const scratch = new Scratch(f)
  findPage(frameAt(jump), entry)
  countArrival(frameAt(jump))
  scratch.release()
  const next = f.loop()
  dispatch(frameAt(next), operations, decoder)
  f.end()
  f.end()
  raiseIllegal(f, locals)
  f.end()
  takeException(frameAt(jump))
  f.br(jump)
  f.end()
  f.end()
  endSlice(f, locals)
  if (exact !== undefined) endTrace(f, locals, exact)
  f.localGet(exitCode)
  return module.build()
}

function beginSlice(f: FunctionBuilder, { hart, icount, target }: Locals, enter: number): void {
  for (const field of ['sliceBudget', 'icount']) {
    f.localGet(hart)
    f.localGet(icount)
    f.i32Store(hartField(field))
  }
  f.localGet(hart)
  f.call(enter)
  f.localGet(hart)
  f.i64Load(hartField('pc'))
  f.localSet(target)
}

/** retired += budget − icount, so that counters are right between slices too. */
function endSlice(f: FunctionBuilder, { hart, icount }: Locals): void {
  f.localGet(hart)
  f.localGet(hart)
  f.i64Load(hartField('retired'))
  f.localGet(hart)
  f.i32Load(hartField('sliceBudget'))
  f.localGet(icount)
  f.i32Sub()
  f.i64ExtendI32S()
  f.i64Add()
  f.i64Store(hartField('retired'))
  for (const field of ['sliceBudget', 'icount']) {
    f.localGet(hart)
    f.i32Const(0)
    f.i32Store(hartField(field))
  }
}

/** At `jump`: leave if asked to, else make `record` the one of the instruction at `target`. */
function findPage(frame: Frame, entry: number): void {
  const { f, locals, exits, imports } = frame
  const { hart, target, record, recordBase, pcDelta } = locals
  if (frame.exact === undefined) pushMustLeave(frame)
  else pushIsOver(frame)
  f.if_(undefined, 'unlikely')
  storePc(f, locals, () => f.localGet(target))
  exits.leave(hartExit.slice)
  f.end()

  pushFetchProbe(frame, target, entry)
  f.if_('i32', 'likely')
  f.localGet(entry)
  f.i32Load(fetchedRecords)
  f.else_()
  f.localGet(hart)
  f.localGet(target)
  f.call(imports.call('fetch_slow'))
  f.end()
  f.localTee(recordBase)
  f.i32Eqz()
  f.if_()
  if (frame.exact !== undefined) tracePc(frame, () => f.localGet(target))
  f.localGet(locals.icount)
  f.i32Const(1)
  f.i32Sub()
  f.localSet(locals.icount)
  spendWithoutRetiring(f, locals)
  storePc(f, locals, () => f.localGet(target))
  f.localGet(hart)
  f.call(imports.call('trap'))
  f.localGet(hart)
  f.i64Load(hartField('pc'))
  f.localSet(target)
  f.br(exits.jump)
  f.end()

  f.localGet(target)
  f.i32WrapI64()
  f.i32Const(0xffe)
  f.i32And()
  f.i32Const(2)
  f.i32Shl()
  f.localGet(recordBase)
  f.i32Add()
  f.localSet(record)
  f.localGet(target)
  f.i64Const(-4096)
  f.i64And()
  f.localGet(recordBase)
  f.i32Const(2)
  f.i32ShrU()
  f.i64ExtendI32U()
  f.i64Sub()
  f.localSet(pcDelta)
}

function storePc(f: FunctionBuilder, { hart }: Locals, push: () => void): void {
  f.localGet(hart)
  push()
  f.i64Store(hartField('pc'))
}

/** The dispatch and all handlers. */
function dispatch(frame: Frame, operations: Operations, decoder: number): void {
  const { f, locals, exits } = frame
  if (frame.exact !== undefined) beginExactly(frame)
  const blocks = Array.from({ length: operations.count }, () => f.block()).reverse()
  f.localGet(locals.icount)
  f.i32Const(1)
  f.i32Sub()
  f.localSet(locals.icount)
  f.localGet(locals.record)
  f.i32Load16U()
  f.brTable(blocks, exits.illegal)

  const pseudoHandlers: Readonly<Record<number, () => void>> = {
    [pseudo.undecoded]: () => decodeRecord(frame, decoder),
    [pseudo.continueHere]: () => continueHere(frame),
    [pseudo.crossing]: () => runCrossing(frame, decoder),
    [pseudo.illegal]: () => f.br(exits.illegal),
    [pseudo.nop2]: () => advance(frame, 2),
    [pseudo.nop4]: () => advance(frame, 4),
    [pseudo.region]: () => runRegion(frame, decoder),
  }
  for (const op of Object.values(pseudo)) {
    f.end()
    pseudoHandlers[op]?.()
  }
  for (const variant of operations.variants) {
    f.end()
    new HandlerReader(frame, variant).emit()
  }
}

/** Leaves before the instruction at `record`, if enough have run; else notes it. */
function beginExactly(frame: Frame): void {
  const { f, locals, exits } = frame
  pushIsOver(frame)
  f.if_(undefined, 'unlikely')
  storePc(f, locals, () => pushPc(frame))
  exits.leave(hartExit.slice)
  f.end()
  tracePc(frame, () => pushPc(frame))
}

function advance({ f, locals, exits }: Frame, length: 2 | 4): void {
  f.localGet(locals.record)
  f.i32Const(length * 4)
  f.i32Add()
  f.localSet(locals.record)
  f.br(exits.next)
}

/**
 * The instruction just counted will not retire: the slice gets shorter by it instead. So a guest whose trap
 * handler traps at once still comes to the end of its slice.
 */
function spendWithoutRetiring(f: FunctionBuilder, { hart }: Locals): void {
  f.localGet(hart)
  f.localGet(hart)
  f.i32Load(hartField('sliceBudget'))
  f.i32Const(1)
  f.i32Sub()
  f.i32Store(hartField('sliceBudget'))
}

/** A pseudo-operation is no instruction: gives back what the dispatch counted. */
function uncount({ f, locals }: Frame): void {
  f.localGet(locals.icount)
  f.i32Const(1)
  f.i32Add()
  f.localSet(locals.icount)
}

function runRegion(frame: Frame, decoder: number): void {
  const { f, locals, exits, profile } = frame
  if (profile === undefined) {
    f.br(exits.illegal)
    return
  }
  uncount(frame)
  f.localGet(locals.hart)
  f.i64Load(hartField('bailPc'))
  pushPc(frame)
  f.i64Eq()
  f.if_(undefined, 'unlikely')
  f.localGet(locals.hart)
  f.i64Const(1)
  f.i64Store(hartField('bailPc'))
  runAlone(frame, decoder, () => {
    pushBits(frame)
    f.i32WrapI64()
  })
  f.end()
  enterRegion(frame, profile)
}

function continueHere(frame: Frame): void {
  const { f, locals, exits } = frame
  uncount(frame)
  pushPc(frame)
  f.localSet(locals.target)
  f.br(exits.jump)
}

/** Pushes the byte offset in the page of the instruction at `record`. */
function pushPageOffset({ f, locals }: Frame): void {
  f.localGet(locals.record)
  f.localGet(locals.recordBase)
  f.i32Sub()
  f.i32Const(2)
  f.i32ShrU()
}

/** Pushes the address of the code bytes of `record` in the page's snapshot. */
function pushCode(frame: Frame): void {
  const { f, locals } = frame
  f.localGet(locals.recordBase)
  f.i32Const(codePage.records - codePage.snapshot)
  f.i32Sub()
  pushPageOffset(frame)
  f.i32Add()
}

/** Fills the empty record and runs it. */
function decodeRecord(frame: Frame, decoder: number): void {
  const { f, locals, exits, scratch } = frame
  const bits = scratch.take('i32')
  uncount(frame)
  f.localGet(locals.hart)
  f.localGet(locals.hart)
  f.i32Load(hartField('statDecoded'))
  f.i32Const(1)
  f.i32Add()
  f.i32Store(hartField('statDecoded'))
  pushCode(frame)
  f.i32Load16U()
  f.localTee(bits)
  f.i32Const(3)
  f.i32And()
  f.i32Const(3)
  f.i32Eq()
  f.if_()
  pushPageOffset(frame)
  f.i32Const(4094)
  f.i32Eq()
  f.if_()
  f.localGet(locals.record)
  f.i32Const(pseudo.crossing)
  f.i32Store()
  f.br(exits.next)
  f.end()
  pushCode(frame)
  f.i32Load(0, 1)
  f.localSet(bits)
  f.end()
  f.localGet(bits)
  f.localGet(locals.record)
  pushPageOffset(frame)
  f.call(decoder)
  f.br(exits.next)
  scratch.release()
}

/** Fetches both halves, and runs the instruction from a record of its own, as if on a page that ends behind it. */
function runCrossing(frame: Frame, decoder: number): void {
  const { f, locals, exits, imports } = frame
  const scratchField = hartField('scratch')
  uncount(frame)
  f.localGet(locals.hart)
  pushPc(frame)
  f.call(imports.call('fetch_cross'))
  f.i32Eqz()
  f.if_()
  // The exception path takes this instruction as counted.
  f.localGet(locals.icount)
  f.i32Const(1)
  f.i32Sub()
  f.localSet(locals.icount)
  f.br(exits.exception)
  f.end()
  runAlone(frame, decoder, () => {
    f.localGet(locals.hart)
    f.i32Load(scratchField + alone.bits)
  })
}

/** Runs the instruction of the current pc, whose bits are pushed, from a record of its own, as `runCrossing` does. */
function runAlone(frame: Frame, decoder: number, pushInstruction: () => void): void {
  const { f, locals, exits } = frame
  const scratchField = hartField('scratch')
  f.localGet(locals.hart)
  pushInstruction()
  f.i32Store(scratchField + alone.bits)
  f.localGet(locals.hart)
  f.i32Load(scratchField + alone.bits)
  f.localGet(locals.hart)
  f.i32Const(scratchField + alone.record)
  f.i32Add()
  f.i32Const(isolated)
  f.call(decoder)
  for (const after of alone.after) {
    f.localGet(locals.hart)
    f.i32Const(pseudo.continueHere)
    f.i32Store(scratchField + after)
  }
  pushPc(frame)
  f.localGet(locals.hart)
  f.i32Const(scratchField + alone.record)
  f.i32Add()
  f.localTee(locals.record)
  f.localTee(locals.recordBase)
  f.i32Const(2)
  f.i32ShrU()
  f.i64ExtendI32U()
  f.i64Sub()
  f.localSet(locals.pcDelta)
  f.br(exits.next)
}

function raiseIllegal(f: FunctionBuilder, { hart }: Locals): void {
  f.localGet(hart)
  f.i32Const(2)
  f.i32Store(hartField('excCause'))
}

/** At `exception`: the instruction did not retire; pc is exact; an illegal one tells its bits. */
function takeException(frame: Frame): void {
  const { f, locals, imports } = frame
  const { hart, target } = locals
  spendWithoutRetiring(f, locals)
  storePc(f, locals, () => pushPc(frame))
  f.localGet(hart)
  f.i32Load(hartField('excCause'))
  f.i32Const(2)
  f.i32Eq()
  f.if_()
  f.localGet(hart)
  pushInstructionBits(frame)
  f.i64Store(hartField('excTval'))
  f.end()
  f.localGet(hart)
  f.localGet(locals.icount)
  f.i32Store(hartField('icount'))
  f.localGet(hart)
  f.call(imports.call('trap'))
  f.localGet(hart)
  f.i64Load(hartField('pc'))
  f.localSet(target)
}

function pushInstructionBits(frame: Frame): void {
  const { f, locals } = frame
  const scratchField = hartField('scratch')
  f.localGet(locals.recordBase)
  f.localGet(locals.hart)
  f.i32Const(scratchField + alone.record)
  f.i32Add()
  f.i32Eq()
  f.if_('i64')
  f.localGet(locals.hart)
  f.i64Load32U(scratchField + alone.bits)
  f.else_()
  pushBits(frame)
  f.end()
}

/** Pushes the bits of the instruction at `record`, from the page's snapshot, as an i64. */
function pushBits(frame: Frame): void {
  const { f } = frame
  pushCode(frame)
  f.i64Load32U(0, 1)
  f.i64Const(0xffffffff)
  f.i64Const(0xffff)
  pushCode(frame)
  f.i32Load16U()
  f.i32Const(3)
  f.i32And()
  f.i32Const(3)
  f.i32Eq()
  f.select()
  f.i64And()
}
