/**
 * One instruction in execution: the state it works on and the exception that may end it.
 *
 * Invariant: once an exception is raised nothing more changes, so every operation with an effect asks first.
 * That is how «an access that faults ends the instruction» is kept without a JavaScript exception.
 */

import type { Decoded } from '../table.ts'
import type { Hart } from './hart.ts'
import type { PhysicalMemory } from './memory.ts'
import type { Exception } from './trap.ts'

export interface Execution {
  readonly hart: Hart
  readonly memory: PhysicalMemory
  readonly decoded: Decoded
  /** the instruction as fetched, 16 or 32 bits */
  readonly encoding: number
  exception: Exception | undefined
  /** where execution goes on if no exception is raised */
  next: bigint
  /** a WFI with nothing pending: the hart may sleep */
  waiting: boolean
  /** an address-translation fence: it acts on caches that this hart does not have */
  fenced: boolean
  /** the instruction wrote the counter of that name itself, so it is not counted there */
  counterWritten: 'mcycle' | 'minstret' | undefined
}

/** Ends the instruction with an exception; the first one stands. */
export function raise(execution: Execution, exception: Exception): void {
  execution.exception ??= exception
}

/** Illegal or virtual instruction: tval is the instruction itself. */
export function raiseInstruction(execution: Execution, code: number): void {
  raise(execution, { cause: code, tval: BigInt(execution.encoding) })
}
