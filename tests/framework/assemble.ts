/** Assembles and links RISC-V test programs with the cross compiler of Debian's gcc-riscv64-linux-gnu. */

import { spawnSync } from 'node:child_process'
import { mkdtempSync, readFileSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'

/** A program to build. */
export interface Program {
  /** paths of .s files; they go through the C preprocessor */
  readonly sources: readonly string[]
  /** address of the first byte; 0x80000000 unless given */
  readonly base?: number
  /** folders of what the sources include */
  readonly includes?: readonly string[]
  /** preprocessor symbols */
  readonly defines?: Readonly<Record<string, string | number>>
  /** instruction set, rv64gc unless given */
  readonly march?: string
}

const defaultBase = 0x8000_0000
const linkerScript = join(import.meta.dirname, 'assemble-bare.ld')
const compiler = 'riscv64-linux-gnu-gcc'
const objcopy = 'riscv64-linux-gnu-objcopy'
const flags = [
  '-mabi=lp64d',
  '-mcmodel=medany',
  '-static',
  '-ffreestanding',
  '-fno-pic',
  '-O2',
  '-nostdlib',
  '-nostartfiles',
  '-Wl,--no-warn-rwx-segments',
  '-Wl,--build-id=none',
]

/** Builds an ELF program. Throws with the compiler's words, or with what to install. */
export function assembleElf(program: Program): Uint8Array {
  return inFolder((folder) => readFileSync(build(program, folder)))
}

/** Builds a flat binary image: what lies between the lowest and the highest loaded byte. */
export function assembleFlat(program: Program): Uint8Array {
  return inFolder((folder) => {
    const flat = join(folder, 'program.bin')
    run(objcopy, ['-O', 'binary', build(program, folder), flat])
    return readFileSync(flat)
  })
}

function build(program: Program, folder: string): string {
  const elf = join(folder, 'program.elf')
  const defines = Object.entries(program.defines ?? {}).map(([name, value]) => `-D${name}=${value}`)
  const includes = (program.includes ?? []).map((path) => `-I${path}`)
  const march = `-march=${program.march ?? 'rv64gc'}`
  run(compiler, [
    march,
    ...flags,
    ...defines,
    ...includes,
    `-Wl,--defsym=BASE=${program.base ?? defaultBase}`,
    '-T',
    linkerScript,
    '-x',
    'assembler-with-cpp',
    ...program.sources,
    '-o',
    elf,
  ])
  return elf
}

function run(command: string, args: readonly string[]): void {
  const { status, stderr, error } = spawnSync(command, args, { encoding: 'utf8' })
  if (error !== undefined)
    throw new Error(`${command} is missing: install gcc-riscv64-linux-gnu`, { cause: error })
  if (status !== 0) throw new Error(`${command} failed:\n${stderr}`)
}

function inFolder<T>(work: (folder: string) => T): T {
  const folder = mkdtempSync(join(tmpdir(), 'virga-assemble-'))
  try {
    return work(folder)
  } finally {
    rmSync(folder, { recursive: true })
  }
}
