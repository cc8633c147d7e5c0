/**
 * The outside judge: a freestanding guest program that runs every instruction of the table on operands from its
 * standard input, and the real qemu-riscv64 that runs it.
 *
 * A request is 32 bytes: u32 routine, u32 frm, u64 a, b, c. An answer is 16: u64 result, u64 fflags. Singles come
 * back with their NaN box. Routines are numbered by operation and by how the mode is given: `dynamicMode` (from
 * frm) or a mode in the instruction itself.
 */
import { spawnSync } from 'node:child_process'
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import type { RoundingMode } from '../../../packages/riscv/isa/evaluate/float/index.ts'
import { type Bits, type Operation, operations } from './operations.ts'

/** One question: which operation on which operands, rounded how. */
export interface Vector {
  readonly operation: number
  readonly rm: RoundingMode
  /** 'static': the mode stands in the instruction, and frm holds another */
  readonly mode: 'dynamic' | 'static'
  readonly operands: readonly Bits[]
}

/** What the real machine answered. */
export interface Answer {
  readonly bits: Bits
  readonly flags: number
}

const modeNames = ['rne', 'rtz', 'rdn', 'rup', 'rmm'] as const
const routinesPerOperation = 1 + modeNames.length
const requestBytes = 32
const answerBytes = 16
const requestsPerBatch = 4096

/** One instruction between the moves that bring its operands and take its result. */
function routine(label: string, { name, operands, result }: Operation, mode: string | undefined): string {
  const registers = operands.map((place, index) => (place === 'x' ? `a${index}` : `fa${index}`))
  const moves = operands.flatMap((place, index) =>
    place === 'x' ? [] : [`fmv.${place === 's' ? 'w' : 'd'}.x fa${index}, a${index}`],
  )
  const destination = result === 'x' ? 'a0' : 'fa0'
  const instruction = `${name} ${[destination, ...registers, ...(mode === undefined ? [] : [mode])].join(', ')}`
  const back = result === 'x' ? [] : ['fmv.x.d a0, fa0']
  return [`${label}:`, ...moves, instruction, ...back, 'ret'].join('\n  ')
}

function routines(): { readonly code: string; readonly table: string } {
  const labels: string[] = []
  const code: string[] = []
  operations.forEach((operation, index) => {
    for (const mode of [undefined, ...modeNames]) {
      const label = `routine_${index}_${mode ?? 'dynamic'}`
      labels.push(`.dword ${label}`)
      // Where the assembler takes no mode, or frm gives it, the instruction is written without.
      const written = operation.rounds ? (mode ?? 'dyn') : undefined
      code.push(routine(label, operation, written))
    }
  })
  return { code: code.join('\n'), table: labels.join('\n  ') }
}

/** The guest program's text. */
export function guestProgram(): string {
  const { code, table } = routines()
  return `
  .globl _start
_start:
  la s0, requests
batch:
  li s1, 0
fill:
  li a7, 63
  li a0, 0
  add a1, s0, s1
  li a2, ${requestsPerBatch * requestBytes}
  sub a2, a2, s1
  beqz a2, filled
  ecall
  blez a0, filled
  add s1, s1, a0
  j fill
filled:
  beqz s1, finish
  la s2, answers
  mv s3, s0
  add s4, s0, s1
next:
  lwu t0, 0(s3)
  lwu t1, 4(s3)
  ld a0, 8(s3)
  ld a1, 16(s3)
  ld a2, 24(s3)
  fsrm t1
  fsflags zero
  la t2, table
  slli t0, t0, 3
  add t2, t2, t0
  ld t2, 0(t2)
  jalr t2
  frflags t1
  sd a0, 0(s2)
  sd t1, 8(s2)
  addi s2, s2, ${answerBytes}
  addi s3, s3, ${requestBytes}
  bltu s3, s4, next
  la s5, answers
drain:
  li a7, 64
  li a0, 1
  mv a1, s5
  sub a2, s2, s5
  beqz a2, batch
  ecall
  blez a0, broken
  add s5, s5, a0
  j drain
broken:
  li a0, 1
  j leave
finish:
  li a0, 0
leave:
  li a7, 93
  ecall
${code}
  .section .rodata
  .balign 8
table:
  ${table}
  .bss
  .balign 8
requests: .space ${requestsPerBatch * requestBytes}
answers: .space ${requestsPerBatch * answerBytes}
`
}

/** Runs a program that the machine must have. Throws with a line that says what to install, or what it said. */
function run(command: string, args: readonly string[], input?: Uint8Array): Buffer {
  const { error, status, stdout, stderr } = spawnSync(command, args, { input, maxBuffer: 2 ** 30 })
  if (error !== undefined && 'code' in error && error.code === 'ENOENT') {
    throw new Error(`${command} is missing: install qemu-user and gcc-riscv64-linux-gnu`)
  }
  if (error !== undefined) throw error
  if (status !== 0) throw new Error(`${command} ${args.join(' ')} failed: ${stderr.toString()}`)
  return stdout
}

function encode(vectors: readonly Vector[]): Uint8Array {
  const bytes = new Uint8Array(vectors.length * requestBytes)
  const view = new DataView(bytes.buffer)
  vectors.forEach(({ operation, rm, mode, operands }, index) => {
    const at = index * requestBytes
    const routineInOperation = mode === 'dynamic' ? 0 : 1 + rm
    const frm = mode === 'dynamic' ? rm : (rm + 1) % modeNames.length
    view.setUint32(at, operation * routinesPerOperation + routineInOperation, true)
    view.setUint32(at + 4, frm, true)
    operands.forEach((operand, place) => {
      view.setBigUint64(at + 8 + 8 * place, operand, true)
    })
  })
  return bytes
}

/** QEMU's answers to `vectors`, in their order. */
export function askQemu(vectors: readonly Vector[]): Answer[] {
  const folder = mkdtempSync(join(tmpdir(), 'virga-float-'))
  try {
    const source = join(folder, 'float.s')
    const program = join(folder, 'float')
    writeFileSync(source, guestProgram())
    run('riscv64-linux-gnu-gcc', ['-nostdlib', '-static', '-march=rv64gc', '-o', program, source])
    const output = run('qemu-riscv64', [program], encode(vectors))
    if (output.length !== vectors.length * answerBytes) {
      throw new Error(`qemu-riscv64 gave ${output.length} bytes for ${vectors.length} vectors`)
    }
    return vectors.map((_, index) => ({
      bits: output.readBigUInt64LE(index * answerBytes),
      flags: Number(output.readBigUInt64LE(index * answerBytes + 8)),
    }))
  } finally {
    rmSync(folder, { recursive: true, force: true })
  }
}
