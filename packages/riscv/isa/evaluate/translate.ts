/**
 * Address translation: Sv39, Sv48, Sv57, and under V = 1 a second stage over the first one's results.
 * @spec riscv-priv "Virtual Address Translation Process" @spec riscv-priv "Two-Stage Address Translation"
 *
 * Choices that the specification leaves open: reserved PTE bits, and A, D, U, PBMT or N in a non-leaf PTE, are
 * page faults; A and D are set by hardware while menvcfg.ADUE (with V = 1 henvcfg.ADUE) is set.
 */

import { bit, bits, type Hart, MACHINE, type Privilege, SUPERVISOR, USER } from './hart.ts'
import type { PhysicalMemory } from './memory.ts'
import { type Access, pmpAllows } from './protect.ts'
import { dataPrivilege, MXR, SUM } from './status.ts'

/** Why there is no physical address. `guest` carries the guest-physical address that the second stage refused. */
export type TranslationFault =
  | { readonly kind: 'page' }
  | { readonly kind: 'access' }
  | { readonly kind: 'guest'; readonly guestPhysical: bigint }

export type Translation = { readonly physical: bigint } | { readonly fault: TranslationFault }

/** Who accesses: privilege, V, and whether the access asks for execute permission to read (HLVX). */
export interface Accessor {
  readonly privilege: Privilege
  readonly virtual: boolean
}

const PAGE: Translation = { fault: { kind: 'page' } }
const ACCESS: Translation = { fault: { kind: 'access' } }

const V = 0
const R = 1
const W = 2
const X = 3
const U = 4
const A = 6
const D = 7
const N = 63

const ADUE = 61
const PBMTE = 62

/** One stage's table: how deep, where its root is, and how its PTEs are reached and judged. */
interface Stage {
  readonly levels: number
  readonly root: bigint
  /** extra address bits that the root table takes: 2 in the G-stage */
  readonly widened: number
  readonly updateAccessedDirty: boolean
  readonly pageBasedTypes: boolean
  /** where a PTE is in physical memory */
  reach(pteAddress: bigint): Translation
  permits(pte: bigint, access: Access): boolean
}

const levelsOf = (atpMode: bigint) => (atpMode === 8n ? 3 : atpMode === 9n ? 4 : atpMode === 10n ? 5 : 0)

/**
 * Physical address of a virtual one. PMP is checked for the page tables here; for the access itself by the
 * caller, which knows its size.
 */
export function translate(
  hart: Hart,
  memory: PhysicalMemory,
  address: bigint,
  access: Access,
  accessor: Accessor = accessorOf(hart, access),
): Translation {
  if (accessor.privilege === MACHINE) return untranslated(address)
  const { hypervisor } = hart
  if (!accessor.virtual || hypervisor === undefined) {
    return firstStage(hart, memory, address, access, accessor, hart.csr.satp, (at) => ({ physical: at }))
  }
  const second = (at: bigint, kind: Access) => secondStage(hart, memory, at, kind)
  const guest = firstStage(hart, memory, address, access, accessor, hypervisor.vsatp, (at) =>
    second(at, 'load'),
  )
  return 'fault' in guest ? guest : second(guest.physical, access)
}

/** Physical addresses have 56 bits. */
function untranslated(address: bigint): Translation {
  return address >> 56n === 0n ? { physical: address } : ACCESS
}

/** The accessor of this hart's own fetches, loads and stores. */
export function accessorOf(hart: Hart, access: Access): Accessor {
  return access === 'fetch' ? { privilege: hart.privilege, virtual: hart.virtual } : dataPrivilege(hart)
}

function firstStage(
  hart: Hart,
  memory: PhysicalMemory,
  address: bigint,
  access: Access,
  accessor: Accessor,
  atp: bigint,
  reach: (pteAddress: bigint) => Translation,
): Translation {
  const levels = levelsOf(bits(atp, 63, 60))
  if (levels === 0) return untranslated(address)
  const width = 12 + 9 * levels
  if (BigInt.asUintN(64, BigInt.asIntN(width, address)) !== address) return PAGE
  const status = accessor.virtual ? (hart.hypervisor?.vsstatus ?? 0n) : hart.csr.mstatus
  const readableIfExecutable = bit(hart.csr.mstatus, MXR) || bit(status, MXR)
  const envcfg = accessor.virtual ? (hart.hypervisor?.henvcfg ?? 0n) : hart.csr.menvcfg
  return walk(hart, memory, address, access, {
    levels,
    root: bits(atp, 43, 0) << 12n,
    widened: 0,
    updateAccessedDirty: bit(envcfg, ADUE),
    pageBasedTypes: bit(envcfg, PBMTE),
    reach,
    permits: (pte, kind) => {
      if (
        bit(pte, U)
          ? accessor.privilege === SUPERVISOR && (kind === 'fetch' || !bit(status, SUM))
          : accessor.privilege === USER
      ) {
        return false
      }
      return grants(pte, kind, readableIfExecutable)
    },
  })
}

function secondStage(hart: Hart, memory: PhysicalMemory, address: bigint, access: Access): Translation {
  const hgatp = hart.hypervisor?.hgatp ?? 0n
  const levels = levelsOf(bits(hgatp, 63, 60))
  if (levels === 0) return { physical: address }
  const refused: Translation = { fault: { kind: 'guest', guestPhysical: address } }
  if (address >> BigInt(14 + 9 * levels) !== 0n) return refused
  const result = walk(hart, memory, address, access, {
    levels,
    root: (bits(hgatp, 43, 0) << 12n) & ~0x3fffn,
    widened: 2,
    updateAccessedDirty: bit(hart.csr.menvcfg, ADUE),
    pageBasedTypes: bit(hart.csr.menvcfg, PBMTE),
    reach: (at) => ({ physical: at }),
    permits: (pte, kind) => bit(pte, U) && grants(pte, kind, bit(hart.csr.mstatus, MXR)),
  })
  return 'fault' in result && result.fault.kind === 'page' ? refused : result
}

function grants(pte: bigint, access: Access, readableIfExecutable: boolean): boolean {
  switch (access) {
    case 'fetch':
      return bit(pte, X)
    case 'load':
      return bit(pte, R) || (readableIfExecutable && bit(pte, X))
    case 'store':
      return bit(pte, W)
  }
}

function walk(
  hart: Hart,
  memory: PhysicalMemory,
  address: bigint,
  access: Access,
  stage: Stage,
): Translation {
  let table = stage.root
  for (let level = stage.levels - 1; level >= 0; level--) {
    const lowest = 12 + 9 * level
    const extra = level === stage.levels - 1 ? stage.widened : 0
    const reached = stage.reach(table + bits(address, lowest + 8 + extra, lowest) * 8n)
    if ('fault' in reached) return reached
    if (!pmpAllows(hart, SUPERVISOR, reached.physical, 8, 'load')) return ACCESS
    const pte = memory.read(reached.physical, 8)
    if (pte === undefined) return ACCESS
    if (!bit(pte, V) || (bit(pte, W) && !bit(pte, R)) || bits(pte, 60, 54) !== 0n) return PAGE
    if (bit(pte, R) || bit(pte, X))
      return leaf(hart, memory, address, access, stage, { pte, at: reached.physical, level })
    if (bit(pte, A) || bit(pte, D) || bit(pte, U) || bits(pte, 63, 61) !== 0n) return PAGE
    table = bits(pte, 53, 10) << 12n
  }
  return PAGE
}

function leaf(
  hart: Hart,
  memory: PhysicalMemory,
  address: bigint,
  access: Access,
  stage: Stage,
  found: { readonly pte: bigint; readonly at: bigint; readonly level: number },
): Translation {
  const { pte, at, level } = found
  const memoryType = bits(pte, 62, 61)
  if (memoryType === 3n || (memoryType !== 0n && !stage.pageBasedTypes)) return PAGE
  if (!stage.permits(pte, access)) return PAGE
  let page = bits(pte, 53, 10)
  let pageBits = 12 + 9 * level
  if (bit(pte, N)) {
    // Svnapot: the only size is 64 KiB, written as 1000 in the low bits of the page number
    if (level !== 0 || bits(page, 3, 0) !== 8n) return PAGE
    page &= ~15n
    pageBits = 16
  }
  if (page & ((1n << BigInt(9 * level)) - 1n)) return PAGE
  const wanted = pte | (1n << BigInt(A)) | (access === 'store' ? 1n << BigInt(D) : 0n)
  if (wanted !== pte) {
    if (!stage.updateAccessedDirty) return PAGE
    if (!pmpAllows(hart, SUPERVISOR, at, 8, 'store')) return ACCESS
    memory.write(at, 8, wanted)
  }
  return { physical: (page << 12n) | bits(address, pageBits - 1, 0) }
}
