/**
 * The driver's side of one split virtqueue, in memory of the bench. Tests reach into it: what a driver may do wrong is
 * done here.
 */

import type { BytesMemory } from './bytes-memory.ts'

/** Bytes for the device to read, or so much room for it to write. */
export type Part = Uint8Array | number

/** Offsets in memory of the parts of queue 0; those of the next queues follow each other at `queueBytes`. */
export const layout = { descriptors: 0, available: 0x1000, used: 0x2000, tables: 0x3000, buffers: 0x8000 }
const queueBytes = 0x4000
const flag = { next: 1, write: 2, indirect: 4 } as const

/** A run of guest memory. */
interface Room {
  readonly gpa: number
  readonly bytes: number
}

/** What the queues of a driver have in common: memory, and where the next buffer goes. */
export class DriverBuffers {
  readonly memory: BytesMemory
  private readonly start: number
  private next: number

  constructor(memory: BytesMemory, queueCount: number) {
    this.memory = memory
    this.start = Math.max(layout.buffers, queueCount * queueBytes)
    this.next = this.start
  }

  /** Room for a part, with its bytes in it; from the start again when memory ends. */
  place(part: Part): { gpa: number; bytes: number; flags: number } {
    const bytes = typeof part === 'number' ? part : part.length
    if (this.next + bytes > this.memory.bytes.length) this.next = this.start
    const at = this.next
    this.next += bytes
    if (typeof part === 'number') this.memory.bytes.fill(0xee, at, at + bytes)
    else this.memory.bytes.set(part, at)
    return { gpa: this.memory.base + at, bytes, flags: typeof part === 'number' ? flag.write : 0 }
  }
}

/** A chain that came back. */
export interface Completed {
  readonly head: number
  readonly written: number
  /** what is in the room that it had */
  readonly data: Uint8Array
}

export class DriverQueue {
  readonly index: number
  readonly size: number
  /** offset in memory of its parts, each where `layout` says from there */
  readonly at: number
  private readonly buffers: DriverBuffers
  private availableIndex = 0
  private seenUsed = 0
  private nextDescriptor = 0
  private readonly room = new Map<number, readonly Room[]>()

  constructor(buffers: DriverBuffers, index: number, size: number) {
    this.buffers = buffers
    this.index = index
    this.size = size
    this.at = queueBytes * index
  }

  /** Makes a chain available; answers its head. Room to write comes after what is to be read. */
  submit(parts: readonly Part[], shape: 'direct' | 'indirect' = 'direct'): number {
    const { size } = this
    const buffers = parts.map((part) => this.buffers.place(part))
    const head = this.nextDescriptor
    const count = shape === 'direct' ? parts.length : 1
    const table = this.at + (shape === 'direct' ? layout.descriptors : layout.tables + 0x200 * head)
    const index = (i: number) => (shape === 'direct' ? (head + i) % size : i)
    for (const [i, { gpa, bytes, flags }] of buffers.entries()) {
      const last = i === parts.length - 1
      const next = index(i + 1)
      this.describe(table, index(i), { gpa, bytes, flags: flags | (last ? 0 : flag.next), next })
    }
    if (shape === 'indirect') {
      const { base } = this.buffers.memory
      const at = { gpa: base + table, bytes: 16 * parts.length, flags: flag.indirect, next: 0 }
      this.describe(this.at + layout.descriptors, head, at)
    }
    this.nextDescriptor = (head + count) % size
    this.room.set(
      head,
      buffers.filter(({ flags }) => flags !== 0),
    )
    this.makeAvailable(head)
    return head
  }

  /** Writes descriptor `index` of the table at offset `table` of memory. */
  describe(
    table: number,
    index: number,
    d: { gpa: number; bytes: number; flags: number; next: number },
  ): void {
    const { view } = this.buffers.memory
    const at = table + 16 * index
    view.setUint32(at, d.gpa % 2 ** 32, true)
    view.setUint32(at + 4, Math.floor(d.gpa / 2 ** 32), true)
    view.setUint32(at + 8, d.bytes, true)
    view.setUint16(at + 12, d.flags, true)
    view.setUint16(at + 14, d.next, true)
  }

  /** Puts `head` in the available ring. */
  makeAvailable(head: number): void {
    const { view } = this.buffers.memory
    const ring = this.at + layout.available
    view.setUint16(ring + 4 + 2 * (this.availableIndex % this.size), head, true)
    this.availableIndex = (this.availableIndex + 1) & 0xffff
    view.setUint16(ring + 2, this.availableIndex, true)
  }

  /** What was completed since the last call. */
  completed(): Completed[] {
    const { memory } = this.buffers
    const { view } = memory
    const ring = this.at + layout.used
    const found: Completed[] = []
    for (; this.seenUsed !== view.getUint16(ring + 2, true); this.seenUsed = (this.seenUsed + 1) & 0xffff) {
      const at = ring + 4 + 8 * (this.seenUsed % this.size)
      const head = view.getUint32(at, true)
      const data = (this.room.get(head) ?? []).flatMap(({ gpa, bytes }) => [
        ...memory.bytes.subarray(gpa - memory.base, gpa - memory.base + bytes),
      ])
      found.push({ head, written: view.getUint32(at + 4, true), data: Uint8Array.from(data) })
    }
    return found
  }
}
