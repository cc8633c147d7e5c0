/** Guest memory of a bench: a run of bytes at a guest-physical address, and nothing around it. */

import type { DmaAccess, DmaMemory, PieceSink } from '@virga/device'

export class BytesMemory implements DmaMemory {
  readonly base: number
  readonly bytes: Uint8Array
  readonly view: DataView

  constructor(bytes: number, base = 0x8000_0000) {
    this.base = base
    this.bytes = new Uint8Array(new SharedArrayBuffer(bytes))
    this.view = new DataView(this.bytes.buffer)
  }

  get memory(): Uint8Array {
    return this.bytes
  }

  contains(gpa: number, bytes: number): boolean {
    return gpa >= this.base && gpa + bytes <= this.base + this.bytes.length
  }

  read(gpa: number, target: Uint8Array): boolean {
    if (!this.contains(gpa, target.length)) return false
    const from = gpa - this.base
    target.set(this.bytes.subarray(from, from + target.length))
    return true
  }

  write(gpa: number, source: Uint8Array): boolean {
    if (!this.contains(gpa, source.length)) return false
    this.bytes.set(source, gpa - this.base)
    return true
  }

  /** In two views, as a page boundary would have it. */
  pieces(gpa: number, bytes: number, _access: DmaAccess): Uint8Array[] | undefined {
    if (!this.contains(gpa, bytes)) return undefined
    const from = gpa - this.base
    const half = bytes >> 1
    const views = [this.bytes.subarray(from, from + half), this.bytes.subarray(from + half, from + bytes)]
    return views.filter((view) => view.length > 0)
  }

  /** In two places, as above. */
  locate(gpa: number, bytes: number, _access: DmaAccess, into: PieceSink): boolean {
    if (!this.contains(gpa, bytes)) return false
    const from = gpa - this.base
    const half = bytes >> 1
    return (half === 0 || into.add(from, half)) && (bytes === 0 || into.add(from + half, bytes - half))
  }

  load16(gpa: number): number {
    return this.contains(gpa, 2) && gpa % 2 === 0 ? this.view.getUint16(gpa - this.base, true) : -1
  }

  store16(gpa: number, value: number): boolean {
    if (!this.contains(gpa, 2) || gpa % 2 !== 0) return false
    this.view.setUint16(gpa - this.base, value, true)
    return true
  }
}
