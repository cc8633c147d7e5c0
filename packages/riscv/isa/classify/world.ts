/**
 * The machines in which instructions are tried: one mode, one setting of the traps that a monitor may choose, and
 * one variation of what is real about the machine.
 *
 * ```
 *  frame 0  code      frame 2  code, relocated     frame 4..6  first-stage tables (Sv39)
 *  frame 1  data      frame 3  data, relocated     frame 8..13 second-stage tables (Sv39x4: a root of 16 KiB)
 * ```
 * Both copies hold the same bytes, so an instruction that can tell them apart depends on where memory really is.
 */

import { type Hart, Ram, resetHart } from '../evaluate/index.ts'

/** Modes, by name; S is HS-mode on a hart with the hypervisor extension. */
export type Mode = 'U' | 'S' | 'M' | 'VU' | 'VS'

/** Which trap controls the monitor has set: as many as there are, or none. */
export type Traps = 'closed' | 'open'

/** What differs from the base world, and nothing that belongs to the processor or to the guest does. */
export type Variation = 'base' | 'status' | 'registers' | 'time' | 'relocated'

export const variations: readonly Variation[] = ['base', 'status', 'registers', 'time', 'relocated']

const BASE = 0x8000_0000n
const FRAME = 0x1000n
const FRAMES = 14

/** Virtual addresses of the code and the data in every world. */
export const CODE = BASE + 0x100n
export const DATA = BASE + FRAME + 0x40n

const frame = (index: number) => BASE + BigInt(index) * FRAME
const relocatedBy = 2
const first = { root: 4 } as const
const second = { root: 8, middle: 12 } as const

const [V, R, W, X, U, A, D] = [1n, 2n, 4n, 8n, 16n, 64n, 128n]
const pointer = (index: number, flags: bigint) => ((frame(index) >> 12n) << 10n) | flags

/** Three levels of tables from `root` on that map code and data to their copies. */
function mapRelocated(ram: Ram, root: number, middle: number, user: bigint): void {
  const index = (level: bigint) => ((BASE >> (12n + 9n * level)) & 511n) * 8n
  ram.write(frame(root) + index(2n), 8, pointer(middle, V))
  ram.write(frame(middle) + index(1n), 8, pointer(middle + 1, V))
  const flags = V | R | W | X | A | D | user
  for (const page of [0, 1]) {
    ram.write(frame(middle + 1) + index(0n) + BigInt(page) * 8n, 8, pointer(page + relocatedBy, flags))
  }
}

const PAGE = Number(FRAME)
const dataPage = Uint8Array.from({ length: PAGE }, (_, i) => (i * 0x9d) ^ (i >> 3))

function memoryWithTables(user: boolean): Ram {
  const ram = new Ram(BASE, new Uint8Array(FRAMES * PAGE))
  mapRelocated(ram, first.root, first.root + 1, user ? U : 0n)
  mapRelocated(ram, second.root, second.middle, U)
  return ram
}

/** Memories are used again: trials write to the data alone, since A and D are set in all PTEs. */
const memories = { user: memoryWithTables(true), supervisor: memoryWithTables(false) } as const

/** Memory with fresh data and the instruction, both in two copies; good until the next call for that mode. */
function memoryFor(bits: number, user: boolean): Ram {
  const ram = user ? memories.user : memories.supervisor
  for (const copy of [1, 1 + relocatedBy]) ram.content.set(dataPage, copy * PAGE)
  for (const copy of [0, relocatedBy]) ram.write(frame(copy) + 0x100n, 4, BigInt(bits))
  return ram
}

/** A place to run one instruction. */
export interface World {
  readonly hart: Hart
  readonly memory: Ram
  /** physical address of the data */
  readonly data: bigint
}

export interface Circumstances {
  readonly mode: Mode
  readonly traps: Traps
  readonly variation: Variation
  readonly hypervisor: boolean
}

/** Registers that the instruction finds, by number. */
export type Registers = Readonly<Record<number, bigint>>

const privileges = { U: 0, S: 1, M: 3, VU: 0, VS: 1 } as const
const ALL = (1n << 64n) - 1n
const BLOCK_OPERATIONS = 0xf0n
const [STCE, PBMTE, ADUE] = [1n << 63n, 1n << 62n, 1n << 61n]
const FS_INITIAL = 1n << 13n

/** Builds the world. M-mode cannot be relocated: there the variation is the base again. */
export function buildWorld(bits: number, registers: Registers, circumstances: Circumstances): World {
  const { mode, variation } = circumstances
  const user = mode === 'U' || mode === 'VU'
  const memory = memoryFor(bits, user)
  const hart = baseHart(circumstances)
  for (const [index, value] of Object.entries(registers)) hart.x[Number(index)] = value
  vary(hart, circumstances)
  const relocated = variation === 'relocated' && mode !== 'M'
  return { hart, memory, data: frame(relocated ? 1 + relocatedBy : 1) }
}

function baseHart({ mode, traps, hypervisor }: Circumstances): Hart {
  const hart = resetHart({ hypervisor })
  const { csr } = hart
  hart.pc = CODE
  hart.privilege = privileges[mode]
  hart.virtual = mode === 'VU' || mode === 'VS'
  for (let i = 1; i < 32; i++) hart.x[i] = BigInt.asUintN(64, BigInt(i) * 0x0123456789abcdefn)
  for (let i = 0; i < 32; i++) hart.f[i] = 0x3ff0000000000000n + (BigInt(i) << 40n)
  csr.pmpcfg[0] = 0x1fn
  csr.pmpaddr[0] = (1n << 54n) - 1n
  csr.mstatus |= FS_INITIAL | (1n << 5n)
  csr.mtvec = BASE
  csr.stvec = BASE
  csr.mepc = CODE
  csr.sepc = CODE
  csr.stimecmp = ALL
  csr.mcounteren = 0xffffffffn
  csr.menvcfg = STCE | PBMTE | ADUE | BLOCK_OPERATIONS
  csr.scounteren = traps === 'open' ? 0xffffffffn : 0n
  csr.senvcfg = traps === 'open' ? BLOCK_OPERATIONS : 0n
  if (hart.hypervisor !== undefined) prepareGuest(hart.hypervisor, traps)
  return hart
}

const [VTW, HU] = [1n << 21n, 1n << 9n]

function prepareGuest(csr: NonNullable<Hart['hypervisor']>, traps: Traps): void {
  const open = traps === 'open'
  csr.vsstatus |= FS_INITIAL | (1n << 5n)
  csr.vstvec = BASE
  csr.vsepc = CODE
  csr.vstimecmp = ALL
  csr.hideleg = 0x444n
  csr.hcounteren = open ? 0xffffffffn : 0n
  csr.henvcfg = PBMTE | ADUE | (open ? STCE | BLOCK_OPERATIONS : 0n)
  csr.hstatus |= open ? HU : VTW
}

const SV39 = 8n << 60n

/** Changes what is real about the machine. With V = 1 the guest's own registers stay as they are. */
function vary(hart: Hart, { variation, mode }: Circumstances): void {
  const { csr } = hart
  switch (variation) {
    case 'base':
      break
    case 'status':
      csr.mstatus ^=
        (1n << 1n) | (1n << 5n) | (1n << 7n) | (1n << 8n) | (1n << 11n) | (1n << 18n) | (1n << 19n)
      csr.mstatus = (csr.mstatus & ~(3n << 13n)) | (2n << 13n)
      break
    case 'registers':
      varyRegisters(hart)
      break
    case 'time':
      hart.time += 0x1000n
      csr.mcycle += 0x2000n
      csr.minstret += 0x3000n
      for (let i = 3; i < 32; i++) csr.mhpmcounter[i] = 0x4000n + BigInt(i)
      break
    case 'relocated':
      if (hart.virtual && hart.hypervisor !== undefined)
        hart.hypervisor.hgatp = SV39 | (frame(second.root) >> 12n)
      else if (mode !== 'M') csr.satp = SV39 | (frame(first.root) >> 12n)
  }
}

function varyRegisters(hart: Hart): void {
  const { csr } = hart
  hart.hartId = 5n
  for (const name of ['mscratch', 'sscratch', 'mtval', 'stval', 'mcause', 'scause'] as const)
    csr[name] = 0x77n
  csr.mepc = CODE + 8n
  csr.sepc = CODE + 8n
  csr.mtvec += 0x100n
  csr.stvec += 0x100n
  csr.medeleg = 0xb3ffn
  csr.mideleg = 0x222n
  csr.mie = 0x222n
  csr.mcountinhibit = 0n
  csr.mhpmevent[3] = 1n
  csr.pmpcfg[0] = 0x1f1fn
  csr.pmpaddr[1] = 0x1234n
  csr.satp = 1n << 44n
  csr.stimecmp -= 0x100n
  if (hart.hypervisor === undefined || hart.virtual) return
  // what a monitor without a running guest may have left there
  for (const name of ['htval', 'htimedelta', 'vsscratch', 'vstval', 'vscause'] as const)
    hart.hypervisor[name] = 0x77n
}
