/** Makes one WebAssembly module of a batch of pages' regions. */

import { defined } from '@virga/base'
import { ModuleBuilder } from '@virga/wasm'
import { chainSignature } from '../interpreter/chain.ts'
import { declareImports } from '../interpreter/frame.ts'
import { regionSignature } from '../interpreter/profile.ts'
import { findRegions, type Page, type Region } from './blocks.ts'
import { defineExactTests, type HostFloat } from './float.ts'
import { writeRegion } from './region.ts'
import { type HotPlace, nameRegion, type Symbolize } from './region-name.ts'

/** Largest memory that compiled code can be used with, in pages of 64 KiB. */
const memoryPagesMax = 65536

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
      region,
      name: nameOf(request, region, options),
    })),
  )
  const module = new ModuleBuilder({ nameSection: options.nameSection ?? options.symbolize !== undefined })
  const uses = new Set(found.flatMap(({ region }) => [...usesOf(region)]))
  const imports = declareImports(module, memoryPagesMax, (name) => isImported(name, uses))
  const [chain, bail] = ['chain', 'bail'].map((name) =>
    module.importFunction('jit', name, chainSignature.params, chainSignature.results),
  ) as [number, number]
  const hostFloat: HostFloat | undefined = [...uses].some((use) => use.startsWith('fp'))
    ? { exact: defineExactTests(module, options.fused ?? false), fused: options.fused ?? false }
    : undefined
  for (const [index, { region, name }] of found.entries()) {
    const f = module.defineFunction({
      ...regionSignature,
      ...name,
      export: `r${index}`,
      capacityBytes: 16384,
    })
    writeRegion(f, region, { imports, chain, bail, hostFloat })
  }
  return {
    bytes: module.build(),
    regions: found.map(({ id, region }, place) => ({ id, place, entries: offsetsOf(region) })),
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

function pageOf({ code, ran, warm, compiled }: RegionRequest): Page {
  return {
    code,
    warm,
    compiled,
    ran: (halfword) => (((ran[halfword >> 3] ?? 0) >> (halfword & 7)) & 1) === 1,
  }
}

function usesOf(region: Region): Set<string> {
  const uses = new Set<string>()
  for (const { instructions } of region.blocks) {
    for (const { facts } of instructions) for (const name of facts.uses) uses.add(name)
  }
  return uses
}

/** Which functions of the runtime an operation of `Meaning` calls. */
const callers: Readonly<Record<string, readonly string[]>> = {
  cbo: ['cbo'],
  csr: ['csr'],
}

function isImported(name: string, uses: ReadonlySet<string>): boolean {
  const byName = callers[name]
  if (byName !== undefined) return byName.some((use) => uses.has(use))
  return /(^|_)f(32|64)(_|$)/.test(name) && [...uses].some((use) => use.startsWith('fp'))
}
