/** Direct and bare boot: what is refused and in which words, then where things are put. */

import { describe, expect, it } from 'vitest'
import { flatKernel, messageOf } from '../testing.ts'
import { layOutBareBoot } from './bare.ts'
import { layOutDirectBoot } from './direct.ts'
import { buildElf } from './elf-fixture.ts'

const mib = 2 ** 20
const ram = 0x8000_0000
const tree = new Uint8Array(5000).fill(1)
const code = flatKernel()

function direct(kernel: Uint8Array, ramBytes: number, initrdBytes = 0) {
  const ranges: unknown[] = []
  const layout = layOutDirectBoot(
    { kind: 'direct', kernel, kernelName: 'vmlinux', initrd: new Uint8Array(initrdBytes), commandLine: '' },
    ramBytes,
    (range) => {
      ranges.push(range)
      return tree
    },
  )
  return { layout, ranges }
}

describe('direct boot', () => {
  it.each([
    [
      'an initrd that is too large',
      direct(code, 16 * mib, 20 * mib),
      '16 MiB of memory is too small for this boot (kernel 1 KiB, initrd 20 MiB); use --memory 23MiB or more',
    ],
    [
      'a kernel that is too large',
      direct(flatKernel((3 * mib) / 4), 4 * mib),
      '4 MiB of memory is too small for this boot (kernel 3 MiB, initrd 0 KiB); use --memory 6MiB or more',
    ],
    [
      'an ELF below memory',
      direct(buildElf({ segments: [{ physical: 0x1000, bytes: code }] }), 8 * mib),
      'vmlinux wants to be at 0x1000, below memory; link it at 0x80000000 or above',
    ],
    [
      'an ELF beyond memory',
      direct(buildElf({ segments: [{ physical: ram + 9 * mib, bytes: code }] }), 8 * mib),
      'vmlinux reaches to 0x80900010, beyond 8 MiB of memory; use --memory 11MiB or more',
    ],
    [
      'an ELF without an entry',
      direct(buildElf({ entry: 0x1234, segments: [{ physical: ram, bytes: code }] }), 8 * mib),
      'vmlinux begins at 0x1234, where nothing is loaded',
    ],
  ])('refuses %s', (_what, { layout }, message) => {
    expect(messageOf(layout)).toBe(message)
  })

  it('does what it advises: the memory that it asks for is enough', () => {
    const advice = /use --memory (\d+)MiB/.exec(messageOf(direct(code, 16 * mib, 20 * mib).layout))
    expect(direct(code, Number(advice?.[1]) * mib, 20 * mib).layout.ok).toBe(true)
  })

  it('puts the kernel at 2 MiB, initrd and device tree high, each on its page, apart', () => {
    const { layout, ranges } = direct(code, 64 * mib, 5 * mib + 123)
    if (!layout.ok) throw new Error(layout.error.message)
    const { entry, deviceTree, placements, htif } = layout.value
    expect(entry).toBe(ram + 2 * mib)
    expect(deviceTree % 4096).toBe(0)
    expect(deviceTree + tree.length).toBeLessThanOrEqual(ram + 64 * mib)
    const initrd = placements[1]
    expect(initrd?.gpa).toBe(ram + 64 * mib - 8192 - 5 * mib - 4096)
    expect(ranges.at(-1)).toEqual({ start: initrd?.gpa, end: (initrd?.gpa ?? 0) + 5 * mib + 123 })
    expect(placements[2]).toEqual({ gpa: deviceTree, bytes: tree })
    expect(htif).toBeNull()
  })

  it('tells the tree of no initrd when there is none', () => {
    expect(direct(code, 8 * mib).ranges).toEqual([null, null])
  })

  it('honours the header of a Linux image', () => {
    const image = new Uint8Array(4096)
    const view = new DataView(image.buffer)
    view.setBigUint64(8, 0x40_0000n, true)
    view.setBigUint64(16, BigInt(8 * mib), true)
    image.set(new TextEncoder().encode('RISCV\0\0\0RSC\x05'), 48)
    const { layout } = direct(image, 16 * mib)
    expect(layout.ok && layout.value.entry).toBe(ram + 4 * mib)
    expect(messageOf(direct(image, 8 * mib).layout)).toContain('use --memory 13MiB or more')
  })

  it('enters an ELF kernel at the physical address of its entry', () => {
    const file = buildElf({
      entry: 0xffff_8000_0010,
      segments: [{ physical: ram + 2 * mib, virtual: 0xffff_8000_0000, bytes: flatKernel(8) }],
    })
    const { layout } = direct(file, 8 * mib)
    expect(layout.ok && layout.value.entry).toBe(ram + 2 * mib + 0x10)
  })
})

describe('an ELF whose header is loaded with it', () => {
  it('may reach below memory with that', () => {
    // As `ld -Ttext=0x80000000` makes it: the first segment is the file from offset 0, one page below the code.
    const bytes = new Uint8Array(4096 + 16).fill(0x13)
    const file = buildElf({ entry: ram, segments: [{ physical: ram - 4096, bytes }] })
    new DataView(file.buffer).setBigUint64(64 + 8, 0n, true)
    const { layout } = direct(file, 8 * mib)
    if (!layout.ok) throw new Error(layout.error.message)
    expect(layout.value.entry).toBe(ram)
    expect(layout.value.placements[0]).toEqual({ gpa: ram, bytes: file.subarray(4096, 4096 + 16) })
  })
})

describe('bare boot', () => {
  const bare = (program: Uint8Array, ramBytes = 8 * mib) =>
    layOutBareBoot({ kind: 'bare', program, programName: 'prog' }, ramBytes, tree)

  it.each([
    ['nothing', bare(new Uint8Array(0)), 'prog is empty; give an ELF file or a firmware image'],
    [
      'text',
      bare(new TextEncoder().encode('hello, world')),
      'prog is text, not a RISC-V program; give an Image, an ELF or a flat binary',
    ],
    [
      'another machine',
      bare(buildElf({ machine: 40 })),
      'prog is an ELF file for ARM; this machine is RISC-V',
    ],
    [
      '32 bits',
      bare(buildElf({ fileClass: 1 })),
      'prog is a 32-bit ELF file; this machine is 64-bit (build for rv64)',
    ],
    [
      'firmware larger than memory',
      bare(flatKernel(2 * mib + 1)),
      '8 MiB of memory is too small for this program; use --memory 10MiB or more',
    ],
  ])('refuses %s', (_what, layout, message) => {
    expect(messageOf(layout)).toBe(message)
  })

  it('puts a raw image at the base of memory', () => {
    const layout = bare(code)
    expect(layout.ok && [layout.value.entry, layout.value.placements[1]]).toEqual([
      ram,
      { gpa: ram, bytes: code },
    ])
  })

  it('finds the HTIF words of an ELF, and takes fromhost to follow when there is none', () => {
    const segments = [{ physical: ram, bytes: code }]
    const both = bare(buildElf({ segments, symbols: { tohost: ram + 0x1000, fromhost: ram + 0x1040 } }))
    expect(both.ok && both.value.htif).toEqual({ tohost: ram + 0x1000, fromhost: ram + 0x1040 })
    const one = bare(buildElf({ segments, symbols: { tohost: ram + 0x1000 } }))
    expect(one.ok && one.value.htif).toEqual({ tohost: ram + 0x1000, fromhost: ram + 0x1008 })
    const none = bare(buildElf({ segments, symbols: { tohost: 0x10 } }))
    expect(none.ok && none.value.htif).toBeNull()
  })
})
