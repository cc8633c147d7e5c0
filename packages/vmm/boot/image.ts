/**
 * What a kernel file is: a Linux `Image`, an ELF program, or a flat S-mode image without a header.
 * @spec linux-boot-riscv "Boot image header"
 * Why so suspicious: a kernel for another machine, a compressed one or a text file would hang without a word.
 */

import { assert, ok, type Result, userError } from '@virga/base'
import { decode } from '@virga/riscv/table'
import { type BootFile, headOf } from './boot-file.ts'
import { type ElfProgram, isElf, parseElf } from './elf.ts'

/** A kernel file, told apart. */
export type KernelImage =
  | {
      readonly kind: 'linux'
      /** load address, relative to the 2 MiB-aligned base */
      readonly textOffset: number
      /** bytes it occupies once it runs, at least those of the file */
      readonly imageBytes: number
    }
  | { readonly kind: 'elf'; readonly program: ElfProgram }
  | { readonly kind: 'flat' }

const headerBytes = 64
const at = { textOffset: 8, imageSize: 16, flags: 24, magic: 48, magic2: 56 } as const
const bigEndian = 1n
const offsetMax = 1n << 30n

/** Files that are something else, by their first bytes. */
const others: readonly { offset: number; bytes: string; what: string }[] = [
  { offset: 0, bytes: '\x1f\x8b', what: 'is compressed with gzip; unpack it first (gunzip)' },
  { offset: 0, bytes: '\xfd7zXZ', what: 'is compressed with xz; unpack it first (unxz)' },
  { offset: 0, bytes: '\x28\xb5\x2f\xfd', what: 'is compressed with zstd; unpack it first (unzstd)' },
  { offset: 0, bytes: 'BZh', what: 'is compressed with bzip2; unpack it first (bunzip2)' },
  { offset: 4, bytes: 'zimg', what: 'is a compressed EFI kernel; unpack the Image inside it first' },
  { offset: 56, bytes: 'ARM\x64', what: 'is a Linux kernel for AArch64; this machine is RISC-V' },
  { offset: 0x202, bytes: 'HdrS', what: 'is a Linux kernel for x86; this machine is RISC-V' },
  { offset: 0, bytes: 'MZ', what: 'is an EFI or Windows program, not a RISC-V kernel' },
  { offset: 0, bytes: '\x27\x05\x19\x56', what: 'is a U-Boot image; give the kernel inside it' },
  { offset: 0, bytes: '\xd0\x0d\xfe\xed', what: 'is a device tree or FIT image; give the kernel itself' },
  { offset: 0, bytes: '!<arch>', what: 'is an archive (a package?), not a kernel' },
  { offset: 0, bytes: '070701', what: 'is a cpio archive: an initrd, not a kernel' },
  { offset: 0, bytes: '#!', what: 'is a script, not a kernel' },
]

/** Finds out what a kernel file is. `name` is how errors call it. */
export function readKernelImage(file: BootFile, name: string): Result<KernelImage> {
  const bytes = headOf(file)
  if (file.length === 0) return userError(`${name} is empty; give a RISC-V kernel`)
  if (hasBytes(bytes, at.magic, 'RISCV\0\0\0') || hasBytes(bytes, at.magic2, 'RSC\x05'))
    return readLinux(bytes, file.length, name)
  if (isElf(bytes)) {
    assert(file instanceof Uint8Array, 'an ELF comes whole')
    const program = parseElf(bytes, name)
    return program.ok ? ok({ kind: 'elf', program: program.value }) : program
  }
  const fault = flatFault(bytes)
  return fault === null ? ok({ kind: 'flat' }) : userError(`${name} ${fault}`)
}

/** Why these bytes are no flat image of RISC-V code, or null when they may well be one. */
export function flatFault(bytes: Uint8Array): string | null {
  const other = others.find(({ offset, bytes: magic }) => hasBytes(bytes, offset, magic))
  if (other !== undefined) return other.what
  if (isText(bytes)) return 'is text, not a RISC-V program; give an Image, an ELF or a flat binary'
  if (!beginsWithCode(bytes))
    return 'is not a RISC-V program: it does not begin with RISC-V instructions; give an Image, an ELF or a flat binary'
  return null
}

function readLinux(bytes: Uint8Array, fileBytes: number, name: string): Result<KernelImage> {
  if (fileBytes < headerBytes) return userError(`${name} is a truncated kernel image: its header is cut off`)
  const view = new DataView(bytes.buffer, bytes.byteOffset, bytes.byteLength)
  const textOffset = view.getBigUint64(at.textOffset, true)
  const imageSize = view.getBigUint64(at.imageSize, true)
  if ((view.getBigUint64(at.flags, true) & bigEndian) !== 0n)
    return userError(`${name} is a big-endian kernel`)
  if (textOffset > offsetMax || imageSize > offsetMax)
    return userError(`${name} is a kernel image with a damaged header`)
  // The size in memory includes what is zero at the start; a file far below it was cut off.
  const truncated = Number(imageSize) > fileBytes && sectionsEnd(view) > fileBytes
  if (truncated)
    return userError(`${name} is a truncated kernel image: ${fileBytes} bytes of ${sectionsEnd(view)}`)
  return ok({
    kind: 'linux',
    textOffset: Number(textOffset),
    imageBytes: Math.max(Number(imageSize), fileBytes),
  })
}

/** Where the file's last section ends by its PE header, which an EFI-capable kernel has; 0 when it has none. */
function sectionsEnd(view: DataView): number {
  if (view.getUint16(0, true) !== 0x5a4d) return 0
  const header = view.getUint32(60, true)
  if (header + 24 > view.byteLength || view.getUint32(header, true) !== 0x4550) return 0
  const count = view.getUint16(header + 6, true)
  const table = header + 24 + view.getUint16(header + 20, true)
  let end = 0
  for (let i = 0; i < count && table + i * 40 + 40 <= view.byteLength; i++) {
    const section = table + i * 40
    end = Math.max(end, view.getUint32(section + 16, true) + view.getUint32(section + 20, true))
  }
  return end
}

function hasBytes(bytes: Uint8Array, offset: number, wanted: string): boolean {
  for (let i = 0; i < wanted.length; i++) if (bytes[offset + i] !== wanted.charCodeAt(i)) return false
  return true
}

const textSampleBytes = 256

function isText(bytes: Uint8Array): boolean {
  const sample = bytes.subarray(0, textSampleBytes)
  return sample.every((byte) => (byte >= 0x20 && byte < 0x7f) || byte === 9 || byte === 10 || byte === 13)
}

const probedInstructions = 8
const jumps: ReadonlySet<string> = new Set(['jal', 'jalr', 'mret', 'sret'])

/** Follows the first instructions up to a jump: code begins with instructions, data hardly ever with several. */
function beginsWithCode(bytes: Uint8Array): boolean {
  let offset = 0
  for (let i = 0; i < probedInstructions; i++) {
    if (offset + 2 > bytes.length) return i > 0
    const low = (bytes[offset] ?? 0) | ((bytes[offset + 1] ?? 0) << 8)
    const high = (bytes[offset + 2] ?? 0) | ((bytes[offset + 3] ?? 0) << 8)
    const decoded = decode((low | (high << 16)) >>> 0)
    if (decoded === undefined) return false
    if (jumps.has(decoded.instruction.mnemonic)) return true
    offset += decoded.length
  }
  return true
}
