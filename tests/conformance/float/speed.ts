/**
 * How long a floating-point operation takes, called from another wasm instance as the interpreter does:
 * `node tests/conformance/float/speed.ts [mnemonic …]` prints ns per operation, the least of some runs. The loop
 * loads operands from memory, calls, and stores the result; what that costs by itself is the first line.
 */
import { ModuleBuilder, type ValType } from '@virga/wasm'
import { compileRuntime } from '../../../infra/tasks/compile-runtime.ts'
import { type Chance, chance } from './operands.ts'
import { type Operation, operations, type Place } from './operations.ts'

const rootDir = `${import.meta.dirname}/../../..`
const rows = 256
const rowBytes = 32
const resultOffset = 24
const callsPerRun = 3_000_000
const runs = 7

/** How the runtime's function is called. */
interface Shape {
  readonly params: readonly ValType[]
  readonly result: ValType
  /** whether each call is followed by the flags being cleared, as by an interpreter that moves them elsewhere */
  readonly clears: boolean
  /** the rounding mode that follows the operands, if the function takes one */
  readonly rm?: number
}

/** Numbers in [1, 4), which take the native path. */
function ordinary(random: Chance, place: Place): bigint {
  if (place === 'x') return BigInt.asIntN(40, random.bits())
  const [one, binades] = place === 's' ? [0x7fn << 23n, 24] : [0x3ffn << 52n, 53]
  return one + BigInt.asUintN(binades, random.bits())
}

/** Subnormal numbers, for which as results or operands of most operations only integers will do. */
function subnormal(random: Chance, place: Place): bigint {
  return BigInt.asUintN(place === 's' ? 23 : 52, random.bits())
}

/** A module whose `run(count)` calls `target` on the rows of memory in turn, or without one copies operand a. */
function loopModule({ params, result, rm, clears }: Shape, called: boolean): Uint8Array {
  const module = new ModuleBuilder()
  module.importMemory('env', 'memory', { initialPages: 1, maximumPages: 1, shared: true })
  const flags = module.importGlobal('runtime', 'float_flags', 'i32', true)
  const mode: ValType[] = rm === undefined ? [] : ['i32']
  const target = called ? module.importFunction('runtime', 'target', [...params, ...mode], [result]) : 0
  const run = module.defineFunction({ export: 'run', params: ['i32'], results: [] })
  const row = run.local('i32')
  const again = run.loop()
  run.localGet(row)
  params.forEach((type, index) => {
    run.localGet(row)
    if (type === 'i32') run.i32Load(8 * index)
    else run.i64Load(8 * index)
  })
  if (called && rm !== undefined) run.i32Const(rm)
  if (called) run.call(target)
  if (result === 'i32') run.i32Store(resultOffset)
  else run.i64Store(resultOffset)
  if (clears) {
    run.i32Const(0)
    run.globalSet(flags)
  }
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

/** The least of the runs, in ns per call. */
function measure(run: (count: number) => void): number {
  let least = Number.POSITIVE_INFINITY
  for (let index = 0; index < runs; index++) {
    const startedMs = performance.now()
    run(callsPerRun)
    least = Math.min(least, ((performance.now() - startedMs) * 1e6) / callsPerRun)
  }
  return least
}

/** The parameters and result of an operation's export. */
function signature({ name, operands, result }: Operation): Pick<Shape, 'params' | 'result'> {
  const type = (place: Place): ValType => (place === 's' ? 'i32' : 'i64')
  const isTruth = /^f(?:eq|lt|le)/.test(name)
  return { params: operands.map(type), result: isTruth ? 'i32' : type(result) }
}

async function main(chosen: readonly string[]): Promise<void> {
  const memory = new WebAssembly.Memory({ initial: 1, maximum: 1, shared: true })
  const wasm = await compileRuntime(rootDir, 'packages/riscv/runtime/float/index.ts')
  const runtime = new WebAssembly.Instance(new WebAssembly.Module(wasm), { env: { memory } }).exports
  const view = new DataView(memory.buffer)
  const time = (shape: Shape, target?: WebAssembly.ExportFunction): string => {
    const module = new WebAssembly.Module(loopModule(shape, target !== undefined))
    const provided = { float_flags: runtime.float_flags, ...(target === undefined ? {} : { target }) }
    const { run } = new WebAssembly.Instance(module, { env: { memory }, runtime: provided }).exports
    return measure(run).toFixed(1).padStart(10)
  }
  const fill = (draw: typeof ordinary, places: readonly Place[]): void => {
    const random = chance(1n)
    for (let row = 0; row < rows; row++) {
      for (const [index, place] of places.entries()) {
        view.setBigInt64(row * rowBytes + 8 * index, draw(random, place), true)
      }
    }
  }
  console.log(`loop alone  ${time({ params: ['i64'], result: 'i64', clears: false })}`)
  console.log('                   RNE   cleared       RTZ subnormal')
  for (const operation of operations) {
    const { name, operands, rounds } = operation
    if (/^f(?:msub|nmsub|nmadd|class)/.test(name)) continue
    if (chosen.length > 0 && !chosen.includes(name)) continue
    const target = runtime[operation.export]
    const takesMode = rounds || /^fcvt\.d\.wu?$/.test(name)
    const shape = { ...signature(operation), clears: false, ...(takesMode ? { rm: 0 } : {}) }
    fill(ordinary, operands)
    const times = [time(shape, target), time({ ...shape, clears: true }, target)]
    times.push(takesMode ? time({ ...shape, rm: 1 }, target) : ' '.repeat(10))
    fill(subnormal, operands)
    times.push(time(shape, target))
    console.log(`${name.padEnd(12)}${times.join('')}`)
  }
}

await main(process.argv.slice(2))
