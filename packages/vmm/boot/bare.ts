/**
 * Bare boot: a program entered in M-mode on every hart, as firmware is; no SBI but its own.
 * An ELF goes to its own addresses, anything else to the base of RAM. `tohost` and `fromhost` symbols mean HTIF.
 */

import { ok, type Result, userError } from '@virga/base'
import type { HtifAddresses } from '../machine.ts'
import { memoryMap } from '../platform/memory-map.ts'
import { placeElf } from './direct.ts'
import { type ElfProgram, isElf, parseElf } from './elf.ts'
import { flatFault } from './image.ts'
import { alignDown, type BootLayout, formatBytes, pageBytes, ramEnd } from './placement.ts'

/** A program to run in M-mode. The name is how errors call the file. */
export interface BareBoot {
  readonly kind: 'bare'
  readonly program: Uint8Array
  readonly programName?: string
}

const mib = 2 ** 20

/** Lays a bare boot out in `ramBytes` of RAM. The device tree takes the last pages, where the program may overlap it. */
export function layOutBareBoot(boot: BareBoot, ramBytes: number, deviceTree: Uint8Array): Result<BootLayout> {
  const name = boot.programName ?? 'the program'
  const treeAt = alignDown(ramEnd(ramBytes) - deviceTree.length, pageBytes)
  const tree = { gpa: treeAt, bytes: deviceTree }
  if (boot.program.length === 0) return userError(`${name} is empty; give an ELF file or a firmware image`)
  if (!isElf(boot.program)) {
    const fault = flatFault(boot.program)
    if (fault !== null) return userError(`${name} ${fault}`)
    const gpa = memoryMap.ram.base
    if (gpa + boot.program.length > treeAt) return tooSmall(boot.program.length + deviceTree.length, ramBytes)
    return ok({
      placements: [tree, { gpa, bytes: boot.program }],
      entry: gpa,
      deviceTree: treeAt,
      htif: null,
    })
  }
  const program = parseElf(boot.program, name)
  if (!program.ok) return program
  const placed = placeElf(program.value, name, ramBytes)
  if (!placed.ok) return placed
  return ok({
    placements: [tree, ...placed.value.placements],
    entry: placed.value.entry,
    deviceTree: treeAt,
    htif: findHtif(program.value, ramBytes),
  })
}

function tooSmall(byteCount: number, ramBytes: number): Result<never> {
  const needed = Math.ceil(byteCount / mib) + 1
  return userError(
    `${formatBytes(ramBytes)} of memory is too small for this program; use --memory ${needed}MiB or more`,
  )
}

/** HTIF words that are not 8-byte aligned RAM are as good as none: the program cannot have meant them. */
function findHtif(program: ElfProgram, ramBytes: number): HtifAddresses | null {
  const tohost = program.symbol('tohost')
  if (tohost === undefined || !isWord(tohost, ramBytes)) return null
  const fromhost = program.symbol('fromhost')
  return { tohost, fromhost: fromhost !== undefined && isWord(fromhost, ramBytes) ? fromhost : tohost + 8 }
}

function isWord(gpa: number, ramBytes: number): boolean {
  return gpa % 8 === 0 && gpa >= memoryMap.ram.base && gpa + 16 <= ramEnd(ramBytes)
}
