/** Memory operations: loads and stores of any alignment, atomics, and cache blocks. */

import type { AmoOperation, Meaning } from '../meaning.ts'
import { refusalOfBlockOperation } from './csr-access.ts'
import { type Execution, raise, raiseInstruction } from './execution.ts'
import type { PhysicalMemory } from './memory.ts'
import { type Access, pmpAllows } from './protect.ts'
import { type Accessor, accessorOf, type Translation, translate } from './translate.ts'
import { cause, type Exception } from './trap.ts'

export type MemoryOperations = Pick<
  Meaning<bigint>,
  'load' | 'store' | 'amo' | 'loadReserved' | 'storeConditional' | 'fence' | 'fenceI' | 'cbo'
>

const PAGE_BYTES = 4096n
/** Bytes of a cache block. @spec riscv-unpriv "Cache-Block Management Instructions" */
const BLOCK_BYTES = 64n

/** Part of an access that lies in one page. */
interface Part {
  readonly physical: bigint
  readonly bytes: number
}

const faultCodes = {
  load: { page: cause.loadPage, access: cause.loadAccess, guest: cause.loadGuestPage },
  store: { page: cause.storePage, access: cause.storeAccess, guest: cause.storeGuestPage },
  fetch: { page: cause.fetchPage, access: cause.fetchAccess, guest: cause.fetchGuestPage },
} as const

/** The exception for a failed translation or, with 'access', for memory that is not there or not allowed. */
export function accessException(
  access: Access,
  failed: Translation | 'access',
  address: bigint,
  accessor: Accessor,
): Exception {
  const fault = failed === 'access' || 'physical' in failed ? ({ kind: 'access' } as const) : failed.fault
  const exception = { cause: faultCodes[access][fault.kind], tval: address, guestAddress: accessor.virtual }
  return fault.kind === 'guest' ? { ...exception, tval2: fault.guestPhysical >> 2n } : exception
}

/** Translates and checks an access, in one part or, across a page boundary, two; undefined after raising. */
function reach(
  execution: Execution,
  access: Access,
  address: bigint,
  bytes: number,
  accessor: Accessor,
): Part[] | undefined {
  const { hart, memory } = execution
  const inFirst = Math.min(bytes, Number(PAGE_BYTES - (address & (PAGE_BYTES - 1n))))
  const parts: Part[] = []
  for (const [offset, length] of [
    [0, inFirst],
    [inFirst, bytes - inFirst],
  ] as const) {
    if (length === 0) continue
    const at = BigInt.asUintN(64, address + BigInt(offset))
    const translation = translate(hart, memory, at, access, accessor)
    if ('fault' in translation) {
      raise(execution, accessException(access, translation, at, accessor))
      return undefined
    }
    const { physical } = translation
    if (
      !pmpAllows(hart, accessor.privilege, physical, length, access) ||
      memory.read(physical, length) === undefined
    ) {
      raise(execution, accessException(access, 'access', at, accessor))
      return undefined
    }
    parts.push({ physical, bytes: length })
  }
  return parts
}

function readParts(memory: PhysicalMemory, parts: readonly Part[]): bigint {
  let value = 0n
  let shift = 0n
  for (const { physical, bytes } of parts) {
    value |= (memory.read(physical, bytes) ?? 0n) << shift
    shift += BigInt(8 * bytes)
  }
  return value
}

function writeParts(memory: PhysicalMemory, parts: readonly Part[], value: bigint): void {
  let rest = value
  for (const { physical, bytes } of parts) {
    memory.write(physical, bytes, rest)
    rest >>= BigInt(8 * bytes)
  }
}

/** Reads `bytes` at a virtual address, zero-extended; 0 after raising. */
export function loadFrom(execution: Execution, address: bigint, bytes: number, accessor: Accessor): bigint {
  if (execution.exception !== undefined) return 0n
  const parts = reach(execution, 'load', address, bytes, accessor)
  return parts === undefined ? 0n : readParts(execution.memory, parts)
}

/** Writes `bytes` at a virtual address, all of them or none. */
export function storeTo(
  execution: Execution,
  address: bigint,
  bytes: number,
  value: bigint,
  accessor: Accessor,
): void {
  if (execution.exception !== undefined) return
  const parts = reach(execution, 'store', address, bytes, accessor)
  if (parts !== undefined) writeParts(execution.memory, parts, value)
}

const extend = (value: bigint, width: number) => BigInt.asUintN(64, BigInt.asIntN(width, value))

/** Physical address of a naturally aligned atomic access; undefined after raising. */
function reachAligned(
  execution: Execution,
  access: 'load' | 'store',
  address: bigint,
  width: 32 | 64,
): bigint | undefined {
  if (execution.exception !== undefined) return undefined
  if (address % BigInt(width / 8) !== 0n) {
    raise(execution, {
      cause: access === 'load' ? cause.loadMisaligned : cause.storeMisaligned,
      tval: address,
    })
    return undefined
  }
  return reach(execution, access, address, width / 8, accessorOf(execution.hart, access))?.[0]?.physical
}

/** `old` and `operand` are zero-extended from `width`. */
function combine(operation: AmoOperation, width: number, old: bigint, operand: bigint): bigint {
  const signed = (value: bigint) => BigInt.asIntN(width, value)
  switch (operation) {
    case 'swap':
      return operand
    case 'add':
      return old + operand
    case 'xor':
      return old ^ operand
    case 'and':
      return old & operand
    case 'or':
      return old | operand
    case 'min':
      return signed(old) < signed(operand) ? old : operand
    case 'max':
      return signed(old) > signed(operand) ? old : operand
    case 'minu':
      return old < operand ? old : operand
    case 'maxu':
      return old > operand ? old : operand
  }
}

const blockField = { inval: [5, 4], clean: [6, 6], flush: [6, 6], zero: [7, 7] } as const

/** The memory operations of one execution. `blockAddress` gives rs1 for the cache-block operations. */
export function memoryOperations(execution: Execution, blockAddress: () => bigint): MemoryOperations {
  const { hart, memory } = execution
  return {
    load: (width, sign, address) => {
      const value = loadFrom(execution, address, width / 8, accessorOf(hart, 'load'))
      return sign === 's' ? extend(value, width) : value
    },
    store: (width, address, value) =>
      storeTo(execution, address, width / 8, value, accessorOf(hart, 'store')),
    amo: (operation, width, address, value) => {
      const physical = reachAligned(execution, 'store', address, width)
      if (physical === undefined) return 0n
      const old = memory.read(physical, width / 8) ?? 0n
      memory.write(physical, width / 8, combine(operation, width, old, BigInt.asUintN(width, value)))
      return extend(old, width)
    },
    loadReserved: (width, address) => {
      const physical = reachAligned(execution, 'load', address, width)
      if (physical === undefined) return 0n
      const value = memory.read(physical, width / 8) ?? 0n
      hart.reservation = { address: physical, value }
      return extend(value, width)
    },
    storeConditional: (width, address, value) => {
      const physical = reachAligned(execution, 'store', address, width)
      if (physical === undefined) return 0n
      const { reservation } = hart
      hart.reservation = undefined
      if (reservation?.address !== physical || memory.read(physical, width / 8) !== reservation.value)
        return 1n
      memory.write(physical, width / 8, value)
      return 0n
    },
    // one hart, in order: every fence holds already
    fence: () => undefined,
    fenceI: () => undefined,
    cbo: (operation) => {
      if (execution.exception !== undefined) return
      const [hi, lo] = blockField[operation]
      const refused = refusalOfBlockOperation(hart, hi, lo)
      if (refused !== undefined) return raiseInstruction(execution, refused)
      if (operation === 'zero') zeroBlock(execution, blockAddress())
      else manageBlock(execution, blockAddress())
    },
  }
}

/** Faults report the address as given; the block is the aligned one around it. */
function zeroBlock(execution: Execution, address: bigint): void {
  const { hart, memory } = execution
  const found = reachBlock(execution, 'store', address)
  if ('fault' in found || memory.read(found.physical, 8) === undefined) {
    return raise(execution, accessException('store', found, address, accessorOf(hart, 'store')))
  }
  for (let offset = 0n; offset < BLOCK_BYTES; offset += 8n) memory.write(found.physical + offset, 8, 0n)
}

/**
 * Memory is coherent, so only the permission matters: to load or to store, and failing is a store's failure. What
 * is no memory may be a device, where there is nothing to manage.
 */
function manageBlock(execution: Execution, address: bigint): void {
  const asLoad = reachBlock(execution, 'load', address)
  if (!('fault' in asLoad)) return
  const asStore = reachBlock(execution, 'store', address)
  if ('fault' in asStore)
    raise(execution, accessException('store', asStore, address, accessorOf(execution.hart, 'store')))
}

function reachBlock(execution: Execution, access: 'load' | 'store', address: bigint): Translation {
  const { hart, memory } = execution
  const accessor = accessorOf(hart, access)
  const block = address - (address % BLOCK_BYTES)
  const translation = translate(hart, memory, block, access, accessor)
  if ('fault' in translation) return translation
  const allowed = pmpAllows(hart, accessor.privilege, translation.physical, Number(BLOCK_BYTES), access)
  return allowed ? translation : { fault: { kind: 'access' } }
}
