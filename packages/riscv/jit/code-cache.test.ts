/** The file of compiled code: what is damaged in it is lost alone; and a compiler that reads it. */

import { hash } from 'node:crypto'
import { crc32 } from 'node:zlib'
import { describe, expect, it } from 'vitest'
import { seededRandom } from '../isa/cases/random.ts'
import { encode } from '../isa/encode.ts'
import { type CachedBatch, decodeBatches, encodeBatch } from './code-cache.ts'
import type { RegionRequest } from './compile.ts'
import { RegionCompiler } from './compiler.ts'

const random = seededRandom(7)
const bytes = (count: number) => Uint8Array.from({ length: count }, () => random.below(256))
const batch = (hash: number): CachedBatch => {
  const [one, other] = [
    { hash, code: bytes(4096) },
    { hash: hash + 1, code: bytes(4096) },
  ]
  return {
    module: bytes(100 + hash),
    answers: [
      { ...one, root: 0x10, regions: [{ place: 0, entries: [0x10, 0x40] }] },
      { ...other, root: 0xffe, regions: [] },
      { ...one, root: 0x20, regions: [] },
    ],
    around: [other, { hash, code: bytes(4096) }],
  }
}
const batches = [batch(1), batch(3), batch(5)]
const sums = { checksum: crc32, digest: (code: Uint8Array) => hash('sha256', code, 'hex') }
const records = batches.map((each) => encodeBatch(each, sums, new Set()))
const decode = (stored: Uint8Array<ArrayBuffer>) => [...decodeBatches(stored, sums, new Set())]
const file = (...pieces: Uint8Array[]) => new Uint8Array(Buffer.concat(pieces))
const hashes = (stored: Uint8Array<ArrayBuffer>) => decode(stored).map(({ answers }) => answers[0]?.hash)

describe('a file of compiled code', () => {
  it('gives back what was put in', () => {
    expect(decode(file(...records))).toEqual(batches)
  })

  it('gives arrays that can be copied, out of a Buffer too', () => {
    const stored: Uint8Array<ArrayBuffer> = Buffer.concat([new Uint8Array(1), ...records])
    for (const { module, answers, around } of decode(stored)) {
      for (const bytes of [module, ...answers.map(({ code }) => code), ...around.map(({ code }) => code)])
        expect(bytes.slice().byteOffset).toBe(0)
    }
  })

  it('has each page once, and loses a batch that names one that is not there', () => {
    const written = new Set<string>()
    const [first, second] = [batch(1), batch(3)]
    const pieces = [first, { ...second, around: first.around }].map((each) =>
      encodeBatch(each, sums, written),
    )
    expect(written.size).toBe(5)
    expect(hashes(file(...pieces))).toEqual([1, 3])
    expect(hashes(file(...pieces.slice(1)))).toEqual([])
  })

  it('loses a torn record and no other', () => {
    const [first, second, third] = records as [Uint8Array, Uint8Array, Uint8Array]
    for (const kept of [0, 1, 11, 12, 200, second.length - 1])
      expect(hashes(file(first, second.subarray(0, kept), third)), `${kept} bytes`).toEqual([1, 5])
  })

  it('loses an altered record and no other', () => {
    for (let trial = 0; trial < 40; trial++) {
      const stored = file(...records)
      const at = (records[0]?.length ?? 0) + random.below(records[1]?.length ?? 0)
      stored[at] = (stored[at] ?? 0) ^ (1 << random.below(8))
      expect(hashes(stored), `byte ${at}`).toEqual([1, 5])
    }
  })

  it('may be anything', () => {
    for (let trial = 0; trial < 20; trial++) expect(hashes(bytes(random.below(5000)))).toEqual([])
  })
})

describe('a compiler with a file', () => {
  const code = new Uint8Array(4096)
  const program = [encode('addi', { rd: 5, rs1: 5, imm: -1 }), encode('bne', { rs1: 5, imm: -4 })]
  new DataView(code.buffer).setUint32(0, program[0] ?? 0, true)
  new DataView(code.buffer).setUint32(4, program[1] ?? 0, true)
  const request = (changes: Partial<RegionRequest> = {}): RegionRequest => ({
    id: 1,
    hash: 99,
    root: 0,
    code,
    ran: new Uint8Array(256).fill(255),
    warm: [],
    compiled: [],
    ...changes,
  })
  const appended: Uint8Array[] = []
  const options = (stored: Uint8Array<ArrayBuffer>) => ({
    now: () => 0,
    fused: false,
    cache: { read: () => stored, append: (record: Uint8Array) => void appended.push(record), sums },
  })
  const [made] = new RegionCompiler(options(new Uint8Array())).answer([request()])

  it('puts in what it makes', () => {
    expect(made?.cost?.instructions).toBe(2)
    expect(hashes(file(...appended))).toEqual([99])
  })

  it.each([
    ['the same request', {}],
    ['a request for all that there is', { root: 4, restore: true }],
  ])('answers %s from it, and compiles nothing', (_name, changes) => {
    const compiler = new RegionCompiler(options(file(...appended)))
    expect(compiler.readOn(1)).toBe(false)
    expect([...compiler.known()]).toEqual([99])
    const [regions, end] = compiler.answer([request({ id: 5, ...changes })])
    expect(regions).toMatchObject({ restored: true, regions: [{ id: 5, entries: [0] }] })
    expect(regions?.module?.module).toBeInstanceOf(WebAssembly.Module)
    expect(end).toEqual({ ids: [5], regions: [] })
    expect(regions?.cost).toBeUndefined()
  })

  it('believes the code, not its hash', () => {
    const other = code.slice()
    other[4094] = 1
    const compiler = new RegionCompiler(options(file(...appended)))
    compiler.readOn(1)
    expect([...compiler.answer([request({ code: other, restore: true })])]).toEqual([
      { ids: [1], regions: [] },
    ])
    expect([...compiler.answer([request({ code: other })])][0]?.cost?.instructions).toBe(2)
  })
})
