/** What a compiler keeps for others: a bound, and what goes first. */

import { describe, expect, it } from 'vitest'
import { encode } from '../isa/encode.ts'
import type { RegionRequest } from './compile.ts'
import { RegionCompiler } from './compiler.ts'
import { KeptCode } from './kept-code.ts'

/** The smallest module, padded with a custom section. */
function moduleBytes(bytes: number): Uint8Array<ArrayBuffer> {
  const header = [0, 0x61, 0x73, 0x6d, 1, 0, 0, 0, 0, bytes - 10, 0]
  return Uint8Array.from({ length: bytes }, (_, index) => header[index] ?? 0)
}

const codeOf = (number: number) => new Uint8Array(4096).fill(number)

/** One answer for a page of this number. */
function batch(number: number, root = 0) {
  const answers = [{ hash: number, root, code: codeOf(number), regions: [] }]
  return { module: moduleBytes(100), answers, around: [] }
}

describe('what is kept', () => {
  const each = 100 + 4096

  it('has a bound; what nobody asked for longest goes first', () => {
    const kept = new KeptCode(3 * each)
    for (const number of [1, 2, 3]) kept.add(batch(number))
    const [first] = kept.find(1, codeOf(1))
    if (first === undefined) throw new Error('the first one is not kept')
    expect(kept.moduleOf(first)).toMatchObject({ id: 0, bytes: 100 })
    for (const number of [4, 5]) kept.add(batch(number))
    expect([...kept.hashes()]).toEqual([1, 4, 5])
    expect(kept.bytes).toBe(3 * each)
  })

  it('is a module that lives as long as somebody has it, by one number', () => {
    const kept = new KeptCode(each)
    const module = new WebAssembly.Module(moduleBytes(100))
    const id = kept.add(batch(1), module)
    const answer = kept.find(1, codeOf(1))[0]
    expect(answer && kept.moduleOf(answer)).toEqual({ id, module, bytes: 100, around: [] })
    expect(answer && kept.moduleOf(answer).module).toBe(module)
  })

  it('is the last answer to a request', () => {
    const kept = new KeptCode(9 * each)
    for (const root of [0, 4, 0]) kept.add(batch(1, root))
    expect(kept.find(1, codeOf(1)).map(({ root, module }) => [root, module.id])).toEqual([
      [4, 1],
      [0, 2],
    ])
  })

  it('is for the code and no other of the same hash', () => {
    const kept = new KeptCode(9 * each)
    kept.add(batch(1))
    expect(kept.find(1, codeOf(2))).toEqual([])
  })
})

describe('a compiler', () => {
  /** A loop that no other number has. */
  function request(number: number, changes: Partial<RegionRequest> = {}): RegionRequest {
    const code = new Uint8Array(4096)
    const view = new DataView(code.buffer)
    view.setUint32(0, encode('addi', { rd: 5, rs1: 5, imm: number }), true)
    view.setUint32(4, encode('bne', { rs1: 5, imm: -4 }), true)
    const ran = new Uint8Array(256).fill(255)
    return { id: number, hash: number, root: 0, code, ran, warm: [], compiled: [], ...changes }
  }

  it('compiles again what it no longer keeps', () => {
    const compiler = new RegionCompiler({ now: () => 0, fused: false, keptBytesMax: 20_000 })
    const isCompiled = (number: number, changes?: Partial<RegionRequest>) =>
      [...compiler.answer([request(number, changes)])].some(({ cost }) => cost !== undefined)
    for (let number = 1; number <= 20; number++) {
      expect(isCompiled(number)).toBe(true)
      expect(isCompiled(1), `the one in use, after ${number} others`).toBe(false)
      expect(compiler.known().length).toBeLessThan(5)
    }
    expect(isCompiled(2)).toBe(true)
    expect(isCompiled(2), 'what it keeps').toBe(false)
    expect(isCompiled(2, { anew: true }), 'what it keeps, but wanted anew').toBe(true)
  })
})
