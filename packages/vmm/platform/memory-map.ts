/**
 * Where everything is in a machine's guest-physical memory, and on which interrupt: the one table.
 * Why: the addresses are those of QEMU's `virt` machine, so that kernels, firmware and course material built for it run
 * here unchanged.
 * Invariants: windows do not overlap and lie below RAM, but for the upper PCI window, which lies above any RAM; source numbers are unique, 1 to `plicSources`.
 */

/** Most harts a machine may have. */
export const hartsMax = 64

/** Highest interrupt source of the PLIC, and of the APLIC; sources are 1 to this. */
export const plicSources = 95

/** Ticks of the `time` CSR and of mtime in a second. */
export const timebaseHz = 10_000_000

/** Window (base, bytes) and PLIC source of each part. */
export const memoryMap = {
  finisher: { base: 0x10_0000, bytes: 0x1000 },
  rtc: { base: 0x10_1000, bytes: 0x1000, interrupt: 11 },
  aclint: { base: 0x200_0000, bytes: 0x1_0000 },
  plic: { base: 0xc00_0000, bytes: 0x60_0000 },
  aplic: { base: 0xd00_0000, bytes: 0x4000 },
  uart: { base: 0x1000_0000, bytes: 0x100, interrupt: 10 },
  /** a page for each hart */
  imsic: { base: 0x2800_0000 },
  /** of four interrupts, the first */
  pciConfig: { base: 0x3000_0000, bytes: 0x1000_0000, interrupt: 32 },
  pciMemory32: { base: 0x4000_0000, bytes: 0x4000_0000 },
  pciMemory64: { base: 0x4_0000_0000, bytes: 0x4_0000_0000 },
  ram: { base: 0x8000_0000 },
} as const
