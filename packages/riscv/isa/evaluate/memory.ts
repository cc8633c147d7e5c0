/** Physical memory as the evaluator sees it: bytes somewhere, nothing elsewhere. */

import { assert } from '@virga/base'

/** Little-endian access by physical address; 1 to 8 bytes. */
export interface PhysicalMemory {
  /** undefined when some byte of the range is no memory: an access fault */
  read(address: bigint, bytes: number): bigint | undefined
  /** false, with nothing written, when some byte of the range is no memory */
  write(address: bigint, bytes: number, value: bigint): boolean
}

/** One region of RAM. `content` is used as it is, not copied. */
export class Ram implements PhysicalMemory {
  readonly base: bigint
  readonly content: Uint8Array
  readonly #view: DataView

  constructor(base: bigint, content: Uint8Array) {
    assert(base >= 0n, 'RAM starts at an unsigned address')
    this.base = base
    this.content = content
    this.#view = new DataView(content.buffer, content.byteOffset, content.byteLength)
  }

  read(address: bigint, bytes: number): bigint | undefined {
    const offset = this.#offset(address, bytes)
    if (offset === undefined) return undefined
    if (bytes === 8) return this.#view.getBigUint64(offset, true)
    if (bytes === 4) return BigInt(this.#view.getUint32(offset, true))
    if (bytes === 2) return BigInt(this.#view.getUint16(offset, true))
    let value = 0n
    for (let i = bytes - 1; i >= 0; i--) value = (value << 8n) | BigInt(this.content[offset + i] ?? 0)
    return value
  }

  write(address: bigint, bytes: number, value: bigint): boolean {
    const offset = this.#offset(address, bytes)
    if (offset === undefined) return false
    for (let i = 0; i < bytes; i++) this.content[offset + i] = Number((value >> BigInt(8 * i)) & 0xffn)
    return true
  }

  #offset(address: bigint, bytes: number): number | undefined {
    const offset = address - this.base
    return offset >= 0n && offset + BigInt(bytes) <= BigInt(this.content.length) ? Number(offset) : undefined
  }
}
