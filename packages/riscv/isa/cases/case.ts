/**
 * A case: one instruction in one state. Readers run it and give the state after it; the case table's test wants
 * them all to give the same.
 *
 * ```
 * RAM_BASE + 0x0000  M-mode trap vectors: jumps to itself          + 0x8000  page tables: root, then one a level
 *          + 0x1000  S-mode trap vectors
 *          + 0x2000  code: the instruction, then a jump to itself
 *          + 0x3000  code, second page
 *          + 0x4000  data, four pages of seeded random bytes       + 0xf000  last page; nothing behind it
 * ```
 * A jump to itself is where a fast reader comes to rest: it cannot stop after one instruction.
 */

import { copyHart, type Hart, resetHart } from '../evaluate/index.ts'
import type { Random } from './random.ts'
import { seededRandom } from './random.ts'

export const RAM_BASE = 0x8000_0000n
export const RAM_BYTES = 0x10000
/** Translated, RAM is also mapped this much higher: in the upper half, where kernels are. */
export const UPPER = 0xffffffff_00000000n

/** Offsets in RAM. */
export const layout = {
  machineVector: 0x0000,
  supervisorVector: 0x1000,
  code: 0x2000,
  nextCode: 0x3000,
  data: 0x4000,
  dataBytes: 0x4000,
  tables: 0x8000,
  tablesEnd: 0xd000,
} as const

/** Where the instruction is unless a case says otherwise. */
export const PC = RAM_BASE + BigInt(layout.code) + 0x100n
export const DATA = RAM_BASE + BigInt(layout.data)

/** jal x0, 0 */
const JUMP_TO_SELF = 0x0000006f

/** A vector table has an entry for each interrupt. */
const INTERRUPT_CODES = 16

/** Bytes at an offset in RAM that differ from the image. */
export interface Patch {
  readonly offset: number
  readonly bytes: Uint8Array
}

export interface Case {
  /** what is special about it, for messages */
  readonly name: string
  /** the instruction's encoding, 16 or 32 bits */
  readonly bits: number
  /** state before */
  readonly hart: Hart
  /** RAM before: the image, then the patches, the last of which is the code */
  readonly image: Uint8Array
  readonly patches: readonly Patch[]
  /** may be run again in the same engine with its translations still cached */
  readonly repeatable: boolean
}

/** What a reader gives back. */
export interface Outcome {
  readonly hart: Hart
  readonly ram: Uint8Array
}

/** Runs one case. */
export type Reader = (input: Case) => Outcome

/** Address translation schemes that cases run under. */
export type Scheme = 'bare' | 'sv39' | 'sv48' | 'sv57'

export const schemes: readonly Scheme[] = ['bare', 'sv39', 'sv48', 'sv57']
const levels = { bare: 0, sv39: 3, sv48: 4, sv57: 5 } as const
const atpMode = { bare: 0n, sv39: 8n, sv48: 9n, sv57: 10n } as const

/** PTE flags. @spec riscv-priv "Addressing and Memory Protection" */
export const pte = { V: 1n, R: 2n, W: 4n, X: 8n, U: 16n, G: 32n, A: 64n, D: 128n } as const

/** satp for the page tables of an image. */
export function satpOf(scheme: Scheme): bigint {
  return scheme === 'bare' ? 0n : (atpMode[scheme] << 60n) | ((RAM_BASE + BigInt(layout.tables)) >> 12n)
}

/** Offset in RAM of the leaf PTE that maps the page at a RAM offset, which is mapped to itself. */
export function leafOffset(scheme: Scheme, ramOffset: number): number {
  return layout.tables + (levels[scheme] - 1) * 0x1000 + (ramOffset >> 12) * 8
}

function writeWord(ram: Uint8Array, offset: number, bytes: number, value: bigint): void {
  for (let i = 0; i < bytes; i++) ram[offset + i] = Number((value >> BigInt(8 * i)) & 0xffn)
}

/** Bytes of a little-endian number. */
export function littleEndian(value: bigint, bytes: number): Uint8Array {
  const result = new Uint8Array(bytes)
  writeWord(result, 0, bytes, value)
  return result
}

const images = new Map<string, Uint8Array>()

/**
 * RAM with vectors, random data, and page tables that map each page of RAM to itself, and again in the upper half. `user` maps everything for
 * U-mode except the supervisor's vector; else everything is the supervisor's.
 */
export function imageOf(scheme: Scheme, user: boolean): Uint8Array {
  const key = `${scheme} ${user}`
  const known = images.get(key)
  if (known !== undefined) return known
  const ram = new Uint8Array(RAM_BYTES)
  const random = seededRandom(0x1147)
  for (let i = 0; i < layout.dataBytes; i += 8) writeWord(ram, layout.data + i, 8, random.long())
  for (const vector of [layout.machineVector, layout.supervisorVector]) {
    for (let code = 0; code < INTERRUPT_CODES; code++)
      writeWord(ram, vector + 4 * code, 4, BigInt(JUMP_TO_SELF))
  }
  if (scheme !== 'bare') buildTables(ram, scheme, user)
  images.set(key, ram)
  return ram
}

function buildTables(ram: Uint8Array, scheme: Exclude<Scheme, 'bare'>, user: boolean): void {
  const depth = levels[scheme]
  for (let level = depth - 1; level > 0; level--) {
    const table = layout.tables + (depth - 1 - level) * 0x1000
    for (const base of [RAM_BASE, RAM_BASE + UPPER]) {
      const index = Number((base >> BigInt(12 + 9 * level)) & 511n)
      writeWord(ram, table + index * 8, 8, pointer(RAM_BASE + BigInt(table) + 0x1000n, pte.V))
    }
  }
  const all = pte.V | pte.R | pte.W | pte.X | pte.A | pte.D
  for (let page = 0; page < RAM_BYTES; page += 0x1000) {
    const flags = user && page !== layout.supervisorVector ? all | pte.U : all
    writeWord(ram, leafOffset(scheme, page), 8, pointer(RAM_BASE + BigInt(page), flags))
  }
}

/** A PTE to a physical address. */
export function pointer(physical: bigint, flags: bigint): bigint {
  return ((physical >> 12n) << 10n) | flags
}

/** A hart at PC, FP on, all memory allowed, trap vectors set; nothing delegated. */
export function plainHart(privilege: 0 | 1 | 3 = 3, scheme: Scheme = 'bare'): Hart {
  const hart = resetHart()
  hart.pc = PC
  hart.privilege = privilege
  hart.csr.mtvec = RAM_BASE
  hart.csr.stvec = RAM_BASE + BigInt(layout.supervisorVector)
  hart.csr.pmpcfg[0] = 0x1fn
  hart.csr.pmpaddr[0] = (1n << 54n) - 1n
  hart.csr.mstatus |= 1n << 13n
  hart.csr.stimecmp = (1n << 64n) - 1n
  hart.csr.satp = satpOf(scheme)
  return hart
}

/** Fills the registers that an instruction may look at with random values. */
export function scramble(hart: Hart, random: Random): Hart {
  for (let i = 1; i < 32; i++) hart.x[i] = random.long()
  for (let i = 0; i < 32; i++)
    hart.f[i] = random.below(3) === 0 ? 0xffffffff00000000n | BigInt(random.word()) : random.long()
  return hart
}

/** What a generator says of a case; the rest is usual. */
export interface Draft {
  readonly name: string
  readonly bits: number
  readonly hart: Hart
  readonly scheme?: Scheme
  readonly user?: boolean
  readonly patches?: readonly Patch[]
  readonly repeatable?: boolean
}

/** Places the instruction at the hart's pc, if RAM holds that address, and closes the case. */
export function makeCase({
  name,
  bits,
  hart,
  scheme = 'bare',
  user = false,
  patches = [],
  repeatable = false,
}: Draft): Case {
  const length = (bits & 3) === 3 ? 4 : 2
  const code = new Uint8Array(length + 4)
  writeWord(code, 0, length, BigInt(bits))
  writeWord(code, length, 4, BigInt(JUMP_TO_SELF))
  const offset = Number((hart.pc >= UPPER ? hart.pc - UPPER : hart.pc) - RAM_BASE)
  const placed = offset >= 0 && offset + code.length <= RAM_BYTES ? [{ offset, bytes: code }] : []
  return { name, bits, hart, image: imageOf(scheme, user), patches: [...patches, ...placed], repeatable }
}

/** RAM of a case before it is run: a fresh copy. */
export function initialRam({ image, patches }: Case): Uint8Array {
  const ram = image.slice()
  for (const { offset, bytes } of patches) ram.set(bytes, offset)
  return ram
}

/** The initial state, to be changed freely. */
export function initialHart({ hart }: Case): Hart {
  return copyHart(hart)
}
