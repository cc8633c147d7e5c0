/**
 * What a boot puts where: the answer of a loader, carried out by whoever owns the memory.
 * Why: direct and bare boot decide in their own way, but end in the same few facts.
 */

import type { HtifAddresses } from '../machine.ts'
import { memoryMap } from '../platform/memory-map.ts'
import type { BootFile } from './boot-file.ts'

/** Bytes and the guest-physical address that they belong at. */
export interface Placement {
  readonly gpa: number
  readonly bytes: BootFile
}

/** A boot, laid out in memory. */
export interface BootLayout {
  readonly placements: readonly Placement[]
  /** where each starting hart begins */
  readonly entry: number
  /** guest-physical address of the device tree: a1 of each starting hart */
  readonly deviceTree: number
  readonly htif: HtifAddresses | null
}

/** Bytes of a page, to which initrd and device tree are aligned. */
export const pageBytes = 4096

const mib = 2 ** 20

/** `value` rounded down to a multiple of `unit`. */
export function alignDown(value: number, unit: number): number {
  return Math.floor(value / unit) * unit
}

/** `value` rounded up to a multiple of `unit`. */
export function alignUp(value: number, unit: number): number {
  return Math.ceil(value / unit) * unit
}

/** End of RAM for that many bytes of it. */
export function ramEnd(ramBytes: number): number {
  return memoryMap.ram.base + ramBytes
}

/** A size for people: whole MiB where it is one or more, rounded up. */
export function formatBytes(byteCount: number): string {
  return byteCount >= mib ? `${Math.ceil(byteCount / mib)} MiB` : `${Math.ceil(byteCount / 1024)} KiB`
}
