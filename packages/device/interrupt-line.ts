/**
 * Wires that carry an interrupt: from a device to its controller, and from a controller to the harts.
 * Invariants: a wire has a level, no memory; driving it to the level it has already does nothing. Both kinds are
 * driven with the bus lock held, so an implementation must not take it, and must not wait.
 */

/** One wire from a device to an interrupt controller. */
export interface InterruptLine {
  set(level: boolean): void
}

/** The wires that end at a hart, by the interrupt they make pending. */
export type HartLine = 'MSI' | 'MTI' | 'SEI' | 'MEI'

/** Bit of each wire in mip. @spec riscv-priv "Machine Interrupt (mip and mie) Registers" */
export const hartLineBit: Readonly<Record<HartLine, number>> = { MSI: 3, MTI: 7, SEI: 9, MEI: 11 }

/** All wires that end at the harts of one machine. The machine implements it: set the bit, wake the hart. */
export interface HartLines {
  /** Drives wire `line` of hart `hart` (index from 0) to `level`. Callable on any thread. */
  set(hart: number, line: HartLine, level: boolean): void
  /** Makes the hart's pCPU leave its sleep or slice: a deadline of the hart's moved. Callable on any thread. */
  wake(hart: number): void
  /** Makes external interrupt `identity` (1 and up) pending in the hart's interrupt file. Callable on any thread. */
  message(hart: number, identity: number): void
}
