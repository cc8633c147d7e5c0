/** Compiled code with bounds that programs are far beyond: they stay right, the bounds hold, hot code stays. */

import { readFileSync } from 'node:fs'
import { join } from 'node:path'
import { defined } from '@virga/base'
import { ModuleBuilder } from '@virga/wasm'
import { describe, expect, it } from 'vitest'
import { regionSignature } from '../interpreter/profile.ts'
import { type Case, imageOf, layout, littleEndian, plainHart } from '../isa/cases/case.ts'
import { encode } from '../isa/encode.ts'
import { createInterpreterReader, differences } from '../testing.ts'
import { type Bounds, RegionEpochs } from './epochs.ts'
import { boundedRegions, eagerInterpreter } from './forced.ts'
import { PlacedCode } from './placed-code.ts'
import { randomProgram } from './random-program.ts'

const read = (name: string) =>
  new WebAssembly.Module(readFileSync(join(import.meta.dirname, '../dist', name)))
const runtimeModule = read('runtime.wasm')
const interpreter = createInterpreterReader({ runtimeModule, interpreterModule: read('interpreter.wasm') })
const interpreterModule = eagerInterpreter(65536)
/** Slots that one request may take beyond a bound: a page may become several regions. */
const slack = 8

function bounded(bounds: Partial<Bounds>, freeChanges?: number) {
  const { regions, ...watch } = boundedRegions({ epochInstructions: 0, ...bounds }, freeChanges)
  return { ...createInterpreterReader({ runtimeModule, interpreterModule, regions }), ...watch }
}

/** Adds to x6 in a loop of `rounds`; `marker` makes the page's code one of a kind. */
function loop(rounds: number, marker: number): Case {
  const code = [
    encode('addi', { rd: 5, imm: rounds }),
    encode('addi', { rd: 7, imm: marker }),
    encode('addi', { rd: 6, rs1: 6, imm: 1 }),
    encode('addi', { rd: 5, rs1: 5, imm: -1 }),
    encode('bne', { rs1: 5, rs2: 0, imm: -8 }),
    encode('jal', { rd: 0, imm: 0 }),
  ]
  const bytes = Uint8Array.from(code.flatMap((bits) => [...littleEndian(BigInt(bits), 4)]))
  return {
    name: `loop ${marker}`,
    bits: code[0] ?? 0,
    hart: plainHart(),
    image: imageOf('bare', false),
    patches: [{ offset: layout.code + 0x100, bytes }],
    repeatable: true,
  }
}

describe('compiled code with bounds', () => {
  it.each<[string, Partial<Bounds>]>([
    ['regions', { regionsMax: 12 }],
    ['bytes', { bytesMax: 20_000, regionsMax: 40 }],
    ['contents', { contentsMax: 6, regionsMax: 40 }],
  ])('stays right and within its bound of %s', (_, bounds) => {
    const { runFor, counts, compiled } = bounded(bounds)
    for (let seed = 1; seed <= 30; seed++) {
      const program = randomProgram(seed)
      const expected = interpreter.runFor(program, 50_000, 'empty')
      const found = runFor(program, 50_000, 'empty')
      expect(differences(program, expected, found), `seed ${seed}`).toEqual([])
      expect(found.retired).toBe(expected.retired)
      expect(counts().regions).toBeLessThanOrEqual((bounds.regionsMax ?? 0) + slack)
      expect(counts().contents).toBeLessThanOrEqual(bounds.contentsMax ?? 1000)
      expect(counts().bytes).toBeLessThanOrEqual((bounds.bytesMax ?? 1e9) + 30_000)
    }
    // A page at least for each program, several times what the bounds let stay.
    expect(compiled()).toBeGreaterThan(25)
  })

  it('keeps what is run again and again, and drops what is not', () => {
    const { runFor, counts, compiled } = bounded({ regionsMax: 8 })
    const hot = loop(50, 2000)
    const expected = interpreter.runFor(hot, 1000, 'empty').hart.x[6]
    runFor(hot, 1000, 'empty')
    for (let marker = 1; marker <= 40; marker++) {
      runFor(loop(50, marker), 1000, 'empty')
      const before = compiled()
      expect(runFor(hot, 1000, 'empty').hart.x[6]).toBe(expected)
      expect(compiled(), `hot code, after ${marker} others`).toBe(before)
      expect(counts().regions).toBeLessThanOrEqual(8 + slack)
    }
    // What was run once and dropped is compiled anew, and right.
    const before = compiled()
    expect(runFor(loop(50, 1), 1000, 'empty').hart.x[6]).toBe(expected)
    expect(compiled()).toBeGreaterThan(before)
  })

  it('keeps one version of a page that changes often', () => {
    const { runFor, counts, compiled } = bounded({}, 0)
    for (let marker = 1; marker <= 5; marker++) {
      const program = loop(50, marker)
      const expected = interpreter.runFor(program, 1000, 'empty')
      expect(differences(program, expected, runFor(program, 1000, 'empty'))).toEqual([])
      // The first one was there before the page was known to change.
      expect(counts().contents).toBeLessThanOrEqual(2)
      expect(counts().regions).toBeLessThanOrEqual(2 * slack)
    }
    expect(compiled()).toBeGreaterThan(3)
  })
})

/** A module that exports so many functions as regions. */
function moduleOf(regions: number): WebAssembly.Module {
  const module = new ModuleBuilder()
  for (let place = 0; place < regions; place++) {
    const f = module.defineFunction({ ...regionSignature, export: `r${place}` })
    f.localGet(1)
  }
  return new WebAssembly.Module(module.build())
}

describe('modules', () => {
  const bounds = { regionsMax: 100, contentsMax: 100, bytesMax: 4000, epochInstructions: 50 }

  /** Contents of their own, with one region each; four regions to a module of 1000 bytes. */
  function filled(contents: number) {
    const memory = new WebAssembly.Memory({ initial: 1 })
    const words = new Int32Array(memory.buffer)
    let instances = 0
    const code = new PlacedCode(memory, (module) => {
      instances += 1
      return new WebAssembly.Instance(module).exports
    })
    const module = moduleOf(4)
    const add = (number: number) => {
      words[0] = number
      const content = code.contents.add(0, number, undefined)
      const from = { id: number >> 2, module, bytes: 1000, around: [] }
      code.place(content, from, [{ id: 0, place: number & 3, entries: [0] }])
      return content
    }
    const known = Array.from({ length: contents }, (_, number) => add(number))
    return { code, known, add, instances: () => instances }
  }

  it('are instantiated once, forgotten with their last region, and instantiated again', () => {
    const { code, known, add, instances } = filled(8)
    expect([code.regions.count, code.regions.bytes, instances()]).toEqual([8, 2000, 2])
    for (const content of known.slice(0, 3)) code.drop(content)
    expect([code.regions.count, code.regions.bytes]).toEqual([5, 2000])
    for (const content of known.slice(3)) code.drop(content)
    expect([code.regions.count, code.regions.bytes]).toEqual([0, 0])
    for (let slot = 0; slot < 8; slot++) expect(code.regions.table.get(slot)).toBeNull()
    add(0)
    expect([code.regions.count, code.regions.bytes, instances()]).toEqual([1, 1000, 3])
  })

  it('of which little is in use give it up, to be compiled anew', () => {
    const { code, known } = filled(16)
    let ran = 0
    const epochs = new RegionEpochs({ code, bounds, recallHeat: 0, instructions: () => ran })
    // One in four of the first two modules, two of the third, all of the last.
    const inUse = [0, 4, 8, 9, 12, 13, 14, 15]
    for (; ran < 50; ran += 10) expect(epochs.makeRoom()).toEqual({ hasRoom: false, dropped: 0 })
    for (const number of inUse) defined(known[number], 'content').used = true
    expect(epochs.makeRoom()).toEqual({ hasRoom: true, dropped: 10 })
    expect(known.filter(({ isForgotten }) => !isForgotten)).toEqual(inUse.map((number) => known[number]))
    expect(known.filter(({ anew }) => anew)).toEqual([known[0], known[4]])
    expect([code.regions.count, code.regions.bytes]).toEqual([6, 2000])
  })
})
