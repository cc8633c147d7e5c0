/** One step of the evaluator's hart: an interrupt taken, or one instruction fetched, decoded and evaluated. */

import { instructionLength } from '../encoding.ts'
import type { Meaning } from '../meaning.ts'
import { type Decoded, decode } from '../table.ts'
import { accessException, memoryOperations } from './access.ts'
import type { Execution } from './execution.ts'
import { floatOperations } from './floating.ts'
import type { Hart } from './hart.ts'
import { integerOperations } from './integer.ts'
import type { PhysicalMemory } from './memory.ts'
import { pmpAllows } from './protect.ts'
import { systemOperations } from './system.ts'
import { accessorOf, translate } from './translate.ts'
import {
  cause,
  type Exception,
  type Handler,
  pendingInterrupt,
  takeException,
  takeInterrupt,
} from './trap.ts'

/** What a step did. */
export type StepResult =
  | {
      readonly kind: 'retired'
      readonly decoded: Decoded
      readonly waiting: boolean
      readonly fenced: boolean
    }
  | {
      readonly kind: 'exception'
      readonly exception: Exception
      readonly handler: Handler
      readonly decoded: Decoded | undefined
    }
  | { readonly kind: 'interrupt'; readonly code: number }

/** Advances `hart` and `memory` in place. */
export function step(hart: Hart, memory: PhysicalMemory): StepResult {
  const interrupt = pendingInterrupt(hart)
  if (interrupt !== undefined) {
    takeInterrupt(hart, interrupt)
    return { kind: 'interrupt', code: interrupt }
  }
  const fetched = fetch(hart, memory)
  if ('exception' in fetched) return trapped(hart, fetched.exception, undefined)
  const decoded = decode(fetched.encoding)
  if (decoded === undefined) {
    return trapped(hart, { cause: cause.illegal, tval: BigInt(fetched.encoding) }, undefined)
  }
  const execution = begin(hart, memory, decoded, fetched.encoding)
  decoded.instruction.meaning(meaningOf(execution))
  return finish(execution)
}

function trapped(hart: Hart, exception: Exception, decoded: Decoded | undefined): StepResult {
  return { kind: 'exception', exception, handler: takeException(hart, exception), decoded }
}

/** The state of an instruction about to be evaluated. */
export function begin(hart: Hart, memory: PhysicalMemory, decoded: Decoded, encoding: number): Execution {
  return {
    hart,
    memory,
    decoded,
    encoding,
    exception: undefined,
    next: BigInt.asUintN(64, hart.pc + BigInt(decoded.length)),
    waiting: false,
    fenced: false,
    counterWritten: undefined,
  }
}

/** Retires the instruction, or takes its exception. */
export function finish(execution: Execution): StepResult {
  const { hart, decoded, exception } = execution
  if (exception !== undefined) return trapped(hart, exception, decoded)
  hart.pc = execution.next
  count(execution)
  return { kind: 'retired', decoded, waiting: execution.waiting, fenced: execution.fenced }
}

/** mcycle counts instructions, as this machine has no better clock for it. @spec riscv-priv "Hardware Performance Monitor" */
function count({ hart, counterWritten }: Execution): void {
  const inhibited = hart.csr.mcountinhibit
  if ((inhibited & 1n) === 0n && counterWritten !== 'mcycle')
    hart.csr.mcycle = BigInt.asUintN(64, hart.csr.mcycle + 1n)
  if ((inhibited & 4n) === 0n && counterWritten !== 'minstret') {
    hart.csr.minstret = BigInt.asUintN(64, hart.csr.minstret + 1n)
  }
}

/** The instruction at pc, halfword by halfword: the second may lie on a page of its own. */
function fetch(
  hart: Hart,
  memory: PhysicalMemory,
): { readonly encoding: number } | { readonly exception: Exception } {
  const first = fetchHalf(hart, memory, hart.pc)
  if (typeof first !== 'number') return { exception: first }
  if (instructionLength(first) === 2) return { encoding: first }
  const second = fetchHalf(hart, memory, BigInt.asUintN(64, hart.pc + 2n))
  if (typeof second !== 'number') return { exception: second }
  return { encoding: ((second << 16) | first) >>> 0 }
}

function fetchHalf(hart: Hart, memory: PhysicalMemory, address: bigint): number | Exception {
  const accessor = accessorOf(hart, 'fetch')
  const translation = translate(hart, memory, address, 'fetch', accessor)
  if ('fault' in translation) return accessException('fetch', translation, address, accessor)
  const { physical } = translation
  const half = pmpAllows(hart, accessor.privilege, physical, 2, 'fetch')
    ? memory.read(physical, 2)
    : undefined
  return half === undefined ? accessException('fetch', 'access', address, accessor) : Number(half)
}

/** The evaluator's reading of the meaning language, for one instruction. */
export function meaningOf(execution: Execution): Meaning<bigint> {
  const { hart, decoded } = execution
  const register = (index: number) => hart.x[index] ?? 0n
  const immediate = BigInt.asUintN(64, BigInt(decoded.imm) << (isUpper(decoded) ? 12n : 0n))
  const relative = () => jump(execution, hart.pc + immediate)
  return {
    ...integerOperations,
    ...memoryOperations(execution, () => register(decoded.rs1)),
    ...floatOperations(execution),
    ...systemOperations(execution),
    rs1: () => register(decoded.rs1),
    rs2: () => register(decoded.rs2),
    imm: () => immediate,
    uimm: () => BigInt(decoded.rs1),
    pc: () => hart.pc,
    nextPc: () => BigInt.asUintN(64, hart.pc + BigInt(decoded.length)),
    setRd: (value) => {
      if (execution.exception === undefined && decoded.rd !== 0) hart.x[decoded.rd] = value
    },
    jump: (target) => jump(execution, target),
    jumpRelative: relative,
    branch: (condition) => {
      if (condition === 1n) relative()
    },
  }
}

function jump(execution: Execution, target: bigint): void {
  execution.next = BigInt.asUintN(64, target)
}

/** U-type immediates are kept as their upper 20 bits. */
function isUpper(decoded: Decoded): boolean {
  return decoded.instruction.syntax === 'rd,upper'
}
