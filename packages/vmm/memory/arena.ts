/**
 * The arena: the one shared `WebAssembly.Memory` of a host node, cut into regions.
 *
 * ```
 *  0          statics of the AssemblyScript runtime; address 0 is never valid
 *  0x10000    machine block (machine-block.ts)
 *             platform words (devices' shared state)
 *             hart blocks      64 KiB each
 *             code maps        u16 per arena frame, one map per hart
 *             decoded pages    codePage.bytes each, codePagesPerHart per hart
 *  2 MiB edge frame pool       4 KiB frames, to the end
 * ```
 * Why: every region is addressed by plain u32 from WebAssembly and from several threads, so where things are is
 * decided once, before the memory exists. Regions are committed by the operating system on first touch only.
 * Invariants: the pool starts and ends on a 2 MiB edge; the whole arena is at most 4 GiB.
 */

import { ok, type Result, userError } from '@virga/base'
import { codePage, hartBlockBytes } from '@virga/riscv/hart'
import { machineBlockBytes } from '../machine-block.ts'

/** Bytes of a frame, the unit of machine memory. */
export const frameBytes = 0x1000

/** Bytes covered by a large SLAT leaf. */
export const largeFrameBytes = 0x200000

/** Room for the static data of the runtime module, from address 0. */
export const runtimeStaticBytes = 0x10000

const wasmPageBytes = 0x10000
const arenaBytesMax = 2 ** 32

/** Where each region of an arena starts (arena addresses) and how large it is. Structured-clone safe. */
export interface ArenaPlan {
  readonly hartCount: number
  readonly codePagesPerHart: number
  readonly machineBlock: number
  readonly platform: number
  readonly platformBytes: number
  readonly harts: number
  readonly codeMaps: number
  readonly codeMapBytes: number
  readonly codePages: number
  readonly pool: number
  readonly poolFrames: number
  readonly bytes: number
}

/** What an arena must hold. `poolBytes` is rounded up to 2 MiB. */
export interface ArenaNeeds {
  readonly hartCount: number
  readonly codePagesPerHart: number
  readonly platformBytes: number
  readonly poolBytes: number
}

const alignUp = (value: number, unit: number) => Math.ceil(value / unit) * unit

/** Lays an arena out. Error: what is asked for does not fit in 4 GiB. */
export function planArena(needs: ArenaNeeds): Result<ArenaPlan> {
  const { hartCount, codePagesPerHart, platformBytes } = needs
  const machineBlock = runtimeStaticBytes
  const platform = machineBlock + machineBlockBytes
  const harts = alignUp(platform + platformBytes, hartBlockBytes)
  const codeMaps = harts + hartCount * hartBlockBytes
  const poolBytes = alignUp(needs.poolBytes, largeFrameBytes)
  const codePagesBytes = hartCount * codePagesPerHart * codePage.bytes
  // A code map covers the arena that it is itself part of: a bound on the total comes first.
  const beforeMaps = codeMaps + codePagesBytes + poolBytes + largeFrameBytes
  const frameBound = Math.ceil(beforeMaps / (frameBytes - 2 * hartCount)) + 1
  const codeMapBytes = alignUp(frameBound * 2, frameBytes)
  const codePages = codeMaps + hartCount * codeMapBytes
  const pool = alignUp(codePages + codePagesBytes, largeFrameBytes)
  const bytes = pool + poolBytes
  if (bytes > arenaBytesMax) {
    const room = Math.floor((arenaBytesMax - pool) / largeFrameBytes) * 2
    return userError(
      `${hartCount} harts leave room for ${room} MiB of machine memory; ask for less memory or fewer harts`,
    )
  }
  return ok({
    hartCount,
    codePagesPerHart,
    machineBlock,
    platform,
    platformBytes,
    harts,
    codeMaps,
    codeMapBytes,
    codePages,
    pool,
    poolFrames: poolBytes / frameBytes,
    bytes,
  })
}

/** Makes the memory of a plan: initial = maximum, so its buffer never changes. */
export function createArenaMemory(plan: ArenaPlan): WebAssembly.Memory {
  const pages = plan.bytes / wasmPageBytes
  return new WebAssembly.Memory({ initial: pages, maximum: pages, shared: true })
}

/** Typed views of an arena, one set a thread. Indices: byte address `>>> 2` for `i32`, `>>> 3` for `i64` and `f64`. */
export interface Arena {
  readonly memory: WebAssembly.Memory
  readonly plan: ArenaPlan
  readonly u8: Uint8Array
  readonly i32: Int32Array
  readonly i64: BigInt64Array
  readonly f64: Float64Array
}

/** Builds the views of this thread. */
export function viewArena(memory: WebAssembly.Memory, plan: ArenaPlan): Arena {
  const { buffer } = memory
  return {
    memory,
    plan,
    u8: new Uint8Array(buffer),
    i32: new Int32Array(buffer),
    i64: new BigInt64Array(buffer),
    f64: new Float64Array(buffer),
  }
}
