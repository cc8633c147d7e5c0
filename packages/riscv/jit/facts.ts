/**
 * What the compiler must know of an instruction before it makes code of it: derived by reading its meaning with
 * values that are nothing, so that no table repeats it.
 */

import { assert } from '@virga/base'
import { type Instruction, instructionLength } from '../isa/encoding.ts'
import type { Meaning, Width } from '../isa/meaning.ts'
import { type Decoded, decode } from '../isa/table.ts'

/** How control goes on behind an instruction. */
export type Flow =
  /** to the next one */
  | 'next'
  /** to pc + imm or to the next one */
  | 'branch'
  /** to pc + imm */
  | 'jump'
  /** to a computed address */
  | 'indirect'
  /** to the next one, by way of the chain: it may have changed what the hart is */
  | 'leave'
  /** it is the interpreter's: compiled code ends before it */
  | 'stop'

/** A load or a store, at rs1 + imm. */
export interface Access {
  readonly kind: 'load' | 'store'
  readonly bytes: 1 | 2 | 4 | 8
}

/** Facts of one instruction of the table. */
export interface Facts {
  readonly flow: Flow
  /** it may raise an exception or call something that looks at the hart */
  readonly mayFault: boolean
  /** register operands by file; `F` ones are floating point */
  readonly reads: readonly ('rs1' | 'rs2' | 'frs1' | 'frs2' | 'frs3')[]
  readonly writes: 'rd' | 'frd' | undefined
  /**
   * names of the operations it uses, as in `Meaning`; besides, `csr.write` and its kin, and `fpBinary.add.d` and its kin.
   * `floatCsr` stands for `csr` on one of the floating-point unit's.
   */
  readonly uses: ReadonlySet<string>
  /** of a plain load or store */
  readonly access: Access | undefined
  /** what it makes rd of, if that is one of these */
  readonly sum: Sum | undefined
}

const sums = ['imm', 'pc+imm', 'rs1+imm'] as const
/** Of which an address is made that the code knows in part. */
export type Sum = (typeof sums)[number]

/** These change what the hart is, or leave it. */
const interpreted = ['ecall', 'ebreak', 'mret', 'sret', 'wfi', 'fenceVma', 'fenceInval', 'fenceI'] as const
const faulting = [
  'load',
  'store',
  'amo',
  'loadReserved',
  'storeConditional',
  'cbo',
  'enableFp',
  'csr',
] as const

/** How many of an operation's arguments say what it does; the others are values. */
const floatChoices: Readonly<Record<string, number>> = {
  fpBinary: 2,
  fpSqrt: 1,
  fpFma: 1,
  fpCompare: 2,
  fpMinMax: 2,
  fpClassify: 1,
  fpToInteger: 2,
  fpFromInteger: 2,
  fpConvert: 1,
}

const known = new Map<Instruction, Facts>()

/** Facts of an instruction. */
export function factsOf(instruction: Instruction): Facts {
  const before = known.get(instruction)
  if (before !== undefined) return before
  const { uses, access, sum } = readMeaning(instruction)
  const has = (name: keyof Meaning<null>) => uses.has(name)
  const reads: Facts['reads'][number][] = []
  if (has('rs1') || has('cbo')) reads.push('rs1')
  if (has('rs2')) reads.push('rs2')
  if (has('frs1') || has('frs1Raw')) reads.push('frs1')
  if (has('frs2') || has('frs2Raw')) reads.push('frs2')
  if (has('frs3')) reads.push('frs3')
  const facts: Facts = {
    flow: interpreted.some(has)
      ? 'stop'
      : has('csr')
        ? 'leave'
        : has('branch')
          ? 'branch'
          : has('jumpRelative')
            ? 'jump'
            : has('jump')
              ? 'indirect'
              : 'next',
    mayFault: faulting.some(has),
    reads,
    writes: has('setFrd') ? 'frd' : has('setRd') || has('csr') ? 'rd' : undefined,
    uses,
    access,
    sum,
  }
  known.set(instruction, facts)
  return facts
}

function readMeaning(instruction: Instruction): Pick<Facts, 'uses' | 'access' | 'sum'> {
  const uses = new Set<string>()
  let access: Access | undefined
  let sum: Sum | undefined
  const recorder = new Proxy({} as Meaning<string>, {
    get: (_target, name: string) => (first: unknown, second: unknown, third: unknown) => {
      uses.add(name)
      if (name === 'csr') uses.add(`csr.${first}`)
      if (name === 'setRd') sum = sums.find((each) => each === first)
      const chosen = floatChoices[name]
      if (chosen !== undefined) uses.add([name, first, second].slice(0, 1 + chosen).join('.'))
      if (name === 'load' || name === 'store') {
        assert((name === 'load' ? third : second) === 'rs1+imm', 'loads and stores are at rs1 + imm')
        access = { kind: name, bytes: ((first as Width) / 8) as Access['bytes'] }
      }
      return name === 'add' ? `${first}+${second}` : name
    },
  })
  instruction.meaning(recorder)
  return { uses, access, sum }
}

/** An instruction at its place. */
export interface Placed {
  /** bytes from the start of the region's page; on a page beside it, it is negative or 4096 and more */
  readonly offset: number
  readonly decoded: Decoded
  readonly facts: Facts
}

/** Rounding modes 5 and 6 are reserved; the interpreter knows what to do with them. */
const reservedRounding = [5, 6]
const decodedBefore = new Map<number, Decoded | null>()
const decodedBeforeMax = 1 << 17

function decodeOnce(bits: number): Decoded | undefined {
  const before = decodedBefore.get(bits)
  if (before !== undefined) return before ?? undefined
  const decoded = decode(bits)
  if (decodedBefore.size >= decodedBeforeMax) decodedBefore.clear()
  decodedBefore.set(bits, decoded ?? null)
  return decoded
}

/** The instruction at `offset`, of halfwords by offset; undefined when it is illegal or not all of it is there. */
export function placedAt(halfAt: (offset: number) => number | undefined, offset: number): Placed | undefined {
  const half = halfAt(offset)
  if (half === undefined) return undefined
  const second = instructionLength(half) === 2 ? 0 : halfAt(offset + 2)
  if (second === undefined) return undefined
  const decoded = decodeOnce((half | (second << 16)) >>> 0)
  if (decoded === undefined) return undefined
  if (decoded.instruction.operands.rm && reservedRounding.includes(decoded.rm)) return undefined
  return { offset, decoded, facts: factsHere(decoded) }
}

/** fflags, frm and fcsr: compiled code does what there is to do with them itself. */
const floatCsrs = [0x001, 0x002, 0x003]
/** sscratch, sepc, scause and stval hold what software leaves there: a write of them changes nothing else. */
const plainCsrs = [0x140, 0x141, 0x142, 0x143]

/** A CSR of which no bit is set or cleared is only read. @spec riscv-unpriv "CSR Instructions" */
function factsHere({ instruction, rs1, imm }: Decoded): Facts {
  const facts = factsOf(instruction)
  if (!facts.uses.has('csr')) return facts
  if (floatCsrs.includes(imm)) {
    const uses = new Set(facts.uses)
    uses.delete('csr')
    return { ...facts, flow: 'next', uses: uses.add('floatCsr') }
  }
  return !writesCsr(facts, rs1) || plainCsrs.includes(imm) ? { ...facts, flow: 'next' } : facts
}

/** Whether a CSR instruction with this rs1 field writes. */
export function writesCsr({ uses }: Facts, rs1: number): boolean {
  return uses.has('csr.write') || rs1 !== 0
}

/** Whether compiled code can hold the instruction. */
export function isCompiled(placed: Placed | undefined): placed is Placed {
  return placed !== undefined && placed.facts.flow !== 'stop'
}
