/** Telling kernels apart: what is no kernel and what the user is told, then what is one. */

import { describe, expect, it } from 'vitest'
import { flatKernel, messageOf } from '../testing.ts'
import { buildElf } from './elf-fixture.ts'
import { readKernelImage } from './image.ts'

const text = (value: string) => new TextEncoder().encode(value)
const bytes = (...values: number[]) => Uint8Array.from([...values, ...new Array(1024).fill(0x5a)])

/** A Linux image: header, then nothing of interest. */
function linuxImage(
  changes: { fileBytes?: number; textOffset?: bigint; imageSize?: bigint; flags?: bigint } = {},
) {
  const image = new Uint8Array(changes.fileBytes ?? 8192)
  const view = new DataView(image.buffer)
  view.setUint32(0, 0x0000_5a4d, true)
  view.setBigUint64(8, changes.textOffset ?? 0n, true)
  view.setBigUint64(16, changes.imageSize ?? 0x4000n, true)
  view.setBigUint64(24, changes.flags ?? 0n, true)
  image.set(text('RISCV\0\0\0'), 48)
  image.set(text('RSC\x05'), 56)
  view.setUint32(60, 0x40, true)
  return image
}

/** The same with a PE header whose one section ends at `end`. */
function withSection(image: Uint8Array, end: number): Uint8Array {
  const view = new DataView(image.buffer)
  view.setUint32(0x40, 0x4550, true)
  view.setUint16(0x46, 1, true)
  view.setUint16(0x54, 0, true)
  const section = 0x40 + 24
  view.setUint32(section + 16, end - 4096, true)
  view.setUint32(section + 20, 4096, true)
  return image
}

const armImage = bytes()
armImage.set(text('ARM\x64'), 56)
const x86Image = bytes()
x86Image.set(text('HdrS'), 0x202)
const zboot = bytes(0x4d, 0x5a, 0, 0)
zboot.set(text('zimg'), 4)

describe('a kernel that is no kernel', () => {
  it.each([
    ['nothing', new Uint8Array(0), 'k is empty; give a RISC-V kernel'],
    [
      'text',
      text('# my notes\nbuy milk\n'),
      'k is text, not a RISC-V program; give an Image, an ELF or a flat binary',
    ],
    ['a script', text('#!/bin/sh\nexit 0\n'), 'k is a script, not a kernel'],
    ['gzip', bytes(0x1f, 0x8b, 8), 'k is compressed with gzip; unpack it first (gunzip)'],
    ['xz', bytes(0xfd, 0x37, 0x7a, 0x58, 0x5a), 'k is compressed with xz; unpack it first (unxz)'],
    ['zstd', bytes(0x28, 0xb5, 0x2f, 0xfd), 'k is compressed with zstd; unpack it first (unzstd)'],
    ['a package', text('!<arch>\ndebian-binary'), 'k is an archive (a package?), not a kernel'],
    ['an initrd', text('0707010000'), 'k is a cpio archive: an initrd, not a kernel'],
    ['a compressed EFI kernel', zboot, 'k is a compressed EFI kernel; unpack the Image inside it first'],
    ['AArch64', armImage, 'k is a Linux kernel for AArch64; this machine is RISC-V'],
    ['x86', x86Image, 'k is a Linux kernel for x86; this machine is RISC-V'],
    ['a PE of another machine', bytes(0x4d, 0x5a), 'k is an EFI or Windows program, not a RISC-V kernel'],
    [
      'a device tree',
      bytes(0xd0, 0x0d, 0xfe, 0xed),
      'k is a device tree or FIT image; give the kernel itself',
    ],
    ['an ELF of x86-64', buildElf({ machine: 62 }), 'k is an ELF file for x86-64; this machine is RISC-V'],
    [
      'zeros',
      new Uint8Array(4096),
      'k is not a RISC-V program: it does not begin with RISC-V instructions; give an Image, an ELF or a flat binary',
    ],
    [
      'ones',
      new Uint8Array(64).fill(0xff),
      'k is not a RISC-V program: it does not begin with RISC-V instructions; give an Image, an ELF or a flat binary',
    ],
    ['a header only', linuxImage().subarray(0, 60), 'k is a truncated kernel image: its header is cut off'],
    ['big-endian', linuxImage({ flags: 1n }), 'k is a big-endian kernel'],
    ['a damaged header', linuxImage({ imageSize: 2n ** 60n }), 'k is a kernel image with a damaged header'],
    [
      'a truncated image',
      withSection(linuxImage({ imageSize: 0x10_0000n }), 60_000),
      'k is a truncated kernel image: 8192 bytes of 60000',
    ],
  ])('is refused: %s', (_what, image, message) => {
    expect(messageOf(readKernelImage(image, 'k'))).toBe(message)
  })
})

describe('a kernel', () => {
  it('is recognised as a Linux image, of the size that it says', () => {
    const image = readKernelImage(linuxImage({ textOffset: 0x20_0000n, imageSize: 0x123_0000n }), 'k')
    expect(image).toEqual({
      ok: true,
      value: { kind: 'linux', textOffset: 0x20_0000, imageBytes: 0x123_0000 },
    })
  })

  it('occupies at least its file', () => {
    const image = readKernelImage(linuxImage({ imageSize: 0n }), 'k')
    expect(image.ok && image.value).toMatchObject({ imageBytes: 8192 })
  })

  it('is recognised as ELF', () => {
    const image = readKernelImage(buildElf(), 'k')
    expect(image.ok && image.value.kind).toBe('elf')
  })

  it.each([
    ['instructions', flatKernel()],
    // csrw sscratch, a0; mv a0, a1; auipc a1, 0
    ['a test kernel', Uint8Array.from([0x73, 0x10, 0x05, 0x14, 0x2e, 0x85, 0x97, 0x05, 0x00, 0x00])],
    // a jump over data
    ['a jump', Uint8Array.from([0x6f, 0x00, 0x80, 0x00, 0xff, 0xff, 0xff, 0xff, 0, 0, 0, 0])],
  ])('is recognised without a header: %s', (_what, image) => {
    expect(readKernelImage(image, 'k')).toEqual({ ok: true, value: { kind: 'flat' } })
  })
})
