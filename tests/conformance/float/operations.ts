/**
 * Every F and D instruction that computes, in one table: its operands, what the runtime calls for it, and what
 * the oracle says of it. The guest program that asks QEMU is made from the names.
 */
import {
  add,
  classify,
  convert,
  div,
  eq,
  type FloatResult,
  floatFormats,
  fma,
  fromInt,
  le,
  lt,
  max,
  min,
  mul,
  type RoundingMode,
  sqrt,
  sub,
  toInt,
} from '../../../packages/riscv/isa/evaluate/float/index.ts'

/** Where an operand or result lives: an f register as single or double, or an integer register. */
export type Place = 's' | 'd' | 'x'

/** A 64-bit pattern; a single has zeros above bit 31, except where QEMU shows its NaN box. */
export type Bits = bigint

/** A wasm export of the runtime: i32 operands and results are numbers, i64 ones are BigInts. */
export type RuntimeFunction = (...operands: (number | bigint)[]) => number | bigint

/** The runtime's functions by export name. */
export type Runtime = Readonly<Record<string, RuntimeFunction>>

/** One instruction. `runtime` and `oracle` take three operands and ignore those beyond `operands`. */
export interface Operation {
  /** mnemonic, as the assembler has it */
  readonly name: string
  /** the runtime's export that computes it */
  readonly export: string
  readonly operands: readonly Place[]
  readonly result: Place
  /** whether the instruction has a rounding mode */
  readonly rounds: boolean
  readonly runtime: (runtime: Runtime, a: Bits, b: Bits, c: Bits, rm: RoundingMode) => Bits
  readonly oracle: (a: Bits, b: Bits, c: Bits, rm: RoundingMode) => FloatResult
}

type FormatName = 's' | 'd'
type Oracle = Operation['oracle']

const exportPrefix = { s: 'f32', d: 'f64' } as const
const integers = { w: 'i32', wu: 'u32', l: 'i64', lu: 'u64' } as const
const signBits = { s: 1n << 31n, d: 1n << 63n } as const

/** Calls `name` with patterns of `places` and `rm` if it takes one; gives a pattern of `result`. */
function call(
  runtime: Runtime,
  name: string,
  places: readonly Place[],
  result: Place,
  patterns: readonly Bits[],
  rm: number | undefined,
): Bits {
  const operands = places.map((place, index) => {
    const pattern = patterns[index] ?? 0n
    return place === 's' ? Number(BigInt.asIntN(32, pattern)) : BigInt.asIntN(64, pattern)
  })
  const value = runtime[name]?.(...operands, ...(rm === undefined ? [] : [rm]))
  if (value === undefined) throw new Error(`the runtime does not export ${name}`)
  return BigInt.asUintN(result === 's' ? 32 : 64, BigInt(value))
}

function operation(
  name: string,
  operands: readonly Place[],
  result: Place,
  rounds: boolean,
  runtimeName: string,
  judge: Oracle,
): Operation {
  return {
    name,
    export: runtimeName,
    operands,
    result,
    rounds,
    runtime: (runtime, a, b, c, rm) =>
      call(runtime, runtimeName, operands, result, [a, b, c], rounds ? rm : undefined),
    oracle: judge,
  }
}

/** An FMA of a kind: the signs of product and addend flipped, or not. */
function fused(name: string, f: FormatName, flipProduct: boolean, flipAddend: boolean): Operation {
  const product = flipProduct ? signBits[f] : 0n
  const addend = flipAddend ? signBits[f] : 0n
  const format = floatFormats[f]
  const base = operation(`${name}.${f}`, [f, f, f], f, true, `${exportPrefix[f]}_fma`, (a, b, c, rm) =>
    fma(format, a ^ product, b, c ^ addend, rm),
  )
  return { ...base, runtime: (runtime, a, b, c, rm) => base.runtime(runtime, a ^ product, b, c ^ addend, rm) }
}

function operationsOf(f: FormatName): Operation[] {
  const format = floatFormats[f]
  const prefix = exportPrefix[f]
  const rounding = Object.entries({ add, sub, mul, div }).map(([name, judge]) =>
    operation(`f${name}.${f}`, [f, f], f, true, `${prefix}_${name}`, (a, b, _c, rm) =>
      judge(format, a, b, rm),
    ),
  )
  const extrema = Object.entries({ min, max }).map(([name, judge]) =>
    operation(`f${name}.${f}`, [f, f], f, false, `${prefix}_${name}`, (a, b) => judge(format, a, b)),
  )
  const comparisons = Object.entries({ eq, lt, le }).map(([name, judge]) =>
    operation(`f${name}.${f}`, [f, f], 'x', false, `${prefix}_${name}`, (a, b) => judge(format, a, b)),
  )
  return [
    ...rounding,
    operation(`fsqrt.${f}`, [f], f, true, `${prefix}_sqrt`, (a, _b, _c, rm) => sqrt(format, a, rm)),
    fused('fmadd', f, false, false),
    fused('fmsub', f, false, true),
    fused('fnmsub', f, true, false),
    fused('fnmadd', f, true, true),
    ...extrema,
    ...comparisons,
    operation(`fclass.${f}`, [f], 'x', false, `${prefix}_class`, (a) => classify(format, a)),
    ...integerConversions(f),
  ]
}

function integerConversions(f: FormatName): Operation[] {
  const format = floatFormats[f]
  return (['w', 'wu', 'l', 'lu'] as const).flatMap((kind) => {
    const width = kind.startsWith('w') ? 32 : 64
    const isSigned = !kind.endsWith('u')
    // A double holds every 32-bit integer: the instruction has the field, the assembler takes no mode for it.
    const rounds = f === 's' || width === 64
    const to = `${exportPrefix[f]}_to_${integers[kind]}`
    const from = `${integers[kind]}_to_${exportPrefix[f]}`
    const fromInteger = operation(`fcvt.${f}.${kind}`, ['x'], f, rounds, from, (a, _b, _c, rm) =>
      fromInt(format, a, rm, width, isSigned),
    )
    return [
      operation(`fcvt.${kind}.${f}`, [f], 'x', true, to, (a, _b, _c, rm) =>
        toInt(format, a, rm, width, isSigned),
      ),
      // The runtime takes the mode wherever it comes from an integer.
      {
        ...fromInteger,
        runtime: (runtime: Runtime, a: Bits, _b: Bits, _c: Bits, rm: RoundingMode) =>
          call(runtime, from, ['x'], f, [a], rm),
      },
    ]
  })
}

const { s: single, d: double } = floatFormats

/** All of them. A vector names its operation by its index here. */
export const operations: readonly Operation[] = [
  ...operationsOf('s'),
  ...operationsOf('d'),
  operation('fcvt.s.d', ['d'], 's', true, 'f64_to_f32', (a, _b, _c, rm) => convert(double, single, a, rm)),
  operation('fcvt.d.s', ['s'], 'd', false, 'f32_to_f64', (a, _b, _c, rm) => convert(single, double, a, rm)),
]
