/**
 * The CSRs of U, S and M, as the evaluator has them: number, name, what a read gives and what a write leaves.
 * Whether an access is allowed at all is decided in `csr-access.ts`. @spec riscv-priv "CSR Listing"
 *
 * Legalisation (WARL choices): an unsupported satp mode makes the whole write void; MPP = 2, CBIE = 2 and
 * vector modes above 1 clear what is reserved; a PMP entry with W but not R loses W; there are no triggers.
 */

import { bit, bits, type CsrValues, type Hart, MASK64, withBits } from './hart.ts'
import { pmpConfig } from './protect.ts'
import { dirtyFp, readMstatus, readSstatus, writeMstatus, writeSstatus } from './status.ts'
import { pendingBits } from './trap.ts'

/** One CSR: access by number happens through these. */
export interface Register {
  readonly name: string
  read(hart: Hart): bigint
  /** absent: the number says read-only, or writes are dropped */
  write?(hart: Hart, value: bigint): void
}

type Scalar = { [K in keyof CsrValues]: CsrValues[K] extends bigint ? K : never }[keyof CsrValues]

/** A CSR that keeps the bits of `mask` as they are written. */
function plain(name: Scalar, mask = MASK64): Register {
  return {
    name,
    read: (hart) => hart.csr[name],
    write: (hart, value) => {
      hart.csr[name] = (hart.csr[name] & ~mask) | (value & mask)
    },
  }
}

/** A CSR whose value is fixed by the implementation; writes, where the number allows them, are dropped. */
function constant(name: string, value: bigint): Register {
  return { name, read: () => value }
}

/** A register of an array. */
function indexed(name: string, array: 'mhpmcounter' | 'mhpmevent', index: number): Register {
  return {
    name,
    read: (hart) => hart.csr[array][index] ?? 0n,
    write: (hart, value) => {
      hart.csr[array][index] = value
    },
  }
}

const letters = (text: string) =>
  [...text].reduce((all, letter) => all | (1n << BigInt(letter.charCodeAt(0) - 65)), 0n)

/** RV64, IMAFDC, S and U; fixed. @spec riscv-priv "Machine ISA (misa) Register" */
const MISA = (2n << 62n) | letters('IMAFDCSU')

const SSIP = 1n << 1n
const STIP = 1n << 5n
const SEIP = 1n << 9n
const SUPERVISOR_INTERRUPTS = SSIP | STIP | SEIP
const ALL_INTERRUPTS = SUPERVISOR_INTERRUPTS | (SUPERVISOR_INTERRUPTS << 2n)

/** Everything but the call from M-mode and the codes that do not exist. */
const DELEGABLE = 0xb3ffn
const STCE = 63

const float: readonly (readonly [number, Register])[] = [
  [
    0x001,
    {
      name: 'fflags',
      read: (hart) => hart.csr.fflags,
      write: (hart, value) => {
        hart.csr.fflags = value & 31n
        dirtyFp(hart)
      },
    },
  ],
  [
    0x002,
    {
      name: 'frm',
      read: (hart) => hart.csr.frm,
      write: (hart, value) => {
        hart.csr.frm = value & 7n
        dirtyFp(hart)
      },
    },
  ],
  [
    0x003,
    {
      name: 'fcsr',
      read: (hart) => (hart.csr.frm << 5n) | hart.csr.fflags,
      write: (hart, value) => {
        hart.csr.fflags = value & 31n
        hart.csr.frm = (value >> 5n) & 7n
        dirtyFp(hart)
      },
    },
  ],
]

/** CBIE, CBCFE, CBZE and FIOM; CBIE has no meaning for 2. */
function writeEnvcfg(old: bigint, value: bigint, others: bigint): bigint {
  const mask = others | 0xf1n
  const legal = bits(value, 5, 4) === 2n ? withBits(value, 5, 4, 0n) : value
  return (old & ~mask) | (legal & mask)
}

function legalVector(value: bigint): bigint {
  return value & ~2n
}

/** Bits of sie and sip are those that M-mode delegated. */
const supervisor: readonly (readonly [number, Register])[] = [
  [0x100, { name: 'sstatus', read: readSstatus, write: writeSstatus }],
  [
    0x104,
    {
      name: 'sie',
      read: (hart) => hart.csr.mie & hart.csr.mideleg,
      write: (hart, value) => {
        const mask = hart.csr.mideleg & SUPERVISOR_INTERRUPTS
        hart.csr.mie = (hart.csr.mie & ~mask) | (value & mask)
      },
    },
  ],
  [
    0x105,
    {
      name: 'stvec',
      read: (hart) => hart.csr.stvec,
      write: (hart, value) => {
        hart.csr.stvec = legalVector(value)
      },
    },
  ],
  [0x106, plain('scounteren', 0xffffffffn)],
  [
    0x10a,
    {
      name: 'senvcfg',
      read: (hart) => hart.csr.senvcfg,
      write: (hart, value) => {
        hart.csr.senvcfg = writeEnvcfg(hart.csr.senvcfg, value, 0n)
      },
    },
  ],
  [0x140, plain('sscratch')],
  [0x141, plain('sepc', MASK64 & ~1n)],
  [0x142, plain('scause')],
  [0x143, plain('stval')],
  [
    0x144,
    {
      name: 'sip',
      read: (hart) => pendingBits(hart) & hart.csr.mideleg,
      write: (hart, value) => {
        const mask = hart.csr.mideleg & SSIP
        hart.csr.mip = (hart.csr.mip & ~mask) | (value & mask)
      },
    },
  ],
  [0x14d, plain('stimecmp')],
  [
    0x180,
    {
      name: 'satp',
      read: (hart) => hart.csr.satp,
      write: (hart, value) => {
        if ([0n, 8n, 9n, 10n].includes(value >> 60n)) hart.csr.satp = value
      },
    },
  ],
]

const machine: readonly (readonly [number, Register])[] = [
  [0xf11, constant('mvendorid', 0n)],
  [0xf12, constant('marchid', 0n)],
  [0xf13, constant('mimpid', 0n)],
  [0xf14, { name: 'mhartid', read: (hart) => hart.hartId }],
  [0xf15, constant('mconfigptr', 0n)],
  [0x300, { name: 'mstatus', read: readMstatus, write: writeMstatus }],
  [0x301, { name: 'misa', read: (hart) => (hart.hypervisor === undefined ? MISA : MISA | letters('H')) }],
  [0x302, plain('medeleg', DELEGABLE)],
  [0x303, plain('mideleg', SUPERVISOR_INTERRUPTS)],
  [0x304, plain('mie', ALL_INTERRUPTS)],
  [
    0x305,
    {
      name: 'mtvec',
      read: (hart) => hart.csr.mtvec,
      write: (hart, value) => {
        hart.csr.mtvec = legalVector(value)
      },
    },
  ],
  [0x306, plain('mcounteren', 0xffffffffn)],
  [
    0x30a,
    {
      name: 'menvcfg',
      read: (hart) => hart.csr.menvcfg,
      write: (hart, value) => {
        hart.csr.menvcfg = writeEnvcfg(hart.csr.menvcfg, value, 7n << 61n)
      },
    },
  ],
  [0x320, plain('mcountinhibit', 0xfffffffdn)],
  [0x340, plain('mscratch')],
  [0x341, plain('mepc', MASK64 & ~1n)],
  [0x342, plain('mcause')],
  [0x343, plain('mtval')],
  [
    0x344,
    {
      name: 'mip',
      read: pendingBits,
      write: (hart, value) => {
        // with Sstc in charge of the timer bit it is read-only
        const mask = bit(hart.csr.menvcfg, STCE) ? SSIP | SEIP : SUPERVISOR_INTERRUPTS
        hart.csr.mip = (hart.csr.mip & ~mask) | (value & mask)
      },
    },
  ],
  [0x7a0, constant('tselect', 0n)],
  [0x7a1, constant('tdata1', 0n)],
  [0x7a2, constant('tdata2', 0n)],
  [0x7a3, constant('tdata3', 0n)],
]

const PMP_LOCKED = 7

/** pmpcfg0 and pmpcfg2: eight entries each. Locked entries keep their byte. */
function protectionConfig(index: 0 | 1): Register {
  return {
    name: `pmpcfg${index * 2}`,
    read: (hart) => hart.csr.pmpcfg[index] ?? 0n,
    write: (hart, value) => {
      let result = hart.csr.pmpcfg[index] ?? 0n
      for (let byte = 0; byte < 8; byte++) {
        if (bit(result, byte * 8 + PMP_LOCKED)) continue
        const written = bits(value, byte * 8 + 7, byte * 8) & 0x9fn
        result = withBits(result, byte * 8 + 7, byte * 8, (written & 3n) === 2n ? written & ~2n : written)
      }
      hart.csr.pmpcfg[index] = result
    },
  }
}

/** pmpaddr is also locked by the entry above it when that is a locked TOR entry. */
function protectionAddress(entry: number): Register {
  return {
    name: `pmpaddr${entry}`,
    read: (hart) => hart.csr.pmpaddr[entry] ?? 0n,
    write: (hart, value) => {
      const above = entry < 15 ? pmpConfig(hart, entry + 1) : 0n
      const locked =
        bit(pmpConfig(hart, entry), PMP_LOCKED) || (bit(above, PMP_LOCKED) && bits(above, 4, 3) === 1n)
      if (!locked) hart.csr.pmpaddr[entry] = value & ((1n << 54n) - 1n)
    },
  }
}

const protection: readonly (readonly [number, Register])[] = [
  [0x3a0, protectionConfig(0)],
  [0x3a2, protectionConfig(1)],
  ...Array.from({ length: 16 }, (_, entry) => [0x3b0 + entry, protectionAddress(entry)] as const),
]

/** Machine counters, their read-only views, and their event selectors. */
const counters: readonly (readonly [number, Register])[] = [
  [0xb00, plain('mcycle')],
  [0xb02, plain('minstret')],
  [0xc00, { name: 'cycle', read: (hart) => hart.csr.mcycle }],
  [0xc01, { name: 'time', read: guestTime }],
  [0xc02, { name: 'instret', read: (hart) => hart.csr.minstret }],
  ...Array.from({ length: 29 }, (_, i) => i + 3).flatMap(
    (i) =>
      [
        [0xb00 + i, indexed(`mhpmcounter${i}`, 'mhpmcounter', i)],
        [0x320 + i, indexed(`mhpmevent${i}`, 'mhpmevent', i)],
        [0xc00 + i, { name: `hpmcounter${i}`, read: (hart) => hart.csr.mhpmcounter[i] ?? 0n }],
      ] as readonly (readonly [number, Register])[],
  ),
]

/** With V = 1 a guest's time is offset by htimedelta. */
function guestTime(hart: Hart): bigint {
  return hart.virtual ? BigInt.asUintN(64, hart.time + (hart.hypervisor?.htimedelta ?? 0n)) : hart.time
}

/** All CSRs of a hart without the hypervisor extension, by number. */
export const baseRegisters: ReadonlyMap<number, Register> = new Map([
  ...float,
  ...supervisor,
  ...machine,
  ...protection,
  ...counters,
])
