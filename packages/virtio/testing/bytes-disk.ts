/** A disk in memory that counts what is done to it. */

import { assert } from '@virga/base'
import type { BlkBackend, BlkOutcome } from '../blk/backend.ts'

export class BytesDisk implements BlkBackend {
  readonly bytes: Uint8Array
  readonly calls: string[] = []
  /** what it answers; nothing is done when it fails */
  outcome: BlkOutcome = 'done'

  constructor(bytes: number) {
    this.bytes = new Uint8Array(bytes)
  }

  read(into: readonly Uint8Array[], offset: number): BlkOutcome {
    return this.act(`read ${offset}`, offset, into, (piece, at) =>
      piece.set(this.bytes.subarray(at, at + piece.length)),
    )
  }

  write(from: readonly Uint8Array[], offset: number): BlkOutcome {
    return this.act(`write ${offset}`, offset, from, (piece, at) => this.bytes.set(piece, at))
  }

  discard(offset: number, bytes: number): BlkOutcome {
    return this.zero(`discard ${offset} ${bytes}`, offset, bytes)
  }

  writeZeroes(offset: number, bytes: number, space: 'keep' | 'free'): BlkOutcome {
    return this.zero(`zeroes ${offset} ${bytes} ${space}`, offset, bytes)
  }

  flush(): BlkOutcome {
    this.calls.push('flush')
    return this.outcome
  }

  private zero(call: string, offset: number, bytes: number): BlkOutcome {
    assert(offset + bytes <= this.bytes.length, 'a device stays within its disk')
    this.calls.push(call)
    if (this.outcome === 'done') this.bytes.fill(0, offset, offset + bytes)
    return this.outcome
  }

  private act(
    call: string,
    offset: number,
    pieces: readonly Uint8Array[],
    move: (piece: Uint8Array, at: number) => void,
  ): BlkOutcome {
    const bytes = pieces.reduce((sum, piece) => sum + piece.length, 0)
    assert(offset >= 0 && offset + bytes <= this.bytes.length, 'a device stays within its disk')
    this.calls.push(`${call} ${bytes}`)
    if (this.outcome === 'failed') return 'failed'
    let at = offset
    for (const piece of pieces) {
      move(piece, at)
      at += piece.length
    }
    return 'done'
  }
}
