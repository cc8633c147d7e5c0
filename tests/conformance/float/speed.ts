/**
 * How long a floating-point operation takes, called from another wasm instance as the interpreter does:
 * `node tests/conformance/float/speed.ts` prints ns per operation. The loop loads operands from memory, calls,
 * stores the result; what that costs by itself is the first line.
 */
import { ModuleBuilder, type ValType } from '@virga/wasm'
import { compileRuntime } from '../../../infra/tasks/compile-runtime.ts'
import { chance } from './operands.ts'
import { operations, type Place } from './operations.ts'

const rootDir = `${import.meta.dirname}/../../..`
const rows = 256
const rowBytes = 32
const callsPerRun = 4_000_000
const runs = 5

const wasmTypes: Readonly<Record<Place, ValType>> = { s: 'i32', d: 'i64', x: 'i64' }

/** Ordinary numbers, which take the native path, and some for which only the integer path will do. */
const operandKinds = {
  normal: (random: ReturnType<typeof chance>, place: Place) => {
    const bits = random.bits()
    if (place === 'x') return BigInt.asIntN(40, bits)
    return place === 's'
      ? 0x3f80_0000n + (bits & 0xff_ffffn)
      : 0x3ff0_0000_0000_0000n + (bits & (2n ** 53n - 1n))
  },
  subnormal: (random: ReturnType<typeof chance>, place: Place) =>
    random.bits() & (place === 's' ? 0x7f_ffffn : 2n ** 52n - 1n),
} as const

/** A module whose `run(count)` calls `target` on the rows of memory in turn; without a target, it stores operand a. */
function loopModule(
  places: readonly Place[],
  result: Place,
  rm: number | undefined,
  called: boolean,
): Uint8Array {
  const module = new ModuleBuilder()
  module.importMemory('env', 'memory', { initialPages: 1, maximumPages: 1, shared: true })
  const params = places.map((place) => wasmTypes[place])
  const mode: ValType[] = rm === undefined ? [] : ['i32']
  const target = called
    ? module.importFunction('runtime', 'target', [...params, ...mode], [wasmTypes[result]])
    : 0
  const run = module.defineFunction({ export: 'run', params: ['i32'], results: [] })
  const row = run.local('i32')
  const again = run.loop()
  run.localGet(row)
  for (const [index, place] of (called ? places : places.slice(0, 1)).entries()) {
    run.localGet(row)
    if (wasmTypes[place] === 'i32') run.i32Load(8 * index)
    else run.i64Load(8 * index)
  }
  if (called) {
    if (rm !== undefined) run.i32Const(rm)
    run.call(target)
  }
  if (wasmTypes[result] === 'i32') run.i32Store(24)
  else run.i64Store(24)
  run.localGet(row)
  run.i32Const(rowBytes)
  run.i32Add()
  run.i32Const(rows * rowBytes - 1)
  run.i32And()
  run.localSet(row)
  run.localGet(0)
  run.i32Const(1)
  run.i32Sub()
  run.localTee(0)
  run.brIf(again)
  run.end()
  return module.build()
}

/** The least of some runs, in ns per call. */
function measure(run: (count: number) => void): number {
  run(200_000)
  run(200_000)
  let best = Number.POSITIVE_INFINITY
  for (let index = 0; index < runs; index++) {
    const startedMs = performance.now()
    run(callsPerRun)
    best = Math.min(best, ((performance.now() - startedMs) * 1e6) / callsPerRun)
  }
  return best
}

async function main(): Promise<void> {
  const memory = new WebAssembly.Memory({ initial: 1, maximum: 1, shared: true })
  const wasm = await compileRuntime(rootDir, 'packages/riscv/runtime/float/index.ts')
  const runtime = new WebAssembly.Instance(new WebAssembly.Module(wasm), { env: { memory } }).exports
  const view = new DataView(memory.buffer)
  const time = (places: readonly Place[], result: Place, rm: number | undefined, target: unknown): number => {
    const module = new WebAssembly.Module(loopModule(places, result, rm, target !== undefined))
    const imports = { env: { memory }, runtime: { target: target as WebAssembly.ExportValue } }
    return measure(new WebAssembly.Instance(module, imports).exports.run)
  }
  const fill = (kind: keyof typeof operandKinds, places: readonly Place[]): void => {
    const random = chance(1n)
    for (let row = 0; row < rows; row++) {
      for (const [index, place] of places.entries()) {
        view.setBigInt64(row * rowBytes + 8 * index, operandKinds[kind](random, place), true)
      }
    }
  }
  console.log(`empty loop      ${time(['d'], 'd', undefined, undefined).toFixed(1)}`)
  console.log('                native path  RTZ  subnormal operands')
  for (const { name, operands, result, rounds, export: exported } of operations) {
    if (/^f(?:msub|nmsub|nmadd|class)/.test(name)) continue
    const target = runtime[exported]
    const takesMode = rounds || /^fcvt\.d\.wu?$/.test(name)
    fill('normal', operands)
    const native = time(operands, result, takesMode ? 0 : undefined, target)
    const directed = takesMode ? time(operands, result, 1, target).toFixed(1) : ''
    fill('subnormal', operands)
    const slow = time(operands, result, takesMode ? 0 : undefined, target)
    console.log(
      `${name.padEnd(12)}${native.toFixed(1).padStart(12)}${directed.padStart(10)}${slow.toFixed(1).padStart(10)}`,
    )
  }
}

await main()
