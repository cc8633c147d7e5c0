/**
 * Reference counts of every width in the bytes of a block: 1, 2 and 4 bits from the lowest of a byte up, 8 to 64 bits
 * with the highest byte first. @spec qcow2 "Refcount blocks"
 */

/** How counts of one width are read and written. */
export interface RefcountWidth {
  /** largest count */
  readonly max: number
  get(block: DataView, index: number): number
  set(block: DataView, index: number, count: number): void
}

function subByte(bits: 1 | 2 | 4): RefcountWidth {
  const inByte = 8 / bits
  const max = 2 ** bits - 1
  const shift = (index: number) => (index % inByte) * bits
  return {
    max,
    get: (block, index) => (block.getUint8(Math.floor(index / inByte)) >> shift(index)) & max,
    set: (block, index, count) => {
      const at = Math.floor(index / inByte)
      const others = block.getUint8(at) & ~(max << shift(index))
      block.setUint8(at, others | (count << shift(index)))
    },
  }
}

const widths: Readonly<Record<number, RefcountWidth>> = {
  1: subByte(1),
  2: subByte(2),
  4: subByte(4),
  8: {
    max: 2 ** 8 - 1,
    get: (block, index) => block.getUint8(index),
    set: (block, index, count) => block.setUint8(index, count),
  },
  16: {
    max: 2 ** 16 - 1,
    get: (block, index) => block.getUint16(index * 2),
    set: (block, index, count) => block.setUint16(index * 2, count),
  },
  32: {
    max: 2 ** 32 - 1,
    get: (block, index) => block.getUint32(index * 4),
    set: (block, index, count) => block.setUint32(index * 4, count),
  },
  64: {
    max: 2 ** 53,
    // Inexact beyond 2^53, where a count can only be wrong.
    get: (block, index) => block.getUint32(index * 8) * 2 ** 32 + block.getUint32(index * 8 + 4),
    set: (block, index, count) => {
      block.setUint32(index * 8, Math.floor(count / 2 ** 32))
      block.setUint32(index * 8 + 4, count % 2 ** 32)
    },
  },
}

/** The width of `bits`, one of a `Geometry`. */
export function refcountWidth(bits: number): RefcountWidth {
  const width = widths[bits]
  if (width === undefined) throw new RangeError(`no reference count has ${bits} bits`)
  return width
}
