/**
 * Direct boot: a kernel entered in S-mode, with the VMM as its SBI. @spec linux-boot-riscv "Kernel location"
 *
 * ```
 *  0x80000000   2 MiB that firmware would have
 *  0x80200000   kernel (base + text_offset of the header)
 *               …
 *               initrd        as high as it goes, on a page
 *               device tree   the last pages of RAM
 * ```
 */

import { ok, type Result, userError } from '@virga/base'
import { memoryMap } from '../platform/memory-map.ts'
import type { BootFile } from './boot-file.ts'
import type { ElfProgram, ElfSegment } from './elf.ts'
import { readKernelImage } from './image.ts'
import {
  alignDown,
  alignUp,
  type BootLayout,
  formatBytes,
  type Placement,
  pageBytes,
  ramEnd,
} from './placement.ts'

/** A kernel to boot directly. The names are how errors call the files. */
export interface DirectBoot {
  readonly kind: 'direct'
  /** an ELF comes whole */
  readonly kernel: BootFile
  readonly kernelName?: string
  readonly initrd?: BootFile
  /** kernel command line */
  readonly commandLine: string
}

/** Makes the device tree for an initrd at these addresses, or for none. Its size does not depend on them. */
export type DeviceTreeFor = (initrd: { start: number; end: number } | null) => Uint8Array

const mib = 2 ** 20
const kernelBase = memoryMap.ram.base + 2 * mib
const kernelAlignment = 2 * mib

interface KernelPlacement {
  readonly placements: readonly Placement[]
  readonly entry: number
  /** first address after everything the kernel occupies */
  readonly end: number
}

/** Lays a direct boot out in `ramBytes` of RAM. */
export function layOutDirectBoot(
  boot: DirectBoot,
  ramBytes: number,
  treeFor: DeviceTreeFor,
): Result<BootLayout> {
  const kernel = placeKernel(boot.kernel, boot.kernelName ?? 'the kernel', ramBytes)
  if (!kernel.ok) return kernel
  const initrd = boot.initrd ?? new Uint8Array(0)
  const treeBytes = treeFor(initrd.length === 0 ? null : { start: 0, end: 0 }).length
  const deviceTree = alignDown(ramEnd(ramBytes) - treeBytes, pageBytes)
  const start = alignDown(deviceTree - initrd.length, pageBytes)
  if (start < kernel.value.end) {
    const needed =
      kernel.value.end -
      memoryMap.ram.base +
      alignUp(initrd.length, pageBytes) +
      alignUp(treeBytes, pageBytes)
    const parts = `kernel ${formatBytes(kernel.value.end - kernelBase)}, initrd ${formatBytes(initrd.length)}`
    return userError(
      `${formatBytes(ramBytes)} of memory is too small for this boot (${parts}); use --memory ${Math.ceil(needed / mib)}MiB or more`,
    )
  }
  const range = initrd.length === 0 ? null : { start, end: start + initrd.length }
  return ok({
    placements: [
      ...kernel.value.placements,
      ...(range === null ? [] : [{ gpa: start, bytes: initrd }]),
      { gpa: deviceTree, bytes: treeFor(range) },
    ],
    entry: kernel.value.entry,
    deviceTree,
    htif: null,
  })
}

function placeKernel(bytes: BootFile, name: string, ramBytes: number): Result<KernelPlacement> {
  const image = readKernelImage(bytes, name)
  if (!image.ok) return image
  switch (image.value.kind) {
    case 'elf':
      return placeElf(image.value.program, name, ramBytes)
    case 'linux': {
      // An offset within the first 2 MiB means that much above a multiple of 2 MiB, as the header's 2 MiB does.
      const gpa = memoryMap.ram.base + (image.value.textOffset || kernelAlignment)
      return ok({ placements: [{ gpa, bytes }], entry: gpa, end: gpa + image.value.imageBytes })
    }
    case 'flat':
      return ok({
        placements: [{ gpa: kernelBase, bytes }],
        entry: kernelBase,
        end: kernelBase + bytes.length,
      })
  }
}

/** Places an ELF program at its physical addresses; shared with bare boot. */
export function placeElf(program: ElfProgram, name: string, ramBytes: number): Result<KernelPlacement> {
  const segments = program.segments.flatMap(inMemory)
  for (const { physical, memoryBytes } of segments) {
    const fault = segmentFault(physical, memoryBytes, ramBytes)
    if (fault !== null) return userError(`${name} ${fault}`)
  }
  const end = segments.reduce((most, { physical, memoryBytes }) => Math.max(most, physical + memoryBytes), 0)
  const home = segments.find((s) => program.entry >= s.virtual && program.entry < s.virtual + s.memoryBytes)
  const entry = home === undefined ? program.entry : home.physical + (program.entry - home.virtual)
  if (entry < memoryMap.ram.base || entry >= end)
    return userError(`${name} begins at ${hex(entry)}, where nothing is loaded`)
  return ok({
    placements: segments.map((segment) => ({ gpa: segment.physical, bytes: segment.bytes })),
    entry,
    end,
  })
}

/**
 * Linkers put the file's header into the first segment, a page before the code: a program for the very base of
 * memory reaches below it with that page, which it does not miss.
 */
function inMemory(segment: ElfSegment): ElfSegment[] {
  const below = memoryMap.ram.base - segment.physical
  if (!segment.withHeader || below <= 0) return [segment]
  if (below >= segment.memoryBytes) return []
  return [
    {
      ...segment,
      physical: memoryMap.ram.base,
      virtual: segment.virtual + below,
      bytes: segment.bytes.subarray(below),
      memoryBytes: segment.memoryBytes - below,
    },
  ]
}

function segmentFault(physical: number, memoryBytes: number, ramBytes: number): string | null {
  if (physical < memoryMap.ram.base) {
    return `wants to be at ${hex(physical)}, below memory; link it at ${hex(memoryMap.ram.base)} or above`
  }
  const end = physical + memoryBytes
  if (end <= ramEnd(ramBytes)) return null
  const needed = Math.ceil((end - memoryMap.ram.base) / mib)
  const remedy = needed < 4096 ? `use --memory ${needed + 1}MiB or more` : 'link it lower'
  return `reaches to ${hex(end)}, beyond ${formatBytes(ramBytes)} of memory; ${remedy}`
}

function hex(value: number): string {
  return `0x${value.toString(16)}`
}
