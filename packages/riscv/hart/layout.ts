/**
 * The hart block: everything one hart is, in shared machine memory, declared once.
 *
 * Why: generated WebAssembly (interpreter, JIT), the AssemblyScript runtime and TypeScript all touch the same
 * bytes, from several threads. `renderLayout` prints the table as AssemblyScript constants at build time.
 *
 * ```
 *  hart ──► +0      state: registers, CSRs, control words, counters     (STATE_BYTES)
 *           TLB_R   read  TLB  16384 × 16 B  {tag i64, addend i32, 0}
 *           TLB_W   write TLB  16384 × 16 B
 *           TLB_X   fetch TLB   4096 × 16 B  {tag i64, recBase i32, 0}
 *           TABLES  guest page tables met on walks, 2 × 256 × 16 B {tag i64, guest page u32, PTE_G u32}
 *           GTLB    guest-physical TLB 1024 × 8 B {gpfn+1 u32, arena frame address | flags u32}
 *           SLAT    last-level SLAT tables 512 × 8 B {gpa >> 21 + 1 u32, arena address u32}
 *           SETS    context sets  64 × 32 B
 *  elsewhere, by pointer: the code map, the decoded pages, the machine's SLAT root.
 * ```
 * Invariants: a block is 64 KiB aligned; offsets are multiples of the field's size; words that other threads
 * write (`attention`, `mip`, `lines`, `requests`) are only touched with atomics.
 */

type FieldType = 'i32' | 'i64'

interface Field {
  readonly name: string
  readonly type: FieldType
  readonly count: number
  readonly offset: number
  readonly doc: string
}

const sizeOf = { i32: 4, i64: 8 } as const

function declare(
  rows: readonly (readonly [name: string, type: FieldType, doc: string, count?: number])[],
): Field[] {
  let offset = 0
  return rows.map(([name, type, doc, count = 1]) => {
    const size = sizeOf[type]
    offset = Math.ceil(offset / size) * size
    const field = { name, type, count, offset, doc }
    offset += size * count
    return field
  })
}

/** The fields of the state part, in order. */
export const hartFields: readonly Field[] = declare([
  ['x', 'i64', 'integer registers; x[0] is always zero', 32],
  ['f', 'i64', 'floating-point registers, NaN-boxed', 32],
  [
    'pc',
    'i64',
    'program counter; exact whenever the interpreter is left, calls out with a trap or tells of a hot place',
  ],
  ['ctxData', 'i64', 'TLB context of loads and stores in the lower half: an id in bits 52..63, as in a tag'],
  [
    'ctxDataMask',
    'i64',
    'ANDed with address >> 12 before ctxData is added: makes the id that of the upper half there',
  ],
  ['ctxFetch', 'i64', 'the same for fetches'],
  ['ctxFetchMask', 'i64', 'the same for fetches'],
  ['attention', 'i32', 'not zero: leave the interpreter at the next jump (any thread, atomic)'],
  ['icount', 'i32', 'instructions left in this slice, stored before every call that may read counters'],
  ['sliceBudget', 'i32', 'what icount was at the start of the slice'],
  ['prv', 'i32', 'current privilege: 0 U, 1 S, 3 M'],
  ['excCause', 'i32', 'cause of the exception being raised; -1 when none'],
  ['reservationValid', 'i32', '1 while LR holds a reservation'],
  ['reservationAddr', 'i32', 'arena address of the reservation'],
  ['fflags', 'i32', 'accrued FP exception flags'],
  ['frm', 'i32', 'dynamic rounding mode, 0..7 as written'],
  ['fetchEpoch', 'i32', 'bumped by fence.i; decoded pages of another epoch are compared before use'],
  ['excTval', 'i64', 'value for xtval of the exception being raised'],
  ['reservationValue', 'i64', 'value seen by LR'],
  ['mmioValue', 'i64', 'data of an MMIO access, in and out'],
  ['mip', 'i32', 'software-visible pending bits (atomic): SSIP, STIP, SEIP (software part), MSIP, MTIP, …'],
  [
    'lines',
    'i32',
    'interrupt lines driven by controllers (atomic): MEIP, SEIP, MSIP, MTIP; ORed with mip when read',
  ],
  ['requests', 'i32', 'work other threads ask of this hart (atomic), see hartRequest'],
  ['hartId', 'i32', 'mhartid'],
  ['flags', 'i32', 'see hartFlag'],
  ['status', 'i32', 'see hartStatus: the HSM state of the hart (atomic)'],
  ['machine', 'i32', 'arena address of the machine block'],
  [
    'doorbell',
    'i32',
    'arena address of the word its pCPU sleeps on: add 1 (atomic) and notify after raising attention',
  ],
  ['slatRoot', 'i32', 'arena address of the 16 KiB Sv48x4 root table'],
  ['codeMap', 'i32', 'arena address of u16[frame number] → decoded page slot + 1'],
  ['codePages', 'i32', 'arena address of the first decoded page'],
  ['codePageCount', 'i32', 'number of decoded page slots, at most 65535'],
  ['codePageNext', 'i32', 'where the search for a slot to give away goes on (a clock)'],
  ['contextSet', 'i32', 'arena address of the context set of the current satp'],
  ['globalSet', 'i32', 'arena address of the context set for upper-half (global) mappings'],
  ['nextContext', 'i32', 'next free context id, 1..4095'],
  ['noGlobalSplit', 'i32', '1 after a non-global leaf was met in the upper half: no separate upper contexts'],
  [
    'super1G',
    'i64',
    'bit ((va >> 30) & 31) | (va < 0 ? 32 : 0) set: pieces of a 1 GiB leaf may be cached there',
  ],
  [
    'super2M',
    'i64',
    'bitmap by ((va >> 21) & 511) | (va < 0 ? 512 : 0): pieces of a 2 MiB leaf may be cached there',
    16,
  ],
  ['mstatus', 'i64', 'mstatus; sstatus is a view of it'],
  ['medeleg', 'i64', 'medeleg'],
  ['mideleg', 'i64', 'mideleg'],
  ['mie', 'i64', 'mie; sie is a view of it'],
  ['mtvec', 'i64', 'mtvec'],
  ['mscratch', 'i64', 'mscratch'],
  ['mepc', 'i64', 'mepc'],
  ['mcause', 'i64', 'mcause'],
  ['mtval', 'i64', 'mtval'],
  ['menvcfg', 'i64', 'menvcfg: FIOM, CBIE, CBCFE, CBZE, ADUE, PBMTE, STCE'],
  ['mseccfg', 'i64', 'reserved for Smepmp; reads zero'],
  ['mcounteren', 'i64', 'mcounteren'],
  ['mcountinhibit', 'i64', 'mcountinhibit'],
  ['stvec', 'i64', 'stvec'],
  ['sscratch', 'i64', 'sscratch'],
  ['sepc', 'i64', 'sepc'],
  ['scause', 'i64', 'scause'],
  ['stval', 'i64', 'stval'],
  ['senvcfg', 'i64', 'senvcfg'],
  ['scounteren', 'i64', 'scounteren'],
  ['satp', 'i64', 'satp'],
  ['stimecmp', 'i64', 'stimecmp (Sstc), ticks of the time CSR'],
  ['mcycle', 'i64', 'offset of mcycle: value minus the instruction counter'],
  ['minstret', 'i64', 'offset of minstret: value minus the instruction counter'],
  ['retired', 'i64', 'instructions retired up to the start of this slice'],
  ['mhpmcounter', 'i64', 'mhpmcounter3..31 by index (0..2 unused)', 32],
  ['mhpmevent', 'i64', 'mhpmevent3..31 by index (0..2 unused)', 32],
  ['pmpcfg', 'i64', 'pmpcfg0, pmpcfg2: one byte an entry, 16 entries', 2],
  ['pmpaddr', 'i64', 'pmpaddr0..15', 16],
  ['pmpActive', 'i32', '1 when any PMP entry is not OFF'],
  ['statTlbMissR', 'i32', 'read TLB misses (slow loads)'],
  ['statTlbMissW', 'i32', 'write TLB misses'],
  ['statTlbMissX', 'i32', 'fetch TLB misses'],
  ['statSlatFaults', 'i32', 'SLAT faults served by the VMM'],
  ['statMmioLoads', 'i32', 'MMIO loads'],
  ['statMmioStores', 'i32', 'MMIO stores'],
  ['statDecoded', 'i32', 'instructions decoded into records'],
  ['statFences', 'i32', 'sfence.vma and its kin: of everything, by address, by address space, by both', 4],
  ['statFenceI', 'i32', 'fence.i'],
  ['statInterrupts', 'i32', 'interrupts taken, by cause', 16],
  ['statExceptions', 'i32', 'exceptions taken, by cause', 24],
  ['fetchInstalled', 'i32', 'fetch TLB entries installed since all were last cleared'],
  ['fetchInstalledAt', 'i32', 'where the first of those are: offsets from the hart block', 64],
  ['scratch', 'i64', 'for the record of a page-crossing instruction and for tests', 8],
  ['statRegionEntries', 'i64', 'times that compiled code was entered'],
  ['statRegionInstructions', 'i64', 'instructions that compiled code ran'],
  ['bailPc', 'i64', 'compiled code left the instruction here to the interpreter; odd: none'],
  ['statRegionsRestored', 'i32', 'of those, made before: by another process, or for another pCPU'],
  ['statRegions', 'i32', 'regions of compiled code put in place'],
  ['statRegionBytes', 'i32', 'bytes of WebAssembly of those'],
  ['statRegionSource', 'i32', 'guest instructions that those were made of'],
  ['statRegionEmitMicroseconds', 'i32', 'time that writing those took, in the compiler'],
  [
    'statRegionModuleMicroseconds',
    'i32',
    "time that the host's engine took to make modules of those, in the compiler",
  ],
  ['statExitUncached', 'i64', 'compiled code came back: the page of the target is not in the fetch TLB'],
  ['statExitUncompiled', 'i64', 'compiled code came back: no region begins at the target'],
  ['statExitPoll', 'i64', 'compiled code came back: attention was raised, or the slice was at its end'],
  ['statExitBail', 'i64', 'compiled code came back: it left an instruction to the interpreter'],
  ['statRegionsDropped', 'i32', 'regions taken out again, since nothing ran them or their page changed'],
])

/** Byte offset of each state field by name. */
export const hartOffset: Readonly<Record<string, number>> = Object.fromEntries(
  hartFields.map((f) => [f.name, f.offset]),
)

/** Why `run` came back. */
export const hartExit = {
  /** the slice's budget is used up, or `attention` was raised: look at requests and timers, run again */
  slice: 0,
  /** WFI executed with nothing pending; pc is past it */
  wfi: 1,
  /** ECALL from S-mode on a machine whose SBI is the VMM; pc is at the ECALL (its length is 4) */
  sbi: 2,
} as const

/** Bits of `flags`: constants of a machine. */
export const hartFlag = {
  /** ECALL from S-mode leaves with `hartExit.sbi` (direct boot) */
  sbiByVmm: 1,
} as const

/** Bits of `requests`, set with atomic OR, followed by attention := 1 and a notify of the pCPU's doorbell. */
export const hartRequest = {
  /** fence.i on behalf of another hart */
  fenceI: 1,
  /** drop every TLB entry and context */
  flushTlb: 2,
  /** drop the guest-physical TLB as well (SLAT changed) */
  flushSlat: 4,
  /** start at the address given by HSM hart_start (VMM only; the runtime ignores it) */
  start: 8,
  /** stop running for good (VMM only) */
  halt: 16,
} as const

/** Values of `status`: the SBI HSM states. @spec riscv-sbi "Hart State Management Extension" */
export const hartStatus = {
  started: 0,
  stopped: 1,
  startPending: 2,
  stopPending: 3,
  suspended: 4,
  suspendPending: 5,
  resumePending: 6,
} as const

/** Number of entries of each lookaside array; `tables` is for each of two levels. */
export const tlbEntries = {
  r: 16384,
  w: 16384,
  x: 4096,
  tables: 256,
  g: 1024,
  slatTables: 512,
  sets: 64,
} as const

/** Number of entries of the exact interpreter's trace, powers of two. */
export const traceEntries = { path: 2048, stores: 2048 } as const

/** Byte offsets of the parts of a hart block after the state, one behind the other. */
export const hartPart = placeParts()

function placeParts() {
  let end = 0x2000
  const place = (bytes: number) => {
    const offset = end
    end += bytes
    return offset
  }
  return {
    tlbR: place(tlbEntries.r * 16),
    tlbW: place(tlbEntries.w * 16),
    tlbX: place(tlbEntries.x * 16),
    tables: place(tlbEntries.tables * 2 * 16),
    gtlb: place(tlbEntries.g * 8),
    slatTables: place(tlbEntries.slatTables * 8),
    sets: place(tlbEntries.sets * 32),
    /** trace of interpreter/exact.ts: i64 addresses of the instructions run, by what icount was */
    path: place(traceEntries.path * 8),
    /** i32 arena addresses stored to, in turn */
    stores: place(traceEntries.stores * 4),
    /** i32, stores of the last slice */
    storeCount: place(8),
    end: place(0),
  } as const
}

/** Bytes of one hart block: a multiple of 64 KiB. */
export const hartBlockBytes = Math.ceil(hartPart.end / 0x10000) * 0x10000

/**
 * A decoded page: `snapshot` (the 4 KiB of code that the records were made from), a header, then 2048 records
 * of 8 bytes, one for each halfword, a sentinel record that means "the page ends here", and a byte for each
 * halfword that says how often it was jumped to (255: whoever compiles was told, or it holds compiled code).
 */
export const codePage = {
  snapshot: 0,
  /** u32 arena address of the frame the code came from */
  source: 4096,
  /** u32 fetchEpoch at the last comparison */
  epoch: 4100,
  /** u32, 1 when the page was entered from elsewhere since the search for a victim last passed it */
  used: 4104,
  /** u32, the number that the linker knows this code by; 0: none */
  content: 4108,
  /** first record: {op u16, rd·8 u8, rs1·8 u8, rs2·8 u8, imm i24}; op 0 = not decoded yet */
  records: 4160,
  recordBytes: 8,
  sentinel: 4160 + 2048 * 8,
  heat: 4160 + 2048 * 8 + 64,
  bytes: 4160 + 2048 * 8 + 64 + 2048,
} as const

/** What the heat of a halfword means. */
export const heat = {
  /** arrivals that make a place worth compiling */
  hot: 254,
  /** whoever compiles was told, or compiled code begins there: no arrival is counted any more */
  told: 255,
} as const

/** Renders the layout as AssemblyScript source: `HART_…`, `EXIT_…`, `FLAG_…`, `REQUEST_…`, `CODE_…` constants. */
export function renderLayout(): string {
  const snake = (name: string) => name.replace(/([a-z0-9])([A-Z])/g, '$1_$2').toUpperCase()
  const line = (name: string, value: number, doc = '') =>
    `${doc === '' ? '' : `/** ${doc} */\n`}export const ${name}: u32 = ${value}`
  const group = (prefix: string, table: Readonly<Record<string, number>>) =>
    Object.entries(table).map(([name, value]) => line(`${prefix}_${snake(name)}`, value))
  return [
    '// Generated by infra/tasks/build.ts from packages/riscv/hart/layout.ts. Do not edit.',
    ...hartFields.map((f) =>
      line(`HART_${snake(f.name)}`, f.offset, `${f.type}${f.count > 1 ? `[${f.count}]` : ''}: ${f.doc}`),
    ),
    ...group('PART', hartPart),
    ...group('ENTRIES', tlbEntries),
    ...group('EXIT', hartExit),
    ...group('FLAG', hartFlag),
    ...group('REQUEST', hartRequest),
    ...group('STATUS', hartStatus),
    ...group('CODE', codePage),
    line('HART_BLOCK_BYTES', hartBlockBytes),
    '',
  ].join('\n')
}
