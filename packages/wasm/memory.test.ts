/**
 * Each instruction that touches memory or vectors, run by the engine, against what it means on a DataView: tells a
 * wrong code in the opcode table from a right one.
 */
import { describe, expect, it } from 'vitest'
import { type FunctionBuilder, ModuleBuilder, type ValType } from './index.ts'
import { methodName } from './instructions.ts'
import { type Mnemonic, OPCODES } from './opcodes.ts'

type Value = number | bigint

const ADDRESS = 8
const OFFSET = 24
const PATTERN = Uint8Array.from({ length: 64 }, (_, index) => (index * 37 + 0x85) & 0xff)

const tested = new Set<string>()

describe('plain and atomic loads', () => {
  it.each(accesses('load'))('$mnemonic', ({ mnemonic, type, width, signed }) => {
    const { run } = prepared([], type, (fn) => {
      fn.i32Const(ADDRESS)
      emit(fn, mnemonic, OFFSET)
    })
    const data = new DataView(PATTERN.buffer)
    const expected: Record<string, Value> = {
      f32: data.getFloat32(ADDRESS + OFFSET, true),
      f64: data.getFloat64(ADDRESS + OFFSET, true),
    }
    const whole = (signed ? BigInt.asIntN : BigInt.asUintN)(width, data.getBigUint64(ADDRESS + OFFSET, true))
    expect(run()).toBe(expected[type] ?? integer(type, whole))
  })
})

describe('plain and atomic stores', () => {
  it.each(accesses('store'))('$mnemonic', ({ mnemonic, type, width }) => {
    const { run, bytes } = prepared([type], undefined, (fn) => {
      fn.i32Const(ADDRESS)
      fn.localGet(0)
      emit(fn, mnemonic, OFFSET)
    })
    const value = type === 'i64' ? 0x0123_4567_89ab_cdefn : type === 'i32' ? 0x0123_4567 : -1.5
    run(value)
    const stored = new DataView(new ArrayBuffer(8))
    if (type === 'f32') stored.setFloat32(0, Number(value), true)
    else if (type === 'f64') stored.setFloat64(0, Number(value), true)
    else stored.setBigUint64(0, BigInt(value), true)
    const expected = PATTERN.slice()
    expected.set(new Uint8Array(stored.buffer, 0, width / 8), ADDRESS + OFFSET)
    expect(bytes.slice(0, 64)).toEqual(expected)
  })
})

const UPDATES: Readonly<Record<string, (old: bigint, operand: bigint) => bigint>> = {
  add: (old, operand) => old + operand,
  sub: (old, operand) => old - operand,
  and: (old, operand) => old & operand,
  or: (old, operand) => old | operand,
  xor: (old, operand) => old ^ operand,
  xchg: (_, operand) => operand,
}

describe('atomic read-modify-write', () => {
  it.each(accesses('rmw').filter(({ update }) => update !== 'cmpxchg'))(
    '$mnemonic',
    ({ mnemonic, type, width, update }) => {
      const { run, bytes } = prepared([type], type, (fn) => {
        fn.i32Const(ADDRESS)
        fn.localGet(0)
        emit(fn, mnemonic, OFFSET)
      })
      const operand = 0x6c6c_6c6cn
      const old = readInteger(PATTERN, width)
      expect(run(integer(type, operand))).toBe(integer(type, old))
      const updated = UPDATES[update]?.(old, operand) ?? 0n
      expect(readInteger(bytes, width)).toBe(BigInt.asUintN(width, updated))
      expect(bytes.slice(ADDRESS + OFFSET + width / 8, 64)).toEqual(
        PATTERN.slice(ADDRESS + OFFSET + width / 8),
      )
    },
  )

  it.each(accesses('rmw').filter(({ update }) => update === 'cmpxchg'))(
    '$mnemonic',
    ({ mnemonic, type, width }) => {
      const { run, bytes } = prepared([type, type], type, (fn) => {
        fn.i32Const(ADDRESS)
        fn.localGet(0)
        fn.localGet(1)
        emit(fn, mnemonic, OFFSET)
      })
      const old = readInteger(PATTERN, width)
      expect(run(integer(type, old ^ 1n), integer(type, 5n))).toBe(integer(type, old))
      expect(readInteger(bytes, width)).toBe(old)
      expect(run(integer(type, old), integer(type, 5n))).toBe(integer(type, old))
      expect(readInteger(bytes, width)).toBe(5n)
    },
  )
})

describe('waiting', () => {
  it('notify finds nobody, wait returns not-equal at once', () => {
    tested
      .add('memory.atomic.notify')
      .add('memory.atomic.wait32')
      .add('memory.atomic.wait64')
      .add('atomic.fence')
    const { run } = prepared([], 'i32', (fn) => {
      fn.atomicFence()
      fn.i32Const(ADDRESS)
      fn.i32Const(1)
      fn.memoryAtomicNotify(OFFSET)
      fn.i32Const(10)
      fn.i32Mul()
      fn.i32Const(ADDRESS)
      fn.i32Const(0)
      fn.i64Const(-1)
      fn.memoryAtomicWait32(OFFSET)
      fn.i32Add()
      fn.i32Const(10)
      fn.i32Mul()
      fn.i32Const(ADDRESS)
      fn.i64Const(0)
      fn.i64Const(-1)
      fn.memoryAtomicWait64(OFFSET)
      fn.i32Add()
    })
    expect(run()).toBe(11)
  })
})

describe('bulk', () => {
  it('memory.fill, memory.copy, memory.size, memory.grow', () => {
    tested.add('memory.fill').add('memory.copy').add('memory.size').add('memory.grow')
    const { run, bytes } = prepared([], 'i32', (fn) => {
      for (const operand of [40, 9, 4]) fn.i32Const(operand)
      fn.memoryFill()
      for (const operand of [0, 38, 8]) fn.i32Const(operand)
      fn.memoryCopy()
      fn.i32Const(0)
      fn.memoryGrow()
      fn.memorySize()
      fn.i32Add()
    })
    expect(run()).toBe(2)
    const expected = PATTERN.slice()
    expected.fill(9, 40, 44)
    expected.copyWithin(0, 38, 46)
    expect(bytes.slice(0, 64)).toEqual(expected)
  })
})

type Lanes = Int8Array | Int16Array | Int32Array | BigInt64Array
const LANES: Readonly<Record<string, (bytes: Uint8Array) => Lanes>> = {
  i8x16: (bytes) => new Int8Array(bytes.slice().buffer),
  i16x8: (bytes) => new Int16Array(bytes.slice().buffer),
  i32x4: (bytes) => new Int32Array(bytes.slice().buffer),
  i64x2: (bytes) => new BigInt64Array(bytes.slice().buffer),
}

/** Vectors that are equal in some lanes of every width, in all, in none, and zero in some. */
const VECTORS = [
  new Uint8Array(16),
  new Uint8Array(16).fill(0xff),
  Uint8Array.from({ length: 16 }, (_, i) => i * 17),
  Uint8Array.from({ length: 16 }, (_, i) => (i < 8 ? i * 17 : 255 - i)),
  Uint8Array.from({ length: 16 }, (_, i) => (i % 2 === 0 ? 0 : 0x80 + i)),
]

const BITWISE: Readonly<Record<string, (a: number, b: number, c: number) => number>> = {
  not: (a) => ~a,
  and: (a, b) => a & b,
  andnot: (a, b) => a & ~b,
  or: (a, b) => a | b,
  xor: (a, b) => a ^ b,
  bitselect: (a, b, c) => (a & c) | (b & ~c),
}

describe('vectors', () => {
  it.each(Object.entries(BITWISE))('v128.%s', (operation, meaning) => {
    const arity = meaning.length as 1 | 2 | 3
    const run = vectorOperation(`v128.${operation}` as Mnemonic, arity)
    for (const a of VECTORS)
      for (const b of VECTORS)
        for (const c of arity === 3 ? VECTORS : [a]) {
          expect(run([a, b, c])).toEqual(a.map((byte, i) => meaning(byte, b[i] ?? 0, c[i] ?? 0)))
        }
  })

  it.each(Object.entries(LANES))('%s.eq and ne, all_true and bitmask', (shape, lanesOf) => {
    const equal = vectorOperation(`${shape}.eq` as Mnemonic, 2)
    const notEqual = vectorOperation(`${shape}.ne` as Mnemonic, 2)
    const allTrue = vectorQuestion(`${shape}.all_true` as Mnemonic)
    const mask = vectorQuestion(`${shape}.bitmask` as Mnemonic)
    for (const a of VECTORS) {
      const left = [...lanesOf(a)]
      expect(allTrue(a)).toBe(left.every((lane) => Number(lane) !== 0) ? 1 : 0)
      expect(mask(a)).toBe(left.reduce((sum: number, lane, i) => sum + (lane < 0 ? 2 ** i : 0), 0))
      for (const b of VECTORS) {
        const same = left.map((lane, i) => lane === lanesOf(b)[i])
        expect([...lanesOf(equal([a, b]))].map((lane) => Number(lane))).toEqual(
          same.map((yes) => (yes ? -1 : 0)),
        )
        expect([...lanesOf(notEqual([a, b]))].map((lane) => Number(lane))).toEqual(
          same.map((yes) => (yes ? 0 : -1)),
        )
      }
    }
  })

  it('v128.any_true', () => {
    const anyTrue = vectorQuestion('v128.any_true')
    expect(VECTORS.map(anyTrue)).toEqual([0, 1, 1, 1, 1])
  })

  const SHAPES: readonly (readonly [string, ValType, number, Value, readonly string[]])[] = [
    ['i8x16', 'i32', 16, -3, ['_s', '_u']],
    ['i16x8', 'i32', 8, -3, ['_s', '_u']],
    ['i32x4', 'i32', 4, -3, ['']],
    ['i64x2', 'i64', 2, -3n, ['']],
    ['f32x4', 'f32', 4, 1.5, ['']],
    ['f64x2', 'f64', 2, 1.5, ['']],
  ]
  it.each(SHAPES)('%s splat, replace_lane, extract_lane', (shape, type, count, value, suffixes) => {
    for (const suffix of suffixes) {
      for (let lane = 0; lane < count; lane++) {
        const { run } = prepared([type, 'i32'], type, (fn) => {
          fn.localGet(0)
          emit(fn, `${shape}.splat` as Mnemonic)
          constant(fn, type, 0)
          emit(fn, `${shape}.replace_lane` as Mnemonic, (lane + 1) % count)
          emit(fn, `${shape}.extract_lane${suffix}` as Mnemonic, lane)
          constant(fn, type, 0)
          constant(fn, type, 0)
          emit(fn, `${shape}.splat` as Mnemonic)
          fn.localGet(0)
          emit(fn, `${shape}.replace_lane` as Mnemonic, lane)
          emit(fn, `${shape}.extract_lane${suffix}` as Mnemonic, (lane + 1) % count)
          fn.localGet(1)
          fn.select()
          // Both a kept lane and a replaced one, added: only one of them is not zero.
          emit(fn, `${type}.add` as Mnemonic)
        })
        const unsigned = Number(value) & (2 ** (128 / count) - 1)
        expect(run(value, 1)).toBe(suffix === '_u' ? unsigned : value)
      }
    }
  })

  it('v128.const and the loads that zero the rest', () => {
    tested.add('v128.const').add('v128.load32_zero').add('v128.load64_zero')
    const result = (build: (fn: FunctionBuilder) => void) => {
      const { run, bytes } = prepared([], undefined, (fn) => {
        fn.i32Const(0)
        build(fn)
        fn.v128Store()
      })
      run()
      return bytes.slice(0, 16)
    }
    const wanted = PATTERN.slice(3, 19)
    expect(result((fn) => fn.v128Const(wanted))).toEqual(wanted)
    for (const [size, load] of [
      [4, (fn: FunctionBuilder) => fn.v128Load32Zero(OFFSET)],
      [8, (fn: FunctionBuilder) => fn.v128Load64Zero(OFFSET)],
    ] as const) {
      const expected = new Uint8Array(16)
      expected.set(PATTERN.slice(OFFSET, OFFSET + size))
      expect(
        result((fn) => {
          fn.i32Const(0)
          load(fn)
        }),
      ).toEqual(expected)
    }
  })

  it.each([
    ['f32x4.relaxed_madd', 'f32', 7],
    ['f32x4.relaxed_nmadd', 'f32', -5],
    ['f64x2.relaxed_madd', 'f64', 7],
    ['f64x2.relaxed_nmadd', 'f64', -5],
  ] as const)('%s', (mnemonic, type, expected) => {
    const shape = type === 'f32' ? 'f32x4' : 'f64x2'
    const { run } = prepared([], type, (fn) => {
      for (const operand of [2, 3, 1]) {
        constant(fn, type, operand)
        emit(fn, `${shape}.splat` as Mnemonic)
      }
      emit(fn, mnemonic)
      emit(fn, `${shape}.extract_lane` as Mnemonic, 1)
    })
    expect(run()).toBe(expected)
  })
})

it('no memory, atomic or vector instruction is left out', () => {
  const relevant = Object.entries(OPCODES)
    .filter(([, { immediate, prefix }]) => immediate === 'memory' || immediate === 'atomic' || prefix > 0xfc)
    .map(([mnemonic]) => mnemonic)
  expect(relevant.filter((mnemonic) => !tested.has(mnemonic))).toEqual([])
})

interface Access {
  readonly mnemonic: Mnemonic
  readonly type: ValType
  readonly width: number
  readonly signed: boolean
  readonly update: string
}

/** The scalar instructions of one sort, taken apart by their names. */
function accesses(sort: 'load' | 'store' | 'rmw'): Access[] {
  const pattern = new RegExp(`^([if])(32|64)\\.(?:atomic\\.)?${sort}(8|16|32)?(?:\\.(\\w+?))?(_s|_u)?$`)
  return (Object.keys(OPCODES) as Mnemonic[]).flatMap((mnemonic) => {
    const match = pattern.exec(mnemonic)
    if (match === null) return []
    const [, kind, typeWidth, width = typeWidth, update = '', sign = ''] = match
    const type = `${kind}${typeWidth}` as ValType
    return [{ mnemonic, type, width: Number(width), signed: sign === '_s', update }]
  })
}

interface Prepared {
  readonly run: (...operands: readonly Value[]) => Value
  readonly bytes: Uint8Array
}

/** A module with one function, and a memory of one page that starts with the pattern. */
function prepared(
  params: readonly ValType[],
  result: ValType | undefined,
  build: (fn: FunctionBuilder) => void,
): Prepared {
  const memory = new WebAssembly.Memory({ initial: 1, maximum: 1, shared: true })
  const bytes = new Uint8Array(memory.buffer)
  bytes.set(PATTERN)
  const module = new ModuleBuilder()
  module.importMemory('env', 'memory', { initialPages: 1, maximumPages: 1, shared: true })
  build(module.defineFunction({ export: 'run', params, results: result === undefined ? [] : [result] }))
  const { exports } = new WebAssembly.Instance(new WebAssembly.Module(module.build()), { env: { memory } })
  return { run: exports.run as Prepared['run'], bytes }
}

function emit(fn: FunctionBuilder, mnemonic: Mnemonic, ...immediates: readonly number[]): void {
  tested.add(mnemonic)
  const methods = fn as unknown as Record<string, (...immediates: readonly number[]) => void>
  methods[methodName(mnemonic)]?.(...immediates)
}

function constant(fn: FunctionBuilder, type: ValType, value: number): void {
  if (type === 'i32') fn.i32Const(value)
  else if (type === 'i64') fn.i64Const(value)
  else if (type === 'f32') fn.f32Const(value)
  else fn.f64Const(value)
}

/** Runs `mnemonic` on vectors laid out from 64 on; its result is stored behind the pattern. */
function vectorOperation(mnemonic: Mnemonic, arity: number): (operands: readonly Uint8Array[]) => Uint8Array {
  const { run, bytes } = prepared([], undefined, (fn) => {
    fn.i32Const(256)
    for (let index = 0; index < arity; index++) {
      fn.i32Const(64)
      emit(fn, 'v128.load', index * 16)
    }
    emit(fn, mnemonic)
    emit(fn, 'v128.store')
  })
  return (operands) => {
    operands.forEach((operand, index) => {
      bytes.set(operand, 64 + index * 16)
    })
    run()
    return bytes.slice(256, 272)
  }
}

function vectorQuestion(mnemonic: Mnemonic): (operand: Uint8Array) => Value {
  const { run, bytes } = prepared([], 'i32', (fn) => {
    fn.i32Const(64)
    fn.v128Load()
    emit(fn, mnemonic)
  })
  return (operand) => {
    bytes.set(operand, 64)
    return run()
  }
}

function readInteger(bytes: Uint8Array, width: number): bigint {
  const data = new DataView(bytes.buffer, bytes.byteOffset)
  return BigInt.asUintN(width, data.getBigUint64(ADDRESS + OFFSET, true))
}

function integer(type: ValType, value: bigint): Value {
  return type === 'i64' ? BigInt.asIntN(64, value) : Number(BigInt.asIntN(32, value))
}
