/**
 * CSRs of the hypervisor extension, as far as classification needs them: storage, and the guest's supervisor
 * registers that stand in for the host's while V = 1. @spec riscv-priv "Hypervisor and Virtual Supervisor CSRs"
 */

import type { Register } from './csrs.ts'
import { type Hart, type HypervisorCsrValues, MASK64, withBits } from './hart.ts'
import {
  HSTATUS_GVA,
  HSTATUS_HU,
  HSTATUS_SPV,
  HSTATUS_SPVP,
  HSTATUS_VTSR,
  HSTATUS_VTVM,
  HSTATUS_VTW,
  legalVsstatus,
  readVsstatus,
} from './status.ts'

const HSTATUS_WRITABLE = [
  HSTATUS_GVA,
  HSTATUS_SPV,
  HSTATUS_SPVP,
  HSTATUS_HU,
  HSTATUS_VTVM,
  HSTATUS_VTW,
  HSTATUS_VTSR,
].reduce((all, position) => all | (1n << BigInt(position)), 0n)

/** VS-level interrupts in hvip's positions; a guest sees them one bit lower, as its S-level interrupts. */
const VS_INTERRUPTS = 0x444n

function register(
  name: keyof HypervisorCsrValues,
  legal: (old: bigint, value: bigint) => bigint = (_old, value) => value,
  view: (value: bigint) => bigint = (value) => value,
): Register {
  return {
    name,
    read: (hart) => view(hart.hypervisor?.[name] ?? 0n),
    write: (hart, value) => {
      if (hart.hypervisor !== undefined) hart.hypervisor[name] = legal(hart.hypervisor[name], value)
    },
  }
}

const masked = (mask: bigint) => (old: bigint, value: bigint) => (old & ~mask) | (value & mask)

const translationMode = (old: bigint, value: bigint) =>
  [0n, 8n, 9n, 10n].includes(value >> 60n) ? value : old

/** vsie and vsip show those VS-level interrupts that are delegated to the guest. */
const guestEnable: Register = {
  name: 'vsie',
  read: (hart) => (delegatedEnable(hart) & (hart.hypervisor?.hideleg ?? 0n)) >> 1n,
  write: (hart, value) => {
    if (hart.hypervisor === undefined) return
    const mask = hart.hypervisor.hideleg & VS_INTERRUPTS
    hart.hypervisor.hie = (hart.hypervisor.hie & ~mask) | ((value << 1n) & mask)
  },
}

const delegatedEnable = (hart: Hart) => hart.hypervisor?.hie ?? 0n

const guestPending: Register = {
  name: 'vsip',
  read: (hart) => ((hart.hypervisor?.hvip ?? 0n) & (hart.hypervisor?.hideleg ?? 0n)) >> 1n,
  write: (hart, value) => {
    if (hart.hypervisor === undefined) return
    const software = hart.hypervisor.hideleg & 4n
    hart.hypervisor.hvip = (hart.hypervisor.hvip & ~software) | ((value << 1n) & software)
  },
}

const vsRegisters: readonly (readonly [number, Register])[] = [
  [0x200, register('vsstatus', legalVsstatus, readVsstatus)],
  [0x204, guestEnable],
  [0x205, register('vstvec', (_old, value) => value & ~2n)],
  [0x240, register('vsscratch')],
  [0x241, register('vsepc', masked(MASK64 & ~1n))],
  [0x242, register('vscause')],
  [0x243, register('vstval')],
  [0x244, guestPending],
  [0x24d, register('vstimecmp')],
  [0x280, register('vsatp', translationMode)],
]

const hypervisorOnly: readonly (readonly [number, Register])[] = [
  [0x600, register('hstatus', masked(HSTATUS_WRITABLE), (value) => withBits(value, 33, 32, 2n))],
  [0x602, register('hedeleg', masked(0xb1ffn))],
  [0x603, register('hideleg', masked(VS_INTERRUPTS))],
  [0x604, register('hie', masked(VS_INTERRUPTS))],
  [0x605, register('htimedelta')],
  [0x606, register('hcounteren', masked(0xffffffffn))],
  [0x607, register('hgeie', () => 0n)],
  [0x60a, register('henvcfg', masked((7n << 61n) | 0xf1n))],
  [0x643, register('htval')],
  [0x644, register('hvip', masked(4n))],
  [0x645, register('hvip', masked(VS_INTERRUPTS))],
  [0x64a, register('htinst')],
  [0x680, register('hgatp', translationMode)],
  [0xe12, { name: 'hgeip', read: () => 0n }],
  [0x34b, register('mtval2')],
  [0x34a, register('mtinst')],
]

/** CSRs that exist with the hypervisor extension only, by number. */
export const hypervisorRegisters: ReadonlyMap<number, Register> = new Map([...vsRegisters, ...hypervisorOnly])

/** The supervisor CSRs that have a guest's copy: with V = 1 an access to the first reaches the second. */
export const guestCopies: ReadonlyMap<number, number> = new Map([
  [0x100, 0x200],
  [0x104, 0x204],
  [0x105, 0x205],
  [0x140, 0x240],
  [0x141, 0x241],
  [0x142, 0x242],
  [0x143, 0x243],
  [0x144, 0x244],
  [0x14d, 0x24d],
  [0x180, 0x280],
])
