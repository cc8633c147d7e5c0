/**
 * Each numeric instruction, run by the engine on edge operands, against what it means written in JavaScript. This is
 * what tells a wrong code in the opcode table from a right one: validation alone would take `i32.sub` for `i32.add`.
 */
import { describe, expect, it } from 'vitest'
import { ModuleBuilder, type ValType } from './index.ts'
import { methodName } from './instructions.ts'
import { type Mnemonic, OPCODES } from './opcodes.ts'

type Value = number | bigint
/** Gives the result, or undefined where the instruction traps. */
type Meaning = (a: never, b: never) => Value | undefined

/** Instructions by signature: operand types, then the result type. */
const CASES: Readonly<Record<string, Readonly<Record<string, Meaning>>>> = {
  'i32 i32': {
    'i32.clz': (a: number) => Math.clz32(a),
    'i32.ctz': (a: number) => (a === 0 ? 32 : 31 - Math.clz32(a & -a)),
    'i32.popcnt': (a: number) => (a >>> 0).toString(2).replaceAll('0', '').length,
    'i32.eqz': (a: number) => bit(a === 0),
    'i32.extend8_s': (a: number) => (a << 24) >> 24,
    'i32.extend16_s': (a: number) => (a << 16) >> 16,
  },
  'i32 i32 i32': {
    'i32.add': (a: number, b: number) => (a + b) | 0,
    'i32.sub': (a: number, b: number) => (a - b) | 0,
    'i32.mul': (a: number, b: number) => Math.imul(a, b),
    'i32.div_s': (a: number, b: number) =>
      b === 0 || (a === -(2 ** 31) && b === -1) ? undefined : (a / b) | 0,
    'i32.div_u': (a: number, b: number) => (b === 0 ? undefined : Math.floor((a >>> 0) / (b >>> 0)) | 0),
    'i32.rem_s': (a: number, b: number) => (b === 0 ? undefined : (a % b) | 0),
    'i32.rem_u': (a: number, b: number) => (b === 0 ? undefined : ((a >>> 0) % (b >>> 0)) | 0),
    'i32.and': (a: number, b: number) => a & b,
    'i32.or': (a: number, b: number) => a | b,
    'i32.xor': (a: number, b: number) => a ^ b,
    'i32.shl': (a: number, b: number) => a << b,
    'i32.shr_s': (a: number, b: number) => a >> b,
    'i32.shr_u': (a: number, b: number) => (a >>> b) | 0,
    'i32.rotl': (a: number, b: number) => (a << b) | (b & 31 && a >>> -b),
    'i32.rotr': (a: number, b: number) => (b & 31 && a << -b) | (a >>> b),
    'i32.eq': (a: number, b: number) => bit(a === b),
    'i32.ne': (a: number, b: number) => bit(a !== b),
    'i32.lt_s': (a: number, b: number) => bit(a < b),
    'i32.lt_u': (a: number, b: number) => bit(a >>> 0 < b >>> 0),
    'i32.gt_s': (a: number, b: number) => bit(a > b),
    'i32.gt_u': (a: number, b: number) => bit(a >>> 0 > b >>> 0),
    'i32.le_s': (a: number, b: number) => bit(a <= b),
    'i32.le_u': (a: number, b: number) => bit(a >>> 0 <= b >>> 0),
    'i32.ge_s': (a: number, b: number) => bit(a >= b),
    'i32.ge_u': (a: number, b: number) => bit(a >>> 0 >= b >>> 0),
  },
  'i64 i64': {
    'i64.clz': (a: bigint) => BigInt(bits(a).indexOf('1') === -1 ? 64 : bits(a).indexOf('1')),
    'i64.ctz': (a: bigint) => BigInt(bits(a).lastIndexOf('1') === -1 ? 64 : 63 - bits(a).lastIndexOf('1')),
    'i64.popcnt': (a: bigint) => BigInt(bits(a).replaceAll('0', '').length),
    'i64.extend8_s': (a: bigint) => BigInt.asIntN(8, a),
    'i64.extend16_s': (a: bigint) => BigInt.asIntN(16, a),
    'i64.extend32_s': (a: bigint) => BigInt.asIntN(32, a),
  },
  'i64 i64 i64': {
    'i64.add': (a: bigint, b: bigint) => s64(a + b),
    'i64.sub': (a: bigint, b: bigint) => s64(a - b),
    'i64.mul': (a: bigint, b: bigint) => s64(a * b),
    'i64.div_s': (a: bigint, b: bigint) => (b === 0n || a / b === 2n ** 63n ? undefined : a / b),
    'i64.div_u': (a: bigint, b: bigint) => (b === 0n ? undefined : s64(u64(a) / u64(b))),
    'i64.rem_s': (a: bigint, b: bigint) => (b === 0n ? undefined : a % b),
    'i64.rem_u': (a: bigint, b: bigint) => (b === 0n ? undefined : s64(u64(a) % u64(b))),
    'i64.and': (a: bigint, b: bigint) => a & b,
    'i64.or': (a: bigint, b: bigint) => a | b,
    'i64.xor': (a: bigint, b: bigint) => a ^ b,
    'i64.shl': (a: bigint, b: bigint) => s64(a << (b & 63n)),
    'i64.shr_s': (a: bigint, b: bigint) => a >> (b & 63n),
    'i64.shr_u': (a: bigint, b: bigint) => s64(u64(a) >> (b & 63n)),
    'i64.rotl': (a: bigint, b: bigint) => rotateLeft(a, b & 63n),
    'i64.rotr': (a: bigint, b: bigint) => rotateLeft(a, -b & 63n),
  },
  'i64 i32': {
    'i64.eqz': (a: bigint) => bit(a === 0n),
    'i32.wrap_i64': (a: bigint) => Number(BigInt.asIntN(32, a)),
  },
  'i64 i64 i32': {
    'i64.eq': (a: bigint, b: bigint) => bit(a === b),
    'i64.ne': (a: bigint, b: bigint) => bit(a !== b),
    'i64.lt_s': (a: bigint, b: bigint) => bit(a < b),
    'i64.lt_u': (a: bigint, b: bigint) => bit(u64(a) < u64(b)),
    'i64.gt_s': (a: bigint, b: bigint) => bit(a > b),
    'i64.gt_u': (a: bigint, b: bigint) => bit(u64(a) > u64(b)),
    'i64.le_s': (a: bigint, b: bigint) => bit(a <= b),
    'i64.le_u': (a: bigint, b: bigint) => bit(u64(a) <= u64(b)),
    'i64.ge_s': (a: bigint, b: bigint) => bit(a >= b),
    'i64.ge_u': (a: bigint, b: bigint) => bit(u64(a) >= u64(b)),
  },
  'f32 f32': unaryFloat('f32'),
  'f64 f64': unaryFloat('f64'),
  'f32 f32 f32': binaryFloat('f32'),
  'f64 f64 f64': binaryFloat('f64'),
  'f32 f32 i32': compareFloat('f32'),
  'f64 f64 i32': compareFloat('f64'),
  'f32 i32': {
    ...truncations('i32', 'f32', 32),
    'i32.reinterpret_f32': (a: number) =>
      reread(
        (to) => to.setFloat32(0, a),
        (from) => from.getInt32(0),
      ),
  },
  'f64 i32': truncations('i32', 'f64', 32),
  'f32 i64': truncations('i64', 'f32', 64),
  'f64 i64': {
    ...truncations('i64', 'f64', 64),
    'i64.reinterpret_f64': (a: number) =>
      reread(
        (to) => to.setFloat64(0, a),
        (from) => from.getBigInt64(0),
      ),
  },
  'i32 i64': {
    'i64.extend_i32_s': (a: number) => BigInt(a),
    'i64.extend_i32_u': (a: number) => BigInt(a >>> 0),
  },
  'i32 f32': {
    'f32.convert_i32_s': (a: number) => Math.fround(a),
    'f32.convert_i32_u': (a: number) => Math.fround(a >>> 0),
    'f32.reinterpret_i32': (a: number) =>
      reread(
        (to) => to.setInt32(0, a),
        (from) => from.getFloat32(0),
      ),
  },
  'i32 f64': {
    'f64.convert_i32_s': (a: number) => a,
    'f64.convert_i32_u': (a: number) => a >>> 0,
  },
  'i64 f32': {
    'f32.convert_i64_s': (a: bigint) => singleOf(a),
    'f32.convert_i64_u': (a: bigint) => singleOf(u64(a)),
  },
  'i64 f64': {
    'f64.convert_i64_s': (a: bigint) => Number(a),
    'f64.convert_i64_u': (a: bigint) => Number(u64(a)),
    'f64.reinterpret_i64': (a: bigint) =>
      reread(
        (to) => to.setBigInt64(0, a),
        (from) => from.getFloat64(0),
      ),
  },
  'f64 f32': { 'f32.demote_f64': (a: number) => Math.fround(a) },
  'f32 f64': { 'f64.promote_f32': (a: number) => a },
}

const OPERANDS: { readonly [K in 'i32' | 'i64' | 'f32' | 'f64']: readonly Value[] } = {
  i32: [0, 1, -1, 3, 7, -7, 31, 32, 0x80, 0x8000, 0x12345678, 2 ** 31 - 1, -(2 ** 31)],
  i64: [
    0n,
    1n,
    -1n,
    3n,
    -7n,
    63n,
    64n,
    0x80n,
    0x8000n,
    0x8000_0000n,
    0x123456789abcdefn,
    2n ** 63n - 1n,
  ].concat(-(2n ** 63n), 2n ** 53n + 1n),
  f32: [0, -0, 0.5, -0.5, 1.5, 2.5, -2.75, 2 ** -149, 3e9, -3e9, 1e19, 3e38, Infinity, -Infinity, NaN].map(
    Math.fround,
  ),
  f64: [0, -0, 0.5, -0.5, 1.5, 2.5, -2.75, 2 ** -1074, 0.1, 3e9, -3e9, 1e19, 1e300, Infinity, -Infinity, NaN],
}

describe.each(Object.entries(CASES))('%s', (signature, meanings) => {
  const types = signature.split(' ') as (keyof typeof OPERANDS)[]
  const params = types.slice(0, -1)
  const instance = instanceWith(Object.keys(meanings) as Mnemonic[], params, types.slice(-1))
  const [left, right] = params
  const pairs = OPERANDS[left ?? 'i32'].flatMap((a) =>
    right === undefined ? [[a]] : OPERANDS[right].map((b) => [a, b]),
  )

  it.each(Object.entries(meanings))('%s', (mnemonic, meaning) => {
    const run = instance[mnemonic] as (...operands: Value[]) => Value
    for (const operands of pairs) {
      const expected = meaning(...(operands as [never, never]))
      if (expected === undefined) expect(() => run(...operands)).toThrow(WebAssembly.RuntimeError)
      // `toBe` is Object.is: it tells -0 from 0 and takes NaN for NaN.
      else expect(run(...operands), `${mnemonic} ${operands.join(' ')}`).toBe(expected)
    }
  })
})

it('no numeric instruction is left out', () => {
  const tested = Object.values(CASES).flatMap((meanings) => Object.keys(meanings))
  const numeric = Object.entries(OPCODES)
    .filter(([mnemonic, { immediate }]) => /^[if](32|64)\./.test(mnemonic) && immediate === 'none')
    .map(([mnemonic]) => mnemonic)
  expect(tested.sort()).toEqual(numeric.sort())
})

function instanceWith(
  mnemonics: readonly Mnemonic[],
  params: readonly ValType[],
  results: readonly ValType[],
): WebAssembly.Exports {
  const module = new ModuleBuilder()
  for (const mnemonic of mnemonics) {
    const fn = module.defineFunction({ export: mnemonic, params, results })
    params.forEach((_, index) => {
      fn.localGet(index)
    })
    const methods = fn as unknown as Record<string, () => void>
    methods[methodName(mnemonic)]?.()
  }
  return new WebAssembly.Instance(new WebAssembly.Module(module.build())).exports
}

/** Where `reread` writes. */
const view = new DataView(new ArrayBuffer(8))
function reread<T>(write: (to: DataView) => void, read: (from: DataView) => T): T {
  write(view)
  return read(view)
}

function bit(condition: boolean): number {
  return condition ? 1 : 0
}

function bits(value: bigint): string {
  return u64(value).toString(2).padStart(64, '0')
}

function s64(value: bigint): bigint {
  return BigInt.asIntN(64, value)
}

function u64(value: bigint): bigint {
  return BigInt.asUintN(64, value)
}

function rotateLeft(value: bigint, by: bigint): bigint {
  return s64((u64(value) << by) | (u64(value) >> (64n - by)))
}

/** The single nearest to an integer, rounded once: sticky low bits keep the first rounding from being one. */
function singleOf(value: bigint): number {
  const magnitude = value < 0n ? -value : value
  const sticky =
    magnitude >= 2n ** 53n && (magnitude & 0xfffn) !== 0n ? (magnitude & ~0xfffn) | 0x1000n : magnitude
  return Math.fround(value < 0n ? -Number(sticky) : Number(sticky))
}

function unaryFloat(type: 'f32' | 'f64'): Record<string, Meaning> {
  const round = type === 'f32' ? Math.fround : Number
  return {
    [`${type}.abs`]: (a: number) => Math.abs(a),
    [`${type}.neg`]: (a: number) => -a,
    [`${type}.ceil`]: (a: number) => Math.ceil(a),
    [`${type}.floor`]: (a: number) => Math.floor(a),
    [`${type}.trunc`]: (a: number) => Math.trunc(a),
    [`${type}.nearest`]: nearest,
    [`${type}.sqrt`]: (a: number) => round(Math.sqrt(a)),
  }
}

function nearest(value: number): number {
  const floor = Math.floor(value)
  const up = value - floor > 0.5 || (value - floor === 0.5 && floor % 2 !== 0)
  if (!Number.isFinite(value) || value === floor) return value
  return up ? floor + 1 || (value < 0 ? -0 : 0) : floor
}

function binaryFloat(type: 'f32' | 'f64'): Record<string, Meaning> {
  const round = type === 'f32' ? Math.fround : Number
  return {
    [`${type}.add`]: (a: number, b: number) => round(a + b),
    [`${type}.sub`]: (a: number, b: number) => round(a - b),
    [`${type}.mul`]: (a: number, b: number) => round(a * b),
    [`${type}.div`]: (a: number, b: number) => round(a / b),
    [`${type}.min`]: (a: number, b: number) => Math.min(a, b),
    [`${type}.max`]: (a: number, b: number) => Math.max(a, b),
    [`${type}.copysign`]: (a: number, b: number) => (b < 0 || Object.is(b, -0) ? -Math.abs(a) : Math.abs(a)),
  }
}

function compareFloat(type: 'f32' | 'f64'): Record<string, Meaning> {
  return {
    [`${type}.eq`]: (a: number, b: number) => bit(a === b),
    [`${type}.ne`]: (a: number, b: number) => bit(a !== b),
    [`${type}.lt`]: (a: number, b: number) => bit(a < b),
    [`${type}.gt`]: (a: number, b: number) => bit(a > b),
    [`${type}.le`]: (a: number, b: number) => bit(a <= b),
    [`${type}.ge`]: (a: number, b: number) => bit(a >= b),
  }
}

function truncations(to: 'i32' | 'i64', from: 'f32' | 'f64', width: number): Record<string, Meaning> {
  const result = (value: bigint): Value => (to === 'i32' ? Number(BigInt.asIntN(32, value)) : s64(value))
  const half = 2n ** BigInt(width - 1)
  const ranges = { s: [-half, half - 1n], u: [0n, 2n * half - 1n] } as const
  return Object.fromEntries(
    Object.entries(ranges).flatMap(([sign, [least, most]]) => [
      [
        `${to}.trunc_${from}_${sign}`,
        (a: number) => {
          if (!Number.isFinite(a)) return undefined
          const whole = BigInt(Math.trunc(a))
          return whole < least || whole > most ? undefined : result(whole)
        },
      ],
      [
        `${to}.trunc_sat_${from}_${sign}`,
        (a: number) => {
          if (Number.isNaN(a)) return result(0n)
          if (a >= Number(most)) return result(most)
          return result(a <= Number(least) ? least : BigInt(Math.trunc(a)))
        },
      ],
    ]),
  )
}
