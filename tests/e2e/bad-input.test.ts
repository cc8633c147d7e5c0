/** Mistakes and misfortunes: each is one clear line on stderr, and the status says whose it was. */
import { mkdirSync, symlinkSync, writeFileSync } from 'node:fs'
import { createServer } from 'node:http'
import type { AddressInfo } from 'node:net'
import { join } from 'node:path'
import { describe, expect, it } from 'vitest'
import { spinning } from './bare-programs.ts'
import { newFolder, start, virga, virgaCommand, writeProgram } from './virga.ts'

const folder = newFolder()
const file = (name: string, content: string | Uint8Array): string => {
  writeFileSync(join(folder, name), content)
  return name
}

/** An ELF header: class, machine, and nothing behind it. */
function elfHeader(bits: 32 | 64, machine: number): Uint8Array {
  const bytes = new Uint8Array(64)
  bytes.set([0x7f, 0x45, 0x4c, 0x46, bits / 32, 1, 1])
  const view = new DataView(bytes.buffer)
  view.setUint16(16, 2, true)
  view.setUint16(18, machine, true)
  return bytes
}

/** A RISC-V kernel image whose header speaks of 8 MiB in a PE section, but which has only 4 KiB. */
function truncatedImage(): Uint8Array {
  const bytes = new Uint8Array(4096)
  const view = new DataView(bytes.buffer)
  const [imageBytes, peHeader, sectionBytes] = [0x90_0000n, 64, 0x80_0000]
  view.setUint16(0, 0x5a4d, true)
  view.setBigUint64(8, 0x20_0000n, true)
  view.setBigUint64(16, imageBytes, true)
  bytes.set(new TextEncoder().encode('RISCV'), 48)
  bytes.set(new TextEncoder().encode('RSC\x05'), 56)
  view.setUint32(60, peHeader, true)
  view.setUint32(peHeader, 0x4550, true)
  view.setUint16(peHeader + 6, 1, true)
  view.setUint32(peHeader + 24 + 16, sectionBytes, true)
  view.setUint32(peHeader + 24 + 20, 4096, true)
  return bytes
}

const machine = { riscv: 243, x86: 62 } as const
file('text', 'this is a text, which is not a kernel\n')
file('empty', '')
file('elf32', elfHeader(32, machine.riscv))
file('elf-x86', elfHeader(64, machine.x86))
file('elf-cut', elfHeader(64, machine.riscv).subarray(0, 40))
file('image-cut', truncatedImage())
writeProgram(folder, 'spinning', spinning)
mkdirSync(join(folder, 'folder'))
symlinkSync('loop', join(folder, 'loop'))

/** Arguments, and what the line must say. All are the user's mistakes. */
const mistakes: readonly (readonly [args: string, says: RegExp])[] = [
  ['nonsense', /unknown command 'nonsense'; see `virga --help`/],
  ['run --bogus', /unknown option '--bogus'; see `virga run --help`/],
  ['run --cpu 2', /did you mean --cpus\?/],
  ['run surplus', /too many arguments/],
  ['run --cpus', /argument missing/],
  ['run --cpus 0', /1 to 64 harts, not 0/],
  ['run --cpus 65', /1 to 64 harts, not 65/],
  ['run --cpus two', /--cpus takes a whole number from 1 to 64, not 'two'/],
  ['run --cpus 1.5', /--cpus takes a whole number/],
  ['run --memory much', /--memory takes an amount of memory such as 512MiB/],
  ['run --memory 100GiB', /less than 4 GiB; use 4000MiB or less/],
  ['run --bare spinning --memory 1MiB', /too small for a machine; use --memory 4MiB or more/],
  ['run --timeout soon', /--timeout takes a duration such as 60s/],
  ['run --engine steam', /Allowed choices are interpreter/],
  ['run --engine lockstep --cpus 2', /--engine lockstep runs one hart, not 2; leave out --cpus/],
  ['run --stats xml', /Allowed choices are text, json/],
  ['run --image debian', /there is no image debian; there is micro/],
  ['run --initrd text', /goes with --kernel/],
  ['run --bare spinning --exec true', /leave out --exec/],
  ['run --kernel missing', /there is no file missing; check the path/],
  ['run --kernel folder', /folder is a folder; name a file/],
  ['run --kernel /dev/null', /is a device; name a file/],
  ['run --kernel /dev/zero', /is a device; name a file/],
  ['run --kernel empty', /is empty; give a RISC-V kernel/],
  ['run --kernel text', /is text, not a RISC-V program/],
  ['run --kernel elf-x86', /is an ELF file for x86-64; this machine is RISC-V/],
  ['run --kernel elf32', /is a 32-bit ELF file/],
  ['run --kernel elf-cut', /is a truncated ELF file/],
  ['run --kernel image-cut', /is a truncated kernel image/],
  ['run --kernel spinning --initrd missing', /there is no file missing/],
  ['run --bare missing', /there is no file missing/],
  ['run --bare elf-x86', /is an ELF file for x86-64/],
  ['run --bare text', /is text, not a RISC-V program/],
  ['image rm', /missing required argument 'name'/],
  ['image pull debian', /there is no image debian/],
  ['image list -o xml', /Allowed choices are text, json/],
  ['isa addx', /no instruction 'addx'; did you mean addi, add, addw\?/],
  ['isa add --popek-goldberg', /leave out 'add'/],
]

describe("the user's mistake", () => {
  it.each(mistakes)('`virga %s` is one line and status 2', async (args, says) => {
    const { status, stdout, stderr } = await virga(args.split(' '), { folder })
    expect(stderr).toMatch(/^virga: [^\n]+\n$/)
    expect(stderr).toMatch(says)
    expect(status).toBe(2)
    expect(stdout).toBe('')
  })

  it('that names no command is answered with help', async () => {
    const { status, stderr } = await virga([])
    expect(status).toBe(2)
    expect(stderr).toMatch(/^Usage: virga/)
  })
})

/** A cache with nothing in it, and a mirror that is asked directly. */
const emptyCache = (mirror: string) => ({
  XDG_CACHE_HOME: newFolder(),
  VIRGA_DEBIAN_MIRROR: mirror,
  no_proxy: '127.0.0.1',
})

describe("the world's failure", () => {
  it('to read a file is one line and status 1', async () => {
    const { status, stderr } = await virga(['run', '--kernel', 'loop'], { folder })
    expect(stderr).toMatch(/^virga: cannot read loop \(ELOOP\)[^\n]*\n$/)
    expect(status).toBe(1)
  })

  it('to write, on a full disk, is one line and status 1', async () => {
    const [program, ...first] = virgaCommand
    const child = start(['sh', '-c', `'${program}' '${first.join(' ')}' isa > /dev/full`], [])
    const { status, stderr } = await child.ended
    expect(stderr).toMatch(/^virga: cannot write to the standard output \(ENOSPC\)[^\n]*\n$/)
    expect(status).toBe(1)
  })

  it('to find a mirror is one line that says what to set', async () => {
    const environment = emptyCache('ftp://mirror')
    const { status, stderr } = await virga(['image', 'pull'], { environment })
    expect(stderr).toMatch(/^virga: VIRGA_DEBIAN_MIRROR is ftp:\/\/mirror; set it to [^\n]+\n$/)
    expect(status).toBe(2)
  })

  it('of a mirror that is not there is one line and status 1', async () => {
    const environment = emptyCache('http://127.0.0.1:9')
    const { status, stderr } = await virga(['image', 'pull'], { environment })
    expect(stderr.trim().split('\n').at(-1)).toMatch(/^virga: cannot reach the mirror/)
    expect(status).toBe(1)
  })

  it('of a mirror that falls silent is one line and status 1', async () => {
    const silent = createServer(() => undefined)
    await new Promise<void>((resolve) => silent.listen(0, '127.0.0.1', resolve))
    const { port } = silent.address() as AddressInfo
    const environment = { ...emptyCache(`http://127.0.0.1:${port}`), VIRGA_STALL_SECONDS: '1' }
    const { status, stderr } = await virga(['image', 'pull'], { environment })
    silent.closeAllConnections()
    silent.close()
    expect(stderr.trim().split('\n').at(-1)).toMatch(/^virga: the mirror gave no byte of .+ for 1 s; /)
    expect(status).toBe(1)
  })
})
