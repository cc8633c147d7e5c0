/** What a linker asks for: the code, and where it is only when names are wanted. */

import { readFileSync } from 'node:fs'
import { join } from 'node:path'
import { describe, expect, it } from 'vitest'
import { imageOf, layout, littleEndian, plainHart, RAM_BASE } from '../isa/cases/case.ts'
import { encode } from '../isa/encode.ts'
import { createInterpreterReader } from '../testing.ts'
import { compileRegions, type RegionRequest } from './compile.ts'
import { eagerInterpreter } from './forced.ts'
import { RegionLinker } from './linker.ts'

const runtimeModule = new WebAssembly.Module(readFileSync(join(import.meta.dirname, '../dist/runtime.wasm')))
const interpreterModule = eagerInterpreter(65536)

const nextPage = 0x1000

/** The last request of a hart in M-mode that jumps to the next page and loops there, at its offset 0x100. */
function lastRequest(withPlaces: boolean): RegionRequest | undefined {
  const requests: RegionRequest[] = []
  const { runFor } = createInterpreterReader({
    runtimeModule,
    interpreterModule,
    regions: (runtime, memory) =>
      new RegionLinker({ memory, runtime, send: (request) => requests.push(request), withPlaces }),
  })
  const hart = plainHart()
  hart.csr.stvec = 0xffff_ffff_8123_4568n
  const patch = (offset: number, ...code: number[]) => ({
    offset: layout.code + offset,
    bytes: Uint8Array.from(code.flatMap((bits) => [...littleEndian(BigInt(bits), 4)])),
  })
  const jump = encode('jal', { imm: nextPage })
  const patches = [
    patch(0x100, jump),
    patch(nextPage + 0x100, encode('addi', { rd: 6, imm: 1 }), encode('jal', { imm: -4 })),
  ]
  const image = imageOf('bare', false)
  runFor({ name: 'loop', bits: jump, hart, image, patches, repeatable: true }, 100, 'empty')
  return requests.at(-1)
}

describe('a request for a region', () => {
  it('has the code and the hot place in it, and not where it is', () => {
    const request = lastRequest(false)
    expect(request?.code.length).toBe(4096)
    expect(request?.root).toBe(0x100)
    expect(request).not.toHaveProperty('at')
  })

  it('says where it is when names are wanted', () => {
    expect(lastRequest(true)?.at).toEqual({
      page: RAM_BASE + BigInt(layout.code + nextPage),
      mode: 3,
      trapVector: 0xffff_ffff_8123_4568n,
    })
  })
})

it('an answer for code that was given up meanwhile is not put in place', () => {
  const requests: RegionRequest[] = []
  let linker: RegionLinker | undefined
  const { runFor } = createInterpreterReader({
    runtimeModule,
    interpreterModule,
    regions: (runtime, memory) => {
      linker = new RegionLinker({
        memory,
        runtime,
        send: (each) => requests.push(each),
        freeChanges: 0,
        threshold: 1,
      })
      return linker
    },
  })
  // One page that changes: of a restless one only the last code is kept, so that the second request is too late.
  for (const marker of [1, 2, 3]) {
    const code = [encode('addi', { rd: 6, imm: marker }), encode('jal', { imm: -4 })]
    const bytes = Uint8Array.from(code.flatMap((bits) => [...littleEndian(BigInt(bits), 4)]))
    const patches = [{ offset: layout.code + 0x100, bytes }]
    const image = imageOf('bare', false)
    const loop = { name: 'loop', bits: code[0] ?? 0, hart: plainHart(), image, patches, repeatable: true }
    runFor(loop, 100, 'empty')
  }
  expect(requests.length).toBe(3)
  for (const request of requests) {
    const { bytes, regions, around } = compileRegions([request])
    const module = { id: request.id, module: new WebAssembly.Module(bytes), bytes: bytes.length, around }
    linker?.link({ ids: [request.id], module, regions })
  }
  expect(linker?.counts).toMatchObject({ regions: 2, contents: 2 })
})
