/**
 * The instructions that a slice ran, as text: each straight piece of code once, where it ran last, with how often.
 * Why: a slice may have gone around a loop a thousand times, and what matters is which code it was.
 */

import { csrByNumber, decode, disassemble, floatNames, instructionLength, integerNames } from '@virga/riscv'

/** What is known of the path. */
export interface Path {
  /** addresses of the instructions, oldest first */
  readonly pcs: readonly bigint[]
  /** the halfword of code at an address; undefined where nothing is mapped any more */
  readonly halfword: (address: bigint) => number | undefined
  /** names of the registers that came out wrong; the last write of each is marked */
  readonly wrong: ReadonlySet<string>
}

interface Step {
  readonly pc: bigint
  /** undefined: not mapped any more */
  readonly bits: number | undefined
  readonly end: bigint
}

/** Steps that follow each other in memory. */
interface Piece {
  readonly steps: readonly Step[]
  times: number
}

/** Lines shown; older ones are left out, unless something is marked there. */
const linesShown = 120

/** The lines of the path. */
export function pathText({ pcs, halfword, wrong }: Path): string[] {
  const known = new Map<bigint, Step>()
  const steps = pcs.map((pc) => {
    const step = known.get(pc) ?? readStep(pc, halfword)
    known.set(pc, step)
    return step
  })
  const marks = lastWrites(steps, wrong)
  const pieces = piecesOf(steps).map(({ steps: piece, times }) => ({
    isMarked: piece.some(({ pc }) => marks.has(pc)),
    lines: [
      ...(times > 1 ? [`  (${times} times)`] : []),
      ...piece.map((step) => stepLine(step, marks.get(step.pc))),
    ],
  }))
  let room = linesShown
  const shown = pieces.toReversed().map(({ isMarked, lines }) => {
    room -= lines.length + 1
    return room >= 0 || isMarked ? lines : []
  })
  return withGaps(shown.toReversed())
}

/** Pieces one below the other; one without lines is left out. */
function withGaps(pieces: readonly (readonly string[])[]): string[] {
  const lines: string[] = []
  let isGap = false
  for (const piece of pieces) {
    if (piece.length > 0 && lines.length > 0 && !isGap) lines.push('')
    if (piece.length === 0 && !isGap) lines.push(...(lines.length > 0 ? [''] : []), '  …', '')
    isGap = piece.length === 0
    lines.push(...piece)
  }
  return lines
}

function readStep(pc: bigint, halfword: Path['halfword']): Step {
  const low = halfword(pc)
  if (low === undefined) return { pc, bits: undefined, end: pc + 4n }
  if (instructionLength(low) === 2) return { pc, bits: low, end: pc + 2n }
  const high = halfword(pc + 2n)
  return { pc, bits: high === undefined ? undefined : low | (high << 16), end: pc + 4n }
}

/** In the order in which they ran last. */
function piecesOf(steps: readonly Step[]): Piece[] {
  const pieces = new Map<string, Piece>()
  for (let first = 0; first < steps.length; ) {
    let end = first + 1
    while (end < steps.length && steps[end]?.pc === steps[end - 1]?.end) end += 1
    const key = `${steps[first]?.pc} ${end - first}`
    const times = pieces.get(key)?.times ?? 0
    pieces.delete(key)
    pieces.set(key, { steps: steps.slice(first, end), times: times + 1 })
    first = end
  }
  return [...pieces.values()]
}

/** Which wrong registers were written last at an address. */
function lastWrites(steps: readonly Step[], wrong: ReadonlySet<string>): Map<bigint, string[]> {
  const open = new Set(wrong)
  const marks = new Map<bigint, string[]>()
  for (let i = steps.length - 1; i >= 0 && open.size > 0; i--) {
    const step = steps[i]
    if (step === undefined) break
    for (const register of destinations(step)) {
      if (open.delete(register)) marks.set(step.pc, [...(marks.get(step.pc) ?? []), register])
    }
  }
  return marks
}

/** Fields of the hart block behind CSRs that are views. */
const views: Readonly<Record<string, readonly string[]>> = {
  sstatus: ['mstatus'],
  sie: ['mie'],
  sip: ['mip'],
  fcsr: ['fflags', 'frm'],
}

/** What an instruction writes by itself, by the names that reports give. */
function destinations({ bits }: Step): readonly string[] {
  const decoded = bits === undefined ? undefined : decode(bits)
  if (decoded === undefined) return []
  const { syntax, operands } = decoded.instruction
  const names = syntax.startsWith('frd') ? floatNames : integerNames
  const register = operands.rd === undefined ? [] : [names[decoded.rd] ?? '']
  if (!syntax.startsWith('rd,csr')) return register
  const csr = csrByNumber(decoded.imm)?.name ?? ''
  return [...register, ...(views[csr] ?? [csr])]
}

function stepLine({ pc, bits }: Step, registers: readonly string[] | undefined): string {
  const text = bits === undefined ? '(not mapped any more)' : disassemble(bits, pc)
  const line = `  ${pc.toString(16).padStart(16, '0')}  ${text}`
  return registers === undefined ? line : `${line.padEnd(56)}  ◄ ${registers.join(', ')}`
}
