/**
 * Random programs, run by the interpreter and as compiled code: both must come to rest in the same state after as
 * many instructions. What is wrong is cut down to what it needs before it is shown.
 */

import { readFileSync } from 'node:fs'
import { join } from 'node:path'
import { disassemble } from '../../packages/riscv/isa/disassemble.ts'
import { instructionLength } from '../../packages/riscv/isa/encoding.ts'
import { allReaders } from '../../packages/riscv/jit/forced.ts'
import { isAtRest, isUnchanged, randomProgram } from '../../packages/riscv/jit/random-program.ts'
import { type Case, differences } from '../../packages/riscv/testing.ts'
import type { Finding, Fuzzer } from './fuzzer.ts'

/** Longer than any of the programs takes to come to rest. */
const budget = 50_000
/** Programs until the engines are made anew: compiled code is kept, up to a limit, behind which nothing is compiled. */
const programsOfEngine = 500
/** Of the instructions of so many programs, those where they rest included. */
const compiledShareMin = 0.9
const nop = [0x01, 0x00]

/** The fuzzer of the JIT. */
export function createJitFuzzer(): Fuzzer {
  const create = () =>
    allReaders((name) => readFileSync(join(import.meta.dirname, '../../packages/riscv/dist', name)))
  let { interpreter, compiled, later } = create()
  let [programs, ran, ranCompiled] = [0, 0, 0]
  const wrongIn = (program: Case): string[] => {
    const expected = interpreter.runFor(program, budget, 'empty')
    if (!isAtRest(expected)) return []
    for (const caches of ['empty', 'kept'] as const) {
      if (caches === 'kept' && !isUnchanged(program, expected)) continue
      for (const reader of [compiled, later]) {
        const found = reader.runFor(program, budget, caches)
        const wrong = differences(program, expected, found)
        if (found.retired !== expected.retired)
          wrong.push(`retired ${found.retired}, not ${expected.retired}`)
        if (caches === 'empty' && reader === compiled) {
          ran += Number(found.retired)
          ranCompiled += Number(found.compiled)
        }
        if (wrong.length > 0)
          return [`with caches ${caches}, compiled ${reader === later ? 'later' : 'at once'}:`, ...wrong]
      }
    }
    return []
  }
  return {
    unit: 'programs',
    try: (seed): Finding | undefined => {
      programs += 1
      if (programs % programsOfEngine === 0) {
        const share = ranCompiled / ran
        if (share < compiledShareMin)
          return { summary: [`only ${share} of the code ran compiled`], detail: [] }
        ;[ran, ranCompiled] = [0, 0]
        ;({ interpreter, compiled, later } = create())
      }
      const program = randomProgram(seed)
      if (wrongIn(program).length === 0) return undefined
      const smaller = minimise(program, (candidate) => wrongIn(candidate).length > 0)
      return { summary: wrongIn(smaller), detail: listing(smaller) }
    },
  }
}

/** Takes out one instruction after the other for as long as the program stays wrong. */
function minimise(program: Case, isWrong: (candidate: Case) => boolean): Case {
  let smallest = program
  for (const offset of instructionOffsets(program)) {
    const candidate = without(smallest, offset)
    if (isWrong(candidate)) smallest = candidate
  }
  return smallest
}

function codeOf({ patches }: Case): readonly number[] {
  return [...(patches.at(-1)?.bytes ?? [])]
}

function bitsAt(code: readonly number[], offset: number): { bits: number; length: number } {
  const [a = 0, b = 0, c = 0, d = 0] = code.slice(offset, offset + 4)
  const length = instructionLength(a | (b << 8))
  return { bits: length === 2 ? a | (b << 8) : a | (b << 8) | (c << 16) | (d << 24), length }
}

function instructionOffsets(program: Case): number[] {
  const code = codeOf(program)
  const offsets: number[] = []
  for (let offset = 0; offset < code.length; offset += bitsAt(code, offset).length) offsets.push(offset)
  // The last one is where the program comes to rest.
  return offsets.slice(0, -1)
}

/** The program with no-operations for the instruction at `offset` of its code. */
function without(program: Case, offset: number): Case {
  const code = codeOf(program)
  const patch = program.patches.at(-1)
  if (patch === undefined) return program
  const { length } = bitsAt(code, offset)
  const bytes = code.map((byte, at) => (at >= offset && at < offset + length ? (nop[at & 1] ?? 0) : byte))
  return {
    ...program,
    patches: [...program.patches.slice(0, -1), { ...patch, bytes: Uint8Array.from(bytes) }],
  }
}

function listing(program: Case): string[] {
  const code = codeOf(program)
  return [...instructionOffsets(program), code.length - bitsAt(code, code.length - 4).length]
    .map((offset) => ({ offset, text: disassemble(bitsAt(code, offset).bits) }))
    .filter(({ text }) => text !== 'c.addi zero,0')
    .map(({ offset, text }) => `  +0x${offset.toString(16).padStart(3, '0')}  ${text}`)
}
