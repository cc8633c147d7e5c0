/** Makes one WebAssembly module of a batch of pages' regions. */

import { defined } from '@virga/base'
import { ModuleBuilder } from '@virga/wasm'
import { chainSignature } from '../interpreter/chain.ts'
import { declareImports } from '../interpreter/frame.ts'
import { regionSignature } from '../interpreter/profile.ts'
import { findRegions, type Page, type Region } from './blocks.ts'
import { isSame } from './code-cache.ts'
import { FloatFunctions, runtimeFloat } from './float-functions.ts'
import { writeRegion } from './region.ts'
import { type HotPlace, nameRegion, type Symbolize } from './region-name.ts'

/** WebAssembly of an instruction, as much as most take with their share of the exits. */
const bytesOfInstruction = 64
/** Largest memory that compiled code can be used with, in pages of 64 KiB. */
const memoryPagesMax = 65536

/** 4 KiB of code, and its hash from whoever asks. */
export interface HashedCode {
  readonly hash: number
  readonly code: Uint8Array
}

/** A page around the one that got hot. */
export interface AroundPage extends HashedCode {
  /** how many pages it lies ahead; behind: negative */
  readonly distance: number
  /** as in RegionRequest */
  readonly ran: Uint8Array
}

/** A page that got hot at one place. */
export interface RegionRequest {
  /** the asker's; comes back with the answer */
  readonly id: number
  /** of the code, from whoever asks */
  readonly hash: number
  /** byte offset of the hot place */
  readonly root: number
  /** the 4 KiB of code */
  readonly code: Uint8Array
  /** a bit for each halfword: it was run */
  readonly ran: Uint8Array
  /** byte offsets of other warm places */
  readonly warm: readonly number[]
  /** byte offsets where compiled code begins already */
  readonly compiled: readonly number[]
  /** pages around it, as far as they are known */
  readonly around?: readonly AroundPage[]
  /** only what was made of this code before is wanted, all of it */
  readonly restore?: boolean
  /** what was made for it before is not wanted */
  readonly anew?: boolean
  /** where it got hot, if names are wanted; the code alone decides what is compiled, and what was before */
  readonly at?: HotPlace
}

/** A region in a module, where its function is exported as `r` and its place. A request may give several, or none. */
export interface CompiledRegion {
  readonly id: number
  readonly place: number
  /** byte offsets of the entries, in the order of their numbers */
  readonly entries: readonly number[]
}

/** A batch, compiled. */
export interface CompiledBatch {
  readonly bytes: Uint8Array<ArrayBuffer>
  readonly regions: readonly CompiledRegion[]
  /** code of pages around; the module imports the number of each, in this order */
  readonly around: readonly HashedCode[]
  /** guest instructions in it; one that is in two regions counts twice */
  readonly instructions: number
}

/** How to compile. */
export interface CompileOptions {
  /** names functions, for the text printer */
  readonly nameSection?: boolean
  /** names each function after the guest's code in it */
  readonly symbolize?: Symbolize | undefined
  /** the host's `relaxed_madd` rounds once; see `isFused` */
  readonly fused?: boolean
}

/** Compiles a batch. */
export function compileRegions(
  requests: readonly RegionRequest[],
  options: CompileOptions = {},
): CompiledBatch {
  const found = requests.flatMap((request) =>
    findRegions(pageOf(request), request.root).map((region) => ({
      id: request.id,
      pages: new Map(request.around?.map((page) => [page.distance, page])),
      region,
      name: nameOf(request, region, options),
    })),
  )
  const module = new ModuleBuilder({ nameSection: options.nameSection ?? options.symbolize !== undefined })
  const uses = new Set(found.flatMap(({ region }) => [...usesOf(region)]))
  const called = calledBy(uses)
  const imports = declareImports(module, memoryPagesMax, (name) => called.has(name))
  const [chain, bail] = ['chain', 'bail'].map((name) =>
    module.importFunction('jit', name, chainSignature.params, chainSignature.results),
  ) as [number, number]
  const floatFunctions = uses.has('enableFp')
    ? new FloatFunctions(module, imports, options.fused ?? false)
    : undefined
  const around = new AroundCode(module)
  for (const [index, { pages, region, name }] of found.entries()) {
    const f = module.defineFunction({
      ...regionSignature,
      ...name,
      export: `r${index}`,
      capacityBytes: instructionsOf(region) * bytesOfInstruction,
    })
    const contentGlobal = (page: number) => around.globalOf(defined(pages.get(page), 'page around'))
    writeRegion(f, region, { imports, chain, bail, floatFunctions, contentGlobal })
  }
  return {
    bytes: module.build(),
    regions: found.map(({ id, region }, place) => ({ id, place, entries: offsetsOf(region) })),
    around: around.pages,
    instructions: found.reduce((sum, { region }) => sum + instructionsOf(region), 0),
  }
}

function nameOf({ at }: RegionRequest, region: Region, { symbolize }: CompileOptions): { name?: string } {
  return at === undefined || symbolize === undefined ? {} : { name: nameRegion(at, region, symbolize) }
}

function instructionsOf({ blocks }: Region): number {
  return blocks.reduce((sum, { instructions }) => sum + instructions.length, 0)
}

function offsetsOf({ entries, blocks }: Region): number[] {
  return entries.map((entry) => defined(blocks[entry], 'entry').offset)
}

function pageOf({ code, ran, warm, compiled, around = [] }: RegionRequest): Page {
  return {
    code,
    warm,
    compiled,
    ran: isIn(ran),
    around: new Map(around.map((each) => [each.distance, { code: each.code, ran: isIn(each.ran) }])),
  }
}

function isIn(ran: Uint8Array): (halfword: number) => boolean {
  return (halfword) => (((ran[halfword >> 3] ?? 0) >> (halfword & 7)) & 1) === 1
}

/** The pages around that the regions of one module reach into. Each is an imported global. */
class AroundCode {
  readonly pages: HashedCode[] = []
  readonly #module: ModuleBuilder
  readonly #globals: number[] = []

  constructor(module: ModuleBuilder) {
    this.#module = module
  }

  globalOf({ hash, code }: HashedCode): number {
    const known = this.pages.findIndex((page) => page.hash === hash && isSame(page.code, code))
    if (known >= 0) return defined(this.#globals[known], 'global')
    const global = this.#module.importGlobal('content', String(this.pages.length), 'i32', false)
    this.pages.push({ hash, code })
    this.#globals.push(global)
    return global
  }
}

function usesOf(region: Region): Set<string> {
  const uses = new Set<string>()
  for (const { instructions } of region.blocks) {
    for (const { facts } of instructions) for (const name of facts.uses) uses.add(name)
  }
  return uses
}

/** The functions of the runtime that code with these uses calls. */
function calledBy(uses: ReadonlySet<string>): Set<string> {
  const called = new Set<string>()
  for (const use of uses) {
    if (use === 'cbo' || use === 'csr') called.add(use)
    const float = runtimeFloat(use)
    if (float !== undefined) called.add(float)
  }
  return called
}
