/**
 * A chain of descriptors as a device sees it: bytes to read, then room to write, whatever they are cut into.
 * Invariants: every buffer was memory when the chain was taken; a chain has at most as many as the queue's size. How a
 * driver cuts a request into buffers means nothing. @spec virtio-1.2 "Message Framing"
 */

import type { DmaMemory } from '@virga/device'

/** A run of guest memory. */
export interface Buffer {
  readonly gpa: number
  readonly bytes: number
}

export class Chain {
  /** index of its first descriptor, which names it in the used ring */
  readonly head: number
  /** bytes in all */
  readonly readableBytes: number
  readonly writableBytes: number
  private readonly memory: DmaMemory
  private readonly readable: readonly Buffer[]
  private readonly writable: readonly Buffer[]

  constructor(
    memory: DmaMemory,
    head: number,
    buffers: { readonly readable: readonly Buffer[]; readonly writable: readonly Buffer[] },
  ) {
    this.memory = memory
    this.head = head
    this.readable = buffers.readable
    this.writable = buffers.writable
    this.readableBytes = total(buffers.readable)
    this.writableBytes = total(buffers.writable)
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
    return this.pieces(this.readable, offset, bytes, 'read')
  }

  /** Views of writable bytes, in order. Undefined as above. */
  writablePieces(offset: number, bytes: number): Uint8Array[] | undefined {
    return this.pieces(this.writable, offset, bytes, 'write')
  }

  private pieces(
    buffers: readonly Buffer[],
    offset: number,
    bytes: number,
    access: 'read' | 'write',
  ): Uint8Array[] | undefined {
    const found: Uint8Array[] = []
    let skip = offset
    let left = bytes
    for (const buffer of buffers) {
      if (left === 0) break
      if (skip >= buffer.bytes) {
        skip -= buffer.bytes
        continue
      }
      const count = Math.min(left, buffer.bytes - skip)
      const views = this.memory.pieces(buffer.gpa + skip, count, access)
      if (views === undefined) return undefined
      found.push(...views)
      skip = 0
      left -= count
    }
    return left === 0 ? found : undefined
  }
}

function total(buffers: readonly Buffer[]): number {
  return buffers.reduce((sum, { bytes }) => sum + bytes, 0)
}
