/**
 * A device's registers as a table: where, what reading gives, what writing does.
 * Why: offsets, names and meaning of a register stand in one row, for the bus and for the reader.
 * Invariants: rows do not overlap. What no row covers reads as zero and swallows writes, since a guest may touch
 * anything.
 */

import { assert } from '@virga/base'

/** One register, or an array of equal ones. */
export interface Register<D> {
  readonly name: string
  /** bytes from the device's base */
  readonly offset: number
  /** how many there are; 1 if absent */
  readonly count?: number
  /** distance of one to the next in bytes; 4 if absent */
  readonly stride?: number
  /** value of the `index`th; absent: it reads as zero */
  read?(device: D, index: number): number
  /** what a write of `value` (unsigned) to the `index`th does; absent: nothing */
  write?(device: D, value: number, index: number): void
}

export class RegisterMap<D> {
  private readonly rows: readonly Required<Pick<Register<D>, 'offset' | 'count' | 'stride'>>[]
  private readonly registers: readonly Register<D>[]

  constructor(registers: readonly Register<D>[]) {
    this.registers = registers
    this.rows = registers.map(({ offset, count = 1, stride = 4 }) => ({ offset, count, stride }))
    const taken = new Set<number>()
    for (const [i, row] of this.rows.entries()) {
      for (let k = 0; k < row.count; k++) {
        const offset = row.offset + k * row.stride
        assert(!taken.has(offset), `register ${registers[i]?.name} shares no offset with another`)
        taken.add(offset)
      }
    }
  }

  /** Reads the register that starts at `offset`, or zero. */
  load(device: D, offset: number): number {
    for (const [i, { offset: first, count, stride }] of this.rows.entries()) {
      const index = (offset - first) / stride
      if (index >= 0 && index < count && Number.isInteger(index))
        return this.registers[i]?.read?.(device, index) ?? 0
    }
    return 0
  }

  /** Writes the register that starts at `offset`, if there is one that can be written. */
  store(device: D, offset: number, value: number): void {
    for (const [i, { offset: first, count, stride }] of this.rows.entries()) {
      const index = (offset - first) / stride
      if (index >= 0 && index < count && Number.isInteger(index)) {
        this.registers[i]?.write?.(device, value, index)
        return
      }
    }
  }
}
