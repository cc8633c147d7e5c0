/**
 * The runtime's floating point against two judges that share nothing with it: exact arithmetic on BigInts, and
 * the real QEMU. VIRGA_SEED draws other operands; a failure prints the seed and the vector.
 */
import { beforeAll, describe, expect, it } from 'vitest'
import { compileRuntime } from '../../../infra/tasks/compile-runtime.ts'
import type { RoundingMode } from '../../../packages/riscv/isa/evaluate/float/index.ts'
import { namedCases } from './named-cases.ts'
import { chance, edgeOperands, randomOperands } from './operands.ts'
import { type Bits, operations, type Runtime } from './operations.ts'
import { type Answer, askQemu, type Vector } from './qemu.ts'

const seed = BigInt(process.env.VIRGA_SEED ?? 20250611)
const rootDir = `${import.meta.dirname}/../../..`
const allModes: readonly RoundingMode[] = [0, 1, 2, 3, 4]

/** The runtime as it is, and its integer paths alone, which ordinary operands would otherwise seldom reach. */
let whole: Module
let integerPaths: Module

/** A compiled module. */
interface Module {
  readonly exports: Runtime
  readonly flags: { value: number }
}

async function load(entry: string): Promise<Module> {
  const wasm = await compileRuntime(rootDir, `packages/riscv/runtime/float/${entry}`)
  const memory = new WebAssembly.Memory({ initial: 1, maximum: 1, shared: true })
  const { exports } = new WebAssembly.Instance(new WebAssembly.Module(wasm), { env: { memory } })
  return { exports, flags: exports.float_flags }
}

beforeAll(async () => {
  whole = await load('index.ts')
  integerPaths = await load('soft/index.ts')
})

/** The answer of a compiled module, with some flags raised before. */
function compute({ exports, flags }: Module, vector: Vector, raised = 0): Answer {
  const { operation, operands, rm } = vector
  const [a = 0n, b = 0n, c = 0n] = operands
  flags.value = raised
  const bits = operations[operation]?.runtime(exports, a, b, c, rm) ?? 0n
  return { bits, flags: flags.value }
}

/** Whether the integer paths have the vector's operation. */
function hasIntegerPath({ operation }: Vector): boolean {
  return (operations[operation]?.export ?? '') in integerPaths.exports
}

/** The oracle's answer. */
function judge({ operation, operands: [a = 0n, b = 0n, c = 0n], rm }: Vector): Answer {
  return operations[operation]?.oracle(a, b, c, rm) ?? { bits: 0n, flags: 0 }
}

/** The named cases, every mode. */
function namedVectors(): Vector[] {
  return namedCases.flatMap(({ operation, operands }) => {
    const index = operations.findIndex(({ name }) => name === operation)
    return allModes.map((rm): Vector => ({ operation: index, rm, mode: 'dynamic', operands }))
  })
}

/** Vectors of the edges, every mode. */
function edgeVectors(): Vector[] {
  return operations.flatMap((operation, index) => {
    const modes = operation.rounds ? allModes : allModes.slice(0, 1)
    const rows = edgeOperands(operation)
    return rows.flatMap((operands) =>
      modes.map((rm): Vector => ({ operation: index, rm, mode: 'dynamic', operands })),
    )
  })
}

/** `perOperation` seeded random vectors of each operation, over all modes, given in both ways. */
function randomVectors(from: bigint, perOperation: number): Vector[] {
  const random = chance(from)
  return operations.flatMap((operation, index) =>
    Array.from({ length: perOperation }, (): Vector => {
      const rm = allModes[random.below(allModes.length)] ?? 0
      const mode = random.below(4) === 0 ? 'static' : 'dynamic'
      return { operation: index, rm, mode, operands: randomOperands(random, operation) }
    }),
  )
}

function hex(bits: Bits): string {
  return `0x${bits.toString(16)}`
}

/** The first few vectors on which the two differ, as text. */
function differences(
  vectors: readonly Vector[],
  answer: (vector: Vector, index: number) => Answer,
  expected: (vector: Vector, index: number) => Answer,
): string[] {
  const found: string[] = []
  for (const [index, vector] of vectors.entries()) {
    const ours = answer(vector, index)
    const theirs = expected(vector, index)
    if (ours.bits === theirs.bits && ours.flags === theirs.flags) continue
    const { operation, rm, mode, operands } = vector
    const question = `${operations[operation]?.name} ${operands.map(hex).join(' ')} rm ${rm} ${mode}`
    const show = ({ bits, flags }: Answer) => `${hex(bits)} flags ${flags}`
    found.push(`${question}: ${show(ours)}, expected ${show(theirs)} (seed ${seed})`)
    if (found.length === 10) break
  }
  return found
}

describe('the runtime against exact arithmetic', () => {
  it('agrees on the named cases, as do its integer paths', () => {
    const vectors = namedVectors()
    for (const module of [whole, integerPaths]) {
      expect(differences(vectors, (vector) => compute(module, vector), judge)).toEqual([])
    }
  })

  it('agrees on every combination of edges', () => {
    expect(differences(edgeVectors(), (vector) => compute(whole, vector), judge)).toEqual([])
  })

  it('agrees on random operands', () => {
    const vectors = randomVectors(seed, 4_000)
    expect(differences(vectors, (vector) => compute(whole, vector), judge)).toEqual([])
  })

  it('gives the same results with flags standing, and leaves them so', () => {
    const vectors = randomVectors(seed + 3n, 1_000)
    const expected = (vector: Vector): Answer => ({ ...judge(vector), flags: 31 })
    expect(differences(vectors, (vector) => compute(whole, vector, 31), expected)).toEqual([])
  })

  it('agrees on random operands where only integers are used', () => {
    const vectors = randomVectors(seed + 1n, 4_000).filter(hasIntegerPath)
    expect(new Set(vectors.map(({ operation }) => operation)).size).toBe(19)
    expect(differences(vectors, (vector) => compute(integerPaths, vector), judge)).toEqual([])
  })
})

describe('against qemu-riscv64', () => {
  let vectors: Vector[]
  let answers: Answer[]

  beforeAll(() => {
    vectors = [...namedVectors(), ...edgeVectors(), ...randomVectors(seed + 2n, 6_000)]
    answers = askQemu(vectors)
  })

  /** QEMU's answer to the vector of that index. */
  function qemu(_: Vector, index: number): Answer {
    return answers[index] ?? { bits: 0n, flags: -1 }
  }

  /** The answer as QEMU shows it: singles in their box. */
  function boxed(vector: Vector, answer: Answer): Answer {
    const single = operations[vector.operation]?.result === 's'
    return single ? { ...answer, bits: answer.bits | 0xffff_ffff_0000_0000n } : answer
  }

  it('the runtime agrees on at least 100,000 vectors', () => {
    expect(vectors.length).toBeGreaterThanOrEqual(100_000)
    expect(differences(vectors, (vector) => boxed(vector, compute(whole, vector)), qemu)).toEqual([])
  })

  it('so does the oracle', () => {
    expect(differences(vectors, (vector) => boxed(vector, judge(vector)), qemu)).toEqual([])
  })
})
