/**
 * What every handler of the interpreter shares: the function being built, its fixed locals, the places a handler
 * can leave to, the imported runtime, and the small pool of scratch locals.
 */

import { assert, defined } from '@virga/base'
import type { FunctionBuilder, Label, ModuleBuilder } from '@virga/wasm'
import { hartOffset } from '../hart/layout.ts'
import type { Exact } from './exact.ts'
import type { Profile } from './profile.ts'

/** Functions of the runtime that generated code calls: parameters and result by name. */
const runtimeSignatures = {
  enter: { params: ['i32'], results: [] },
  load_slow: { params: ['i32', 'i64', 'i32'], results: ['i64'] },
  store_slow: { params: ['i32', 'i64', 'i64', 'i32'], results: ['i32'] },
  atomic_slow: { params: ['i32', 'i64', 'i32', 'i32'], results: ['i32'] },
  fetch_slow: { params: ['i32', 'i64'], results: ['i32'] },
  fetch_cross: { params: ['i32', 'i64'], results: ['i32'] },
  trap: { params: ['i32'], results: [] },
  csr: { params: ['i32', 'i32', 'i32', 'i64', 'i32'], results: ['i64'] },
  mret: { params: ['i32'], results: [] },
  sret: { params: ['i32'], results: [] },
  wfi: { params: ['i32'], results: ['i32'] },
  ecall: { params: ['i32'], results: ['i32'] },
  sfence_vma: { params: ['i32', 'i64', 'i64', 'i32'], results: [] },
  sinval_check: { params: ['i32'], results: [] },
  fence_i: { params: ['i32'], results: [] },
  cbo: { params: ['i32', 'i32', 'i64'], results: [] },
} as const

/** Functions of the software floating point, by the types of operands and result. */
function floatSignature(name: string): {
  params: readonly ('i32' | 'i64')[]
  results: readonly ('i32' | 'i64')[]
} {
  const [from, operation, to] = /^(\w+?)_(to)_(\w+)$/.exec(name)?.slice(1) ?? []
  const bits = (type: string) => (type === 'f32' ? 'i32' : 'i64')
  if (from !== undefined && operation !== undefined && to !== undefined) {
    return name === 'f32_to_f64'
      ? { params: ['i32'], results: ['i64'] }
      : { params: [bits(from), 'i32'], results: [bits(to)] }
  }
  const type = name.startsWith('f32') ? 'i32' : 'i64'
  if (/_(add|sub|mul|div)$/.test(name)) return { params: [type, type, 'i32'], results: [type] }
  if (name.endsWith('_sqrt')) return { params: [type, 'i32'], results: [type] }
  if (name.endsWith('_fma')) return { params: [type, type, type, 'i32'], results: [type] }
  if (/_(eq|lt|le)$/.test(name)) return { params: [type, type], results: ['i32'] }
  if (/_(min|max)$/.test(name)) return { params: [type, type], results: [type] }
  assert(name.endsWith('_class'), `${name} is a floating-point function`)
  return { params: [type], results: ['i32'] }
}

const floatFunctions = ['f32', 'f64'].flatMap((type) => [
  ...['add', 'sub', 'mul', 'div', 'sqrt', 'fma', 'eq', 'lt', 'le', 'min', 'max', 'class'].map(
    (name) => `${type}_${name}`,
  ),
  ...['i32', 'u32', 'i64', 'u64'].flatMap((integer) => [`${type}_to_${integer}`, `${integer}_to_${type}`]),
  type === 'f32' ? 'f32_to_f64' : 'f64_to_f32',
])

/** Indices of what the generated module imports. */
export interface Imports {
  readonly call: (name: keyof typeof runtimeSignatures | (string & {})) => number
  /** the runtime's mutable global of flags raised by floating point */
  readonly floatFlags: number
}

/** Declares the imports of generated code: everything the runtime has, or the functions that `wanted` takes. */
export function declareImports(
  module: ModuleBuilder,
  maximumPages: number,
  wanted: (name: string) => boolean = () => true,
): Imports {
  module.importMemory('env', 'memory', { initialPages: 1, maximumPages, shared: true })
  const indices = new Map<string, number>()
  for (const [name, { params, results }] of Object.entries(runtimeSignatures)) {
    if (!wanted(name)) continue
    indices.set(name, module.importFunction('runtime', name, params, results))
  }
  for (const name of floatFunctions) {
    if (!wanted(name)) continue
    const { params, results } = floatSignature(name)
    indices.set(name, module.importFunction('runtime', name, params, results))
  }
  const floatFlags = module.importGlobal('runtime', 'float_flags', 'i32', true)
  return { call: (name) => defined(indices.get(name), `import ${name}`), floatFlags }
}

/** Local variables of `run`. */
export interface Locals {
  /** parameter: arena address of the hart block */
  readonly hart: number
  /** arena address of the record being run */
  readonly record: number
  /** pc − record / 4, for the page being run */
  readonly pcDelta: number
  /** first record of the page being run */
  readonly recordBase: number
  /** where `jump` goes */
  readonly target: number
  /** instructions left in the slice */
  readonly icount: number
}

/** Where a handler can leave to. */
export interface Exits {
  /** run the record that `record` points at */
  readonly next: Label
  /** continue at the address in `target`, after the poll */
  readonly jump: Label
  /** take the exception that the hart block describes, at `record` */
  readonly exception: Label
  /** raise an illegal-instruction exception at `record` */
  readonly illegal: Label
  /** return the exit code on the stack's local; see `leave` */
  readonly leave: (code: number) => void
}

/** Scratch locals, taken in a handler and given back all at once at its end. */
export class Scratch {
  private readonly f: FunctionBuilder
  private readonly pools = {
    i32: [] as number[],
    i64: [] as number[],
    f32: [] as number[],
    f64: [] as number[],
  }
  private taken = { i32: 0, i64: 0, f32: 0, f64: 0 }

  constructor(f: FunctionBuilder) {
    this.f = f
  }

  take(type: 'i32' | 'i64' | 'f32' | 'f64'): number {
    const pool = this.pools[type]
    const index = this.taken[type]++
    const known = pool[index]
    if (known !== undefined) return known
    const local = this.f.local(type)
    pool.push(local)
    return local
  }

  release(): void {
    this.taken = { i32: 0, i64: 0, f32: 0, f64: 0 }
  }
}

/** Everything a handler's emitter needs. */
export interface Frame {
  readonly f: FunctionBuilder
  readonly locals: Locals
  readonly exits: Exits
  readonly imports: Imports
  readonly scratch: Scratch
  /** function of this module: (a, b) → upper half of the unsigned product. Inline where there is none */
  readonly mulHighUnsigned?: number | undefined
  /** locals that hold ctxData and ctxDataMask, in compiled code */
  readonly dataContext?: { readonly lower: number; readonly mask: number } | undefined
  /** in the profiling interpreter */
  readonly profile?: Profile | undefined
  /** in the exact interpreter */
  readonly exact?: Exact | undefined
}

/** Byte offset of a field of the hart block. */
export function hartField(name: string): number {
  return defined(hartOffset[name], `hart field ${name}`)
}

/** Adds what `push` pushes to a 64-bit field of the hart block. */
export function addToField(
  { f, locals }: { readonly f: FunctionBuilder; readonly locals: { readonly hart: number } },
  field: string,
  push: () => void,
): void {
  f.localGet(locals.hart)
  f.localGet(locals.hart)
  f.i64Load(hartField(field))
  push()
  f.i64Add()
  f.i64Store(hartField(field))
}

/** Pushes the address of the instruction at `record`. */
export function pushPc({ f, locals }: Frame): void {
  f.localGet(locals.pcDelta)
  f.localGet(locals.record)
  f.i32Const(2)
  f.i32ShrU()
  f.i64ExtendI32U()
  f.i64Add()
}
