/**
 * The machine block: what the threads of one machine share besides hart blocks and devices.
 *
 * ```
 *  +0        words of the machine     (machineWord, byte offsets)
 *  +0x1000   pCPU slots   64 × 64 B   (pcpuSlot): doorbell and state, a cache line each
 *  +0x2000   hart records 64 × 512 B  (hartRecord): what the VMM keeps of a hart
 * ```
 * Invariants: every i32 word is touched with atomics only; offsets of i64 and f64 words are multiples of 8.
 */

/** Most harts of one machine, and so most pCPUs. */
export const hartCountMax = 64

/** Byte offsets of the machine's own words. i32 unless noted. */
export const machineWord = {
  /** see runState */
  runState: 0,
  /** see outcomeKind; moves from none once */
  outcomeKind: 8,
  /** exit status of a power off, or failure code */
  outcomeStatus: 12,
  /** frames taken from the bottom (bits 0..20) and 2 MiB runs taken from the top (bits 21..31) */
  framesFresh: 16,
  /** length of the free list */
  framesFree: 20,
  /** i64: head of the free list, frame number in bits 0..31, change tag above */
  framesHead: 24,
  /** 4 KiB leaves in the SLAT */
  slatSmallLeaves: 32,
  /** 2 MiB leaves in the SLAT */
  slatLargeLeaves: 36,
  /** 1 while an HTIF read waits for a character */
  htifReading: 4,
  /** set by whoever ends the machine, before the outcome is written */
  outcomeClaim: 64,
  /** state of the I/O thread, see pcpuState; absent when no device needs one */
  ioState: 68,
  /** lock of whoever reaches guest memory outside of guest code */
  memoryLock: 72,
  /** f64: host milliseconds at tick 0 of the guest's clock */
  clockBase: 40,
  /** f64: host milliseconds when the machine was paused */
  pausedAt: 48,
  /** f64: host milliseconds when the machine was started */
  startedAt: 56,
} as const

/** Values of `runState`. */
export const runState = { paused: 0, running: 1, stopped: 2 } as const

/** Values of `outcomeKind`. */
export const outcomeKind = { none: 0, powerOff: 1, reboot: 2, failed: 3, stopped: 4 } as const

/** Byte offsets within a pCPU slot. */
export const pcpuSlot = { base: 0x1000, bytes: 64, doorbell: 0, state: 4 } as const

/** Values of a pCPU's state. */
export const pcpuState = { absent: 0, running: 1, parked: 2, done: 3 } as const

/** Byte offsets within a hart record. i32 unless noted. */
export const hartRecord = {
  base: 0x2000,
  bytes: 512,
  /** i64: address to start or resume at */
  entry: 0,
  /** i64: a1 at start or resume */
  opaque: 8,
  /** 1 while the hart may be executing guest instructions; cleared and notified when it left */
  inGuest: 16,
  /** 1: resume from suspend at `entry`; 0: after the call */
  resumeAtEntry: 20,
  /** 1 while waiting in WFI */
  waiting: 24,
  /** f64: milliseconds spent waiting */
  idleMs: 32,
  /** exits by reason: slice, wfi, sbi */
  exits: 40,
  /** interrupt lines as controllers drive them, of a machine whose lines are staged (hart-block.ts) */
  stagedLines: 56,
  /** SBI calls by extension, in the order of the extension table */
  sbiCalls: 64,
  /** i32 × 22: PMU firmware event counts by event code */
  firmwareEvents: 128,
  /** i32 × 16: PMU firmware counters, see sbi/pmu.ts */
  firmwareCounters: 224,
  /** i64 × 16: their values while stopped; while counting, what to add to the event's count */
  firmwareValues: 288,
} as const

/** Bytes of the block, a multiple of the WebAssembly page. */
export const machineBlockBytes = 0x10000
