/**
 * The runtime's floating point against two judges that share nothing with it: exact arithmetic on BigInts, and
 * the real QEMU. VIRGA_SEED draws other operands; a failure prints the seed and the vector.
 */
import { beforeAll, describe, expect, it } from 'vitest'
import { compileRuntime } from '../../../infra/tasks/compile-runtime.ts'
import type { RoundingMode } from '../../../packages/riscv/isa/evaluate/float/index.ts'
import { chance, edgeOperands, randomOperands } from './operands.ts'
import { type Bits, operations, type Runtime } from './operations.ts'
import { type Answer, askQemu, type Vector } from './qemu.ts'

const seed = BigInt(process.env.VIRGA_SEED ?? 20250611)
const rootDir = `${import.meta.dirname}/../../..`
const allModes: readonly RoundingMode[] = [0, 1, 2, 3, 4]

let runtime: Runtime
let flags: { value: number }

beforeAll(async () => {
  const wasm = await compileRuntime(rootDir, 'packages/riscv/runtime/float/index.ts')
  const memory = new WebAssembly.Memory({ initial: 1, maximum: 1, shared: true })
  const instance = new WebAssembly.Instance(new WebAssembly.Module(wasm), { env: { memory } })
  runtime = instance.exports as Runtime & WebAssembly.Exports
  flags = instance.exports.float_flags as WebAssembly.Global
})

/** The runtime's answer. */
function compute({ operation, operands: [a = 0n, b = 0n, c = 0n], rm }: Vector): Answer {
  flags.value = 0
  const bits = operations[operation]?.runtime(runtime, a, b, c, rm) ?? 0n
  return { bits, flags: flags.value }
}

/** The oracle's answer. */
function judge({ operation, operands: [a = 0n, b = 0n, c = 0n], rm }: Vector): Answer {
  return operations[operation]?.oracle(a, b, c, rm) ?? { bits: 0n, flags: 0 }
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
  it('agrees on every combination of edges', () => {
    expect(differences(edgeVectors(), compute, judge)).toEqual([])
  })

  it('agrees on random operands', () => {
    expect(differences(randomVectors(seed, 2_000), compute, judge)).toEqual([])
  })
})

describe('the runtime and the oracle against qemu-riscv64', () => {
  it('agree on at least 100,000 vectors', () => {
    const vectors = [...edgeVectors(), ...randomVectors(seed + 1n, 4_000)]
    expect(vectors.length).toBeGreaterThanOrEqual(100_000)
    const answers = askQemu(vectors)
    const boxed = (vector: Vector, answer: Answer): Answer => {
      const single = operations[vector.operation]?.result === 's'
      return single ? { ...answer, bits: answer.bits | 0xffff_ffff_0000_0000n } : answer
    }
    const qemu = (_: Vector, index: number) => answers[index] ?? { bits: 0n, flags: -1 }
    expect(differences(vectors, (vector) => boxed(vector, compute(vector)), qemu)).toEqual([])
    const some = vectors.flatMap((vector, index) =>
      index % 7 === 0 ? [{ vector, answer: answers[index] }] : [],
    )
    expect(
      differences(
        some.map(({ vector }) => vector),
        (vector) => boxed(vector, judge(vector)),
        (_, index) => some[index]?.answer ?? { bits: 0n, flags: -1 },
      ),
    ).toEqual([])
  })
})
