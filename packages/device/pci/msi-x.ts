/**
 * MSI-X: a function's interrupts as messages. The table of messages and the bits of those held back lie in a BAR.
 *
 * ```
 *   raise(v) ─► enabled? ─► masked (function or vector)? ── no ──► message ─► controller
 *                                   └ yes ─► pending bit ─► unmasked ─────────┘
 * ```
 * Invariants: called under the bus lock, so that a vector is not masked between the look and the message; a pending bit
 * is set only while its vector or the function is masked.
 * @spec pci-3.0 "MSI-X Capability and Table Structure"
 */

import { assert } from '@virga/base'
import type { Capability } from './config-header.ts'

/** Where messages go. An implementation must neither take the bus lock nor wait. */
export interface MessageSink {
  /** Delivers a write of `data` (32 bits) to a guest-physical address of the guest's choice. */
  send(addressLow: number, addressHigh: number, data: number): void
}

/** How a function lays its table out. */
export interface MsiXPlan {
  /** 1 to 2048 */
  readonly vectors: number
  readonly bar: number
  /** byte offset of the table in the BAR, a multiple of 8 */
  readonly table: number
  /** byte offset of the pending bits, a multiple of 8 */
  readonly pending: number
}

export const msiXCapabilityId = 0x11
/** Bits of the message control register, the upper half of the capability's first word. */
const control = { functionMask: 1 << 14, enable: 1 << 15 } as const
const vectorMask = 1
const entryWords = 4

/** The capability of a plan. */
export function msiXCapability({ vectors, bar, table, pending }: MsiXPlan): Capability {
  assert(vectors >= 1 && vectors <= 2048, 'MSI-X has 1 to 2048 vectors')
  const body = new Uint8Array(10)
  const view = new DataView(body.buffer)
  view.setUint16(0, vectors - 1, true)
  view.setUint32(2, table | bar, true)
  view.setUint32(6, pending | bar, true)
  const writable = new Uint8Array(10)
  new DataView(writable.buffer).setUint16(0, control.functionMask | control.enable, true)
  return { id: msiXCapabilityId, body, writable }
}

/** Words of state: the table, then the pending bits. */
export function msiXWords(vectors: number): number {
  return vectors * entryWords + Math.ceil(vectors / 64) * 2
}

export class MsiX {
  readonly plan: MsiXPlan
  private readonly table: Int32Array
  private readonly pendingBits: Int32Array
  private readonly sink: MessageSink
  private readonly control: () => number

  /** `words` are `msiXWords` of the function's; `readControl` gives the message control register as it is now. */
  constructor(plan: MsiXPlan, words: Int32Array, sink: MessageSink, readControl: () => number) {
    this.plan = plan
    this.table = words.subarray(0, plan.vectors * entryWords)
    this.pendingBits = words.subarray(plan.vectors * entryWords)
    this.sink = sink
    this.control = readControl
  }

  /** After a reset every vector is masked. */
  cold(): void {
    this.table.fill(0)
    this.pendingBits.fill(0)
    for (let vector = 0; vector < this.plan.vectors; vector++)
      this.table[vector * entryWords + 3] = vectorMask
  }

  get enabled(): boolean {
    return (this.control() & control.enable) !== 0
  }

  /** True when the word at `offset` of BAR `bar` is the table's or the pending bits'. */
  covers(bar: number, offset: number): boolean {
    const { plan } = this
    if (bar !== plan.bar) return false
    const inTable = offset >= plan.table && offset < plan.table + 4 * this.table.length
    return inTable || (offset >= plan.pending && offset < plan.pending + 4 * this.pendingBits.length)
  }

  /** A 4-byte load of what `covers` said yes to. */
  load(offset: number): number {
    const { plan, table } = this
    const inTable = offset >= plan.table && offset < plan.table + 4 * table.length
    return (
      (inTable ? table[(offset - plan.table) >>> 2] : this.pendingBits[(offset - plan.pending) >>> 2]) ?? 0
    )
  }

  /** A 4-byte store to the table; the pending bits are read-only. */
  store(offset: number, value: number): void {
    const { plan, table } = this
    const index = (offset - plan.table) >>> 2
    if (offset < plan.table || index >= table.length) return
    const field = index % entryWords
    table[index] = field === 0 ? value & ~3 : field === 3 ? value & vectorMask : value
    if (field === 3) this.deliverPending((index - 3) / entryWords)
  }

  /** Interrupt `vector` of the function happened. Nothing happens for a vector that there is not, or while disabled. */
  raise(vector: number): void {
    if (vector < 0 || vector >= this.plan.vectors || !this.enabled) return
    if (this.masked(vector)) this.flag(vector, true)
    else this.send(vector)
  }

  /** To be called after the message control register was written: what was held back may go now. */
  controlWritten(): void {
    if (this.enabled) for (let vector = 0; vector < this.plan.vectors; vector++) this.deliverPending(vector)
  }

  private deliverPending(vector: number): void {
    const bit = 1 << (vector & 31)
    if (((this.pendingBits[vector >>> 5] as number) & bit) === 0 || !this.enabled || this.masked(vector))
      return
    this.flag(vector, false)
    this.send(vector)
  }

  private masked(vector: number): boolean {
    const own = (this.table[vector * entryWords + 3] as number) & vectorMask
    return own !== 0 || (this.control() & control.functionMask) !== 0
  }

  private send(vector: number): void {
    const at = vector * entryWords
    const [low, high, data] = [this.table[at], this.table[at + 1], this.table[at + 2]] as [
      number,
      number,
      number,
    ]
    this.sink.send(low >>> 0, high >>> 0, data >>> 0)
  }

  private flag(vector: number, value: boolean): void {
    const bit = 1 << (vector & 31)
    const before = this.pendingBits[vector >>> 5] as number
    this.pendingBits[vector >>> 5] = value ? before | bit : before & ~bit
  }
}
