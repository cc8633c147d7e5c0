/**
 * Guest memory as a device reaches it by itself.
 * Why: a device is told addresses by the guest, and believes none of them: whoever implements this knows what is memory.
 * Invariants: nothing outside the guest's memory is ever read or written; an access that is not all memory has no effect
 * and says so. Nothing throws.
 */

/** What a device wants to do with bytes. */
export type DmaAccess = 'read' | 'write'

/** Takes places in one memory, in order: a list that is used again and again, where views would be garbage. */
export interface PieceSink {
  /** Forgets all pieces; those to come are in `memory`. */
  clear(memory: Uint8Array): void
  /** Appends `memory[offset, offset + length)`; false when it is full. */
  add(offset: number, length: number): boolean
}

export interface DmaMemory {
  /** what the places that `locate` finds are in */
  readonly memory: Uint8Array
  /** Whether the `bytes` bytes from `gpa` are all memory. */
  contains(gpa: number, bytes: number): boolean
  /** Copies guest bytes from `gpa` on into `target`; false when they are not all memory. */
  read(gpa: number, target: Uint8Array): boolean
  /** Copies `source` to guest memory at `gpa`; false when that is not all memory. */
  write(gpa: number, source: Uint8Array): boolean
  /**
   * The `bytes` bytes from `gpa` on as views of the host's memory, in order; undefined when they are not all memory.
   * Views are for at once: they are not kept. Those for `read` must not be written to.
   */
  pieces(gpa: number, bytes: number, access: DmaAccess): Uint8Array[] | undefined
  /**
   * Appends the places of the `bytes` bytes from `gpa` on to `into`, which was cleared for `memory`; false when they are
   * not all memory, or when it is full. Places are for at once, as views are, and those for `read` are not written to.
   */
  locate(gpa: number, bytes: number, access: DmaAccess, into: PieceSink): boolean
  /** The 16-bit little-endian value at `gpa` (even), read whole; -1 when it is no memory. */
  load16(gpa: number): number
  /** Writes a 16-bit value at `gpa` (even), whole; what was written before is seen before it. */
  store16(gpa: number, value: number): boolean
}
