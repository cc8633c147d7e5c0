/**
 * The control and status registers that exist, for the disassembler, debuggers and documentation. What reading and
 * writing them does is in runtime/csr*.ts; a test holds the two together.
 * @spec riscv-priv "CSR Listing"
 */

/** Least privilege that may access a register. */
export type CsrPrivilege = 'user' | 'supervisor' | 'machine'

/** One register. */
export interface Csr {
  /** as the assembler writes it */
  readonly name: string
  /** 12-bit address */
  readonly number: number
  /** from bits 9..8 of the number */
  readonly privilege: CsrPrivilege
  /** from bits 11..10 of the number: writing is an illegal instruction */
  readonly readOnly: boolean
  readonly doc: string
}

type Row = readonly [number: number, name: string, doc: string]

const floatingPoint: readonly Row[] = [
  [0x001, 'fflags', 'accrued floating-point exceptions'],
  [0x002, 'frm', 'dynamic rounding mode'],
  [0x003, 'fcsr', 'frm and fflags together'],
]

const supervisor: readonly Row[] = [
  [0x100, 'sstatus', 'what S-mode sees of mstatus'],
  [0x104, 'sie', 'interrupts enabled, of those delegated to S-mode'],
  [0x105, 'stvec', 'where traps to S-mode go, and whether interrupts are vectored'],
  [0x106, 'scounteren', 'counters that U-mode may read'],
  [0x10a, 'senvcfg', 'what U-mode may do: cache-block operations, fences of I/O'],
  [0x140, 'sscratch', 'for the trap handler of S-mode'],
  [0x141, 'sepc', 'where the trap to S-mode came from'],
  [0x142, 'scause', 'why it came: bit 63 interrupt, else exception'],
  [0x143, 'stval', 'faulting address or instruction'],
  [0x144, 'sip', 'interrupts pending, of those delegated to S-mode'],
  [0x14d, 'stimecmp', 'time at which the supervisor timer interrupt becomes pending'],
  [0x150, 'siselect', 'which indirect register sireg is'],
  [0x151, 'sireg', 'the register that siselect names: of the interrupt file, or an interrupt priority'],
  [0x15c, 'stopei', 'external interrupt of highest priority; writing claims it'],
  [0x180, 'satp', 'mode, ASID and root of the page table'],
]

const supervisorTop: readonly Row[] = [
  [0xdb0, 'stopi', 'interrupt of highest priority that S-mode has pending and enabled'],
]

const machine: readonly Row[] = [
  [0x300, 'mstatus', 'interrupt enables, previous privileges, translation and floating-point controls'],
  [0x301, 'misa', 'base width and extensions'],
  [0x302, 'medeleg', 'exceptions that go to S-mode'],
  [0x303, 'mideleg', 'interrupts that go to S-mode'],
  [0x304, 'mie', 'interrupts enabled'],
  [0x305, 'mtvec', 'where traps to M-mode go, and whether interrupts are vectored'],
  [0x306, 'mcounteren', 'counters that S-mode may read'],
  [0x30a, 'menvcfg', 'what less privileged modes may do, and how page tables behave'],
  [0x320, 'mcountinhibit', 'counters that stand still'],
  [0x340, 'mscratch', 'for the trap handler of M-mode'],
  [0x341, 'mepc', 'where the trap to M-mode came from'],
  [0x342, 'mcause', 'why it came: bit 63 interrupt, else exception'],
  [0x343, 'mtval', 'faulting address or instruction'],
  [0x344, 'mip', 'interrupts pending'],
]

const triggers: readonly Row[] = [
  [0x7a0, 'tselect', 'trigger that tdata1..3 show; there are none'],
  [0x7a1, 'tdata1', 'zero: no trigger'],
  [0x7a2, 'tdata2', 'zero: no trigger'],
  [0x7a3, 'tdata3', 'zero: no trigger'],
]

const counters: readonly Row[] = [
  [0xb00, 'mcycle', 'cycles'],
  [0xb02, 'minstret', 'instructions retired'],
  [0xc00, 'cycle', 'mcycle, read-only'],
  [0xc01, 'time', 'ticks of the wall clock'],
  [0xc02, 'instret', 'minstret, read-only'],
]

const information: readonly Row[] = [
  [0xf11, 'mvendorid', 'JEDEC number of the vendor; zero'],
  [0xf12, 'marchid', 'number of the microarchitecture; zero'],
  [0xf13, 'mimpid', 'version of the implementation; zero'],
  [0xf14, 'mhartid', 'number of this hart'],
  [0xf15, 'mconfigptr', 'address of a configuration structure; zero'],
]

/** Registers `first`..`last` whose names end in their number and whose addresses follow on from `base`. */
function numbered(base: number, name: string, first: number, last: number, doc: string): Row[] {
  return Array.from(
    { length: last - first + 1 },
    (_, i) => [base + first + i, `${name}${first + i}`, doc] as const,
  )
}

const privileges: readonly CsrPrivilege[] = ['user', 'supervisor', 'supervisor', 'machine']

/** Every register, by rising number. */
export const csrs: readonly Csr[] = [
  ...floatingPoint,
  ...supervisor,
  ...supervisorTop,
  ...machine,
  ...numbered(0x320, 'mhpmevent', 3, 31, 'event that the counter counts'),
  [0x3a0, 'pmpcfg0', 'configuration of memory protection entries 0..7'] as const,
  [0x3a2, 'pmpcfg2', 'configuration of memory protection entries 8..15'] as const,
  ...numbered(0x3b0, 'pmpaddr', 0, 15, 'address of the memory protection entry, bits 55..2'),
  ...triggers,
  ...counters,
  ...numbered(0xb00, 'mhpmcounter', 3, 31, 'event counter; stays as it is written'),
  ...numbered(0xc00, 'hpmcounter', 3, 31, 'event counter, read-only'),
  ...information,
]
  .map(([number, name, doc]) => ({
    name,
    number,
    privilege: privileges[(number >> 8) & 3] ?? 'machine',
    readOnly: number >> 10 === 3,
    doc,
  }))
  .sort((a, b) => a.number - b.number)

const byNumber = new Map(csrs.map((csr) => [csr.number, csr]))
const byName = new Map(csrs.map((csr) => [csr.name, csr]))

/** The register at a 12-bit address, if there is one. */
export function csrByNumber(number: number): Csr | undefined {
  return byNumber.get(number)
}

/** The register of an assembler name, if there is one. */
export function csrByName(name: string): Csr | undefined {
  return byName.get(name)
}
