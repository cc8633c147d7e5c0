/**
 * A chain of descriptors as a device sees it: bytes to read, then room to write, whatever they are cut into.
 * Invariants: every buffer was memory when the chain was taken; a chain has at most as many as the queue's size. How a
 * driver cuts a request into buffers means nothing. @spec virtio-1.2 "Message Framing"
 * A chain may be filled again with another, so that frames by the million need no new objects.
 */

import type { DmaMemory, PieceSink } from '@virga/device'

export class Chain {
  /** index of its first descriptor, which names it in the used ring */
  head = 0
  /** bytes in all */
  readableBytes = 0
  writableBytes = 0
  private readonly memory: DmaMemory
  /** buffers, those to read first */
  private readonly addresses: number[] = []
  private readonly lengths: number[] = []
  private count = 0
  private readableCount = 0

  constructor(memory: DmaMemory) {
    this.memory = memory
  }

  /** Makes it an empty chain, to be filled by `append`. */
  begin(head: number): void {
    this.head = head
    this.readableBytes = 0
    this.writableBytes = 0
    this.count = 0
    this.readableCount = 0
  }

  /** Appends a buffer that is memory. Those to read come before those to write. */
  append(gpa: number, bytes: number, access: 'read' | 'write'): void {
    this.addresses[this.count] = gpa
    this.lengths[this.count] = bytes
    this.count++
    if (access === 'read') {
      this.readableCount++
      this.readableBytes += bytes
    } else this.writableBytes += bytes
  }

  /** Whether a buffer to write was appended. */
  get hasWritable(): boolean {
    return this.count > this.readableCount
  }

  /** Copies readable bytes from `offset` on into `target`; false when there are not so many. */
  read(offset: number, target: Uint8Array): boolean {
    const pieces = this.readablePieces(offset, target.length)
    if (pieces === undefined) return false
    let at = 0
    for (const piece of pieces) {
      target.set(piece, at)
      at += piece.length
    }
    return true
  }

  /** Copies `source` to the writable bytes from `offset` on; false when there is not so much room. */
  write(offset: number, source: Uint8Array): boolean {
    const pieces = this.writablePieces(offset, source.length)
    if (pieces === undefined) return false
    let at = 0
    for (const piece of pieces) {
      piece.set(source.subarray(at, at + piece.length))
      at += piece.length
    }
    return true
  }

  /** Views of readable bytes, in order. Undefined: there are not so many, or they are no memory any more. */
  readablePieces(offset: number, bytes: number): Uint8Array[] | undefined {
    return this.pieces('read', offset, bytes)
  }

  /** Views of writable bytes, in order. Undefined as above. */
  writablePieces(offset: number, bytes: number): Uint8Array[] | undefined {
    return this.pieces('write', offset, bytes)
  }

  /** Appends the places of readable bytes to `into`. False: as above, or it is full. */
  locateReadable(offset: number, bytes: number, into: PieceSink): boolean {
    return this.walk('read', offset, bytes, (gpa, count) => this.memory.locate(gpa, count, 'read', into))
  }

  /** Appends the places of writable bytes to `into`. False: as above, or it is full. */
  locateWritable(offset: number, bytes: number, into: PieceSink): boolean {
    return this.walk('write', offset, bytes, (gpa, count) => this.memory.locate(gpa, count, 'write', into))
  }

  /** Shows the buffers that may be written, each whole. */
  visitWritable(visit: (gpa: number, bytes: number) => void): void {
    for (let i = this.readableCount; i < this.count; i++)
      visit(this.addresses[i] as number, this.lengths[i] as number)
  }

  private pieces(access: 'read' | 'write', offset: number, bytes: number): Uint8Array[] | undefined {
    const found: Uint8Array[] = []
    const all = this.walk(access, offset, bytes, (gpa, count) => {
      const views = this.memory.pieces(gpa, count, access)
      if (views !== undefined) found.push(...views)
      return views !== undefined
    })
    return all ? found : undefined
  }

  /** Visits the parts of buffers that hold `bytes` bytes from `offset` on, while `visit` says so. */
  private walk(
    access: 'read' | 'write',
    offset: number,
    bytes: number,
    visit: (gpa: number, count: number) => boolean,
  ): boolean {
    const end = access === 'read' ? this.readableCount : this.count
    let skip = offset
    let left = bytes
    for (let i = access === 'read' ? 0 : this.readableCount; i < end && left > 0; i++) {
      const length = this.lengths[i] as number
      if (skip >= length) {
        skip -= length
        continue
      }
      const count = Math.min(left, length - skip)
      if (!visit((this.addresses[i] as number) + skip, count)) return false
      skip = 0
      left -= count
    }
    return left === 0
  }
}
