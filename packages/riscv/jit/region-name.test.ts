/** Names of regions: what they say, that they are made only when asked for, and that they decide nothing. */

import { describe, expect, it } from 'vitest'
import { littleEndian } from '../isa/cases/case.ts'
import { encode } from '../isa/encode.ts'
import { compileRegions, type RegionRequest } from './compile.ts'
import { RegionCompiler } from './compiler.ts'
import type { HotPlace, Symbolize } from './region-name.ts'

const page = 0xffff_ffff_8000_1000n
const kernel: HotPlace = { page, mode: 1, trapVector: 0x1000n }

/** A loop at 0x100 that calls what is at 0x200, 0x300, and so on, of which each returns. */
function request(at: HotPlace | undefined, callees: number): RegionRequest {
  const code = new Uint8Array(4096)
  const put = (offset: number, bits: number) => code.set([...littleEndian(BigInt(bits), 4)], offset)
  for (let i = 0; i < callees; i++) {
    put(0x100 + i * 4, encode('jal', { rd: 1, imm: 0x100 * (i + 1) - i * 4 }))
    put(0x200 + i * 0x100, encode('jalr', { rd: 0, rs1: 1, imm: 0 }))
  }
  put(0x100 + callees * 4, encode('jal', { rd: 0, imm: -callees * 4 }))
  const ran = new Uint8Array(256).fill(255)
  return { id: 1, hash: 7, root: 0x100, code, ran, warm: [], compiled: [], ...(at && { at }) }
}

/** Functions of 256 bytes, named by their number, that begin 16 bytes before the round address. */
const symbolize: Symbolize = (address) => {
  const from = address - page + 16n
  return { name: `f${from >> 8n}`, offset: Number(from & 255n) }
}

function namesIn(module: WebAssembly.Module): string {
  return WebAssembly.Module.customSections(module, 'name')
    .map((section) => new TextDecoder().decode(section))
    .join()
}

const nameOf = (asked: RegionRequest, by?: Symbolize) =>
  /[USM]:[^\0-\x20]*/.exec(
    namesIn(new WebAssembly.Module(compileRegions([asked], { symbolize: by }).bytes)),
  )?.[0]

describe('the name of a region', () => {
  it.each([
    ['has its symbol and how far in', kernel, 0, 'S:f1+0x10'],
    ['has what else is in it', kernel, 2, 'S:f1+0x10,f2,f3'],
    ['does not list everything', kernel, 6, 'S:f1+0x10,f2,f3,f4,…'],
    ['has the mode', { ...kernel, mode: 3 }, 0, 'M:f1+0x10'],
  ])('%s', (_, place, callees, expected) => {
    expect(nameOf(request(place, callees), symbolize)).toBe(expected)
  })

  it('is the address where no symbol is known', () => {
    expect(nameOf(request({ ...kernel, page: 0x5_2000n, mode: 0 }, 2), () => undefined)).toBe('U:0x52100')
  })

  it('leaves out an offset of nothing', () => {
    expect(nameOf(request(kernel, 0), () => ({ name: 'spin', offset: 0 }))).toBe('S:spin')
  })
})

describe('without a wish for names', () => {
  it('there is no name section', () => {
    const { bytes } = compileRegions([request(undefined, 2)])
    expect(namesIn(new WebAssembly.Module(bytes))).toBe('')
  })
})

describe('a compiler that names', () => {
  it('answers from what it kept, wherever the same code gets hot next', () => {
    const compiler = new RegionCompiler({ now: () => 0, symbolize })
    const [first] = compiler.answer([request(kernel, 2)])
    const [second] = compiler.answer([request({ ...kernel, page: 0n, mode: 0 }, 2)])
    expect(first?.cost?.instructions).toBe(5)
    expect(second?.module?.module).toBe(first?.module?.module)
    expect(second?.cost).toBeUndefined()
  })
})
