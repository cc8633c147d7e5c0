/** Places in memory, in order: where a device says that bytes are, for tests. */

import { assert } from '@virga/base'
import type { PieceSink } from '@virga/device'

export class Places implements PieceSink {
  private memory: Uint8Array = new Uint8Array(0)
  private readonly places: { offset: number; length: number }[] = []
  private readonly capacity: number

  constructor(capacity = 1000) {
    this.capacity = capacity
  }

  clear(memory: Uint8Array): void {
    this.memory = memory
    this.places.length = 0
  }

  add(offset: number, length: number): boolean {
    assert(length > 0 && offset >= 0 && offset + length <= this.memory.length, 'a place is in memory')
    if (this.places.length === this.capacity) return false
    this.places.push({ offset, length })
    return true
  }

  /** A copy of what is there. */
  read(): Uint8Array {
    const views = this.views()
    const bytes = new Uint8Array(views.reduce((sum, { length }) => sum + length, 0))
    let at = 0
    for (const view of views) {
      bytes.set(view, at)
      at += view.length
    }
    return bytes
  }

  /** Writes `bytes` from the first place on; there is room. */
  write(bytes: Uint8Array): void {
    let at = 0
    for (const view of this.views()) {
      view.set(bytes.subarray(at, at + view.length))
      at += view.length
    }
    assert(at >= bytes.length, 'there is room')
  }

  private views(): Uint8Array[] {
    return this.places.map(({ offset, length }) => this.memory.subarray(offset, offset + length))
  }
}
