/** The number encodings: known bytes, refused values, and round trips at every power of two. */
import { describe, expect, it } from 'vitest'
import { ByteReader } from './byte-reader.ts'
import { ByteWriter } from './byte-writer.ts'

function written(write: (out: ByteWriter) => void): number[] {
  const out = new ByteWriter(1)
  write(out)
  return [...out.toBytes()]
}

describe('refused values', () => {
  it.each([-1, 2 ** 32, 0.5, Number.NaN])('u32 %d', (value) => {
    expect(() => written((out) => out.u32(value))).toThrow('unsigned 32-bit')
  })
  it.each([2 ** 31, -(2 ** 31) - 1, 0.5])('s32 %d', (value) => {
    expect(() => written((out) => out.s32(value))).toThrow('signed 32-bit')
  })
  it.each([2 ** 53, -(2 ** 53), 0.5, Number.POSITIVE_INFINITY])('s53 %d', (value) => {
    expect(() => written((out) => out.s53(value))).toThrow('safe integer')
  })
  it.each([2n ** 64n, -(2n ** 63n) - 1n])('s64 %d', (value) => {
    expect(() => written((out) => out.s64(value))).toThrow('64-bit')
  })
})

describe('known encodings', () => {
  it.each<[number, number[]]>([
    [0, [0]],
    [0x7f, [0x7f]],
    [0x80, [0x80, 0x01]],
    [624485, [0xe5, 0x8e, 0x26]],
    [2 ** 32 - 1, [0xff, 0xff, 0xff, 0xff, 0x0f]],
  ])('u32 %d', (value, bytes) => {
    expect(written((out) => out.u32(value))).toEqual(bytes)
  })
  it.each<[number, number[]]>([
    [0, [0]],
    [-0, [0]],
    [63, [0x3f]],
    [64, [0xc0, 0x00]],
    [-1, [0x7f]],
    [-64, [0x40]],
    [-65, [0xbf, 0x7f]],
    [-123456, [0xc0, 0xbb, 0x78]],
    [2 ** 31 - 1, [0xff, 0xff, 0xff, 0xff, 0x07]],
    [-(2 ** 31), [0x80, 0x80, 0x80, 0x80, 0x78]],
  ])('signed %d, alike in all widths', (value, bytes) => {
    expect(written((out) => out.s32(value))).toEqual(bytes)
    expect(written((out) => out.s53(value))).toEqual(bytes)
    expect(written((out) => out.s64(BigInt(value)))).toEqual(bytes)
  })
  it('s64 takes unsigned values as their two’s complement', () => {
    expect(written((out) => out.s64(2n ** 64n - 1n))).toEqual([0x7f])
    expect(written((out) => out.s64(2n ** 63n))).toEqual(written((out) => out.s64(-(2n ** 63n))))
  })
  it('floats are little-endian', () => {
    expect(written((out) => out.f32(1))).toEqual([0, 0, 0x80, 0x3f])
    expect(written((out) => out.f64(-2))).toEqual([0, 0, 0, 0, 0, 0, 0, 0xc0])
  })
  it('opcodes with a prefix have a LEB128 code', () => {
    expect(written((out) => out.opcode(0, 0x8a))).toEqual([0x8a])
    expect(written((out) => out.opcode(0xfd, 0x107))).toEqual([0xfd, 0x87, 0x02])
  })
  it('names count their UTF-8 bytes', () => {
    expect(written((out) => out.name('é'))).toEqual([2, 0xc3, 0xa9])
  })
})

describe('round trips', () => {
  const powers = Array.from({ length: 64 }, (_, bit) => 2n ** BigInt(bit))
  const edges = powers.flatMap((power) => [power - 1n, power, power + 1n]).flatMap((value) => [value, -value])

  it('every power of two and its neighbours, in every width that holds it', () => {
    for (const value of edges) {
      const number = Number(value)
      if (value >= 0n && value < 2n ** 32n) {
        expect(new ByteReader(Uint8Array.from(written((out) => out.u32(number)))).u32()).toBe(number)
      }
      if (BigInt.asIntN(32, value) === value) {
        expect(new ByteReader(Uint8Array.from(written((out) => out.s32(number)))).s32()).toBe(number)
      }
      if (Number.isSafeInteger(number)) {
        expect(new ByteReader(Uint8Array.from(written((out) => out.s53(number)))).s64()).toBe(value)
      }
      if (BigInt.asIntN(64, value) === value) {
        expect(new ByteReader(Uint8Array.from(written((out) => out.s64(value)))).s64()).toBe(value)
      }
    }
  })
})

describe('growth', () => {
  it('keeps what was written, byte by byte and in bulk', () => {
    const out = new ByteWriter(1)
    const expected: number[] = []
    for (let i = 0; i < 1000; i++) {
      out.byte(i & 0xff)
      out.raw(Uint8Array.of(1, 2, 3))
      expected.push(i & 0xff, 1, 2, 3)
    }
    expect([...out.toBytes()]).toEqual(expected)
    expect(out.length).toBe(4000)
  })
  it('takes a bulk larger than double its room', () => {
    const out = new ByteWriter(4)
    out.raw(new Uint8Array(100).fill(9))
    out.byte(1)
    expect(out.length).toBe(101)
    expect(out.view().at(-1)).toBe(1)
  })
})

describe('reading', () => {
  it('past the end throws', () => {
    expect(() => new ByteReader(Uint8Array.of(0x80)).u32()).toThrow('goes on')
    expect(() => new ByteReader(Uint8Array.of(3, 0)).sized()).toThrow('goes on')
  })
})
